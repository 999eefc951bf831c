//! The cost of the guard, compared with that of the signature check alone: `cargo bench --bench
//! guard`.
//!
//! Compare ratios within one run on a quiet machine. Absolute times differ from machine to machine.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing benchmark should panic at once"
)]

mod support;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::time::Duration;

use divan::{Bencher, black_box};
use http::{Request, Response, StatusCode};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use tower::{Layer, Service};
use tower_http::validate_request::ValidateRequestHeaderLayer;
use tower_step_up::issuers::oidc;
use tower_step_up::testing::{self, NOW, SessionBuilder, TestIssuer, TestSessions};
use tower_step_up::token::{LocalRevocations, Revoked};
use tower_step_up::{Factor, Policy, Sessions, StepUpLayer, Verifier};

use support::{
    Body, ISSUER, Keys, StoppedClock, Trivial, anonymous, bare_check, bearer, cookie, forged,
    guard, status, strict, token, tokens, transfer, verifier,
};

fn main() {
    // The first samples are slow: caches are cold and tables are built lazily. With this many
    // samples they do not affect the median.
    divan::Divan::default().sample_count(20_000).config_with_args().main();
}

const TOKENS: usize = 1_024;

fn bench<S, B>(bencher: Bencher<'_, '_>, service: S, want: u16, request: impl Fn() -> Request<Body>)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
{
    let service = RefCell::new(service);
    assert_eq!(status(&mut *service.borrow_mut(), request()), want);
    bencher
        .with_inputs(request)
        .bench_local_values(|request| status(&mut *service.borrow_mut(), black_box(request)));
}

/// A request without a guard. The figures of guarded requests include this much.
#[divan::bench]
fn a_request_without_guard(bencher: Bencher<'_, '_>) {
    let token = token(0);
    bench(bencher, Trivial, 200, || bearer(&token));
}

#[divan::bench]
fn a_bare_signature_check(bencher: Bencher<'_, '_>) {
    let check = bare_check(&token(0));
    assert!(check());
    bencher.bench(check);
}

#[divan::bench]
fn a_bare_signature_check_that_fails(bencher: Bencher<'_, '_>) {
    let check = bare_check(&forged());
    assert!(!check());
    bencher.bench(check);
}

/// The first request with each token under the current keys, in a cache that has room. It replaces
/// the token's entry from before the keys were read.
#[divan::bench]
fn first_request(bencher: Bencher<'_, '_>) {
    first_requests(bencher, 64 << 20);
}

fn first_requests(bencher: Bencher<'_, '_>, cache_bytes: usize) {
    let tokens = tokens(TOKENS);
    let next = Cell::new(0);
    let keys = Keys::default();
    let verifier =
        Verifier::new(keys.clone(), [ISSUER.name()], ISSUER.audience()).clock(StoppedClock);
    let mut service =
        StepUpLayer::new(verifier.cache_bytes(cache_bytes)).require(transfer()).layer(Trivial);
    // One round without measuring allocates the memory.
    keys.read();
    tokens.iter().for_each(|token| assert_eq!(status(&mut service, bearer(token)), 200));
    let request = || {
        let number = next.replace(next.get() + 1) % TOKENS;
        if number == 0 {
            // All tokens are cached. Once the keys are read again, every token is new.
            keys.read();
        }
        bearer(&tokens[number])
    };
    bench(bencher, service, 200, request);
}

/// The first request with each token, in a cache that has to evict another. The keys are read again
/// in every round, because the cache keeps some of the old tokens on purpose.
#[divan::bench]
fn first_request_in_a_full_cache(bencher: Bencher<'_, '_>) {
    first_requests(bencher, 1 << 20);
}

/// Every request with an access token of an OpenID Connect provider, at a verifier without a cache.
#[divan::bench]
fn first_request_of_another_issuer(bencher: Bencher<'_, '_>) {
    let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com")
        .acr("gold", [[Factor::Password, Factor::Totp]]);
    let test = TestIssuer::standing_in_for(issuer).unwrap();
    let claims = serde_json::json!({"auth_time": NOW.unix_timestamp() - 60, "acr": "gold",
        "amr": ["pwd", "otp"], "client_id": "web", "scope": "openid profile", "jti": "a".repeat(36)});
    let token = test.mint_with(&claims);
    let verifier = test.verifier().clock(StoppedClock).cache_bytes(0);
    let fresh = Policy::session().within(Duration::from_secs(300));
    let guard = StepUpLayer::new(verifier).require(Policy::mfa().and(fresh));
    bench(bencher, guard.layer(Trivial), 200, || bearer(&token));
}

#[divan::bench]
fn repeated_by_bearer(bencher: Bencher<'_, '_>) {
    let token = token(0);
    bench(bencher, guard().layer(Trivial), 200, || bearer(&token));
}

#[divan::bench]
fn repeated_by_cookie(bencher: Bencher<'_, '_>) {
    let token = token(0);
    bench(bencher, guard().layer(Trivial), 200, || cookie(&token));
}

#[divan::bench]
fn repeated_1024_in_turn(bencher: Bencher<'_, '_>) {
    let (tokens, next) = (tokens(TOKENS), Cell::new(0));
    let mut service = guard().layer(Trivial);
    tokens.iter().for_each(|token| assert_eq!(status(&mut service, bearer(token)), 200));
    bench(bencher, service, 200, || bearer(&tokens[next.replace(next.get() + 1) % TOKENS]));
}

