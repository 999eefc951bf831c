//! Guards whose policy depends on the request.

use std::convert::Infallible;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::policy::{ListError, PolicyError};
use tower_step_up::testing::{FixedClock, TestIssuer};
use tower_step_up::{Factor, Grant, Policies, Policy, Rejection, StepUpLayer, Verifier};
use tracing::Level;

use crate::events::log_of;
use crate::key_server::{Behaviour, KeyServer, within_seconds};
use crate::renewal::{World, with_cookies};
use crate::support::{TestResponse, bearer, inner, issuer, proved, request, seconds, send};

type Body = Full<Bytes>;

const PASSWORD: &[Factor] = &[Factor::Password];
const BOTH: &[Factor] = &[Factor::Password, Factor::Totp];

/// Demands MFA for everything but reading, and a fresh code for a transfer.
fn by_method_and_path(request: &Parts) -> Policy {
    match (&request.method, request.uri.path()) {
        (&Method::GET | &Method::HEAD, "/account") => Policy::session(),
        (&Method::POST, "/transfer") => {
            Policy::from(Factor::Totp).within(seconds(30)).named("transfer")
        }
        _ => Policy::mfa(),
    }
}

fn with_method(method: Method, path: &str, factors: &[Factor]) -> Request<Body> {
    let mut request = request(path, factors);
    *request.method_mut() = method;
    request
}

/// Responds with the policy of the grant.
async fn policy_of<B>(request: Request<B>) -> Result<Response<Body>, Infallible> {
    let grant = request.extensions().get::<Grant>();
    let policy = grant.map_or("anonymous".to_owned(), |grant| grant.policy().to_string());
    Ok(Response::new(Body::from(policy)))
}

async fn respond(guard: &StepUpLayer, request: Request<Body>) -> TestResponse {
    within_seconds(send(&guard.layer(service_fn(policy_of::<Body>)), request)).await
}

/// Returns the status and the policy of the grant. A refusal has no policy.
async fn outcome(guard: &StepUpLayer, request: Request<Body>) -> (u16, String) {
    let response = respond(guard, request).await;
    let status = response.status.as_u16();
    (status, if status == 200 { response.body } else { String::new() })
}

/// Returns a guard that counts how often its function runs.
fn counting(guard: &StepUpLayer) -> (StepUpLayer, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&runs);
    let guard = guard.require_with(move |request| {
        counter.fetch_add(1, Ordering::SeqCst);
        by_method_and_path(request)
    });
    (guard, runs)
}

async fn rejection(guard: &StepUpLayer, request: Request<Body>) -> Rejection {
    let service = guard.layer(service_fn(inner::<Body>));
    let response = within_seconds(service.oneshot(request)).await.unwrap();
    Rejection::of(&response).unwrap().clone()
}

#[tokio::test]
async fn the_method_and_the_path_decide_what_is_demanded() {
    let guard = issuer().guard().require_with(by_method_and_path);
    for (method, path, factors, want) in [
        (Method::GET, "/account", PASSWORD, Some("session")),
        (Method::HEAD, "/account", PASSWORD, Some("session")),
        (Method::PUT, "/account", PASSWORD, None),
        (Method::PUT, "/account", BOTH, Some("mfa")),
        (Method::GET, "/other", PASSWORD, None),
        (Method::GET, "/other", BOTH, Some("mfa")),
        (Method::POST, "/transfer", BOTH, None), // the code is a minute old
    ] {
        let case = format!("{method} {path} {factors:?}");
        let (status, policy) = outcome(&guard, with_method(method.clone(), path, factors)).await;
        assert_eq!(status, if want.is_some() { 200 } else { 401 }, "{case}");
        assert_eq!(policy, want.unwrap_or_default(), "{case}");
    }
    let response = respond(&guard, with_method(Method::POST, "/transfer", BOTH)).await;
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!((&body["policy"], &body["max_age"]), (&json!("transfer"), &json!(30)));
}

