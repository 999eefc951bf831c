//! Setting and removing the cookies that carry a session's tokens (RFC 6265, section 4.1).

use cookie::{Cookie, CookieBuilder, SameSite};
use http::{HeaderMap, HeaderValue, header};
use time::Duration;

use super::{SESSION_JWT_COOKIE, SESSION_TOKEN_COOKIE};
use crate::authority::SessionTokens;
use crate::endpoint;

/// How this application sets the cookies that carry a session's tokens: `HttpOnly`, `SameSite=Lax`, `Secure` except on
/// loopback, `Path=/`, without `Domain`, for as long as the session lives.
///
/// Names, `Domain` and `Path` have to be those with which the cookies were first set: with others a browser keeps both, and
/// two cookies of one name are a 400. Where Stytch's browser SDK sets them, say [`readable_by_scripts`](Self::readable_by_scripts).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookies {
    session_jwt: Box<str>,
    session_token: Box<str>,
    domain: Option<Box<str>>,
    path: Box<str>,
    http_only: bool,
    always_secure: bool,
}

impl Default for SessionCookies {
    /// Stytch's names: `stytch_session_jwt` and `stytch_session`.
    fn default() -> Self {
        Self::named(SESSION_JWT_COOKIE, SESSION_TOKEN_COOKIE)
    }
}

impl SessionCookies {
    /// Cookies of these names: for the session JWT, and for the opaque session token.
    #[must_use]
    pub fn named(session_jwt: &str, session_token: &str) -> Self {
        Self {
            session_jwt: session_jwt.into(),
            session_token: session_token.into(),
            domain: None,
            path: "/".into(),
            http_only: true,
            always_secure: false,
        }
    }

    /// With this `Domain`: for it and the domains below it.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// With this `Path`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = path.into();
        self
    }

    /// Without `HttpOnly`, as Stytch's browser SDK sets them, which has to read them: so can any script of the site.
    #[must_use]
    pub fn readable_by_scripts(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// `Secure` on loopback too, by which a guard knows a browser on the same machine: the request's `Host`. Say it where a
    /// proxy in front puts its own address there. A live project's guard has it.
    #[must_use]
    pub fn always_secure(mut self) -> Self {
        self.always_secure = true;
        self
    }

    /// Both tokens, for a browser whose request has these headers; without an age until the browser is closed.
    pub(crate) fn set(&self, tokens: &SessionTokens, max_age: Option<Duration>, request: &HeaderMap) -> SetCookies {
        let pairs = [(&self.session_jwt, &*tokens.session_jwt), (&self.session_token, &*tokens.session_token)];
        SetCookies(pairs.into_iter().filter_map(|(name, value)| self.cookie(name, value, max_age, request)).collect())
    }

    /// What removes both.
    pub(crate) fn remove(&self, request: &HeaderMap) -> SetCookies {
        let names = [&self.session_jwt, &self.session_token].into_iter();
        SetCookies(names.filter_map(|name| self.cookie(name, "", Some(Duration::ZERO), request)).collect())
    }

    fn cookie(&self, name: &str, value: &str, max_age: Option<Duration>, request: &HeaderMap) -> Option<SetCookie> {
        let mut cookie: CookieBuilder<'_> = Cookie::build((name, value))
            .path(&*self.path)
            .same_site(SameSite::Lax)
            .http_only(self.http_only)
            .secure(self.is_secure(name, request));
        if let Some(max_age) = max_age {
            cookie = cookie.max_age(max_age);
        }
        if let Some(domain) = &self.domain {
            cookie = cookie.domain(&**domain);
        }
        let mut line = HeaderValue::try_from(cookie.build().to_string()).ok()?;
        line.set_sensitive(true);
        Some(SetCookie { name: name.into(), line })
    }

    /// Browsers refuse a cookie with one of the two prefixes that is not secure.
    fn is_secure(&self, name: &str, request: &HeaderMap) -> bool {
        self.always_secure || name.starts_with("__Host-") || name.starts_with("__Secure-") || !is_on_loopback(request)
    }
}

