//! Several issuers behind one verifier: two of OpenID Connect, and a Stytch project.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_step_up::issuers::{Issuer, oidc};
use tower_step_up::keys::{Algorithm, KeySet, KeySetId, KeySource, Refresh};
use tower_step_up::sessions::{AuthorityFuture, PresentedToken, SessionAuthority};
use tower_step_up::testing::{self, FixedClock, NOW, TestIssuer, TestSessions};
use tower_step_up::token::{LocalRevocations, SessionIdSource};
use tower_step_up::{Factor, Policy, SessionTokens, Sessions, StepUpLayer, Verifier};

use crate::support::{bearer, inner, reason, seconds, send};

/// The `kid` that all issuers use.
const KID: &str = "1";

/// Keys that a test can replace or take away. All have the same `kid`.
#[derive(Clone)]
struct Keys {
    set: Arc<Mutex<Option<Arc<KeySet>>>>,
}

impl Keys {
    fn of(issuer: &TestIssuer) -> Self {
        let keys = Self { set: Arc::default() };
        keys.replace(Some(issuer));
        keys
    }

    fn replace(&self, issuer: Option<&TestIssuer>) {
        let set = issuer.map(|issuer| {
            let jwks = issuer.jwks().replace(issuer.kid(), KID);
            Arc::new(KeySet::from_jwks(jwks.as_bytes()).unwrap())
        });
        *self.set.lock().unwrap() = set;
    }
}

impl KeySource for Keys {
    fn current(&self) -> Option<Arc<KeySet>> {
        self.set.lock().unwrap().clone()
    }

    fn current_id(&self) -> Option<KeySetId> {
        self.current().map(|set| set.id())
    }

    fn refresh(&self, _: &str) -> Option<Refresh> {
        None
    }
}

/// One of the issuers.
struct One {
    test: TestIssuer,
    keys: Keys,
}

impl One {
    fn claims(&self, changes: &Value) -> Value {
        let session = match self.test.name().starts_with("stytch") {
            true => testing::session().proved(Factor::Password),
            false => testing::session(),
        };
        let mut claims = Value::from(self.test.claims(&session));
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    }

    /// Signs these claims with the key of this issuer.
    fn sign(&self, claims: &str) -> String {
        self.test.sign(&json!({"alg": "EdDSA", "kid": KID}).to_string(), claims)
    }

    fn token(&self, changes: &Value) -> String {
        self.sign(&self.claims(changes).to_string())
    }
}

/// The issuers, and a verifier that accepts all of them. Its sessions come first from Stytch.
struct World {
    stytch: One,
    first: One,
    second: One,
    verifier: Verifier,
}

fn oidc(name: &str, profile: impl FnOnce(Issuer) -> Issuer) -> (One, Verifier) {
    let issuer = profile(oidc::access_tokens(name, "api")).algorithms([Algorithm::EdDsa]);
    let test = TestIssuer::standing_in_for(issuer.clone()).unwrap();
    let keys = Keys::of(&test);
    let verifier = issuer.keys(keys.clone()).verifier().unwrap();
    (One { test, keys }, verifier)
}

fn world() -> World {
    let test = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let keys = Keys::of(&test);
    let of_stytch = Verifier::new(keys.clone(), [test.name()], test.audience())
        .algorithms([Algorithm::EdDsa])
        .clock(FixedClock::new());
    let stytch = One { test, keys };
    // "otp" means different things at the two issuers, and only one of them declares "gold".
    let (first, of_first) = oidc("https://one.example", |issuer| {
        issuer.amr("otp", [Factor::Totp]).acr_values(["gold"])
    });
    let (second, of_second) =
        oidc("https://two.example", |issuer| issuer.amr("otp", [Factor::OtpEmail]));
    let verifier = Verifier::any_of([of_stytch, of_first, of_second]).unwrap();
    World { stytch, first, second, verifier }
}

impl World {
    fn all(&self) -> [&One; 3] {
        [&self.stytch, &self.first, &self.second]
    }

    fn reason(&self, token: &str) -> &'static str {
        reason(&self.verifier.verify_at(token, NOW))
    }
}

