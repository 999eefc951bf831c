//! The attributes of the cookies that carry a session's tokens (RFC 6265, section 4.1).

mod write;

/// How this application sets the cookies that carry a session's tokens: `HttpOnly`, `SameSite=Lax`,
/// `Secure` except on loopback, `Path=/`, without `Domain`, for as long as the session lives.
///
/// Give the cookies names that begin with `__Host-` if the application is served over HTTPS. No
/// other site of the domain can set such a cookie, or plant a second one that locks the user out.
///
/// Browsers drop a cookie whose name and value have more than 4,096 bytes (RFC 6265bis, section
/// 5.6), and custom claims alone may have 4 kB. A JWT that does not fit is not set. The old JWT
/// cookie is removed, so that guards that [renew](crate::StepUpLayer::renew_with) go by the session
/// token, and a warning in the log has the size. A guard that does not renew cannot be used with
/// such a JWT in a cookie: send it in a header, or state less in custom claims.
///
/// Their names are the first that [`Sessions::credentials`](crate::Sessions::credentials) reads, or
/// Stytch's if it names no cookie. `Domain` and `Path` have to be those with which the cookies were
/// first set: with others a browser keeps both, and two different cookies of one name are a 400. A
/// cookie whose name begins with `__Host-` has neither (RFC 6265bis, section 4.1.3.2). If
/// Stytch's browser SDK sets them, say [`readable_by_scripts`](Self::readable_by_scripts).
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
    /// character other than visible ASCII.
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
}

/// An attribute that no cookie can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} cannot be the {attribute} of a cookie")]
pub struct CookieAttributeError {
    attribute: &'static str,
    value: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
