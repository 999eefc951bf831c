//! What caches may keep of a response (RFC 9111, section 5.2.2).

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::headers;

/// Keeps a response to a session out of shared caches, unless its handler has set `Cache-Control`.
///
/// A shared cache cannot tell by itself that the response is for one client: it looks at few of the
/// places where tokens stand, or at none.
pub(crate) fn make_private(response: &mut HeaderMap) {
    if response.contains_key(header::CACHE_CONTROL) {
        return;
    }
    remove(response, overrules);
    headers::insert(response, header::CACHE_CONTROL, HeaderValue::from_static("private"));
}

/// Forbids every cache to keep the response, whatever its handler said.
pub(crate) fn forbid_storing(response: &mut HeaderMap) {
    // HTTP/1.0 knows no other header than `Expires`.
    remove(response, |name| *name == header::EXPIRES || overrules(name));
    headers::insert(response, header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Returns whether some shared cache obeys this header before `Cache-Control`: nginx obeys
/// `X-Accel-Expires`, and content delivery networks obey a header of their own (RFC 9213).
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