#[test]
fn each_token_is_verified_with_the_keys_of_its_own_issuer_only() {
    let world = world();
    for (place, one) in world.all().into_iter().enumerate() {
        let session = world.verifier.verify_at(&one.token(&json!({})), NOW).unwrap();
        assert_eq!(session.issuer(), one.test.name());
        for (other, signer) in world.all().into_iter().enumerate() {
            let token = signer.sign(&one.claims(&json!({})).to_string());
            let want = if place == other { "ok" } else { "token_invalid_signature" };
            // The result is the same once tokens are cached.
            assert_eq!([world.reason(&token), world.reason(&token)], [want, want]);
        }
    }
}

#[test]
fn each_token_is_read_by_the_rules_of_its_own_issuer_only() {
    let world = world();
    let claims = json!({"amr": ["pwd", "otp"], "acr": "gold"});
    let [first, second] = [&world.first, &world.second]
        .map(|one| world.verifier.verify_at(&one.token(&claims), NOW).unwrap());
    let holds = |policy: Policy| [&first, &second].map(|it| policy.evaluate(it, NOW).is_ok());
    assert_eq!(holds(Policy::mfa()), [true, false]);
    assert_eq!(holds(Policy::acr("gold")), [true, false]);
    assert_eq!(holds(Policy::factor(Factor::OtpEmail)), [false, true]);
    // A token of OpenID Connect has no session of Stytch, whatever its claims are.
    let disguised = world.stytch.claims(&json!({"iss": world.first.test.name(), "aud": "api"}));
    let session = world.verifier.verify_at(&world.first.sign(&disguised.to_string()), NOW).unwrap();
    assert!(session.factors().is_empty());
    let disguised = world.first.claims(&json!({"iss": world.stytch.test.name()}));
    let token = world.stytch.sign(&disguised.to_string());
    assert_eq!(world.reason(&token), "token_wrong_audience");
}

