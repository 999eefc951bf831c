//! Setting and removing the cookies that carry a session's tokens (RFC 6265, section 4.1).

use cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};
use time::Duration;

use super::authority::SessionTokens;
use super::set_cookies::{SetCookie, SetCookies};
use crate::credentials::CookieNames;
use crate::{endpoint, headers};

/// How this application sets the cookies that carry a session's tokens: `HttpOnly`, `SameSite=Lax`,
/// `Secure` except on loopback, `Path=/`, without `Domain`, for as long as the session lives.
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
    always_secure: bool,
}

impl Default for SessionCookies {
    fn default() -> Self {
        Self { domain: None, path: "/".into(), http_only: true, always_secure: false }
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
        self.always_secure = true;
        self
    }

    /// Both tokens, for a browser whose request has these headers; without an age until the browser
    /// is closed.
    pub(crate) fn set(
        &self,
        names: CookieNames<'_>,
        tokens: &SessionTokens,
        max_age: Option<Duration>,
        request: &HeaderMap,
    ) -> SetCookies {
        let pairs = [
            (names.session_jwt, &*tokens.session_jwt),
            (names.session_token, &*tokens.session_token),
        ];
        SetCookies(
            pairs
                .into_iter()
                .filter_map(|(name, value)| self.cookie(name, value, max_age, request))
                .collect(),
        )
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
        self.always_secure
            || name.starts_with("__Host-")
            || name.starts_with("__Secure-")
            || !is_on_loopback(request)
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

    fn tokens() -> SessionTokens {
        SessionTokens { session_token: "opaque".into(), session_jwt: "a.b.c".into() }
    }

    #[test]
    fn cookies_are_set_and_cleared_with_the_same_attributes() {
        let cookies = SessionCookies::default();
        let set =
            cookies.set(NAMES, &tokens(), Some(Duration::seconds(3_600)), &from("app.example"));
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
        assert!(is_secure(&cookies.always_secure(), &from("localhost")));
    }
}
