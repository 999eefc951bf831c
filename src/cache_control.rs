//! The headers that restrict what caches store (RFC 9111, section 5.2.2).

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::headers;

/// Keeps a session's response out of shared caches, unless its handler has set `Cache-Control`.
///
/// A shared cache cannot tell that the response is for one client. It takes note of `Authorization`
/// (RFC 9111, section 3.5), but not of cookies or of other headers with tokens.
pub(crate) fn make_private(response: &mut HeaderMap) {
    if response.contains_key(header::CACHE_CONTROL) {
        return;
    }
    remove(response, overrules);
    headers::insert(response, header::CACHE_CONTROL, HeaderValue::from_static("private"));
}

/// Forbids every cache to store the response, even if its handler has set `Cache-Control`.
pub(crate) fn forbid_storing(response: &mut HeaderMap) {
    // A cache that only knows HTTP/1.0 would obey `Expires`.
    remove(response, |name| *name == header::EXPIRES || overrules(name));
    headers::insert(response, header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Returns whether some shared cache prefers this header to `Cache-Control`. nginx prefers
/// `X-Accel-Expires`, and content delivery networks prefer their own headers (RFC 9213).
fn overrules(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.ends_with("-cache-control")
        || matches!(name, "x-accel-expires" | "edge-control" | "surrogate-control")
}

fn remove(response: &mut HeaderMap, which: impl Fn(&HeaderName) -> bool) {
    let names: Vec<_> = response.keys().filter(|name| which(name)).cloned().collect();
    for name in names {
        response.remove(name);
    }
}
