//! Setting and removing the cookies that carry a session's tokens (RFC 6265, section 4.1).

use cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};
use time::Duration;

use super::set_cookies::{SetCookie, SetCookies};
use crate::credentials::CookieNames;
use crate::{endpoint, headers};

/// How this application sets the cookies that carry a session's tokens: `HttpOnly`, `SameSite=Lax`,
/// `Secure` except on loopback, `Path=/`, without `Domain`, for as long as the session lives.
///
/// Give the cookies names that begin with `__Host-` if the application is served over HTTPS: no
/// other site of the domain can set such a cookie, so nobody can plant a second one that locks the
/// user out, or a session of their own.
///
/// Browsers drop a cookie whose name and value have more than 4,096 bytes (RFC 6265bis, section
/// 5.6), and custom claims alone may have 4 kB. A JWT that does not fit is not set. The old JWT
/// cookie is removed, so that guards that [renew](crate::StepUpLayer::renew_with) go by the session
/// token, and a warning in the log has the size. A guard that does not renew cannot be used with
/// such a JWT in a cookie: send it in a header, or state less in custom claims.
///
/// Their names are the first that [`Sessions::credentials`](crate::Sessions::credentials) reads, or
/// Stytch's if it names no cookie. `Domain` and `Path` have to be those with which the cookies were
/// first set: with others a browser keeps both, and two cookies of one name are a 400. A cookie
/// whose name begins with `__Host-` has neither (RFC 6265bis, section 4.1.3.2). Where Stytch's
/// browser SDK sets them, say [`readable_by_scripts`](Self::readable_by_scripts).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookies {
    domain: Option<Box<str>>,
    path: Box<str>,
    http_only: bool,
    secure: Secure,
}

/// Which cookies are `Secure`, beside those whose name demands it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secure {
    ExceptOnLoopback,
    Always,
    Never,
}

/// The longest name and value of a cookie together, in bytes (RFC 6265bis, section 5.6).
const MAX_LENGTH: usize = 4_096;

impl Default for SessionCookies {
    fn default() -> Self {
        let secure = Secure::ExceptOnLoopback;
        Self { domain: None, path: "/".into(), http_only: true, secure }
    }
}

impl SessionCookies {
    /// With this `Domain`: for it and the domains below it.
    ///
    /// # Errors
    ///
    /// Returns [`CookieAttributeError`] if it has other characters than letters, digits, `.` and
    /// `-`.
    pub fn domain(mut self, domain: &str) -> Result<Self, CookieAttributeError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        if domain.is_empty() || !domain.bytes().all(is_plain) {
            return Err(CookieAttributeError { attribute: "Domain", value: domain.into() });
        }
        self.domain = Some(domain.into());
        Ok(self)
    }

    /// With this `Path`.
    ///
    /// # Errors
    ///
    /// Returns [`CookieAttributeError`] if it does not begin with `/`, or has a `;`, a space or a
    /// character that is no visible ASCII.
    pub fn path(mut self, path: &str) -> Result<Self, CookieAttributeError> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b';';
        if !path.starts_with('/') || !path.bytes().all(is_plain) {
            return Err(CookieAttributeError { attribute: "Path", value: path.into() });
        }
        self.path = path.into();
        Ok(self)
    }

    /// Without `HttpOnly`, as Stytch's browser SDK sets them, which has to read them: so can any
    /// script of the site.
    #[must_use]
    pub fn readable_by_scripts(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Sets `Secure` on loopback too. The request's `Host` tells whether the browser is on
    /// loopback, so call this if a proxy replaces `Host` with its own address. The sessions of a
    /// live project do.
    #[must_use]
    pub fn always_secure(mut self) -> Self {
        self.secure = Secure::Always;
        self
    }

    /// Omits `Secure` for every host, so that a development server can be used over plain HTTP from
    /// another device of a local network.
    ///
    /// Insecure: anyone on the network can read the session's tokens and use them. A cookie whose
    /// name begins with `__Host-` or `__Secure-` stays `Secure`.
    #[must_use]
    pub fn insecure_send_over_plain_http(mut self) -> Self {
        self.secure = Secure::Never;
        self
    }

    /// Returns the cookies with these tokens, for a browser whose request has these headers. Without
    /// an age they last until the browser is closed. A JWT that does not fit is removed.
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
                length,
                max_length = MAX_LENGTH,
                "a session JWT does not fit into a cookie, so the cookie is removed: guards that \
                 renew sessions go by the session token, and for others the JWT must be shorter or \
                 sent in a header"
            );
            self.cookie(names.session_jwt, "", Some(Duration::ZERO), request)
        };
        let token = session_token
            .and_then(|token| self.cookie(names.session_token, token, max_age, request));
        SetCookies(jwt.into_iter().chain(token).collect())
    }

    /// Returns the cookies that clear both.
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
        // Its name is one that no request can bring either.
        let mut line = HeaderValue::try_from(cookie.build().to_string()).ok()?;
        line.set_sensitive(true);
        Some(SetCookie { name: name.into(), line })
    }

    /// Browsers refuse a cookie with one of the two prefixes that is not secure.
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

/// An attribute that no cookie can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} cannot be the {attribute} of a cookie")]
pub struct CookieAttributeError {
    attribute: &'static str,
    value: Box<str>,
}

fn is_on_loopback(request: &HeaderMap) -> bool {
    let host = headers::only(request, header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<http::uri::Authority>().ok());
    authority.is_some_and(|authority| endpoint::is_loopback(authority.host()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(cookies: &SetCookies) -> Vec<&str> {
        cookies.0.iter().map(|cookie| cookie.line.to_str().expect("text")).collect()
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
            .expect("plain")
            .path("/app")
            .expect("plain")
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
        // One of the first prefix is for this host alone.
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
    fn attributes_that_no_cookie_can_have_are_refused() {
        for domain in ["", "app.example\n", "app.example; Path=/", "app example", "ä.example"] {
            let error = SessionCookies::default().domain(domain).expect_err(domain);
            assert_eq!(error.to_string(), format!("{domain:?} cannot be the Domain of a cookie"));
        }
        for path in ["", "app", "/a;b", "/a b", "/a\n", "/ä"] {
            assert!(SessionCookies::default().path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn secure_except_on_loopback() {
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
        // On a local network somebody has to say so.
        let insecure = cookies.insecure_send_over_plain_http();
        assert!(!is_secure(&insecure, &from("192.168.0.7:3000")));
        let names = CookieNames { session_jwt: "__Host-jwt", session_token: "__Secure-token" };
        let prefixed = insecure.clear(names, &from("192.168.0.7:3000"));
        assert!(lines(&prefixed).iter().all(|line| line.contains("; Secure")));
    }

    #[test]
    fn a_jwt_that_no_browser_would_keep_is_removed() {
        let set = |length: usize, token| {
            let jwt = "a".repeat(length - NAMES.session_jwt.len());
            let cookies = SessionCookies::default();
            let set = cookies.set(NAMES, &jwt, token, None, &from("localhost"));
            lines(&set).iter().map(|line| (*line).to_owned()).collect::<Vec<_>>()
        };
        let token = "stytch_session=opaque; HttpOnly; SameSite=Lax; Path=/";
        let removed = "stytch_session_jwt=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
        let [jwt, other] = set(4_096, Some("opaque")).try_into().expect("two");
        assert!(jwt.starts_with("stytch_session_jwt=aaa") && other == token, "{jwt} {other}");
        assert_eq!(set(4_097, Some("opaque")), [removed, token]);
        assert_eq!(set(16_384, None), [removed]);
    }
}
