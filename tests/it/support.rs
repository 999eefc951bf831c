//! Helpers that several test modules share.

use std::convert::Infallible;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_step_up::testing::{self, SessionBuilder, TestIssuer};
use tower_step_up::{Factor, Policy, TokenError, VerifyError};

/// Returns the one issuer that all tests share, because generating an RSA key takes a long time.
pub(crate) fn issuer() -> &'static TestIssuer {
    static ISSUER: OnceLock<TestIssuer> = OnceLock::new();
    ISSUER.get_or_init(TestIssuer::new)
}

/// The name of the issuer that test issuers have by default.
pub(crate) const ISSUER: &str = "stytch.com/project-test-00000000-0000-4000-8000-000000000000";

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns a policy that demands MFA and one of three factors proved within the last ten minutes.
pub(crate) fn transfer() -> Policy {
    Policy::mfa()
        .and(Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn]).within(seconds(600)))
        .named("transfer")
}

/// Returns the builder of a session whose factors were all proved a minute ago.
pub(crate) fn proved(factors: &[Factor]) -> SessionBuilder {
    factors
        .iter()
        .fold(testing::session(), |session, factor| session.proved_ago(factor.clone(), seconds(60)))
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Returns a request with the Bearer token of a session with these factors.
pub(crate) fn request(path: &str, factors: &[Factor]) -> Request<Full<Bytes>> {
    let token = issuer().mint(&proved(factors));
    Request::get(path).header("authorization", bearer(&token)).body(Full::default()).unwrap()
}

/// Returns the stable name of the broken rule, or "ok".
pub(crate) fn reason<T, E>(outcome: &Result<T, E>) -> &'static str
where
    E: Clone + Into<VerifyError>,
{
    outcome.as_ref().map_or_else(|error| error.clone().into().reason(), |_| "ok")
}

pub(crate) trait BrokenRule {
    /// Returns the rule that the token broke, if it was refused.
    fn broken_rule(self) -> Result<(), TokenError>;
}

impl<T> BrokenRule for Result<T, VerifyError> {
    #[track_caller]
    fn broken_rule(self) -> Result<(), TokenError> {
        self.map(drop).map_err(|error| match error {
            VerifyError::Token(error) => error,
            error => panic!("{error}"),
        })
    }
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes)
}

/// Yields copies of the token, each with one bit of its payload or signature flipped.
pub(crate) fn with_one_bit_changed(token: &str) -> impl Iterator<Item = String> {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    [1, 2].into_iter().flat_map(move |part| {
        let parts = parts.clone();
        let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(&parts[part]).unwrap();
        (0..bytes.len() * 8).map(move |bit| {
            let (mut parts, mut bytes) = (parts.clone(), bytes.clone());
            bytes[bit / 8] ^= 1 << (bit % 8);
            parts[part] = base64url(&bytes);
            parts.join(".")
        })
    })
}

/// Responds with "inner".
pub(crate) async fn inner<B>(_request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("inner")))
}

/// A response whose body has been read.
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl TestResponse {
    pub(crate) async fn of<B>(response: Response<B>) -> Self
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.into()).unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends one request through a clone of the service.
pub(crate) async fn send<S, B, R>(service: &S, request: Request<B>) -> TestResponse
where
    S: tower::Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: std::fmt::Debug,
    R: http_body::Body<Data = Bytes>,
    R::Error: std::fmt::Debug,
{
    TestResponse::of(service.clone().oneshot(request).await.unwrap()).await
}
