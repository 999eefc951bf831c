//! Writes the `Set-Cookie` headers.

use cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};
use time::Duration;

use super::{Secure, SessionCookies};
use crate::credentials::CookieNames;
use crate::sessions::set_cookies::{SetCookie, SetCookies};
use crate::{endpoint, headers};

/// The greatest length of a cookie's name and value together, in bytes (RFC 6265bis, section 5.6).
const MAX_LENGTH: usize = 4_096;

impl SessionCookies {
    /// Returns the cookies with these tokens. The headers of the browser's request show whether it
    /// is on loopback. Without `max_age`, the cookies last until the browser is closed. If the JWT
    /// does not fit, its cookie is removed.
    pub(crate) fn set(
        &self,
        names: CookieNames<'_>,
        session_jwt: &str,
        session_token: Option<&str>,
        max_age: Option<Duration>,
        request: &HeaderMap,
    ) -> SetCookies {
        let length = names.session_jwt.len() + session_jwt.len();
        let jwt = if length <= MAX_LENGTH {
            self.cookie(names.session_jwt, session_jwt, max_age, request)
        } else {
            tracing::warn!(
                cookie = names.session_jwt,
                bytes = length,
                max_bytes = MAX_LENGTH,
                "a session JWT does not fit into a cookie, so the cookie is removed; guards that \
                 renew sessions use the session token, and for other guards the JWT must be \
                 shorter or sent in a header"
            );
            self.cookie(names.session_jwt, "", Some(Duration::ZERO), request)
        };
        let token = session_token
            .and_then(|token| self.cookie(names.session_token, token, max_age, request));
        SetCookies(jwt.into_iter().chain(token).collect())
    }

    /// Returns the cookies that clear both tokens.
    pub(crate) fn clear(&self, names: CookieNames<'_>, request: &HeaderMap) -> SetCookies {
        let names = [names.session_jwt, names.session_token].into_iter();
        SetCookies(
            names.filter_map(|name| self.cookie(name, "", Some(Duration::ZERO), request)).collect(),
        )
    }

    fn cookie(
        &self,
        name: &str,
        value: &str,
        max_age: Option<Duration>,
        request: &HeaderMap,
    ) -> Option<SetCookie> {
        let is_for_host = name.starts_with("__Host-");
        let mut cookie: CookieBuilder<'_> = Cookie::build((name, value))
            .path(if is_for_host { "/" } else { &*self.path })
            .same_site(SameSite::Lax)
            .http_only(self.http_only)
            .secure(self.is_secure(name, request));
        if let Some(max_age) = max_age {
            cookie = cookie.max_age(max_age);
        }
        if let Some(domain) = self.domain.as_ref().filter(|_| !is_for_host) {
            cookie = cookie.domain(&**domain);
        }
        // This fails only for a cookie name that no request can contain either.
        let mut line = HeaderValue::try_from(cookie.build().to_string()).ok()?;
        line.set_sensitive(true);
        Some(SetCookie { name: name.into(), line })
    }

    /// Returns whether the cookie is `Secure`. Browsers refuse a cookie named `__Host-…` or
    /// `__Secure-…` that is not `Secure`.
    fn is_secure(&self, name: &str, request: &HeaderMap) -> bool {
        name.starts_with("__Host-")
            || name.starts_with("__Secure-")
            || match self.secure {
                Secure::Always => true,
                Secure::Never => false,
                Secure::ExceptOnLoopback => !is_on_loopback(request),
            }
    }
}

