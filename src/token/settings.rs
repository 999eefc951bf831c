//! The construction of a verifier, and its settings.

use std::sync::Arc;
use std::time::Duration;

use super::cache::Cache;
use super::error::AccessTokenClaim;
use super::form::Tokens;
use super::profiled::ProfiledTokens;
use super::revocations::{LocalRevocations, Revocations};
use super::rules::Rules;
use super::stytch::StytchTokens;
use super::verifier::{Settings, TrustedIssuer, Verifier};
use crate::clock::{Clock, SystemClock};
use crate::excerpt::Excerpt;
use crate::keys::{Algorithm, KeySource};
use crate::session::{DEFAULT_LEEWAY, DEFAULT_MAX_TOKEN_AGE, Tenancy, VerifierId};

/// An error combining verifiers: two of them accept the same `iss`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two verifiers accept the issuer {0}: a token must have exactly one")]
pub struct SharedIssuer(Excerpt);

/// The default memory limit for cached tokens.
const DEFAULT_CACHE_BYTES: usize = 16 << 20;

impl Verifier {
    /// Creates a verifier of Stytch's session JWTs. It accepts only tokens that one of these
    /// issuers issued for this audience, signed with a key of the source. Without issuers it
    /// accepts no token. By default it accepts RS256 and sessions of consumer projects, with a
    /// leeway of 5 s.
    #[must_use]
    pub fn new<I>(keys: impl KeySource, issuers: I, audience: impl Into<String>) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        Self::of(Tenancy::Consumer, keys, issuers, audience)
    }

    /// Creates a verifier for the sessions of a B2B project's members. It works like
    /// [`new`](Self::new), but it expects sessions that name an organization. Sessions of a
    /// consumer project do not.
    #[must_use]
    pub fn b2b<I>(keys: impl KeySource, issuers: I, audience: impl Into<String>) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        Self::of(Tenancy::B2b, keys, issuers, audience)
    }

    pub(crate) fn of<I>(
        tenancy: Tenancy,
        keys: impl KeySource,
        issuers: I,
        audience: impl Into<String>,
    ) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let mut names = issuers.into_iter().map(Into::into);
        let rules = Rules {
            name: names.next().unwrap_or_default().into(),
            other_names: names.map(String::into_boxed_str).collect(),
            leeway: DEFAULT_LEEWAY,
            max_token_age: DEFAULT_MAX_TOKEN_AGE,
            refuse_impersonation: false,
        };
        let tokens = Tokens::Stytch(StytchTokens {
            audience: audience.into().into_boxed_str(),
            tenancy,
            allowed_claims: Vec::new(),
        });
        let algorithms = vec![Algorithm::Rs256];
        Self::of_one(TrustedIssuer { keys: Arc::new(keys), algorithms, rules, tokens })
    }

    /// Creates a verifier for the tokens of an issuer other than Stytch. The first name is the one
    /// that its sessions have.
    pub(crate) fn profiled(
        name: &str,
        other_names: Vec<Box<str>>,
        keys: Arc<dyn KeySource>,
        algorithms: Vec<Algorithm>,
        tokens: ProfiledTokens,
    ) -> Self {
        let rules = Rules {
            name: name.into(),
            other_names,
            leeway: DEFAULT_LEEWAY,
            max_token_age: tokens.longest_life,
            refuse_impersonation: false,
        };
        let tokens = Tokens::Profiled(Arc::new(tokens));
        Self::of_one(TrustedIssuer { keys, algorithms, rules, tokens })
    }

    fn of_one(issuer: TrustedIssuer) -> Self {
        let settings = Settings {
            id: VerifierId::new(),
            issuers: vec![issuer],
            clock: Arc::new(SystemClock),
            cache: Cache::new(DEFAULT_CACHE_BYTES),
            revocations: Arc::new(LocalRevocations::new()),
        };
        settings.keep_revocations();
        Self { settings: Arc::new(settings) }
    }

    /// Returns a verifier that accepts the tokens of these verifiers' issuers. It chooses the issuer
    /// by the token's `iss`, and then only that issuer's keys, rules and profile apply.
    ///
    /// The new verifier has the clock, the store of revocations and the size of the cache that the
    /// first one has. Settings that are changed later, such as [`leeway`](Self::leeway), apply to
    /// every issuer.
    ///
    /// ```
    /// use tower_step_up::{Factor, Verifier, testing};
    ///
    /// let (old, new) = (testing::TestIssuer::new().project("project-test-a"), testing::TestIssuer::new());
    /// let both = Verifier::any_of([old.verifier(), new.verifier()])?;
    /// for issuer in [old, new] {
    ///     let token = issuer.mint(&testing::session().proved(Factor::Password));
    ///     assert_eq!(both.verify_at(&token, testing::NOW)?.issuer(), issuer.name());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`SharedIssuer`] if two verifiers accept the same `iss`.
    ///
    /// # Panics
    ///
    /// Panics if there are no verifiers.
    #[track_caller]
    pub fn any_of(verifiers: impl IntoIterator<Item = Self>) -> Result<Self, SharedIssuer> {
        let mut verifiers = verifiers.into_iter();
        let first = verifiers.next();
        assert!(first.is_some(), "Verifier::any_of: at least one verifier is needed");
        let Some(mut all) = first else { return Err(SharedIssuer(Excerpt::of(None))) };
        for Self { settings } in verifiers {
            for issuer in &settings.issuers {
                if let Some(shared) = issuer.rules.issuers().find(|name| all.accepts_issuer(name)) {
                    return Err(SharedIssuer(Excerpt::of(Some(shared))));
                }
                all = all.with(|settings| settings.issuers.push(issuer.clone()));
            }
        }
        Ok(all)
    }

    fn accepts_issuer(&self, name: &str) -> bool {
        self.settings.issuers.iter().any(|issuer| issuer.rules.accepts_issuer(name))
    }

    /// Sets how far this clock and the issuer's may differ. The default is 5 s. The leeway applies
    /// to `nbf`, `iat`, `exp`, the maximum token age, the session's end, factors dated in the
    /// future and the revocation of users, but never to [`within`](crate::Policy::within).
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        self.with_each(|issuer| issuer.rules.leeway = leeway)
    }

    /// Refuses tokens that were issued (`iat`) longer ago than this, whatever their `exp` states.
    /// The default for Stytch is 10 minutes, twice the lifetime of a session JWT. For other issuers
    /// it is the [longest life](crate::issuers::Issuer::longest_life) of their tokens. Revocations are
    /// [kept](Revocations::keep_at_least) for this long plus twice the leeway.
    #[must_use]
    pub fn max_token_age(self, max_age: Duration) -> Self {
        self.with_each(|issuer| issuer.rules.max_token_age = max_age)
    }

    /// Refuses sessions in which a support person acts as the user: for Stytch a factor of type
    /// `impersonated` or with the method `impersonation`, for other issuers the claim `act`. By
    /// default such sessions are accepted, and the impersonation adds no strength.
    #[must_use]
    pub fn refuse_impersonation(self) -> Self {
        self.with_each(|issuer| issuer.rules.refuse_impersonation = true)
    }

    /// Accepts these algorithms instead of RS256 alone. A key is used with the algorithm that its
    /// JWK states, or else with the one of its type. For an RSA key without a stated algorithm that
    /// is RS256.
    #[must_use]
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        let algorithms: Vec<_> = algorithms.into_iter().collect();
        self.with_each(|issuer| issuer.algorithms = algorithms.clone())
    }

    /// Accepts Stytch sessions that have this top-level claim, for projects whose custom claims use
    /// this name. Other issuers have
    /// [a setting of their own](crate::issuers::Issuer::insecure_allow_claim).
    ///
    /// This is insecure if the project has Connected Apps or M2M clients. Only `scope` and
    /// `client_id` distinguish their tokens from sessions. An access token that also carries a
    /// session claim could then be accepted as a session.
    #[must_use]
    pub fn insecure_allow_claim(self, claim: AccessTokenClaim) -> Self {
        self.with_each(|issuer| {
            if let Tokens::Stytch(tokens) = &mut issuer.tokens {
                tokens.allowed_claims.push(claim);
            }
        })
    }

    /// Sets roughly how much memory cached tokens may use. The default is 16 MiB, enough for some
    /// five thousand tokens. With 0 no token is cached.
    ///
    /// A browser sends the same token for five minutes, and its signature is checked only once.
    /// Everything that can change is checked at every request: the token's times, its revocation,
    /// and the limits of the policy. If other keys replace those that a token was verified with,
    /// the token is verified again. A token is removed from the cache when others need the room.
    /// Once it has expired, it is removed within two minutes, as long as requests arrive.
    #[must_use]
    pub fn cache_bytes(self, bytes: usize) -> Self {
        self.with(|settings| settings.cache = Cache::new(bytes))
    }

    /// Keeps revocations in this store instead of the verifier's own [`LocalRevocations`]. Clones
    /// of the returned verifier share it. See [`Revocations`] for an example.
    #[must_use]
    pub fn revocations(self, revocations: impl Revocations) -> Self {
        self.with_shared_revocations(Arc::new(revocations))
    }

    pub(crate) fn with_shared_revocations(self, revocations: Arc<dyn Revocations>) -> Self {
        self.with(|settings| settings.revocations = revocations)
    }

    /// Reads the time from this clock.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    fn with_each(self, change: impl FnMut(&mut TrustedIssuer)) -> Self {
        self.with(|settings| settings.issuers.iter_mut().for_each(change))
    }

    /// Changes a setting. The result is a different verifier with a new id and an empty cache, and
    /// it does not reuse sessions of the old one.
    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        let settings = Arc::make_mut(&mut self.settings);
        settings.id = VerifierId::new();
        settings.cache = Cache::new(settings.cache.capacity());
        change(settings);
        settings.keep_revocations();
        self
    }
}

impl Settings {
    /// Makes the store keep a revocation for as long as a token of the session can be accepted.
    fn keep_revocations(&self) {
        for TrustedIssuer { rules, .. } in &self.issuers {
            self.revocations.keep_at_least(&rules.name, rules.longest_acceptance());
        }
    }
}
