//! Refuses requests that pages of other sites make. Any page can make a browser send requests to
//! loopback.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderValue, Method, Uri,
        header::{CACHE_CONTROL, HOST, ORIGIN},
        uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::error::Refusal;

/// Allows a request only if its host is a loopback one and no page of another site made it. The
/// host check stops DNS rebinding: a page whose name was rebound to loopback sends its own host
/// name.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let mut response = if is_allowed(request.method(), request.uri(), request.headers()) {
        next.run(request).await
    } else {
        Refusal::ForeignRequest.into_response()
    };
    // No cache may store a response: it may change at any moment, and many contain secrets.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn is_allowed(method: &Method, target: &Uri, headers: &HeaderMap) -> bool {
    let Some(host) = exactly_one(headers, HOST.as_str()) else { return false };
    host.parse().is_ok_and(|host| is_loopback(&host))
        && target.authority().is_none_or(is_loopback)
        && origin_is_own(headers, host)
        && !is_cross_site(method, headers)
}

/// Returns whether the authority is `localhost` or a loopback address, with or without a port.
fn is_loopback(authority: &Authority) -> bool {
    let name = authority.host();
    // If the authority does not begin with its host, it contains a user name.
    let Some(port) = authority.as_str().strip_prefix(name) else { return false };
    let loopback = match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => v6.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback()),
        None => {
            name.eq_ignore_ascii_case("localhost")
                || name.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        }
    };
    loopback && is_port(port) && !authority.as_str().contains('@')
}

/// Returns whether the text is empty or a colon, with or without a number after it (RFC 3986,
/// section 3.2.3).
fn is_port(text: &str) -> bool {
    let Some(port) = text.strip_prefix(':') else { return text.is_empty() };
    port.bytes().all(|digit| digit.is_ascii_digit())
        && (port.is_empty() || port.parse::<u16>().is_ok())
}

fn origin_is_own(headers: &HeaderMap, host: &str) -> bool {
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    exactly_one(headers, ORIGIN.as_str())
        .is_some_and(|origin| origin.strip_prefix("http://") == Some(host))
}

/// Returns whether the browser reports that another site made the request. A link from another site
/// is harmless.
fn is_cross_site(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name, value| exactly_one(headers, name) == Some(value);
    let own = !headers.contains_key("sec-fetch-site")
        || is("sec-fetch-site", "same-origin")
        || is("sec-fetch-site", "none");
    let link = *method == Method::GET
        && is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document");
    !own && !link
}

/// Returns the header's value if the header is present exactly once.
fn exactly_one<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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
        let pair =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        assert_eq!(
            is_allowed(method, &Uri::from_static("/local/clock"), &headers),
            want,
            "{method} {pairs:?}"
        );
    }

    #[test]
    fn only_loopback_hosts_are_allowed() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:3030",
            "localhost:3030",
            "LOCALHOST",
            "[::1]:3030",
            "[::1]",
            "127.8.9.10",
        ] {
            check(&Method::POST, &[("host", host)], true);
        }
        check(&Method::POST, &[("host", "127.0.0.1:")], true);
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "localhost.",
            "127.0.0.1.example.com:3030",
            "127.0.0.1:example.com",
            "127.0.0.1:+80",
            "127.0.0.1:65536",
            "10.0.0.1",
            "0.0.0.0:3030",
            "127.1",
            "::1",
            "[127.0.0.1]",
            "[::1",
            "[::1].example.com",
            "[::1]example.com:80",
            "[::ffff:127.0.0.1]",
            "localhost:80@example.com",
            "example.com:80@localhost",
            "localhost@localhost",
            "localhost, example.com",
            "localhost/example.com",
        ] {
            check(&Method::POST, &[("host", host)], false);
        }
        check(&Method::GET, &[], false);
        check(&Method::GET, &[("host", "localhost"), ("host", "localhost")], false);
    }

    #[test]
    fn an_absolute_target_must_be_loopback() {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("127.0.0.1"))]);
        for (target, want) in [
            ("/local/clock", true),
            ("http://127.0.0.1/local/clock", true),
            ("http://localhost:3030/local/clock", true),
            ("http://example.com/local/clock", false),
            ("http://localhost@example.com/local/clock", false),
            ("example.com:80", false),
        ] {
            assert_eq!(
                is_allowed(&Method::GET, &Uri::from_static(target), &headers),
                want,
                "{target}"
            );
        }
    }

    #[test]
    fn the_origin_must_match_the_host() {
        const HOST: (&str, &str) = ("host", "127.0.0.1:3030");
        check(&Method::POST, &[HOST, ("origin", "http://127.0.0.1:3030")], true);
        check(&Method::POST, &[HOST, ("origin", "http://127.0.0.1:3000")], false);
        check(&Method::POST, &[HOST, ("origin", "http://localhost:3030")], false);
        check(&Method::POST, &[HOST, ("origin", "https://example.com")], false);
        check(&Method::POST, &[HOST, ("origin", "null")], false);
    }

    #[test]
    fn cross_site_requests_are_refused_except_for_links() {
        const HOST: (&str, &str) = ("host", "127.0.0.1:3030");
        const LINK: [(&str, &str); 2] =
            [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        check(&Method::POST, &[HOST, ("sec-fetch-site", "same-origin")], true);
        check(&Method::POST, &[HOST, ("sec-fetch-site", "none")], true);
        for site in ["same-site", "cross-site", "?"] {
            check(&Method::POST, &[HOST, ("sec-fetch-site", site)], false);
            check(&Method::GET, &[HOST, ("sec-fetch-site", site)], false);
            check(&Method::GET, &[HOST, ("sec-fetch-site", site), LINK[0], LINK[1]], true);
            check(&Method::POST, &[HOST, ("sec-fetch-site", site), LINK[0], LINK[1]], false);
            check(
                &Method::GET,
                &[HOST, ("sec-fetch-site", site), LINK[0], ("sec-fetch-dest", "iframe")],
                false,
            );
        }
    }
}
