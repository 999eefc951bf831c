//! The tokens of an authentication step.

use http::HeaderMap;

use super::authority::{self, SessionTokens};
use super::handle::Sessions;
use super::set_cookies::SetCookies;
use super::sign_out::SignOutError;
use crate::session::Session;
use crate::token::{RevocationError, VerifyError};

impl Sessions {
    /// Adopts the tokens that an authentication step returned, and revokes their predecessor here
    /// at once: when the stronger session begins, the weaker one ends. Put the cookies into the
    /// response.
    ///
    /// The predecessor is the session whose token went into the step, and `None` if a user signs
    /// in. It stays alive if the step has kept its id. With the issuer it stays alive until the
    /// issuer ends it. If it was signed out or revoked here while the step was under way, the new
    /// session is ended too.
    ///
    /// A JWT that is too long for a cookie is not set; see
    /// [`SessionCookies`](crate::SessionCookies). If a user signs in while the browser still has a
    /// session, [sign that out](Self::sign_out_presented) first. Otherwise a renewal of it that is
    /// under way may put its cookies back.
    ///
    /// # Errors
    ///
    /// Returns [`AdoptError`] if the opaque token cannot stand in a cookie, if the new JWT does not
    /// verify, cannot be verified now or belongs to another user, if the predecessor was ended
    /// meanwhile, or if it could not be revoked.
    pub async fn adopt(
        &self,
        tokens: &SessionTokens,
        predecessor: Option<&Session>,
        request: &HeaderMap,
    ) -> Result<Adopted, AdoptError> {
        if !authority::can_be_a_session_token(&tokens.session_token) {
            return Err(AdoptError::UnusableToken);
        }
        let session = self.verifier().verify(&tokens.session_jwt).await?;
        if predecessor.is_some_and(|old| !old.is_of_same_user(&session)) {
            return Err(AdoptError::AnotherUser);
        }
        if let Some(old) = predecessor.filter(|old| old.id() != session.id()) {
            let was_revoked = || self.verifier().check_revoked(old).is_err();
            if !self.successions.record(old.id(), session.id(), was_revoked) {
                let revoked = self.end(session.id()).await;
                return Err(AdoptError::PredecessorRevoked { revoked });
            }
            self.revoke_here(old.id().to_owned()).await.map_err(AdoptError::NotRevoked)?;
        }
        self.exchanges.forget_session(session.id());
        self.exchanges.forget_opaque(&tokens.session_token);
        let cookies = self.set_cookies(tokens, &session, request);
        Ok(Adopted { cookies, session })
    }
}

/// A session that an authentication step began or strengthened.
#[must_use = "the browser gets the cookies only if they are put into the response"]
#[non_exhaustive]
#[derive(Debug)]
pub struct Adopted {
    /// The cookies with the tokens.
    pub cookies: SetCookies,
    /// The session.
    pub session: Session,
}

/// Why tokens were not adopted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// The JWT was refused, or cannot be verified now.
    #[error(transparent)]
    Jwt(#[from] VerifyError),
    /// The opaque token is empty, longer than 1 KiB, or cannot stand in a cookie.
    #[error("the session token cannot stand in a cookie")]
    UnusableToken,
    /// The session belongs to another user than its predecessor.
    #[error("the session belongs to another user than the one before")]
    AnotherUser,
    /// The predecessor was signed out or revoked here while the step was under way, so the new
    /// session was to be ended too.
    #[error("the previous session was revoked while the step was under way")]
    PredecessorRevoked {
        /// Whether the new session has ended everywhere.
        revoked: Result<(), SignOutError>,
    },
    /// The predecessor could not be revoked here. The new session is alive with the issuer, and
    /// the browser does not get its tokens: end it, or let it lapse.
    #[error(transparent)]
    NotRevoked(RevocationError),
}
