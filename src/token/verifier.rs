//! The verifier.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::cache::Cache;
use super::form::Tokens;
use super::revocations::{RevocationError, Revocations, Revoked};
use super::rules::Rules;
use super::verify_error::VerifyError;
use crate::clock::Clock;
use crate::excerpt::{Excerpt, without_secrets};
use crate::keys::{self, Algorithm, KeyHealth, KeySource, KeysUnavailable};
use crate::session::{Session, VerifierId};

/// A verifier of the tokens of one or several issuers. It is a handle and cheap to clone.
///
/// It turns a token into a [`Session`] if the header, the signature, the issuer, the audience, the
/// shape of the session and all times are valid. [`TokenError`](crate::TokenError) lists the rules.
/// Usually [`stytch::Project`](crate::stytch::Project) or an [`Issuer`](crate::issuers::Issuer)
/// creates the verifier. [`any_of`](Self::any_of) combines several.
///
/// Each setting, such as [`leeway`](Self::leeway), returns a different verifier with an empty
/// cache. Configure the verifier before you give it to guards and [`Sessions`](crate::Sessions).
///
/// ```
/// use tower_step_up::token::TimeError;
/// use tower_step_up::{TokenError, Verifier, VerifyError, testing};
///
/// let issuer = testing::TestIssuer::new();
/// let verifier = Verifier::new(issuer.clone(), [issuer.name()], issuer.audience());
///
/// let token = issuer.mint(&testing::session().proved(tower_step_up::Factor::Password));
/// let session = verifier.verify_at(&token, testing::NOW)?;
/// assert_eq!(session.factors().len(), 1);
///
/// let later = testing::NOW + std::time::Duration::from_secs(305);
/// let error = verifier.verify_at(&token, later).unwrap_err();
/// assert!(matches!(error, VerifyError::Token(TokenError::Time(TimeError::Expired { .. }))));
/// # Ok::<(), VerifyError>(())
/// ```
#[derive(Clone)]
pub struct Verifier {
    pub(super) settings: Arc<Settings>,
}

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) id: VerifierId,
    /// The issuers, at least one. No two of them accept the same `iss`.
    pub(super) issuers: Vec<TrustedIssuer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cache: Cache,
    pub(super) revocations: Arc<dyn Revocations>,
}

/// An issuer whose tokens a verifier accepts.
#[derive(Clone)]
pub(super) struct TrustedIssuer {
    pub(super) keys: Arc<dyn KeySource>,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) rules: Rules,
    pub(super) tokens: Tokens,
}

impl Verifier {
    /// Fetches the keys of each issuer if none are known, so that the first request does not wait for
    /// them.
    ///
    /// ```
    /// use tower_step_up::testing::TestIssuer;
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), tower_step_up::keys::KeysUnavailable> {
    /// let guard = TestIssuer::new().guard();
    /// guard.verifier().warm_up().await?; // or ignore the error: the first request tries again
    ///
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`KeysUnavailable`] if an issuer has no keys available now. The others are still
    /// fetched.
    pub async fn warm_up(&self) -> Result<(), KeysUnavailable> {
        let mut result = Ok(());
        for issuer in &self.settings.issuers {
            result = keys::warm_up(&*issuer.keys).await.and(result);
        }
        result
    }

    /// Returns the state of the key source: how many keys are known, how old they are, and why the
    /// last fetch failed. This makes no request. With several issuers, it is the state of the issuer
    /// with the fewest keys.
    #[must_use]
    pub fn health(&self) -> KeyHealth {
        let states = self.settings.issuers.iter().map(|issuer| issuer.keys.health());
        states.min_by_key(|health| health.keys).unwrap_or_else(|| KeyHealth::new(0))
    }

    /// Returns the names of the issuers whose tokens it accepts. A session has one of them as its
    /// [`issuer`](crate::Session::issuer).
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.settings.issuers.iter().map(|issuer| &*issuer.rules.name)
    }

    /// Returns the name of the issuer for which this `iss` is accepted.
    pub(crate) fn name_of_issuer(&self, name: &str) -> Option<&str> {
        let mut rules = self.settings.issuers.iter().map(|issuer| &issuer.rules);
        rules.find(|rules| rules.accepts_issuer(name)).map(|rules| &*rules.name)
    }

    /// Verifies a token at the current time. If its key is not known, this may wait for keys.
    ///
    /// # Errors
    ///
    /// Returns [`VerifyError::Token`] if the token is not valid, and another [`VerifyError`] if
    /// keys or revocations are unavailable.
    pub async fn verify(&self, token: &str) -> Result<Session, VerifyError> {
        self.verify_genuine(token).await?.into_session()
    }

    /// Verifies a token at an instant, with the known keys.
    ///
    /// # Errors
    ///
    /// Returns [`VerifyError::Token`] if the token is not valid, and another [`VerifyError`] if no
    /// keys are known, or if the verifier cannot tell whether the session was revoked.
    pub fn verify_at(&self, token: &str, now: OffsetDateTime) -> Result<Session, VerifyError> {
        self.look_up_at(token, now)?.into_session()
    }

    /// Revokes the session with this [issuer](Session::issuer) and [id](Session::id). This verifier
    /// then refuses the session's tokens until they have expired. After that, a guard that renews
    /// sessions would renew it. End the session at the issuer too, as
    /// [`Sessions::sign_out`](crate::Sessions::sign_out) does.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError`] if this verifier has no such issuer, or if the revocation may not
    /// have been recorded. Treat the session as still accepted.
    pub async fn revoke_session(&self, issuer: &str, id: &str) -> Result<(), RevocationError> {
        self.revoke(Revoked::session(issuer, id), self.now()).await
    }

    /// Revokes the sessions of the user with this [issuer](Session::issuer) and
    /// [id](Session::user_id) that have [begun](Session::began_at) by now. For Stytch, the user may
    /// be a member of an organization.
    ///
    /// End the sessions at the issuer too. If its tokens do not state when the user signed in, a
    /// stolen refresh token yields tokens that look newer than the revocation.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError`] if this verifier has no such issuer, or if the revocation may not
    /// have been recorded. Treat the sessions as still accepted.
    pub async fn revoke_user(&self, issuer: &str, id: &str) -> Result<(), RevocationError> {
        self.revoke(Revoked::user(issuer, id), self.now()).await
    }

    /// Revokes a session or a user as of an instant.
    pub(crate) async fn revoke(
        &self,
        revoked: Revoked,
        at: OffsetDateTime,
    ) -> Result<(), RevocationError> {
        let issuer = &revoked.id().issuer;
        if !self.issuers().any(|known| known == issuer) {
            return Err(RevocationError::UnknownIssuer(Excerpt::of(Some(issuer))));
        }
        self.settings.revocations.revoke(revoked, at).await
    }

    /// Returns how long ago this process last knew of every revocation. It is zero, unless processes
    /// share the [store](Self::revocations). A guard [limits](crate::StepUpLayer::max_replica_age) it,
    /// and [`verify`](Self::verify) does not.
    #[must_use]
    pub fn replica_age(&self) -> Duration {
        self.settings.revocations.replica_age()
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.settings.clock.now()
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.settings.clock.monotonic()
    }

    /// Returns whether both are clones of one verifier, with the same rules, keys and revocations.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.settings.id == other.settings.id
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.settings.issuers.iter().map(|issuer| &issuer.rules);
        let issuers: Vec<_> = rules.flat_map(Rules::issuers).map(without_secrets).collect();
        f.debug_struct("Verifier").field("issuers", &issuers).finish_non_exhaustive()
    }
}
