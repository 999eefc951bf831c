//! The service that keeps the sessions: it knows whether one is alive, and gives fresh tokens for
//! it.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What keeps the sessions: a token in, the live session's fresh tokens out.
///
/// Stytch's API is one, as `stytch::SessionsApi` (feature `remote`); another may stand before a
/// gateway or the official SDK, or be a test's double:
///
/// ```
/// use tower_step_up::SessionTokens;
/// use tower_step_up::sessions::{
///     AuthorityFuture, AuthorityError, PresentedToken, SessionAuthority,
/// };
///
/// struct Nobody;
///
/// impl SessionAuthority for Nobody {
///     fn authenticate(&self, _token: PresentedToken) -> AuthorityFuture<SessionTokens> {
///         Box::pin(async { Err(AuthorityError::UnknownSession) })
///     }
///
///     fn revoke(&self, _session_id: String) -> AuthorityFuture<()> {
///         Box::pin(async { Ok(()) })
///     }
/// }
/// ```
///
/// What it answers is not trusted: the fresh JWT is verified like any other.
pub trait SessionAuthority: Send + Sync + 'static {
    /// Returns the tokens of this token's session if it is alive. The JWT may have expired. The
    /// answer to one JWT of a session counts for every JWT of that session.
    ///
    /// # Errors
    ///
    /// Returns [`AuthorityError::UnknownSession`] only if the authority says that no such session
    /// is alive, and [`AuthorityError::Unavailable`] in every other case.
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens>;

    /// Ends the session with this id.
    ///
    /// # Errors
    ///
    /// Returns [`AuthorityError::Unavailable`] if the authority does not say that the session has
    /// ended. [`AuthorityError::UnknownSession`] counts as ended.
    fn revoke(&self, session_id: String) -> AuthorityFuture<()>;

    /// Ends the session of this token, which may be made up. Signing out asks for it if the
    /// session's id is not known here: there are no keys for the JWT, or the opaque token cannot be
    /// exchanged. By default this returns an error, and so does signing out.
    ///
    /// # Errors
    ///
    /// Returns [`AuthorityError::UnknownSession`] only if the authority says that the token is of
    /// no session that is alive, and [`AuthorityError::Unavailable`] if it does not say that the
    /// session has ended.
    fn revoke_by_token(&self, token: PresentedToken) -> AuthorityFuture<()> {
        drop(token);
        Box::pin(async { Err(AuthorityError::unavailable("it cannot revoke by token")) })
    }
}

impl<A: SessionAuthority + ?Sized> SessionAuthority for Arc<A> {
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        (**self).authenticate(token)
    }

    fn revoke(&self, session_id: String) -> AuthorityFuture<()> {
        (**self).revoke(session_id)
    }

    fn revoke_by_token(&self, token: PresentedToken) -> AuthorityFuture<()> {
        (**self).revoke_by_token(token)
    }
}

/// The future answer of an authority. It runs in a separate task.
pub type AuthorityFuture<T> = Pin<Box<dyn Future<Output = Result<T, AuthorityError>> + Send>>;

/// A token of a session, of either kind. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub enum PresentedToken {
    /// A session JWT, which may have expired. It is genuine if the question is
    /// [`authenticate`](SessionAuthority::authenticate), and has not been verified if it is
    /// [`revoke_by_token`](SessionAuthority::revoke_by_token): a client may have made it up.
    SessionJwt(Box<str>),
    /// An opaque session token, of which nothing is known.
    SessionToken(Box<str>),
}

impl fmt::Debug for PresentedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SessionJwt(_) => "SessionJwt(…)",
            Self::SessionToken(_) => "SessionToken(…)",
        })
    }
}

/// Both tokens of a live session. `Debug` shows none of them.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionTokens {
    /// The opaque one, which lives as long as the session: at most 1,024 bytes that can stand in a
    /// cookie.
    pub session_token: String,
    /// The JWT, which lives for five minutes: at most 16 KiB.
    pub session_jwt: String,
}

/// The longest token that is sent or taken, in bytes.
pub(crate) const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// Whether a token can stand in a cookie (RFC 6265, section 4.1.1: `cookie-octet`).
pub(crate) fn can_be_a_cookie(token: &str) -> bool {
    let is_octet =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
    (1..=MAX_TOKEN_LENGTH).contains(&token.len()) && token.bytes().all(is_octet)
}

/// The longest opaque token that a guard takes, in bytes: a cookie of a browser has 4 KiB with its
/// attributes.
const MAX_SESSION_TOKEN_LENGTH: usize = 1_024;

pub(crate) fn can_be_a_session_token(token: &str) -> bool {
    token.len() <= MAX_SESSION_TOKEN_LENGTH && can_be_a_cookie(token)
}

impl fmt::Debug for SessionTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTokens").finish_non_exhaustive()
    }
}

/// Why an authority has no live session to give.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthorityError {
    /// It knows no such session: it has ended, was revoked, or never was.
    UnknownSession,
    /// It cannot be reached, is too slow or too busy, refuses this application, or makes no sense.
    Unavailable {
        /// How long to wait before asking again; 1 s to 60 s is used.
        retry_after: Option<Duration>,
        /// For the log; it must not contain tokens.
        cause: Arc<dyn Error + Send + Sync>,
    },
}

impl AuthorityError {
    /// Returns an error that says why there is no answer, and not when to ask again.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { retry_after: None, cause: Arc::from(cause.into()) }
    }

    /// Adds how long to wait before the authority is asked again; 1 s to 60 s is used. It has no
    /// effect on
    /// [`UnknownSession`](Self::UnknownSession).
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        if let Self::Unavailable { retry_after, .. } = &mut self {
            *retry_after = Some(time);
        }
        self
    }
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSession => f.write_str("no such session is alive"),
            Self::Unavailable { .. } => f.write_str("the session cannot be confirmed now"),
        }
    }
}

/// By hand, since `thiserror` would return the `Arc`, which cannot be downcast to the cause.
impl Error for AuthorityError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::UnknownSession => None,
            Self::Unavailable { cause, .. } => Some(&**cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_shows() {
        let tokens = SessionTokens { session_token: "secret".into(), session_jwt: "secret".into() };
        for shown in [
            format!("{tokens:?}"),
            format!("{:?}", PresentedToken::SessionJwt("secret".into())),
            format!("{:?}", PresentedToken::SessionToken("secret".into())),
        ] {
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
