//! An issuer of test tokens, with its own key.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

use super::clock::FixedClock;
use super::key::Key;
use super::project::{PROJECT, issuer_name};
use crate::clock::Clock;
use crate::excerpt::without_secrets;
use crate::issuers::{Issuer, IssuerError};
use crate::keys::{Algorithm, KeySet, KeySetId, KeySource, Refresh};
use crate::layer::StepUpLayer;
use crate::session::Tenancy;
use crate::sessions::{SessionAuthority, Sessions};
use crate::token::Verifier;

/// A stand-in for a Stytch project or for another [`Issuer`]. It makes its own key, mints tokens as
/// the issuer does, and provides its key as a [`KeySource`] and as a JWKS document. It is a handle
/// and cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::issuers::{IssuerError, keycloak};
/// use tower_step_up::testing::{self, TestIssuer};
/// use tower_step_up::{Policy, assert_granted};
///
/// # fn main() -> Result<(), IssuerError> {
/// let realm = keycloak("https://login.example.com/realms/shop", "https://api.example.com")
///     .acr_values(["silver", "gold"]);
/// let test = TestIssuer::standing_in_for(realm)?;
/// let session = test.session_with(&serde_json::json!({"acr": "gold"}));
/// assert_granted!(Policy::acr("silver"), session);
///
/// let token = test.mint(&testing::session().signed_in_ago(Duration::from_secs(60)));
/// assert!(test.verifier().verify_at(&token, testing::NOW).is_ok());
/// # Ok(())
/// # }
/// ```
///
/// A production verifier refuses its tokens, because it does not have the key.
#[derive(Clone)]
pub struct TestIssuer {
    pub(super) key: Arc<Key>,
    clock: Arc<dyn Clock>,
    pub(super) kind: Kind,
    /// The issuer's only verifier. A project also has only one.
    verifier: Verifier,
}

/// The issuer that a test issuer stands in for.
#[derive(Clone)]
pub(super) enum Kind {
    Project { id: Box<str>, tenancy: Tenancy },
    Other(Arc<Issuer>),
}