/// A repeated token at a guard that would renew the session if the token had expired.
#[divan::bench]
fn repeated_with_renewal(bencher: Bencher<'_, '_>) {
    let token = token(0);
    let verifier = verifier();
    let sessions = Sessions::new(verifier.clone(), TestSessions::new(&ISSUER));
    let guard = StepUpLayer::new(verifier).require(transfer()).renew_with(&sessions);
    bench(bencher, guard.layer(Trivial), 200, || bearer(&token));
}

/// A repeated token after as many other sessions were revoked.
#[divan::bench(args = [1_000, 1_000_000])]
fn repeated_with_revocations(bencher: Bencher<'_, '_>, count: usize) {
    let token = token(0);
    let revocations = LocalRevocations::new().max_entries(count);
    for number in 0..count {
        let session = Revoked::session(&ISSUER.name(), &format!("session-test-{number}"));
        revocations.record(&session, NOW, NOW).unwrap();
    }
    let guard = StepUpLayer::new(verifier().revocations(revocations)).require(transfer());
    bench(bencher, guard.layer(Trivial), 200, || bearer(&token));
}

#[divan::bench]
fn refused_without_token(bencher: Bencher<'_, '_>) {
    bench(bencher, guard().layer(Trivial), 401, anonymous);
}

#[divan::bench]
fn refused_for_a_bad_signature(bencher: Bencher<'_, '_>) {
    let forged = forged();
    let mut service = guard().layer(Trivial);
    assert_eq!(status(&mut service, bearer(&token(0))), 200);
    bench(bencher, service, 401, || bearer(&forged));
}

/// A refusal of a cached token, with the prompts in its body.
#[divan::bench]
fn refused_with_a_step_up(bencher: Bencher<'_, '_>) {
    let token = token(0);
    bench(bencher, strict().layer(Trivial), 401, || bearer(&token));
}

/// A refusal of a cached token of an OpenID Connect provider, with the authentication request that would
/// meet the policy.
#[divan::bench]
fn refused_with_an_authentication_request(bencher: Bencher<'_, '_>) {
    let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com")
        .acr_values(["silver", "gold"])
        .acr("gold", [[Factor::Password, Factor::Totp]]);
    let test = TestIssuer::standing_in_for(issuer).unwrap();
    let claims = serde_json::json!({"auth_time": NOW.unix_timestamp() - 600, "acr": "silver"});
    let token = test.mint_with(&claims);
    let fresh = Policy::session().within(Duration::from_secs(300));
    let policy = Policy::mfa().and(fresh).named("transfer");
    let guard = StepUpLayer::new(test.verifier().clock(StoppedClock)).require(policy);
    bench(bencher, guard.layer(Trivial), 401, || bearer(&token));
}

/// The same job in an application's own code, with tower-http and jsonwebtoken. It has no cache, so
/// it verifies the token of every request.
#[divan::bench]
fn own_code(bencher: Bencher<'_, '_>) {
    // This build enables both of jsonwebtoken's backends, so one has to be named.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let set: JwkSet = serde_json::from_str(ISSUER.jwks()).unwrap();
    let key = DecodingKey::from_jwk(set.find(ISSUER.kid()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[ISSUER.audience()]);
    validation.set_issuer(&[ISSUER.name()]);
    validation.validate_exp = false; // the clock stands still here
    #[expect(clippy::result_large_err, reason = "the layer requires this type")]
    let layer = ValidateRequestHeaderLayer::custom(move |request: &mut Request<Body>| {
        let refused = || {
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        };
        let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(refused)?;
        let claims = jsonwebtoken::decode::<OwnClaims>(token, &key, &validation)
            .map_err(|_| refused())?
            .claims;
        let recent = |entry: &OwnFactor| (NOW - entry.last_authenticated_at).whole_seconds() <= 600;
        let has = |method: &str| {
            claims.session.authentication_factors.iter().find(|it| it.delivery_method == method)
        };
        if has("knowledge").is_none() || !has("sms").is_some_and(recent) {
            return Err(refused());
        }
        request.extensions_mut().insert(std::sync::Arc::new(claims));
        Ok(())
    });
    let token = token(0);
    bench(bencher, layer.layer(Trivial), 200, || bearer(&token));
}

#[derive(serde::Deserialize)]
struct OwnClaims {
    #[serde(rename = "https://stytch.com/session")]
    session: OwnSession,
}

#[derive(serde::Deserialize)]
struct OwnSession {
    authentication_factors: Vec<OwnFactor>,
}

#[derive(serde::Deserialize)]
struct OwnFactor {
    delivery_method: String,
    #[serde(with = "time::serde::rfc3339")]
    last_authenticated_at: time::OffsetDateTime,
}

#[divan::bench]
fn policy_of_six_clauses_over_four_factors(bencher: Bencher<'_, '_>) {
    let factors = [Factor::OAuthGoogle, Factor::Password, Factor::OtpSms, Factor::Totp];
    let session = factors.into_iter().fold(testing::session(), SessionBuilder::proved).build();
    let policy = transfer();
    bencher.bench(|| black_box(&policy).evaluate(black_box(&session), NOW).is_ok());
}
