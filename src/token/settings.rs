//! Making a verifier, and its settings.

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

/// What verified tokens may take if nothing else is said.
const DEFAULT_CACHE_BYTES: usize = 16 << 20;

impl Verifier {
    /// Accepts tokens that one of the issuers issued for the audience under a key of the source,
    /// and no others: no issuers, no tokens. RS256, consumer sessions, a leeway of 5 s.
    #[must_use]
    pub fn new<I>(keys: impl KeySource, issuers: I, audience: impl Into<String>) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        Self::of(Tenancy::Consumer, keys, issuers, audience)
    }

    /// Accepts tokens as [`new`](Self::new) does, but expects the sessions of members of a B2B
    /// project: they name an organization, and those of a consumer project do not.
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

    /// How far this clock and the issuer's may differ: for `nbf`, `iat`, `exp`, the session's end
    /// and factors dated ahead, never for [`within`](crate::Policy::within). 5 s by default.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        self.with(|settings| settings.rules.leeway = leeway)
    }

    /// Refuses tokens that were issued (`iat`) longer ago than this, whatever they say of their
    /// expiry: 10 minutes by default, twice the life of a Stytch JWT. Revocations are
    /// [kept](Revocations::keep_at_least) as long.
    #[must_use]
    pub fn max_token_age(self, max_age: Duration) -> Self {
        self.with(|settings| settings.rules.max_token_age = max_age)
    }

    /// Refuses sessions in which a support person acts as the user (a factor of type `impersonated`
    /// or with the method `impersonation`). By default they are sessions like others, and the
    /// impersonation adds no strength.
    #[must_use]
    pub fn refuse_impersonation(self) -> Self {
        self.with(|settings| settings.rules.refuse_impersonation = true)
    }

    /// Accepts these algorithms instead of RS256 alone. A key is used with the one that its JWK
    /// states, or that its type has; an RSA key that states none is one for RS256.
    #[must_use]
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.with(|settings| settings.algorithms = algorithms.into_iter().collect())
    }

    /// Accepts sessions that have this top-level claim, for projects whose custom claims use the
    /// name.
    ///
    /// Insecure where the project has Connected Apps or M2M clients: `scope` and `client_id` are
    /// what tells their tokens from sessions, and an access token that carries a session claim has
    /// been seen.
    #[must_use]
    pub fn insecure_allow_claim(self, claim: AccessTokenClaim) -> Self {
        self.with(|settings| settings.rules.allowed_claims.push(claim))
    }

    /// About how much memory verified tokens may take; 16 MiB by default, which is some five
    /// thousand tokens. With 0 none is remembered.
    ///
    /// A browser sends one token for five minutes, and its signature is checked once. Whatever can
    /// change is checked at every request: the token's times, its revocation, and the limits of the
    /// policy. A token is not accepted any more once it has expired, or once other
    /// keys take the place of those that it was verified with. It is thrown away when others need
    /// the room, or within two minutes, as long as requests come.
    #[must_use]
    pub fn cache_bytes(self, bytes: usize) -> Self {
        self.with(|settings| settings.cache = Cache::new(bytes))
    }

    /// Keeps revocations in this store instead of [`LocalRevocations`] of the verifier's own.
    /// Clones of the returned verifier share it. See [`Revocations`] for an example.
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

    /// Another rule makes another verifier: sessions of the old one are not taken over.
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
    /// Has the store keep a revocation as long as the tokens that it is for can be accepted.
    fn keep_revocations(&self) {
        self.revocations.keep_at_least(self.rules.longest_acceptance());
    }
}
