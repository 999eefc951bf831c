//! An issuer of test tokens, with its own key.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::clock::FixedClock;
use super::session::SessionBuilder;
use crate::clock::Clock;
use crate::excerpt::without_secrets;
use crate::keys::{Algorithm, KeySet, KeySetId, KeySource, Refresh, SigningKey};
use crate::layer::StepUpLayer;
use crate::session::Tenancy;
use crate::sessions::{SessionAuthority, Sessions};
use crate::token::Verifier;

/// A stand-in for a Stytch project. It makes its own key, mints session JWTs as Stytch does, and
/// provides its key as a [`KeySource`] and as a JWKS document. It is a handle and cheap to clone.
///
/// A production verifier refuses its tokens, because it does not have the key.
#[derive(Clone)]
pub struct TestIssuer {
    key: Arc<Key>,
    clock: Arc<dyn Clock>,
    project: Box<str>,
    tenancy: Tenancy,
    /// The issuer's only verifier. A project also has only one.
    verifier: Verifier,
}

struct Key {
    kid: String,
    signing: SigningKey,
    jwks: String,
    set: Arc<KeySet>,
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

    fn of(tenancy: Tenancy) -> Self {
        let key = Arc::new(Key::generate(Algorithm::Rs256));
        let clock: Arc<dyn Clock> = Arc::new(FixedClock::new());
        let project = Box::from("project-test-00000000-0000-4000-8000-000000000000");
        let verifier = Self::new_verifier(tenancy, &project, &key, &clock);
        Self { key, clock, project, tenancy, verifier }
    }

    fn new_verifier(
        tenancy: Tenancy,
        project: &str,
        key: &Arc<Key>,
        clock: &Arc<dyn Clock>,
    ) -> Verifier {
        Verifier::of(tenancy, Arc::clone(key), [format!("stytch.com/{project}")], project)
            .algorithms([key.signing.algorithm()])
            .clock(Arc::clone(clock))
    }

    /// Replaces the verifier. An issuer whose key, clock or project has changed needs a new one.
    fn with_own_verifier(self) -> Self {
        let verifier = Self::new_verifier(self.tenancy, &self.project, &self.key, &self.clock);
        Self { verifier, ..self }
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
        self.project = id.into();
        self.with_own_verifier()
    }

    /// Returns the `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> String {
        format!("stytch.com/{}", self.project)
    }

    /// Returns the `aud` of its tokens: the project's id.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.project
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
        StepUpLayer::new(self.verifier())
    }

    /// Mints a session JWT. It is issued at the current time of the issuer's clock, which stands at
    /// [`NOW`](super::NOW) unless [`clock`](Self::clock) replaced it. A verifier that uses the
    /// system's clock refuses the JWT as expired. This issuer's own verifier uses the issuer's
    /// clock.
    #[must_use]
    pub fn mint(&self, session: &SessionBuilder) -> String {
        self.mint_claims(&self.claims(session))
    }

    /// Returns the claims that [`mint`](Self::mint) signs, for tests that change some of them
    /// first.
    #[must_use]
    pub fn claims(&self, session: &SessionBuilder) -> Map<String, Value> {
        self.complete(session.payload(self.clock.now()))
    }

    /// Mints a token, issued now, for a session whose relative times count from `base_time`.
    pub(super) fn mint_since(&self, base_time: OffsetDateTime, session: &SessionBuilder) -> String {
        self.mint_claims(&self.complete(session.payload_since(base_time, self.clock.now())))
    }

    fn complete(&self, mut claims: Map<String, Value>) -> Map<String, Value> {
        claims.insert("iss".into(), self.name().into());
        claims.insert("aud".into(), json!([self.project]));
        if self.tenancy == Tenancy::B2b {
            let organization = json!({"organization_id": "organization-test-00000000-0000-4000-8000-000000000000", "slug": "acme"});
            claims.entry("https://stytch.com/organization").or_insert(organization);
        }
        claims
    }

    /// Mints a token with these claims.
    #[must_use]
    pub fn mint_claims(&self, claims: &Map<String, Value>) -> String {
        let header = json!({"alg": self.key.signing.algorithm().as_str(), "kid": self.key.kid, "typ": "JWT"});
        self.sign(&header.to_string(), &Value::from(claims.clone()).to_string())
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Signs exactly this header and this payload, even if they are malformed, and returns the
    /// token. Use it to test tokens that must be refused.
    ///
    /// # Panics
    ///
    /// Panics if the operating system has no randomness for a signature.
    #[must_use]
    pub fn sign(&self, header: &str, payload: &str) -> String {
        let encode = |bytes: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        #[expect(clippy::expect_used, reason = "documented: a test cannot continue without it")]
        let signature = self
            .key
            .signing
            .sign(signed.as_bytes())
            .expect("the operating system has no randomness");
        format!("{signed}.{}", encode(&signature))
    }
}

impl Key {
    fn generate(algorithm: Algorithm) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let kid = format!(
            "jwk-test-00000000-0000-4000-8000-{:012}",
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        #[expect(clippy::expect_used, reason = "documented: a test cannot continue without it")]
        let signing =
            SigningKey::generate(algorithm).expect("the operating system has no randomness");
        let mut jwk: Map<_, _> = signing
            .jwk_parameters()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        jwk.insert("use".into(), "sig".into());
        jwk.insert("alg".into(), algorithm.as_str().into());
        jwk.insert("kid".into(), kid.as_str().into());
        let jwks = json!({"keys": [jwk]}).to_string();
        #[expect(clippy::expect_used, reason = "a key that this crate made is usable")]
        let set = KeySet::from_jwks(jwks.as_bytes()).expect("a usable key");
        Self { kid, signing, jwks, set: Arc::new(set) }
    }
}

impl Default for TestIssuer {
    fn default() -> Self {
        Self::new()
    }
}

impl KeySource for Key {
    fn current(&self) -> Option<Arc<KeySet>> {
        Some(Arc::clone(&self.set))
    }

    fn current_id(&self) -> Option<KeySetId> {
        Some(self.set.id())
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
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
            .field("project", &without_secrets(&self.project))
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}
