//! Keeps other sites' pages away: they can make a browser send requests to loopback.

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderValue, Method,
        header::{CACHE_CONTROL, HOST, ORIGIN},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::error::Refusal;

/// Answers only requests to a loopback host (a page whose name was rebound to loopback names another) that no other
/// site's page made.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let mut response = if is_at_home(request.method(), request.headers()) {
        next.run(request).await
    } else {
        Refusal::ForeignRequest.into_response()
    };
    // Nothing here is as it was a moment ago, and much of it is secret.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn is_at_home(method: &Method, headers: &HeaderMap) -> bool {
    let Some(host) = only(headers, HOST.as_str()) else { return false };
    is_loopback(host) && origin_is_own(headers, host) && !is_from_elsewhere(method, headers)
}

/// Whether `host`, with or without a port, is `localhost` or a loopback address.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _port)) => v6,
        None => host.split_once(':').map_or(host, |(name, _port)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn origin_is_own(headers: &HeaderMap, host: &str) -> bool {
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    only(headers, ORIGIN.as_str()).is_some_and(|origin| origin.strip_prefix("http://") == Some(host))
}

/// Browsers say where a request comes from. To follow a link hither is harmless.
fn is_from_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name, value| only(headers, name) == Some(value);
    let own =
        !headers.contains_key("sec-fetch-site") || is("sec-fetch-site", "same-origin") || is("sec-fetch-site", "none");
    let link = *method == Method::GET && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
    !own && !link
}

/// The header's value, if it is there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[track_caller]
    fn check(method: &Method, pairs: &[(&'static str, &'static str)], want: bool) {
        let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        assert_eq!(is_at_home(method, &headers), want, "{method} {pairs:?}");
    }

    #[test]
    fn hosts() {
        for host in ["127.0.0.1", "127.0.0.1:3030", "localhost:3030", "LOCALHOST", "[::1]:3030", "[::1]", "127.8.9.10"]
        {
            check(&Method::POST, &[("host", host)], true);
        }
        for host in
            ["", "example.com", "localhost.example.com", "127.0.0.1.example.com:3030", "10.0.0.1", "0.0.0.0:3030"]
        {
            check(&Method::POST, &[("host", host)], false);
        }
        check(&Method::GET, &[], false);
        check(&Method::GET, &[("host", "localhost"), ("host", "localhost")], false);
    }

    #[test]
    fn origins() {
        const HOST: (&str, &str) = ("host", "127.0.0.1:3030");
        check(&Method::POST, &[HOST, ("origin", "http://127.0.0.1:3030")], true);
        check(&Method::POST, &[HOST, ("origin", "http://127.0.0.1:3000")], false);
        check(&Method::POST, &[HOST, ("origin", "http://localhost:3030")], false);
        check(&Method::POST, &[HOST, ("origin", "https://example.com")], false);
        check(&Method::POST, &[HOST, ("origin", "null")], false);
    }

    #[test]
    fn fetch_metadata() {
        const HOST: (&str, &str) = ("host", "127.0.0.1:3030");
        const LINK: [(&str, &str); 2] = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        check(&Method::POST, &[HOST, ("sec-fetch-site", "same-origin")], true);
        check(&Method::POST, &[HOST, ("sec-fetch-site", "none")], true);
        for site in ["same-site", "cross-site", "?"] {
            check(&Method::POST, &[HOST, ("sec-fetch-site", site)], false);
            check(&Method::GET, &[HOST, ("sec-fetch-site", site)], false);
            check(&Method::GET, &[HOST, ("sec-fetch-site", site), LINK[0], LINK[1]], true);
            check(&Method::POST, &[HOST, ("sec-fetch-site", site), LINK[0], LINK[1]], false);
            check(&Method::GET, &[HOST, ("sec-fetch-site", site), LINK[0], ("sec-fetch-dest", "iframe")], false);
        }
    }
}