impl TestIssuer {
    /// Creates an issuer with a new RSA key and a clock that stands at [`NOW`](super::NOW).
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no randomness for a key.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Tenancy::Consumer)
    }

    /// Creates an issuer like [`new`](Self::new) that stands in for a B2B project. A session that
    /// names no organization gets one.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no randomness for a key.
    #[must_use]
    pub fn b2b() -> Self {
        Self::of(Tenancy::B2b)
    }

    /// Creates an issuer that stands in for this one. It has a new key for the first of the issuer's
    /// [algorithms](Issuer::algorithms), and its verifier accepts only that key and algorithm.
    /// Everything else is as the issuer is configured: `iss`, the audience, the type and the rules.
    ///
    /// # Errors
    ///
    /// Returns [`IssuerError`] if a setting of the issuer breaks a rule.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no randomness for a key.
    pub fn standing_in_for(issuer: Issuer) -> Result<Self, IssuerError> {
        let algorithm = issuer.first_algorithm();
        let (key, clock) = (Arc::new(Key::generate(algorithm)), default_clock());
        let kind = Kind::Other(Arc::new(issuer));
        let verifier = kind.verifier(&key, &clock)?;
        Ok(Self { key, clock, kind, verifier })
    }

    fn of(tenancy: Tenancy) -> Self {
        let (key, clock) = (Arc::new(Key::generate(Algorithm::Rs256)), default_clock());
        let verifier = project_verifier(tenancy, PROJECT, &key, &clock);
        let kind = Kind::Project { id: PROJECT.into(), tenancy };
        Self { key, clock, kind, verifier }
    }

    /// Replaces the verifier. An issuer whose key, clock or project has changed needs a new one.
    fn with_own_verifier(self) -> Self {
        // The settings of another issuer have been checked already.
        let verifier = self.kind.verifier(&self.key, &self.clock);
        Self { verifier: verifier.unwrap_or(self.verifier), ..self }
    }

    /// Replaces the key with a new one for this algorithm.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no randomness for a key.
    #[must_use]
    pub fn with_new_key(mut self, algorithm: Algorithm) -> Self {
        self.key = Arc::new(Key::generate(algorithm));
        self.with_own_verifier()
    }

    /// Sets the clock of the issuer, its guards and its verifier.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self.with_own_verifier()
    }

    /// Sets the id of the project that the issuer stands in for.
    #[must_use]
    pub fn project(mut self, id: &str) -> Self {
        let tenancy = match self.kind {
            Kind::Project { tenancy, .. } => tenancy,
            Kind::Other(_) => Tenancy::Consumer,
        };
        self.kind = Kind::Project { id: id.into(), tenancy };
        self.with_own_verifier()
    }

    /// Returns the `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Project { id, .. } => issuer_name(id),
            Kind::Other(issuer) => issuer.name().to_owned(),
        }
    }

    /// Returns the `aud` of its tokens: the project's id, or the audience that the issuer demands. It
    /// is empty if the issuer demands none.
    #[must_use]
    pub fn audience(&self) -> &str {
        match &self.kind {
            Kind::Project { id, .. } => id,
            Kind::Other(issuer) => issuer.first_audience().unwrap_or_default(),
        }
    }

    /// Returns the id of its key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.key.kid
    }

    /// Returns its key as a JWKS document.
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.key.jwks
    }

    /// Returns the verifier of its tokens. Clones of the issuer share it, including its cache and
    /// its revocations. An issuer with another key, clock or project has another verifier.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Returns a handle for the sessions that this authority keeps. The authority is usually
    /// [`TestSessions`](super::TestSessions).
    #[must_use]
    pub fn sessions(&self, authority: impl SessionAuthority) -> Sessions {
        Sessions::new(self.verifier(), authority)
    }

    /// Returns a guard for its tokens. The guard demands any session until
    /// [`require`](StepUpLayer::require) demands more.
    #[must_use]
    pub fn guard(&self) -> StepUpLayer {
        let guard = StepUpLayer::new(self.verifier());
        match &self.kind {
            Kind::Project { .. } => guard,
            Kind::Other(issuer) => guard.default_credentials(issuer.credentials().iter().cloned()),
        }
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }
}

impl Kind {
    fn verifier(&self, key: &Arc<Key>, clock: &Arc<dyn Clock>) -> Result<Verifier, IssuerError> {
        match self {
            Self::Project { id, tenancy } => Ok(project_verifier(*tenancy, id, key, clock)),
            Self::Other(issuer) => {
                let issuer = Issuer::clone(issuer).keys(Arc::clone(key));
                let verifier = issuer.algorithms([key.signing.algorithm()]).verifier()?;
                Ok(verifier.clock(Arc::clone(clock)))
            }
        }
    }
}

fn project_verifier(
    tenancy: Tenancy,
    project: &str,
    key: &Arc<Key>,
    clock: &Arc<dyn Clock>,
) -> Verifier {
    Verifier::of(tenancy, Arc::clone(key), [issuer_name(project)], project)
        .algorithms([key.signing.algorithm()])
        .clock(Arc::clone(clock))
}

fn default_clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock::new())
}

impl Default for TestIssuer {
    fn default() -> Self {
        Self::new()
    }
}

impl KeySource for TestIssuer {
    fn current(&self) -> Option<Arc<KeySet>> {
        self.key.current()
    }

    fn current_id(&self) -> Option<KeySetId> {
        self.key.current_id()
    }

    fn refresh(&self, kid: &str) -> Option<Refresh> {
        self.key.refresh(kid)
    }
}

impl fmt::Debug for TestIssuer {
    /// Omits the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestIssuer")
            .field("name", &without_secrets(&self.name()))
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}
