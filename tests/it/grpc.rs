//! What gRPC clients receive from a guard that refuses their calls.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::keys::{KeySet, KeySource, Refresh};
use tower_step_up::layer::ResponseBody;
use tower_step_up::{BearerChallenge, Factor, Negotiated, Policy, Rejection, Respond as _};
use tower_step_up::{StepUpLayer, Verifier};

use crate::renewal::{World, with_cookies};
use crate::support::{bearer, inner, issuer, proved, seconds, transfer};

type Body = Full<Bytes>;

/// `google.rpc.Status` with an `ErrorInfo` of the reason `NO_CREDENTIALS`.
const NO_CREDENTIALS: &str = concat!(
    "CBASB3NpZ24gaW4aSwoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVycm9ySW5mbxIfCg5O",
    "T19DUkVERU5USUFMUxINdG93ZXItc3RlcC11cA",
);

/// One with the reason `INSUFFICIENT_USER_AUTHENTICATION`, the policy `transfer`, the prompts `otp/sms
/// totp webauthn`, and `retryable`.
const STEP_UP: &str = concat!(
    "CBASTmF1dGhlbnRpY2F0ZSB3aXRoIGEgc2Vjb25kLCBpbmRlcGVuZGVudCBmYWN0b3IgYW5kIChvdHAv",
    "c21zLCB0b3RwIG9yIHdlYmF1dGhuKRqmAQoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLkVy",
    "cm9ySW5mbxJ6CiBJTlNVRkZJQ0lFTlRfVVNFUl9BVVRIRU5USUNBVElPThINdG93ZXItc3RlcC11cBoS",
    "CgZwb2xpY3kSCHRyYW5zZmVyGiAKB3Byb21wdHMSFW90cC9zbXMgdG90cCB3ZWJhdXRobhoRCglyZXRy",
    "eWFibGUSBHRydWU",
);

/// One with the reason `KEYS_UNAVAILABLE`, and a `RetryInfo` of one second.
const UNAVAILABLE: &str = concat!(
    "CA4SMHRoZSBrZXlzIGZvciB2ZXJpZnlpbmcgdGhlIHRva2VuIGFyZSB1bmF2YWlsYWJsZRpNCih0eXBl",
    "Lmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJbmZvEiEKEEtFWVNfVU5BVkFJTEFCTEUSDXRv",
    "d2VyLXN0ZXAtdXAaMAoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIECgII",
    "AQ",
);

/// A source that has no keys and does not look for any.
struct NoKeys;

impl KeySource for NoKeys {
    fn current(&self) -> Option<Arc<KeySet>> {
        None
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
    }
}

/// Returns the token of a session with a password alone.
fn password() -> String {
    bearer(&issuer().mint(&proved(&[Factor::Password])))
}

async fn call(guard: &StepUpLayer, mut request: Request<Body>) -> Response<ResponseBody<Body>> {
    request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    guard.layer(service_fn(inner::<Body>)).oneshot(request).await.unwrap()
}

fn with(headers: &[(&str, &str)]) -> Request<Body> {
    let request = headers.iter().fold(Request::post("/bank.Bank/Transfer"), |request, header| {
        request.header(header.0, header.1)
    });
    request.body(Body::default()).unwrap()
}

/// Checks the whole answer: its status, its headers and that its first frame ends the stream.
#[track_caller]
fn check(response: &Response<ResponseBody<Body>>, headers: &[(&str, &str)]) {
    assert_eq!(response.status(), 200);
    assert!(http_body::Body::is_end_stream(response.body()));
    let got = response.headers().iter();
    let mut got: Vec<_> =
        got.map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    got.sort_unstable();
    assert_eq!(got, headers);
}

#[tokio::test]
async fn a_call_without_credentials() {
    let response = call(&issuer().guard(), with(&[])).await;
    check(
        &response,
        &[
            ("cache-control", "no-store"),
            ("content-type", "application/grpc"),
            ("grpc-message", "sign in"),
            ("grpc-status", "16"),
            ("grpc-status-details-bin", NO_CREDENTIALS),
            ("www-authenticate", "Bearer realm=\"api\""),
        ],
    );
    assert!(matches!(Rejection::of(&response), Some(Rejection::NoCredentials)));
}

#[tokio::test]
async fn a_call_that_needs_a_step_up() {
    let guard = issuer().guard().require(transfer());
    let response = call(&guard, with(&[("authorization", &password())])).await;
    check(
        &response,
        &[
            ("cache-control", "no-store"),
            ("content-type", "application/grpc"),
            (
                "grpc-message",
                "authenticate with a second, independent factor and (otp/sms, totp or webauthn)",
            ),
            ("grpc-status", "16"),
            ("grpc-status-details-bin", STEP_UP),
            (
                "www-authenticate",
                "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
                 error_description=\"authenticate with a second, independent factor and \
                 (otp/sms, totp or webauthn)\"",
            ),
        ],
    );
    assert!(matches!(Rejection::of(&response), Some(Rejection::StepUpRequired(_))));
}

#[tokio::test]
async fn a_call_that_cannot_be_decided_now() {
    let verifier = Verifier::new(NoKeys, [issuer().name()], issuer().audience());
    let guard = StepUpLayer::new(verifier);
    let response = call(&guard, with(&[("authorization", &password())])).await;
    check(
        &response,
        &[
            ("cache-control", "no-store"),
            ("content-type", "application/grpc"),
            ("grpc-message", "the keys for verifying the token are unavailable"),
            ("grpc-status", "14"),
            ("grpc-status-details-bin", UNAVAILABLE),
        ],
    );
    assert!(matches!(Rejection::of(&response), Some(Rejection::KeysUnavailable(_))));
}

#[tokio::test]
async fn every_built_in_responder_and_a_closure_that_delegates_to_one_give_the_same_answer() {
    let guard = issuer().guard().require(Policy::mfa());
    let negotiated = Negotiated::new().sign_in("/sign-in").unwrap();
    let answers = [
        guard.clone(),
        guard.respond_with(negotiated),
        guard.respond_with(|why: &Rejection, request: &Parts| {
            BearerChallenge::default().respond(why, request)
        }),
    ];
    let [first, rest @ ..] = answers;
    let headers = [("authorization", &*password()), ("accept", "text/html")];
    let want = call(&first, with(&headers)).await.headers().clone();
    assert_eq!(want["grpc-status"], "16");
    for guard in rest {
        assert_eq!(*call(&guard, with(&headers)).await.headers(), want);
    }
}

#[tokio::test]
async fn fresh_tokens_of_a_renewed_session_are_added() {
    let world = World::new();
    let guard = world.guard().require(Policy::mfa().within(seconds(60)));
    let tokens = world.expired(&proved(&[Factor::Password, Factor::OtpSms]));
    let response = call(&guard, with_cookies(&tokens)).await;
    assert_eq!(response.headers()["grpc-status"], "16");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    assert!(matches!(Rejection::of(&response), Some(Rejection::StepUpRequired(_))));
}
