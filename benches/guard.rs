//! What the guard costs beside the signature check that it cannot do without: `cargo bench --bench guard`.
//!
//! Compare ratios within one run; absolute times differ from machine to machine.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should say where")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use bytes::Bytes;
use divan::{Bencher, black_box};
use http::{Request, Response};
use http_body_util::Full;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use tower::{Layer, Service};
use tower_step_up::testing::{self, NOW, TestIssuer};
use tower_step_up::{Factor, Policy, StepUp, StepUpLayer};

type Body = Full<Bytes>;

fn main() {
    divan::main();
}

static ISSUER: LazyLock<TestIssuer> = LazyLock::new(TestIssuer::new);

static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let minute = Duration::from_secs(60);
    let session = testing::session().proved_ago(Factor::Password, minute).proved_ago(Factor::OtpSms, minute);
    ISSUER.mint(&session)
});

fn transfer() -> Policy {
    Policy::mfa()
        .and(Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn]).within(Duration::from_secs(600)))
        .named("transfer")
}

#[derive(Clone)]
struct Trivial;

impl Service<Request<Body>> for Trivial {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<Body>) -> Self::Future {
        ready(Ok(Response::new(Body::default())))
    }
}

fn request(token: Option<&str>) -> Request<Body> {
    let builder = Request::get("/");
    let builder = match token {
        Some(token) => builder.header("authorization", format!("Bearer {token}")),
        None => builder,
    };
    builder.body(Body::default()).unwrap()
}

fn answer(service: &mut StepUp<Trivial>, request: Request<Body>) -> u16 {
    let mut future = std::pin::pin!(service.call(request));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response.status().as_u16(),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => 0,
    }
}

fn bench_guard(bencher: Bencher<'_, '_>, guard: &StepUpLayer, token: Option<&str>, want: u16) {
    let mut service = guard.layer(Trivial);
    assert_eq!(answer(&mut service, request(token)), want);
    bencher.with_inputs(|| request(token)).bench_local_values(|request| answer(&mut service, black_box(request)));
}

#[divan::bench]
fn a_bare_signature_check(bencher: Bencher<'_, '_>) {
    let set: JwkSet = serde_json::from_str(ISSUER.jwks()).unwrap();
    let AlgorithmParameters::RSA(rsa) = &set.keys.first().unwrap().algorithm else {
        return;
    };
    let decode = |text: &str| base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).unwrap();
    let components = RsaPublicKeyComponents { n: decode(&rsa.n), e: decode(&rsa.e) };
    let key: ParsedPublicKey = components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).unwrap();
    let (signed, signature) = TOKEN.rsplit_once('.').unwrap();
    let signature = decode(signature);
    bencher.bench(|| key.verify_sig(black_box(signed.as_bytes()), black_box(&signature)).unwrap());
}

#[divan::bench]
fn guard_granted(bencher: Bencher<'_, '_>) {
    let guard = StepUpLayer::new(ISSUER.verifier().cache_bytes(0)).require(transfer());
    bench_guard(bencher, &guard, Some(&TOKEN), 200);
}

#[divan::bench]
fn guard_granted_again(bencher: Bencher<'_, '_>) {
    bench_guard(bencher, &ISSUER.guard().require(transfer()), Some(&TOKEN), 200);
}

#[divan::bench]
fn guard_refused_without_token(bencher: Bencher<'_, '_>) {
    bench_guard(bencher, &ISSUER.guard().require(transfer()), None, 401);
}

#[divan::bench]
fn guard_refused_bad_signature(bencher: Bencher<'_, '_>) {
    let (signed, _) = TOKEN.rsplit_once('.').unwrap();
    let other = ISSUER.mint(&testing::session().proved(Factor::Password));
    let (_, signature) = other.rsplit_once('.').unwrap();
    bench_guard(bencher, &ISSUER.guard(), Some(&format!("{signed}.{signature}")), 401);
}

#[divan::bench]
fn guard_refused_step_up(bencher: Bencher<'_, '_>) {
    bench_guard(bencher, &ISSUER.guard().require(Policy::phishing_resistant().named("admin")), Some(&TOKEN), 401);
}

#[divan::bench]
fn prompts_for_transfer(bencher: Bencher<'_, '_>) {
    let session = testing::session().proved(Factor::Password).build();
    let shortfall = transfer().evaluate(&session, NOW).err().unwrap();
    let offered = shortfall.offered();
    bencher.bench(|| black_box(&shortfall).prompts(black_box(&offered)));
}

#[divan::bench(sample_count = 20)]
fn prompts_at_the_bound(bencher: Bencher<'_, '_>) {
    // 32 clauses, of which the last eight are the dearest there are.
    let offered: Vec<_> = Factor::LISTED.iter().take(24).cloned().collect();
    let clauses = offered.iter().cloned().map(Policy::factor).chain((0..8).map(|_| Policy::independent(4)));
    let half = Policy::try_at_least(20, clauses).unwrap();
    let shortfall = half.evaluate(&testing::session().build(), NOW).err().unwrap();
    bencher.bench(|| black_box(&shortfall).prompts(black_box(&offered)));
}

#[divan::bench]
fn policy_of_six_clauses_over_four_factors(bencher: Bencher<'_, '_>) {
    let factors = [Factor::OAuthGoogle, Factor::Password, Factor::OtpSms, Factor::Totp];
    let session = factors.into_iter().fold(testing::session(), testing::SessionBuilder::proved).build();
    let policy = transfer();
    bencher.bench(|| black_box(&policy).evaluate(black_box(&session), NOW).is_ok());
}

#[divan::bench]
fn audit_of_transfer(bencher: Bencher<'_, '_>) {
    bencher.bench(|| black_box(&transfer()).audit());
}

#[divan::bench]
fn implication_that_holds(bencher: Bencher<'_, '_>) {
    bencher.bench(|| black_box(&transfer()).implies(&Policy::mfa()));
}

#[divan::bench(sample_count = 20)]
fn implication_at_the_bound(bencher: Bencher<'_, '_>) {
    let of_24 = |needed| Policy::try_at_least(needed, Factor::LISTED.iter().take(24).cloned()).unwrap();
    let (more, fewer) = (of_24(12), of_24(11));
    bencher.bench(|| black_box(&more).implies(black_box(&fewer)));
}