fn is_on_loopback(request: &HeaderMap) -> bool {
    let host = headers::exactly_one(request, header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<http::uri::Authority>().ok());
    authority.is_some_and(|authority| endpoint::is_loopback(authority.host()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(cookies: &SetCookies) -> Vec<&str> {
        cookies.0.iter().map(|cookie| cookie.line.to_str().expect("visible ASCII")).collect()
    }

    fn from(host: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))])
    }

    const NAMES: CookieNames<'_> =
        CookieNames { session_jwt: "stytch_session_jwt", session_token: "stytch_session" };

    #[test]
    fn cookies_are_set_and_cleared_with_the_same_attributes() {
        let cookies = SessionCookies::default();
        let age = Some(Duration::seconds(3_600));
        let set = cookies.set(NAMES, "a.b.c", Some("opaque"), age, &from("app.example"));
        assert_eq!(
            lines(&set),
            [
                "stytch_session_jwt=a.b.c; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600",
                "stytch_session=opaque; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600",
            ]
        );
        let own = cookies
            .domain("app.example")
            .expect("a valid domain")
            .path("/app")
            .expect("a valid path")
            .readable_by_scripts();
        let names = CookieNames { session_jwt: "jwt", session_token: "token" };
        assert_eq!(
            lines(&own.clear(names, &from("app.example"))),
            [
                "jwt=; SameSite=Lax; Secure; Path=/app; Domain=app.example; Max-Age=0",
                "token=; SameSite=Lax; Secure; Path=/app; Domain=app.example; Max-Age=0",
            ]
        );
        assert!(!format!("{set:?}").contains("opaque"));
        // A `__Host-` cookie is for this host alone.
        let names = CookieNames { session_jwt: "__Host-jwt", session_token: "__Secure-token" };
        assert_eq!(
            lines(&own.clear(names, &from("localhost"))),
            [
                "__Host-jwt=; SameSite=Lax; Secure; Path=/; Max-Age=0",
                "__Secure-token=; SameSite=Lax; Secure; Path=/app; Domain=app.example; Max-Age=0",
            ]
        );
    }

    #[test]
    fn cookies_are_secure_except_on_loopback() {
        let is_secure = |cookies: &SessionCookies, request: &HeaderMap| {
            lines(&cookies.clear(NAMES, request)).iter().all(|line| line.contains("; Secure"))
        };
        let cookies = SessionCookies::default();
        for (host, want) in [
            ("localhost", false),
            ("localhost:3000", false),
            ("127.0.0.1:3000", false),
            ("[::1]:3000", false),
            ("app.example", true),
            ("localhost.example", true),
            ("127.0.0.1.example", true),
            ("", true),
            ("a b", true),
        ] {
            assert_eq!(is_secure(&cookies, &from(host)), want, "{host}");
        }
        let mut two = from("localhost");
        two.append(header::HOST, HeaderValue::from_static("app.example"));
        assert!(is_secure(&cookies, &two) && is_secure(&cookies, &HeaderMap::new()));
        assert!(is_secure(&cookies.clone().always_secure(), &from("localhost")));
        // On a local network, the application has to opt out of `Secure`.
        let insecure = cookies.insecure_send_over_plain_http();
        assert!(!is_secure(&insecure, &from("192.168.0.7:3000")));
        let names = CookieNames { session_jwt: "__Host-jwt", session_token: "__Secure-token" };
        let prefixed = insecure.clear(names, &from("192.168.0.7:3000"));
        assert!(lines(&prefixed).iter().all(|line| line.contains("; Secure")));
    }

    #[test]
    fn a_jwt_too_long_for_a_cookie_is_removed() {
        let set = |length: usize, token| {
            let jwt = "a".repeat(length - NAMES.session_jwt.len());
            let cookies = SessionCookies::default();
            let set = cookies.set(NAMES, &jwt, token, None, &from("localhost"));
            lines(&set).iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()
        };
        let token = "stytch_session=opaque; HttpOnly; SameSite=Lax; Path=/";
        let removed = "stytch_session_jwt=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
        let [jwt, other] = set(4_096, Some("opaque")).try_into().expect("two cookies");
        assert!(jwt.starts_with("stytch_session_jwt=aaa") && other == token, "{jwt} {other}");
        assert_eq!(set(4_097, Some("opaque")), [removed, token]);
        assert_eq!(set(16_384, None), [removed]);
    }
}