fn is_on_loopback(request: &HeaderMap) -> bool {
    let mut hosts = request.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    let authority = host.to_str().ok().and_then(|host| host.parse::<http::uri::Authority>().ok());
    authority.is_some_and(|authority| endpoint::is_loopback(authority.host()))
}

/// `Set-Cookie` headers for a response: each with a token, or with what removes one. `Debug` shows no tokens.
///
/// With the feature `axum` it is a part of a response: `(cookies, "signed in")`.
#[must_use = "a browser gets the cookies only where they are put into the response"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookies(Vec<SetCookie>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct SetCookie {
    name: Box<str>,
    /// Sensitive, so that `Debug` does not show it.
    line: HeaderValue,
}

impl SetCookies {
    /// Adds them to a response's headers, which no cache may keep then: `Cache-Control` becomes `no-store`.
    pub fn append_to(&self, headers: &mut HeaderMap) {
        for cookie in &self.0 {
            // It fails only where there are as many headers as there can be.
            let _ = headers.try_append(header::SET_COOKIE, cookie.line.clone());
        }
        forbid_storing(headers);
    }

    /// Adds them, unless one of them is among the cookies of the response: its handler knows better.
    pub(crate) fn fill_in(&self, headers: &mut HeaderMap) {
        let names = headers.get_all(header::SET_COOKIE).iter().map(|line| name_of(line.as_bytes()));
        let are_set = names.into_iter().any(|name| self.0.iter().any(|cookie| cookie.name.as_bytes() == name));
        if !are_set {
            self.append_to(headers);
        }
    }
}

/// Also what caches of content delivery networks go by instead (RFC 9213).
pub(crate) fn forbid_storing(headers: &mut HeaderMap) {
    headers.remove("cdn-cache-control");
    headers.remove("surrogate-control");
    // It fails only where there are as many headers as there can be.
    let _ = headers.try_insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn name_of(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii()
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

    fn tokens() -> SessionTokens {
        SessionTokens { session_token: "opaque".into(), session_jwt: "a.b.c".into() }
    }

    #[test]
    fn cookies_are_set_and_removed_with_the_same_attributes() {
        let cookies = SessionCookies::default();
        let set = cookies.set(&tokens(), Some(Duration::seconds(3_600)), &from("app.example"));
        assert_eq!(
            lines(&set),
            [
                "stytch_session_jwt=a.b.c; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600",
                "stytch_session=opaque; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600",
            ]
        );
        let own = SessionCookies::named("jwt", "token").domain("app.example").path("/app").readable_by_scripts();
        assert_eq!(
            lines(&own.remove(&from("app.example"))),
            [
                "jwt=; SameSite=Lax; Secure; Path=/app; Domain=app.example; Max-Age=0",
                "token=; SameSite=Lax; Secure; Path=/app; Domain=app.example; Max-Age=0",
            ]
        );
        assert!(!format!("{set:?}").contains("opaque"));
    }

    #[test]
    fn secure_except_on_loopback() {
        let is_secure = |cookies: &SessionCookies, request: &HeaderMap| {
            lines(&cookies.remove(request)).iter().all(|line| line.contains("; Secure"))
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
        assert!(is_secure(&SessionCookies::named("__Host-jwt", "__Secure-token"), &from("localhost")));
    }

    #[test]
    fn what_the_handler_set_stays_alone() {
        let set = SessionCookies::default().set(&tokens(), Some(Duration::seconds(60)), &from("app.example"));
        for (line, want) in [
            ("theme=dark", &["theme", "stytch_session_jwt", "stytch_session"][..]),
            ("stytch_session_jwt=; Max-Age=0", &["stytch_session_jwt"]),
            (" stytch_session = x", &["stytch_session"]),
        ] {
            let mut headers = HeaderMap::from_iter([(header::SET_COOKIE, HeaderValue::from_static(line))]);
            set.fill_in(&mut headers);
            let names: Vec<_> =
                headers.get_all(header::SET_COOKIE).iter().map(|line| name_of(line.as_bytes())).collect();
            assert_eq!(names, want.iter().map(|name| name.as_bytes()).collect::<Vec<_>>(), "{line}");
            assert_eq!(headers.get(header::CACHE_CONTROL).is_some(), want.len() > 1);
        }
    }
}
