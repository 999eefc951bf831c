//! The construction of a verifier, and its settings.

use std::sync::Arc;
use std::time::Duration;

use super::cache::Cache;
use super::error::AccessTokenClaim;
use super::revocations::{LocalRevocations, Revocations};
use super::rules::Rules;
use super::verifier::{Settings, Verifier};
use crate::clock::{Clock, SystemClock};
use crate::keys::{Algorithm, KeySource};
use crate::session::{DEFAULT_LEEWAY, DEFAULT_MAX_TOKEN_AGE, Tenancy, VerifierId};

/// The default memory limit for cached tokens.
const DEFAULT_CACHE_BYTES: usize = 16 << 20;

impl Verifier {
    /// Creates a verifier that accepts only tokens that one of these issuers issued for this
    /// audience, signed with a key of the source. Without issuers it accepts no token. By default
    /// it accepts RS256 and sessions of consumer projects, with a leeway of 5 s.
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
        let rules = Rules {
            issuers: issuers.into_iter().map(|issuer| issuer.into().into_boxed_str()).collect(),
            audience: audience.into().into_boxed_str(),
            tenancy,
            leeway: DEFAULT_LEEWAY,
            max_token_age: DEFAULT_MAX_TOKEN_AGE,
            refuse_impersonation: false,
            allowed_claims: Vec::new(),
        };
        let settings = Settings {
            id: VerifierId::new(),
            keys: Arc::new(keys),
            clock: Arc::new(SystemClock),
            algorithms: vec![Algorithm::Rs256],
            rules,
            cache: Cache::new(DEFAULT_CACHE_BYTES),
            revocations: Arc::new(LocalRevocations::new()),
        };
        settings.keep_revocations();
        Self { settings: Arc::new(settings) }
    }

    /// Sets how far this clock and the issuer's may differ. The default is 5 s. The leeway applies
    /// to `nbf`, `iat`, `exp`, the maximum token age, the session's end, factors dated in the
    /// future and the revocation of users, but never to [`within`](crate::Policy::within).
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        self.with(|settings| settings.rules.leeway = leeway)
    }

    /// Refuses tokens that were issued (`iat`) longer ago than this, whatever their `exp` states.
    /// The default is 10 minutes, twice the lifetime of a Stytch JWT. Revocations are
    /// [kept](Revocations::keep_at_least) for this long plus twice the leeway.
    #[must_use]
    pub fn max_token_age(self, max_age: Duration) -> Self {
        self.with(|settings| settings.rules.max_token_age = max_age)
    }

    /// Refuses sessions in which a support person acts as the user (a factor of type `impersonated`
    /// or with the method `impersonation`). By default such sessions are accepted, and the
    /// impersonation adds no strength.
    #[must_use]
    pub fn refuse_impersonation(self) -> Self {
        self.with(|settings| settings.rules.refuse_impersonation = true)
    }

    /// Accepts these algorithms instead of RS256 alone. A key is used with the algorithm that its
    /// JWK states, or else with the one of its type. For an RSA key without a stated algorithm that
    /// is RS256.
    #[must_use]
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.with(|settings| settings.algorithms = algorithms.into_iter().collect())
    }

    /// Accepts sessions that have this top-level claim, for projects whose custom claims use this
    /// name.
    ///
    /// This is insecure if the project has Connected Apps or M2M clients. Only `scope` and
    /// `client_id` distinguish their tokens from sessions. An access token that also carries a
    /// session claim could then be accepted as a session.
    #[must_use]
    pub fn insecure_allow_claim(self, claim: AccessTokenClaim) -> Self {
        self.with(|settings| settings.rules.allowed_claims.push(claim))
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
        self.revocations.keep_at_least(self.rules.longest_acceptance());
    }
}