#[tokio::test]
async fn a_function_returns_a_policy_or_a_factor_or_a_result() {
    let policies = Policies::from_toml("[policy.reports]\nrequire = 'mfa'").unwrap();
    let guard = issuer().guard();
    for guard in [
        guard.require_with(|_| Factor::Totp),
        guard.require_with(|_| Ok::<_, Infallible>(Factor::Totp)),
        guard.require_with(|_| Ok::<_, &str>(Policy::from(Factor::Totp))),
        guard.require_with(|_| Ok::<_, Box<dyn Error + Send + Sync>>(Policy::mfa())),
        guard.require_with(move |_| policies.get("reports").cloned()),
    ] {
        assert_eq!(outcome(&guard, request("/", BOTH)).await.0, 200);
        assert_eq!(outcome(&guard, request("/", PASSWORD)).await.0, 401);
    }
}

#[tokio::test]
async fn everything_that_was_demanded_is_demanded_in_any_order() {
    let plain = issuer().guard();
    let password = || Policy::from(Factor::Password);
    let totp = |_: &Parts| Policy::from(Factor::Totp);
    for (guard, want) in [
        (plain.require(password()).require_with(totp), "password and totp"),
        (plain.require_with(totp).require(password()), "password and totp"),
        (plain.require_with(totp).require_with(|_| Factor::OtpSms), "totp and otp/sms"),
        (
            plain.require_with(totp).require(password()).require_with(|_| Factor::OtpSms),
            "password and totp and otp/sms",
        ),
        (plain.require_with(totp), "totp"),
        (plain.require_with(|_| Policy::session()), "session"),
    ] {
        let all = [Factor::Password, Factor::Totp, Factor::OtpSms];
        assert_eq!(outcome(&guard, request("/", &all)).await, (200, want.to_owned()));
        for missing in &all {
            let rest: Vec<_> = all.iter().filter(|factor| *factor != missing).cloned().collect();
            let is_demanded = want.contains(missing.to_string().as_str());
            let status = if is_demanded { 401 } else { 200 };
            assert_eq!(outcome(&guard, request("/", &rest)).await.0, status, "{want}: {missing}");
        }
    }
    // The original guard is not changed.
    assert_eq!(outcome(&plain, request("/", PASSWORD)).await, (200, "session".to_owned()));
}

#[tokio::test]
async fn the_combined_policy_has_the_last_functions_name_or_the_guards() {
    let named = |name: &'static str| move |_: &Parts| Policy::from(Factor::Totp).named(name);
    let account = issuer().guard().require(Policy::mfa().named("account"));
    for (guard, want) in [
        (account.require_with(named("a")), "a"),
        (account.require_with(named("a")).require_with(named("b")), "b"),
        (account.require_with(|_| Factor::Totp), "account"),
        (issuer().guard().require_with(named("a")).require(Policy::mfa().named("account")), "a"),
    ] {
        let response = respond(&guard, request("/", PASSWORD)).await;
        let body: Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(body["policy"], want);
    }
    assert_eq!(account.require_with(named("a")).policy().name(), Some("account"));
}

#[tokio::test]
async fn an_error_is_a_refusal_that_shows_the_client_nothing() {
    let guard = issuer().guard().require_with(|_| Err::<Policy, _>("no rule in hush-hush.toml"));
    let response = respond(&guard, request("/", BOTH)).await;
    assert_eq!((response.status.as_u16(), response.header("www-authenticate")), (500, ""));
    assert_eq!(
        (response.header("cache-control"), response.header("retry-after")),
        ("no-store", "")
    );
    let want = json!({
        "type": "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html#policy-error",
        "title": "Policy error", "status": 500,
            "detail": "the server cannot determine what this request requires",
    });
    assert_eq!(serde_json::from_str::<Value>(&response.body).unwrap(), want);
}

