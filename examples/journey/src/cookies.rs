//! The names and attributes of the cookies that carry a session.

use tower_step_up::SessionCookies;
use tower_step_up::stytch::Project;

/// Which cookies browsers take from this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cookies {
    /// Stytch's own names. Without TLS a browser takes no others.
    Plain,
    /// Names that begin with `__Host-`: only this host can set them, and over HTTPS. A cookie that
    /// another site of the same domain plants has another name.
    Host,
}

impl Cookies {
    /// Those for browsers that reach the bank at this address, which is one of https.
    pub(crate) fn of(public_url: Option<&str>) -> Self {
        if public_url.is_some() { Self::Host } else { Self::Plain }
    }

    pub(crate) fn named(self, project: Project) -> Project {
        match self {
            Self::Plain => project,
            Self::Host => project
                .session_jwt_cookie("__Host-stytch_session_jwt")
                .session_token_cookie("__Host-stytch_session"),
        }
    }

    /// A browser refuses a cookie with such a name that is not `Secure`, whatever name of the host
    /// the proxy sends on.
    pub(crate) fn attributes(self) -> SessionCookies {
        match self {
            Self::Plain => SessionCookies::default(),
            Self::Host => SessionCookies::default().always_secure(),
        }
    }
}
