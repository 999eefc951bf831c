//! Which servers may be asked, and what is this machine.

use http::Uri;
use http::uri::Scheme;

/// HTTPS to anywhere, or HTTP to this machine: anyone could answer for another.
pub(crate) fn is_allowed(url: &Uri) -> bool {
    let Some(host) = url.host() else { return false };
    // A name and password would stand in every log line.
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return false;
    }
    match url.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        Some(scheme) if *scheme == Scheme::HTTP => is_loopback(host),
        _ => false,
    }
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &'static str, want: bool) {
        assert_eq!(is_allowed(&Uri::from_static(url)), want, "{url}");
    }

    #[test]
    fn plain_http_goes_to_loopback_only() {
        check("https://api.stytch.com/jwks", true);
        check("http://127.0.0.1:8080/jwks", true);
        check("http://127.9.9.9/jwks", true);
        check("http://[::1]:8080/jwks", true);
        check("http://LocalHost/jwks", true);
        check("http://api.stytch.com/jwks", false);
        check("http://127.0.0.1.example/jwks", false);
        check("http://localhost.example/jwks", false);
        check("http://127.0.0.1@example.com/jwks", false);
        check("https://name:word@api.stytch.com/jwks", false);
        check("http://0.0.0.0/jwks", false);
        check("/jwks", false);
    }
}