#[tokio::test]
async fn a_rejection_holds_the_error_of_the_function() {
    let guard = issuer().guard().require_with(|_| Policies::from_toml("?").map(|_| Factor::Totp));
    let why = rejection(&guard, request("/", BOTH)).await;
    assert_eq!(
        (why.reason(), why.status().as_u16(), why.retry_after()),
        ("policy_error", 500, None)
    );
    let Rejection::PolicyError(error) = why else { panic!("{why:?}") };
    assert_eq!(error.to_string(), "the function for the request's policy failed");
    assert!(error.source().unwrap().is::<tower_step_up::policy::DocumentError>());
}

/// An error with a source.
#[derive(Debug)]
struct Outer;

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no policy for\nthe tenant")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&ListError::Empty)
    }
}

#[test]
fn an_error_is_logged_with_its_sources_on_one_line() {
    let guard = issuer().guard().require_with(|_| Err::<Policy, _>(Outer));
    assert_eq!(
        log_of(Level::DEBUG, &guard, request("/", BOTH)),
        [
            "ERROR tower_step_up::guard: decision=\"refused\" policy=session reason=\"policy_error\" \
          detail=the function for the request\\'s policy failed: no policy for\\nthe tenant: \
          a policy needs at least one clause status=500"
        ]
    );
}

#[test]
fn a_panic_is_a_refusal_and_its_message_is_not_logged() {
    let guard = issuer().guard().require_with(|request| -> Policy {
        assert_eq!(request.uri.path(), "/known", "hush-hush");
        Policy::session()
    });
    let lines = log_of(Level::TRACE, &guard, request("/unknown", BOTH));
    assert_eq!(
        lines,
        [
            "ERROR tower_step_up::guard: decision=\"refused\" policy=session reason=\"policy_error\" \
          detail=the function for the request\\'s policy panicked status=500"
        ]
    );
    let lines = log_of(Level::TRACE, &guard, request("/known", BOTH));
    assert!(lines[0].contains("decision=\"granted\""), "{lines:?}");
}

#[tokio::test]
async fn policies_that_are_too_large_together_are_a_refusal_and_no_panic() {
    let many = || Policy::try_any_of((0..64).map(|_| Factor::Totp)).unwrap();
    let wide = move || (0..15).fold(Policy::mfa(), |policy, _| policy.and(many()));
    let deep = || (0..127).fold(Policy::mfa(), |policy, _| policy.within(seconds(600)));
    for guard in [
        issuer().guard().require(wide()).require_with(move |_| wide()),
        issuer().guard().require_with(move |_| deep()).require_with(|_| Factor::Totp),
    ] {
        let why = rejection(&guard, request("/", BOTH)).await;
        assert!(
            matches!(why, Rejection::PolicyError(PolicyError::TooLarge(ListError::PolicyTooLarge))),
            "{why:?}"
        );
    }
    for guard in [
        issuer().guard().require_with(move |_| wide()),
        issuer().guard().require_with(move |_| deep()),
    ] {
        assert_eq!(outcome(&guard, request("/", BOTH)).await.0, 200);
    }
}

#[test]
fn the_log_shows_the_combined_policy() {
    let guard = issuer().guard().require(Factor::Password).require_with(by_method_and_path);
    let granted = log_of(Level::DEBUG, &guard, request("/", BOTH));
    assert!(granted[0].contains("\"granted\" policy=password and mfa "), "{granted:?}");
    let refused = log_of(Level::DEBUG, &guard, request("/", PASSWORD));
    assert!(refused[0].contains("\"refused\" policy=password and mfa "), "{refused:?}");
    let anonymous = log_of(Level::DEBUG, &guard, Request::new(Body::default()));
    assert!(anonymous[0].contains("\"refused\" policy=password "), "{anonymous:?}");
}