#[test]
fn a_token_without_exactly_one_known_issuer_is_refused() {
    let world = world();
    for iss in [
        json!("https://evil.example"),
        json!(""),
        json!(null),
        json!(7),
        json!(["x"]),
        json!({"x": 1}),
        json!("https://one.example/"),
        json!("HTTPS://one.example"),
    ] {
        let token = world.first.token(&json!({"iss": iss}));
        assert_eq!(world.reason(&token), "token_wrong_issuer", "{iss}");
    }
    let claims = world.first.claims(&json!({})).to_string();
    let own = r#""iss":"https://one.example""#;
    assert!(claims.contains(own));
    for (change, want) in [
        (String::new(), "token_wrong_issuer"),
        (format!(r#"{own},"iss":"https://two.example""#), "token_duplicate_name"),
        (format!(r#""iss":"https://two.example",{own}"#), "token_duplicate_name"),
        (format!(r#"{own},{own}"#), "token_duplicate_name"),
        (format!(r#"{own},"\u0069ss":"https://two.example""#), "token_duplicate_name"),
        (r#""\u0069ss":"https://one.example""#.to_owned(), "ok"),
        (format!(r#"{own},"x":{{"iss":"https://two.example"}}"#), "ok"),
    ] {
        let claims = claims.replacen(own, &change, 1).replace(",,", ",").replace("{,", "{");
        assert_eq!(world.reason(&world.first.sign(&claims)), want, "{claims}");
    }
    assert_eq!(world.reason(&world.first.sign("[]")), "token_not_an_object");
    assert_eq!(world.reason(&world.first.sign("")), "token_not_an_object");
}

#[test]
fn two_verifiers_must_not_accept_the_same_issuer() {
    let (_, one) = oidc("https://one.example", |it| it);
    let (_, two) = oidc("https://two.example", |it| it.also_named("https://one.example"));
    let error = Verifier::any_of([one.clone(), two.clone()]).unwrap_err().to_string();
    assert!(error.contains("https://one.example") && error.contains("two verifiers"), "{error}");
    assert!(Verifier::any_of([two, one.clone()]).is_err());
    assert!(Verifier::any_of([one.clone(), one]).is_err());
}

#[tokio::test]
async fn missing_keys_of_one_issuer_do_not_affect_the_others() {
    let world = world();
    let tokens = world.all().map(|one| one.token(&json!({})));
    world.first.keys.replace(None);
    assert_eq!(
        tokens.each_ref().map(|token| world.reason(token)),
        ["ok", "keys_unavailable", "ok"]
    );
    let guard = StepUpLayer::new(world.verifier.clone());
    let service = guard.layer(service_fn(inner::<Full<bytes::Bytes>>));
    for (token, want) in
        tokens.iter().zip([StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK])
    {
        let request = Request::get("/").header("authorization", bearer(token));
        let response = send(&service, request.body(Full::default()).unwrap()).await;
        assert_eq!(response.status, want, "{}", response.body);
    }
}

#[test]
fn a_cached_token_is_served_until_the_keys_of_its_own_issuer_change() {
    let world = world();
    let tokens = world.all().map(|one| one.token(&json!({})));
    let reasons = || tokens.each_ref().map(|token| world.reason(token));
    assert_eq!(reasons(), ["ok"; 3]);
    let another = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let gone = "token_invalid_signature";
    world.first.keys.replace(Some(&another));
    assert_eq!([reasons(), reasons()], [["ok", gone, "ok"]; 2]);
    world.stytch.keys.replace(Some(&another));
    assert_eq!(reasons(), [gone, gone, "ok"]);
    world.first.keys.replace(Some(&world.first.test));
    assert_eq!(reasons(), [gone, "ok", "ok"]);
}

#[tokio::test]
async fn equal_ids_at_two_issuers_are_revoked_separately() {
    let equal =
        json!({"sub": "user-7", "sid": "session-7", "auth_time": NOW.unix_timestamp() - 60});
    for by_user in [false, true] {
        let mut world = world();
        world.verifier = world.verifier.clock(FixedClock::new());
        let tokens = [&world.first, &world.second].map(|one| one.token(&equal));
        let reasons = || tokens.each_ref().map(|token| world.reason(token));
        assert_eq!(reasons(), ["ok", "ok"]);
        let (issuer, verifier) = (world.second.test.name(), &world.verifier);
        match by_user {
            true => verifier.revoke_user(&issuer, "user-7").await.unwrap(),
            false => verifier.revoke_session(&issuer, "session-7").await.unwrap(),
        }
        assert_eq!(reasons(), ["ok", "session_revoked"]);
        assert!(verifier.revoke_user("https://evil.example", "user-7").await.is_err());
        // A user who signs in again is accepted.
        let at = NOW.unix_timestamp() + 6;
        let again = json!({"sub": "user-7", "sid": "session-8", "auth_time": at, "iat": at});
        let later = NOW + seconds(6);
        let token = world.second.token(&again);
        assert_eq!(reason(&verifier.verify_at(&token, later)), "ok", "{by_user}");
    }
}

#[test]
fn a_session_is_known_by_the_claim_that_names_it_or_else_by_its_sign_in_or_its_token() {
    let id = |issuer: &One, verifier: &Verifier, claims: Value| {
        let mut claims = issuer.claims(&claims);
        claims.as_object_mut().unwrap().retain(|_, value| *value != "(absent)");
        verifier.verify_at(&issuer.sign(&claims.to_string()), NOW).unwrap().id().to_owned()
    };
    let at = NOW.unix_timestamp();
    let (one, by_sid) = oidc("https://one.example", |it| it);
    assert_eq!(id(&one, &by_sid, json!({"sid": "s", "auth_time": at})), "s");
    let sign_in = json!({"sid": "(absent)", "auth_time": at});
    assert_eq!(
        id(&one, &by_sid, sign_in.clone()),
        id(&one, &by_sid, json!({"sid": "", "auth_time": at, "jti": "2"}))
    );
    assert_ne!(
        id(&one, &by_sid, sign_in),
        id(&one, &by_sid, json!({"sid": "", "auth_time": at, "sub": "v"}))
    );
    let token = |jti: &str| json!({"sid": "(absent)", "jti": jti});
    assert_ne!(id(&one, &by_sid, token("1")), id(&one, &by_sid, token("2")));
    assert_eq!(id(&one, &by_sid, token("1")), id(&one, &by_sid, token("1")));
    let (two, by_sign_in) =
        oidc("https://two.example", |it| it.session_id(SessionIdSource::SubjectAndSignIn));
    assert_eq!(
        id(&two, &by_sign_in, json!({"sid": "1", "auth_time": at})),
        id(&two, &by_sign_in, json!({"sid": "2", "auth_time": at}))
    );
}

/// An authority that counts the calls to it.
#[derive(Clone)]
struct Counted {
    inner: TestSessions,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

impl SessionAuthority for Counted {
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        self.calls.lock().unwrap().push("authenticate");
        self.inner.authenticate(token)
    }

    fn revoke(&self, session_id: String) -> AuthorityFuture<()> {
        self.calls.lock().unwrap().push("revoke");
        self.inner.revoke(session_id)
    }

    fn revoke_by_token(&self, token: PresentedToken) -> AuthorityFuture<()> {
        self.calls.lock().unwrap().push("revoke_by_token");
        self.inner.revoke_by_token(token)
    }
}

fn counted(world: &mut World) -> (Sessions, Counted) {
    world.verifier = world.verifier.clone().clock(FixedClock::new());
    let calls = Arc::default();
    let authority = Counted { inner: TestSessions::new(&world.stytch.test), calls };
    (Sessions::new(world.verifier.clone(), authority.clone()), authority)
}

fn with_token(token: &str) -> HeaderMap {
    let request = Request::get("/").header("authorization", bearer(token)).body(()).unwrap();
    request.into_parts().0.headers
}

#[tokio::test]
async fn the_authority_is_never_asked_about_the_session_of_another_issuer() {
    let mut world = world();
    let (sessions, authority) = counted(&mut world);
    let asked = || std::mem::take(&mut *authority.calls.lock().unwrap());
    let old = NOW.unix_timestamp() - 3_000;
    let equal = testing::session().id("session-7").user("user-7");

    // A guard does not renew it, although it has expired.
    let guard = StepUpLayer::new(world.verifier.clone()).renew_with(&sessions);
    let service = guard.layer(service_fn(inner::<Full<bytes::Bytes>>));
    let expired = world.first.token(&json!({"iat": old, "exp": old + 300}));
    let request = Request::get("/").header("authorization", bearer(&expired));
    let response = send(&service, request.body(Full::default()).unwrap()).await;
    assert_eq!((response.status, asked()), (StatusCode::UNAUTHORIZED, vec![]));

    // A sign-out ends it in the verifier's store only.
    let mut claims = Value::from(world.first.test.claims(&equal));
    claims["sid"] = "session-7".into();
    let token = world.first.sign(&claims.to_string());
    let session = world.verifier.verify_at(&token, NOW).unwrap();
    let signed_out = sessions.sign_out(&session, &with_token(&token)).await;
    assert!(signed_out.revoked.is_ok(), "{:?}", signed_out.revoked);
    assert_eq!((world.reason(&token), asked()), ("session_revoked", vec![]));
    let other = world.second.token(&json!({"sid": "session-8"}));
    let signed_out = sessions.sign_out_presented(&with_token(&other)).await;
    assert!(signed_out.revoked.is_ok(), "{:?}", signed_out.revoked);
    assert_eq!((world.reason(&other), asked()), ("session_revoked", vec![]));
    // Without keys, the authority is not asked to end it by its token either.
    world.second.keys.replace(None);
    let other = world.second.token(&json!({"sid": "session-9"}));
    let signed_out = sessions.sign_out_presented(&with_token(&other)).await;
    assert!(signed_out.revoked.is_err());
    assert_eq!(asked(), Vec::<&str>::new());
    // The equal session of Stytch is still accepted.
    let of_stytch = world.stytch.test.claims(&equal.proved(Factor::Password));
    let of_stytch = world.stytch.sign(&Value::from(of_stytch).to_string());
    assert_eq!(world.reason(&of_stytch), "ok");
}

/// An authority that returns the tokens of another issuer.
struct Confused(SessionTokens);

impl SessionAuthority for Confused {
    fn authenticate(&self, _: PresentedToken) -> AuthorityFuture<SessionTokens> {
        let tokens = self.0.clone();
        Box::pin(async { Ok(tokens) })
    }

    fn revoke(&self, _: String) -> AuthorityFuture<()> {
        Box::pin(async { Ok(()) })
    }

    fn revoke_by_token(&self, _: PresentedToken) -> AuthorityFuture<()> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn an_opaque_token_yields_no_session_of_another_issuer() {
    let mut world = world();
    world.verifier = world.verifier.clock(FixedClock::new());
    let session_jwt = world.first.token(&json!({}));
    let tokens = SessionTokens { session_jwt, session_token: "opaque".into() };
    let sessions = Sessions::new(world.verifier.clone(), Confused(tokens));
    let guard = StepUpLayer::new(world.verifier).renew_with(&sessions);
    let service = guard.layer(service_fn(inner::<Full<bytes::Bytes>>));
    let request = Request::get("/").header("cookie", "stytch_session=opaque");
    let response = send(&service, request.body(Full::default()).unwrap()).await;
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn tokens_of_another_issuer_cannot_be_adopted() {
    let mut world = world();
    let (sessions, authority) = counted(&mut world);
    let foreign = SessionTokens {
        session_jwt: world.first.token(&json!({"sid": "session-8", "sub": "user-7"})),
        session_token: "opaque".into(),
    };
    let predecessor = world.first.token(&json!({"sid": "session-7", "sub": "user-7"}));
    let predecessor = world.verifier.verify_at(&predecessor, NOW).unwrap();
    for predecessor in [None, Some(&predecessor)] {
        let adopted = sessions.adopt(&foreign, predecessor, &HeaderMap::new()).await;
        assert!(
            matches!(adopted, Err(tower_step_up::sessions::AdoptError::AnotherIssuer)),
            "{adopted:?}"
        );
    }
    assert_eq!(world.reason(&foreign.session_jwt), "ok");
    assert!(authority.calls.lock().unwrap().is_empty());
    // Nor does a session of Stytch follow one of another issuer.
    let claims = world.stytch.claims(&json!({"sub": "user-7"}));
    let own = SessionTokens {
        session_jwt: world.stytch.sign(&claims.to_string()),
        session_token: "opaque".into(),
    };
    let adopted = sessions.adopt(&own, Some(&predecessor), &HeaderMap::new()).await;
    assert!(adopted.is_err());
    assert!(sessions.adopt(&own, None, &HeaderMap::new()).await.is_ok());
}

#[tokio::test]
async fn a_revocation_is_kept_as_long_as_the_longest_token_of_any_issuer() {
    let day = seconds(24 * 3_600);
    let issuer = oidc::access_tokens("https://one.example", "api").longest_life(day);
    let (long, stytch) = (TestIssuer::standing_in_for(issuer).unwrap(), TestIssuer::new());
    let expires_at = (NOW + day).unix_timestamp();
    let token = long.mint_with(&json!({"sid": "session-1", "exp": expires_at}));
    for verifiers in [[long.verifier(), stytch.verifier()], [stytch.verifier(), long.verifier()]] {
        let clock = FixedClock::new();
        let verifier = Verifier::any_of(verifiers).unwrap().clock(clock.clone());
        let session = verifier.verify(&token).await.unwrap();
        verifier.revoke_session(session.issuer(), session.id()).await.unwrap();
        // The last second in which the token could be accepted, with the leeway.
        clock.advance(day + seconds(4));
        // Each write removes revocations that are no longer needed.
        for number in 0..3 {
            let other = format!("session-other-{number}");
            verifier.revoke_session(&stytch.name(), &other).await.unwrap();
        }
        assert_eq!(reason(&verifier.verify(&token).await), "session_revoked");
    }
    let fresh = long.verifier().revocations(LocalRevocations::new());
    assert_eq!(reason(&fresh.verify_at(&token, NOW + day + seconds(4))), "ok");
}
