//! The authority: the service that keeps the sessions. It knows whether a session is alive and
//! issues fresh tokens for it.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The service that keeps the sessions. It exchanges a token of a live session for fresh tokens.
///
/// `stytch::SessionsApi` (feature `remote`) implements it with Stytch's API. Your own
/// implementation can call a gateway or an official SDK, or be a test double:
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
/// The crate does not trust what an authority returns. It verifies the fresh JWT like any other.
pub trait SessionAuthority: Send + Sync + 'static {
    /// Returns fresh tokens for this token's session if the session is alive. A JWT may have
    /// expired. The result for one JWT of a session is used for every JWT of that session.
    ///
    /// # Errors
    ///
    /// Returns [`AuthorityError::UnknownSession`] only if the authority states that no such session
    /// is alive, and [`AuthorityError::Unavailable`] in every other case.
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens>;

    /// Ends the session with this id.
    ///
    /// # Errors
    ///
    /// Returns [`AuthorityError::Unavailable`] if the authority does not confirm that the session
    /// has ended. Sign-out treats [`AuthorityError::UnknownSession`] as success.
    fn revoke(&self, session_id: String) -> AuthorityFuture<()>;

    /// Ends all sessions of the user with this id, or of the member of an organization.
    /// [`Sessions::sign_out_everywhere`](crate::Sessions::sign_out_everywhere) calls this. The default
    /// implementation returns an error.
    ///
    /// # Errors
    ///
    /// Returns [`AuthorityError::Unavailable`] if the authority does not confirm that all of them have
    /// ended. A sign-out treats [`AuthorityError::UnknownSession`] as success.
    fn revoke_user(&self, user_id: String) -> AuthorityFuture<()> {
        drop(user_id);
        Box::pin(async {
            Err(AuthorityError::unavailable("this authority cannot end all sessions of a user"))
        })
    }

    /// Ends the session of this token. A client may have made the token up. Sign-out calls this if
    /// it cannot find out the session's id, because keys for the JWT are unavailable or the opaque
    /// token cannot be exchanged. The sign-out then reports an error, even if this succeeds,
    /// because guards may accept the session's JWT until it expires. Only
    /// [`AuthorityError::UnknownSession`] for an opaque token counts as success. The default
    /// implementation returns an error.
    ///
    /// # Errors
    ///
    /// Returns [`AuthorityError::UnknownSession`] only if the authority states that the token
    /// belongs to no live session, and [`AuthorityError::Unavailable`] if it does not confirm that
    /// the session has ended.
    fn revoke_by_token(&self, token: PresentedToken) -> AuthorityFuture<()> {
        drop(token);
        Box::pin(async {
            Err(AuthorityError::unavailable("this authority cannot revoke by token"))
        })
    }
}

impl<A: SessionAuthority + ?Sized> SessionAuthority for Arc<A> {
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        (**self).authenticate(token)
    }

    fn revoke(&self, session_id: String) -> AuthorityFuture<()> {
        (**self).revoke(session_id)
    }

    fn revoke_user(&self, user_id: String) -> AuthorityFuture<()> {
        (**self).revoke_user(user_id)
    }

    fn revoke_by_token(&self, token: PresentedToken) -> AuthorityFuture<()> {
        (**self).revoke_by_token(token)
    }
}

/// The future that the methods of a [`SessionAuthority`] return. It runs in a separate task.
pub type AuthorityFuture<T> = Pin<Box<dyn Future<Output = Result<T, AuthorityError>> + Send>>;

/// A session token of either kind. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub enum PresentedToken {
    /// A session JWT, which may have expired. [`authenticate`](SessionAuthority::authenticate)
    /// receives genuine ones only. [`revoke_by_token`](SessionAuthority::revoke_by_token) receives
    /// unverified ones, which a client may have made up.
    SessionJwt(Box<str>),
    /// An opaque session token. Only the authority can verify it.
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

/// Both tokens of a live session. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionTokens {
    /// The opaque token, which lives as long as the session. [`Sessions`](crate::Sessions) accepts
    /// at most 1,024 bytes, and only those that the value of a cookie may contain.
    pub session_token: String,
    /// The JWT, which lives for five minutes. A verifier accepts at most 16 KiB.
    pub session_jwt: String,
}

/// The greatest length of a token that is sent or accepted, in bytes.
pub(crate) const MAX_TOKEN_LENGTH: usize = 16 * 1024;

/// Returns whether a token can be the value of a cookie (RFC 6265, section 4.1.1: `cookie-octet`)
/// and is not too long.
pub(crate) fn can_be_a_cookie(token: &str) -> bool {
    let is_octet =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
    (1..=MAX_TOKEN_LENGTH).contains(&token.len()) && token.bytes().all(is_octet)
}

/// The greatest length of an opaque token that is accepted, in bytes. Browsers limit a cookie's
/// name and value to 4,096 bytes together.
const MAX_SESSION_TOKEN_LENGTH: usize = 1_024;

pub(crate) fn can_be_a_session_token(token: &str) -> bool {
    token.len() <= MAX_SESSION_TOKEN_LENGTH && can_be_a_cookie(token)
}

impl fmt::Debug for SessionTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTokens").finish_non_exhaustive()
    }
}

/// The reason why an authority returned no live session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The authority does not know the session: it has ended, was revoked, or never existed.
    UnknownSession,
    /// The authority cannot be reached, is too slow or too busy, refuses this application, or sent
    /// an invalid response.
    Unavailable {
        /// How long to wait before asking again, clamped to between 1 s and 60 s.
        retry_after: Option<Duration>,
        /// The cause, for the log. It must not contain tokens.
        cause: Arc<dyn Error + Send + Sync>,
    },
}

impl AuthorityError {
    /// Returns [`Unavailable`](Self::Unavailable) with this cause, without a time to wait.
    #[must_use]
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { retry_after: None, cause: Arc::from(cause.into()) }
    }

    /// Sets how long to wait before asking the authority again, clamped to between 1 s and 60 s. It
    /// has no effect on [`UnknownSession`](Self::UnknownSession).
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
            Self::UnknownSession => f.write_str("the session is unknown or has ended"),
            Self::Unavailable { .. } => f.write_str("the authority is unavailable"),
        }
    }
}

/// Implemented manually, because `thiserror` would return the `Arc`, which cannot be downcast to
/// the cause.
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
    fn debug_output_hides_tokens() {
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
