//! The tokens of a test issuer.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::issuer::{Kind, TestIssuer};
use super::layout;
use super::session::SessionBuilder;
use crate::session::{Session, Tenancy};

impl TestIssuer {
    /// Mints a token. It is issued at the current time of the issuer's clock, which stands at
    /// [`NOW`](super::NOW) unless [`clock`](Self::clock) replaced it. A verifier that uses the
    /// system's clock refuses the JWT as expired. This issuer's own verifier uses the issuer's
    /// clock.
    ///
    /// A token of another issuer has the claims that the issuer demands, `auth_time`, `acr` and `amr`
    /// as the session describes them, and the session's [claims](SessionBuilder::claim).
    ///
    /// # Panics
    ///
    /// Panics if the session describes something that the issuer's tokens cannot state: proved
    /// factors for an issuer other than Stytch, or assertions for Stytch.
    #[must_use]
    #[track_caller]
    pub fn mint(&self, session: &SessionBuilder) -> String {
        self.mint_claims(&self.claims(session))
    }

    /// Returns the claims that [`mint`](Self::mint) signs, for tests that change some of them
    /// first.
    ///
    /// # Panics
    ///
    /// Panics as [`mint`](Self::mint) does.
    #[must_use]
    #[track_caller]
    pub fn claims(&self, session: &SessionBuilder) -> Map<String, Value> {
        let now = self.now();
        match &self.kind {
            Kind::Project { .. } => self.complete(session.payload(now)),
            Kind::Other(issuer) => layout::claims(issuer, session, now),
        }
    }

    /// Mints a token of an issuer other than Stytch. It has these claims and those that the issuer
    /// demands. A claim that is null here counts as absent, for example `sid`.
    ///
    /// # Panics
    ///
    /// Panics if `claims` is not an object.
    #[must_use]
    #[track_caller]
    pub fn mint_with(&self, claims: &Value) -> String {
        assert!(claims.is_object(), "TestIssuer::mint_with: the claims are not an object");
        let mut all = self.claims(&super::session());
        all.extend(claims.as_object().cloned().unwrap_or_default());
        self.mint_claims(&all)
    }

    /// Returns the session that the verifier builds from a token with these claims.
    ///
    /// # Panics
    ///
    /// Panics if `claims` is not an object, or if the verifier refuses the token.
    #[must_use]
    #[track_caller]
    pub fn session_with(&self, claims: &Value) -> Session {
        let session = self.verifier().verify_at(&self.mint_with(claims), self.now());
        #[expect(clippy::panic, reason = "documented: a test cannot continue without it")]
        session.unwrap_or_else(|error| panic!("the verifier refuses the token: {error}"))
    }

    /// Mints a logout token for this client (OpenID Connect Back-Channel Logout 1.0, section 2.4). It
    /// names the session's user as `sub` and the session as `sid`, is issued now and lives for two
    /// minutes. See [`BackChannelLogout`](crate::logout::BackChannelLogout).
    #[must_use]
    pub fn logout_token(&self, client: &str, session: &SessionBuilder) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let issued_at = self.now().unix_timestamp();
        let claims = json!({
            "iss": self.name(),
            "aud": client,
            "iat": issued_at,
            "exp": issued_at.saturating_add(120),
            "jti": format!("logout-test-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            "sub": session.user_id(),
            "sid": session.session_id(),
        });
        self.sign_as("logout+jwt", &claims)
    }

    /// Mints a token, issued now, for a session whose relative times count from `base_time`.
    pub(super) fn mint_since(&self, base_time: OffsetDateTime, session: &SessionBuilder) -> String {
        self.mint_claims(&self.complete(session.payload_since(base_time, self.now())))
    }

    fn complete(&self, mut claims: Map<String, Value>) -> Map<String, Value> {
        claims.insert("iss".into(), self.name().into());
        claims.insert("aud".into(), json!([self.audience()]));
        if matches!(self.kind, Kind::Project { tenancy: Tenancy::B2b, .. }) {
            let organization = json!({"organization_id": "organization-test-00000000-0000-4000-8000-000000000000", "slug": "acme"});
            claims.entry("https://stytch.com/organization").or_insert(organization);
        }
        claims
    }

    /// Mints a token with these claims.
    #[must_use]
    pub fn mint_claims(&self, claims: &Map<String, Value>) -> String {
        let typ = match &self.kind {
            Kind::Project { .. } => "JWT",
            Kind::Other(issuer) => issuer.first_type(),
        };
        self.sign_as(typ, &Value::from(claims.clone()))
    }

    fn sign_as(&self, typ: &str, claims: &Value) -> String {
        let alg = self.key.signing.algorithm().as_str();
        let header = json!({"alg": alg, "kid": self.key.kid, "typ": typ});
        self.sign(&header.to_string(), &claims.to_string())
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
