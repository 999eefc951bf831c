//! The attributes of the cookies that carry a session's tokens (RFC 6265, section 4.1).

mod write;

/// The attributes of the cookies that carry a session's tokens. By default the cookies are
/// `HttpOnly`, `SameSite=Lax`, and `Secure` except on loopback. They have `Path=/` and no `Domain`,
/// and they last as long as the session.
///
/// Give the cookies names that begin with `__Host-` if the application is served over HTTPS. An
/// application on another subdomain can then neither set them nor plant a second cookie that locks
/// the user out.
///
/// Browsers drop a cookie whose name and value together exceed 4,096 bytes (RFC 6265bis, section
/// 5.6), and custom claims alone may take 4 kB. A JWT that does not fit is not set. The response
/// removes the old JWT cookie instead, so that guards that [renew](crate::StepUpLayer::renew_with)
/// use the session token. The log gets a warning with the size. A guard that does not renew cannot
/// use such a JWT in a cookie. Send it in a header, or reduce the custom claims.
///
/// Each cookie has the name of the first source of its kind in
/// [`Sessions::credentials`](crate::Sessions::credentials), or else Stytch's name. `Domain` and
/// `Path` must match those with which the cookies were first set. Otherwise a browser keeps both
/// cookies, and a request with two different cookies of one name is refused with
/// 400. A cookie whose name begins with `__Host-` gets no `Domain` and always `Path=/` (RFC
/// 6265bis, section 4.1.3.2). If Stytch's browser SDK sets the cookies, call
/// [`readable_by_scripts`](Self::readable_by_scripts).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookies {
    domain: Option<Box<str>>,
    path: Box<str>,
    http_only: bool,
    secure: Secure,
}

/// Which cookies are `Secure`, in addition to those whose name requires it.
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
    /// Sets `Domain`, so that browsers send the cookies to this domain and its subdomains.
    ///
    /// # Errors
    ///
    /// Returns [`CookieAttributeError`] if the domain is empty or has characters other than
    /// letters, digits, `.` and `-`.
    pub fn domain(mut self, domain: &str) -> Result<Self, CookieAttributeError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        if domain.is_empty() || !domain.bytes().all(is_plain) {
            return Err(CookieAttributeError { attribute: "Domain", value: domain.into() });
        }
        self.domain = Some(domain.into());
        Ok(self)
    }

    /// Sets `Path`.
    ///
    /// # Errors
    ///
    /// Returns [`CookieAttributeError`] if the path does not begin with `/`, or has a `;`, a space
    /// or a character other than visible ASCII.
    pub fn path(mut self, path: &str) -> Result<Self, CookieAttributeError> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b';';
        if !path.starts_with('/') || !path.bytes().all(is_plain) {
            return Err(CookieAttributeError { attribute: "Path", value: path.into() });
        }
        self.path = path.into();
        Ok(self)
    }

    /// Omits `HttpOnly`, so that Stytch's browser SDK can read the cookies. The SDK omits it from
    /// the cookies that it sets, too. Any script on the site can then read them.
    #[must_use]
    pub fn readable_by_scripts(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Sets `Secure` on loopback too. The request's `Host` shows whether the browser is on
    /// loopback, so call this if a proxy replaces `Host` with its own address. The sessions of a
    /// live [`stytch::Project`](crate::stytch::Project) have this setting by default.
    #[must_use]
    pub fn always_secure(mut self) -> Self {
        self.secure = Secure::Always;
        self
    }

    /// Omits `Secure` for every host, so that another device on a local network can use a
    /// development server over plain HTTP.
    ///
    /// Insecure: anyone on the network can read the session's tokens and use them. A cookie whose
    /// name begins with `__Host-` or `__Secure-` stays `Secure`.
    #[must_use]
    pub fn insecure_send_over_plain_http(mut self) -> Self {
        self.secure = Secure::Never;
        self
    }
}

/// An error for a value that cannot be the `Domain` or `Path` of a cookie.
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
    fn invalid_cookie_attributes_are_refused() {
        for domain in ["", "app.example\n", "app.example; Path=/", "app example", "ä.example"] {
            let error = SessionCookies::default().domain(domain).expect_err(domain);
            assert_eq!(error.to_string(), format!("{domain:?} cannot be the Domain of a cookie"));
        }
        for path in ["", "app", "/a;b", "/a b", "/a\n", "/ä"] {
            assert!(SessionCookies::default().path(path).is_err(), "{path}");
        }
    }
}
