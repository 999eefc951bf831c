//! Helpers that the benchmarks share: tokens of the size that Stytch issues, and a service that
//! does nothing.
#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet};
use serde_json::json;
use time::OffsetDateTime;
use tower::Service;
use tower_step_up::keys::{KeySet, KeySource, Refresh};
use tower_step_up::testing::{self, NOW, TestIssuer};
use tower_step_up::{Clock, Factor, Policy, StepUpLayer, Verifier};

pub(crate) type Body = Full<Bytes>;

pub(crate) static ISSUER: LazyLock<TestIssuer> = LazyLock::new(TestIssuer::new);

/// A clock that stands still and costs nothing. Reading the system's clock takes about 30 ns.
pub(crate) struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> OffsetDateTime {
        NOW
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A source of the issuer's keys that can read them again.
#[derive(Clone, Default)]
pub(crate) struct Keys(Arc<Mutex<Option<Arc<KeySet>>>>);

impl Keys {
    pub(crate) fn read(&self) {
        *self.0.lock().unwrap() =
            Some(Arc::new(KeySet::from_jwks(ISSUER.jwks().as_bytes()).unwrap()));
    }
}

impl KeySource for Keys {
    fn current(&self) -> Option<Arc<KeySet>> {
        self.0.lock().unwrap().clone()
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
    }
}

pub(crate) fn verifier() -> Verifier {
    ISSUER.verifier().clock(StoppedClock)
}

/// Returns a policy that demands MFA and one of three factors proved within the last ten minutes.
/// It has six clauses and a limit.
pub(crate) fn transfer() -> Policy {
    Policy::mfa()
        .and(
            Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn])
                .within(Duration::from_secs(600)),
        )
        .named("transfer")
}

pub(crate) fn guard() -> StepUpLayer {
    StepUpLayer::new(verifier()).require(transfer())
}

/// Returns a guard that caches no tokens.
pub(crate) fn without_cache() -> StepUpLayer {
    StepUpLayer::new(verifier().cache_bytes(0)).require(transfer())
}

/// Returns a guard that refuses all tokens of the benchmarks, with prompts.
pub(crate) fn strict() -> StepUpLayer {
    StepUpLayer::new(verifier()).require(Policy::phishing_resistant().named("admin"))
}

/// Returns a request without a token.
pub(crate) fn anonymous() -> Request<Body> {
    Request::new(Body::default())
}

/// Returns a token like Stytch's for a password and a code by SMS. Its payload has about 1.1 kB and
/// nine dates.
pub(crate) fn token(number: usize) -> String {
    let minute = Duration::from_secs(60);
    let session =
        testing::session().proved_ago(Factor::Password, minute).proved_ago(Factor::OtpSms, minute);
    let mut claims =
        ISSUER.claims(&session.role("stytch_user").claim("plan", "gold").claim("number", number));
    let session = &mut claims["https://stytch.com/session"];
    session["attributes"] = json!({
        "ip_address": "203.0.113.7",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    });
    for entry in session["authentication_factors"].as_array_mut().into_iter().flatten() {
        entry["created_at"] = json!("2025-11-02T08:15:30Z");
        entry["updated_at"] = json!("2026-01-01T11:59:00Z");
    }
    session["authentication_factors"][1]["phone_number_factor"] = json!({"phone_id": "phone-number-test-00000000-0000-4000-8000-000000000000", "phone_number": "+15005550006"});
    ISSUER.mint_claims(&claims)
}

/// Returns this many different tokens.
pub(crate) fn tokens(count: usize) -> Vec<String> {
    (0..count).map(token).collect()
}

/// Returns the crypto library's check with a parsed key. No verification can be faster than this.
pub(crate) fn bare_check(token: &str) -> impl Fn() -> bool + use<> {
    let set: JwkSet = serde_json::from_str(ISSUER.jwks()).unwrap();
    let AlgorithmParameters::RSA(rsa) = &set.keys.first().unwrap().algorithm else {
        panic!("expected an RSA key")
    };
    let decode = |text: &str| base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).unwrap();
    let components = RsaPublicKeyComponents { n: decode(&rsa.n), e: decode(&rsa.e) };
    let key: ParsedPublicKey =
        components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (signed, signature) = (signed.to_owned(), decode(signature));
    move || key.verify_sig(black_box(signed.as_bytes()), black_box(&signature)).is_ok()
}

/// Returns a token with the signature of another.
pub(crate) fn forged() -> String {
    let (genuine, other) = (token(0), token(1));
    format!("{}.{}", genuine.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1)
}

pub(crate) fn bearer(token: &str) -> Request<Body> {
    Request::get("/")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::default())
        .unwrap()
}

pub(crate) fn cookie(token: &str) -> Request<Body> {
    let cookies =
        format!("theme=dark; _ga=GA1.1.1234567890.1234567890; stytch_session_jwt={token}; lang=en");
    Request::get("/").header("cookie", cookies).body(Body::default()).unwrap()
}

/// A service that responds at once.
#[derive(Clone)]
pub(crate) struct Trivial;

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

/// Returns the status of a response that is ready at once, or 0 if the service waits.
pub(crate) fn status<S, B>(service: &mut S, request: Request<Body>) -> u16
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
{
    let mut future = std::pin::pin!(service.call(request));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response.status().as_u16(),
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => 0,
    }
}

/// Returns the nanoseconds of one call. The caller makes the request just before.
pub(crate) fn timed_call<S, B>(service: &mut S, request: Request<Body>, want: u16) -> f64
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
{
    let request = black_box(request);
    timed(|| assert_eq!(status(service, request), want))
}

/// Returns how many nanoseconds something takes. This includes about 20 for reading the clock.
pub(crate) fn timed(something: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    something();
    begun.elapsed().as_secs_f64() * 1e9
}

pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
