//! Adopts the tokens that a sign-in or a step-up returned.

use http::HeaderMap;

use super::authority::{self, SessionTokens};
use super::handle::Sessions;
use super::set_cookies::SetCookies;
use super::sign_out::SignOutError;
use crate::session::Session;
use crate::token::{RevocationError, VerifyError};

impl Sessions {
    /// Adopts the tokens that a sign-in or a step-up returned. If a step-up began a new session,
    /// this revokes the old one, its *predecessor*, in the verifier's
    /// [store](crate::Verifier::revocations). Put the returned cookies into the response.
    ///
    /// Pass the session whose token went into the step-up as `predecessor`, or `None` for a
    /// sign-in. It is not revoked if the step-up kept its id. A predecessor that is revoked stays
    /// alive with the issuer until the issuer ends it. If the user signed out of it before this
    /// call, or something other than a step-up revoked it, this ends the new session too and
    /// returns an error.
    ///
    /// A JWT that is too long for a cookie is not set; see
    /// [`SessionCookies`](crate::SessionCookies). If a user signs in while the browser still has a
    /// session, [sign that session out](Self::sign_out_presented) first. Otherwise a renewal in
    /// progress may put its cookies back.
    ///
    /// # Errors
    ///
    /// Returns [`AdoptError`] if the tokens are not acceptable, or if the predecessor has already
    /// ended or could not be revoked. See its variants.
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
        if !self.keeps(&session) {
            return Err(AdoptError::AnotherIssuer);
        }
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

/// A session that a sign-in or a step-up began or strengthened.
#[must_use = "the browser receives the cookies only if the response contains them"]
#[non_exhaustive]
#[derive(Debug)]
pub struct Adopted {
    /// The cookies with the tokens.
    pub cookies: SetCookies,
    /// The session of the tokens.
    pub session: Session,
}

/// The reason why tokens were not adopted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdoptError {
    /// The JWT was refused, or cannot be verified now.
    #[error(transparent)]
    Jwt(#[from] VerifyError),
    /// The JWT is of an issuer whose sessions the authority does not keep.
    #[error("the session belongs to an issuer whose sessions the authority does not keep")]
    AnotherIssuer,
    /// The opaque token is empty, longer than 1 KiB, or cannot be a cookie value.
    #[error("the session token cannot be a cookie value")]
    UnusableToken,
    /// The new session belongs to a different user than its predecessor.
    #[error("the new session belongs to a different user than the previous one")]
    AnotherUser,
    /// The user signed out of the predecessor before the step-up was adopted, or something other
    /// than a step-up revoked it. Or eight other successors of it may still be alive, which is the
    /// limit. The crate then tried to end the new session; `revoked` is the result.
    #[error("the previous session has ended, or too many sessions have followed it")]
    PredecessorRevoked {
        /// Whether the new session has ended everywhere.
        revoked: Result<(), SignOutError>,
    },
    /// The predecessor could not be revoked in the verifier's store. The new session is alive with
    /// the issuer, but the browser does not receive its tokens. End it or let it expire.
    #[error(transparent)]
    NotRevoked(RevocationError),
}