#[tokio::test]
async fn the_function_does_not_run_without_a_genuine_token() {
    let (guard, runs) = counting(&issuer().guard());
    let foreign = bearer(&TestIssuer::new().mint(&proved(BOTH)));
    for (headers, want) in [
        (&[][..], 401),
        (&[("authorization", foreign.as_str())], 401),
        (&[("authorization", "Bearer x")], 401),
        (&[("authorization", "Bearer")], 400),
        (&[("cookie", "stytch_session_jwt=a"), ("cookie", "stytch_session_jwt=b")], 400),
    ] {
        let builder = headers
            .iter()
            .fold(Request::get("/"), |builder, (name, value)| builder.header(*name, *value));
        let request = builder.body(Body::default()).unwrap();
        assert_eq!(outcome(&guard, request).await.0, want, "{headers:?}");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert_eq!(outcome(&guard, request("/", BOTH)).await.0, 200);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_optional_guard_runs_the_function_only_for_credentials() {
    let (guard, runs) = counting(&issuer().guard());
    let optional = guard.optional();
    let anonymous = || Request::new(Body::default());
    assert_eq!(outcome(&optional, anonymous()).await, (200, "anonymous".to_owned()));
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    assert_eq!(outcome(&optional, request("/", BOTH)).await, (200, "mfa".to_owned()));
    assert_eq!(outcome(&optional, request("/", PASSWORD)).await.0, 401);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    // Like `require`, `require_with` undoes `optional`.
    for again in [optional.require_with(by_method_and_path), optional.require(Policy::mfa())] {
        assert_eq!(outcome(&again, anonymous()).await.0, 401);
    }
}

/// A record of what a service received.
type Received = Arc<Mutex<Option<(Parts, Bytes)>>>;

/// Sends a request with all kinds of parts, and checks that the inner service receives them.
async fn check_untouched(guard: &StepUpLayer, request: Request<Body>, during: impl Future) {
    #[derive(Clone, Debug, PartialEq)]
    struct Mark(u8);
    let (mut parts, _) = request.into_parts();
    parts.method = Method::PATCH;
    parts.uri = "/other?a=b&c=%20".parse().unwrap();
    parts.version = http::Version::HTTP_10;
    parts.headers.append("x-many", "one".parse().unwrap());
    parts.headers.append("x-many", "two".parse().unwrap());
    parts.extensions.insert(Mark(7));
    let sent = parts.clone();
    let received = Received::default();
    let service = guard.layer(service_fn(|request: Request<Body>| async {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        *received.lock().unwrap() = Some((parts, body));
        Ok::<_, Infallible>(Response::new(Body::default()))
    }));
    let response = service.oneshot(Request::from_parts(parts, Body::from("the body")));
    let (response, _) = within_seconds(async { tokio::join!(response, during) }).await;
    assert_eq!(response.unwrap().status(), 200);
    let (got, body) = received.lock().unwrap().take().unwrap();
    assert_eq!(
        (&got.method, &got.uri, got.version, &got.headers),
        (&sent.method, &sent.uri, sent.version, &sent.headers)
    );
    assert_eq!((got.extensions.get::<Mark>(), body), (Some(&Mark(7)), Bytes::from("the body")));
    assert_eq!(got.extensions.get::<Grant>().unwrap().policy().to_string(), "mfa");
}

#[tokio::test]
async fn the_inner_service_receives_the_request_untouched() {
    let guard = issuer().guard().require_with(by_method_and_path);
    check_untouched(&guard, request("/", BOTH), async {}).await;
    check_untouched(&guard.optional(), request("/", BOTH), async {}).await;
}

#[tokio::test]
async fn a_request_that_waits_for_keys_runs_the_function_once_and_before() {
    let server = KeyServer::start(Behaviour::ServeHeldBack(issuer().jwks().to_owned())).await;
    let verifier = Verifier::new(server.keys(), [issuer().name()], issuer().audience())
        .clock(FixedClock::new());
    let (guard, runs) = counting(&StepUpLayer::new(verifier));
    check_untouched(&guard, request("/", BOTH), async {
        server.until_requests(1).await;
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        server.release();
    })
    .await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(outcome(&guard, request("/", PASSWORD)).await.0, 401);
}

#[tokio::test]
async fn after_a_wait_an_invalid_token_gets_its_own_refusal_even_if_the_function_failed() {
    let guard_with_keys = async || {
        let server = KeyServer::start(Behaviour::Serve(issuer().jwks().to_owned())).await;
        let verifier = Verifier::new(server.keys(), [issuer().name()], issuer().audience())
            .clock(FixedClock::new());
        StepUpLayer::new(verifier).require_with(|_| Err::<Policy, _>("broken"))
    };
    let foreign = bearer(&TestIssuer::new().mint(&proved(BOTH)));
    let foreign = Request::get("/").header("authorization", foreign).body(Body::default()).unwrap();
    let reason = async |request| rejection(&guard_with_keys().await, request).await.reason();
    assert_eq!(reason(foreign).await, "token_unknown_key");
    assert_eq!(reason(request("/", BOTH)).await, "policy_error");
}

#[tokio::test]
async fn a_request_that_waits_for_the_authority_meets_the_policy_of_its_own_request() {
    let world = World::new();
    let (guard, runs) = counting(&world.guard());
    let both = with_cookies(&world.expired(&proved(BOTH).ends_in(seconds(100_000))));
    check_untouched(&guard, both, async {}).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);

    let password = world.expired(&proved(PASSWORD).ends_in(seconds(100_000)));
    let at = |path: &str| {
        let mut request = with_cookies(&password);
        *request.uri_mut() = path.parse().unwrap();
        request
    };
    assert_eq!(outcome(&guard, at("/account")).await, (200, "session".to_owned()));
    assert_eq!(outcome(&guard, at("/other")).await.0, 401);
    let confirmed = guard.confirmed_within(seconds(0));
    assert_eq!(outcome(&confirmed, at("/account")).await, (200, "session".to_owned()));
    assert_eq!(outcome(&confirmed, at("/other")).await.0, 401);
}

#[tokio::test]
async fn a_policy_error_after_a_renewal_still_sends_the_fresh_tokens() {
    let world = World::new();
    let guard = world.guard().require_with(|_| Err::<Policy, _>("broken"));
    let response = respond(&guard, with_cookies(&world.expired(&proved(BOTH)))).await;
    assert_eq!(response.status, 500);
    assert_eq!(response.headers.get_all("set-cookie").iter().count(), 2);
}

#[tokio::test]
async fn nested_guards_demand_the_policies_of_both() {
    let outer = issuer().guard().require_with(|request| match request.uri.path() {
        "/" => Policy::session(),
        _ => Policy::mfa(),
    });
    let inner = issuer().guard().require_with(|request| {
        assert!(request.extensions.get::<Grant>().is_some(), "the outer guard's grant is there");
        Factor::Password
    });
    let service = outer.layer(inner.layer(service_fn(policy_of::<Body>)));
    let status = async |path, factors: &[Factor]| {
        send(&service, request(path, factors)).await.status.as_u16()
    };
    assert_eq!(status("/", PASSWORD).await, 200);
    assert_eq!(status("/", &[Factor::Totp]).await, 401);
    assert_eq!(status("/other", PASSWORD).await, 401);
    assert_eq!(status("/other", BOTH).await, 200);
}

#[tokio::test]
async fn a_function_that_logs_the_headers_does_not_log_the_token() {
    let seen = Arc::new(Mutex::new(String::new()));
    let log = Arc::clone(&seen);
    let guard = issuer().guard().require_with(move |request| {
        *log.lock().unwrap() = format!("{:?}", request.headers);
        Policy::session()
    });
    assert_eq!(outcome(&guard, request("/", BOTH)).await.0, 200);
    let seen = seen.lock().unwrap();
    assert!(seen.contains("Sensitive") && !seen.contains("eyJ"), "{seen}");
}

#[test]
fn a_guard_shows_how_many_functions_it_has() {
    let guard = issuer().guard().require_with(by_method_and_path);
    let shown = format!("{guard:?}");
    assert!(shown.contains("request_policies: 1"), "{shown}");
}
