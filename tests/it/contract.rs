//! The contract of a Tower middleware.

use std::cell::Cell;
use std::convert::Infallible;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use tokio::sync::Notify;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_step_up::credentials::CredentialSource;
use tower_step_up::keys::{KeySet, KeySource, KeysUnavailable, Refresh};
use tower_step_up::layer::{ResponseBody, ResponseFuture, StepUp};
use tower_step_up::resource::ResourceMetadata;
use tower_step_up::testing::{FixedClock, NOW, TestIssuer};
use tower_step_up::{
    Factor, Grant, Once, Policy, Rejection, Session, Shortfall, StepUpLayer, Unconfirmed, Verifier,
};

use crate::support::{bearer, inner, issuer, proved, request, seconds, send};

type Body = Full<Bytes>;

/// A key source that releases its keys on demand, so that a test can choose the slow path.
#[derive(Clone, Default)]
struct HeldBack {
    arrived: Arc<AtomicUsize>,
    gate: Arc<Notify>,
    fail: bool,
}

impl HeldBack {
    fn guard(&self) -> StepUpLayer {
        let verifier = Verifier::new(self.clone(), [issuer().name()], issuer().audience());
        StepUpLayer::new(verifier.clock(FixedClock::new()))
    }
}

impl KeySource for HeldBack {
    fn current(&self) -> Option<Arc<KeySet>> {
        (self.arrived.load(Ordering::SeqCst) > 0).then(|| issuer().current()).flatten()
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        let this = self.clone();
        Some(Box::pin(async move {
            this.gate.notified().await;
            if this.fail {
                return Err(KeysUnavailable { retry_after: seconds(7) });
            }
            this.arrived.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }))
    }
}

assert_impl_all!(StepUpLayer: Clone, Send, Sync, Unpin);
assert_impl_all!(StepUp<()>: Clone, Send, Sync, Unpin);
assert_impl_all!(Grant: Clone, Send, Sync, UnwindSafe, RefUnwindSafe);
assert_impl_all!(Session: Clone, Send, Sync, UnwindSafe, RefUnwindSafe);
assert_impl_all!(Shortfall: Clone, Send, Sync, UnwindSafe, RefUnwindSafe);
assert_impl_all!(Policy: Clone, Send, Sync, UnwindSafe, RefUnwindSafe);
assert_impl_all!(Rejection: Clone, Send, Sync, UnwindSafe, RefUnwindSafe, std::error::Error);
assert_impl_all!(Once: Clone, Send, Sync, Unpin);
assert_impl_all!(Unconfirmed: Send, Sync, Unpin, std::error::Error);
assert_impl_all!(ResourceMetadata: Clone, Send, Sync, Unpin, Service<Request<LocalBody>>);
assert_impl_all!(ResponseBody<Body>: Send, Sync, Unpin, Default);
assert_impl_all!(ResponseFuture<SendService, Body>: Send);
// A future over a service or a body that is not `Send` is possible, and is not `Send` either.
assert_not_impl_any!(ResponseFuture<LocalService, LocalBody>: Send);

type SendService = tower::util::BoxCloneService<Request<Body>, Response<Body>, Infallible>;

#[tokio::test]
async fn a_guard_is_ready_when_its_inner_service_is() {
    let layer = issuer().guard();
    let (mut service, mut inner) =
        tower_test::mock::spawn_layer::<Request<Body>, Response<Body>, _>(layer);
    inner.allow(0);
    assert!(service.poll_ready().is_pending());
    inner.allow(1);
    assert!(service.poll_ready().is_ready());

    let response = service.call(request("/", &[Factor::Password]));
    let refresh = async {
        let (request, send) = inner.next_request().await.unwrap();
        assert!(request.extensions().get::<Grant>().is_some());
        send.send_response(Response::new(Body::from("inner")));
    };
    let (response, ()) = tokio::join!(response, refresh);
    assert_eq!(response.unwrap().into_body().collect().await.unwrap().to_bytes(), "inner");
}

#[tokio::test]
async fn a_readiness_error_passes_through() {
    let (mut service, mut inner) =
        tower_test::mock::spawn_layer::<Request<Body>, Response<Body>, _>(issuer().guard());
    inner.send_error("broken");
    match service.poll_ready() {
        Poll::Ready(Err(error)) => assert_eq!(error.to_string(), "broken"),
        other => panic!("{other:?}"),
    }
}

/// A service that panics if it is called before it was polled ready. Each clone must be polled too.
struct Strict {
    ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { ready: false }
    }
}

impl Service<Request<Body>> for Strict {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: Request<Body>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been polled ready");
        std::future::ready(Ok(Response::new(Body::from("inner"))))
    }
}

#[tokio::test]
async fn only_a_service_that_was_polled_ready_is_called() {
    let keys = HeldBack::default();
    let mut service = keys.guard().layer(Strict { ready: false });
    // The same service takes the slow path first and then the fast one. Each round polls it once
    // and calls it once.
    for round in 0..3 {
        keys.gate.notify_one();
        let ready = service.ready().await.unwrap();
        let response = ready.call(request("/", &[Factor::Password])).await.unwrap();
        assert_eq!(response.status(), 200, "round {round}");
    }
    assert_eq!(keys.arrived.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn two_requests_can_wait_at_once() {
    let keys = HeldBack::default();
    let mut service = keys.guard().layer(Strict { ready: false });
    let first = service.ready().await.unwrap().call(request("/", &[Factor::Password]));
    let second = service.ready().await.unwrap().call(request("/", &[Factor::Password]));
    let release = async {
        tokio::task::yield_now().await;
        keys.gate.notify_waiters();
    };
    let (first, second, ()) = tokio::join!(first, second, release);
    assert_eq!(
        (first.unwrap().status(), second.unwrap().status()),
        (http::StatusCode::OK, http::StatusCode::OK)
    );
}

/// A body that is neither `Send` nor `Sync`.
struct LocalBody(Rc<Cell<usize>>);

impl http_body::Body for LocalBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        self.0.set(self.0.get() + 1);
        Poll::Ready(None)
    }
}

/// A service for such bodies that is neither `Send` nor `Sync` itself.
#[derive(Clone)]
struct LocalService(Rc<Cell<usize>>);

impl Service<Request<LocalBody>> for LocalService {
    type Response = Response<LocalBody>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response<LocalBody>, Infallible>>>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<LocalBody>) -> Self::Future {
        let calls = Rc::clone(&self.0);
        Box::pin(async move {
            calls.set(calls.get() + 1);
            Ok(Response::new(request.into_body()))
        })
    }
}

#[tokio::test]
async fn neither_body_nor_service_has_to_be_send_on_either_path() {
    let keys = HeldBack::default();
    let (calls, frames) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let service = keys.guard().layer(LocalService(Rc::clone(&calls)));
    for path in ["slow", "fast"] {
        keys.gate.notify_one();
        let request = request("/", &[Factor::Password]).map(|_| LocalBody(Rc::clone(&frames)));
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.into_body().collect().await.unwrap();
    }
    assert_eq!((calls.get(), frames.get()), (2, 2));
}

#[derive(Debug, PartialEq)]
struct OwnError;

#[tokio::test]
async fn errors_of_the_inner_service_pass_through_on_either_path() {
    let keys = HeldBack::default();
    let service =
        keys.guard().layer(service_fn(async |_: Request<Body>| Err::<Response<Body>, _>(OwnError)));
    for _path in ["slow", "fast"] {
        keys.gate.notify_one();
        let outcome = service.clone().oneshot(request("/", &[Factor::Password])).await;
        assert_eq!(outcome.err(), Some(OwnError));
    }
}

#[tokio::test]
async fn unavailable_keys_are_a_503_and_the_inner_service_is_not_called() {
    let keys = HeldBack { fail: true, ..HeldBack::default() };
    let called = Rc::new(Cell::new(0));
    let counted = Rc::clone(&called);
    let service = keys.guard().layer(service_fn(move |request: Request<Body>| {
        counted.set(counted.get() + 1);
        inner(request)
    }));
    keys.gate.notify_one();
    let response = send(&service, request("/", &[Factor::Password])).await;
    assert_eq!((response.status.as_u16(), response.header("retry-after")), (503, "7"));
    assert_eq!(
        (response.header("www-authenticate"), response.header("cache-control")),
        ("", "no-store")
    );
    assert!(response.body.contains("#keys-unavailable"), "{}", response.body);
    assert_eq!(called.get(), 0);
}

#[tokio::test]
async fn the_policy_is_evaluated_after_the_wait() {
    let keys = HeldBack::default();
    let service = keys.guard().require(Policy::mfa()).layer(service_fn(inner::<Body>));
    keys.gate.notify_one();
    assert_eq!(send(&service, request("/", &[Factor::Password])).await.status, 401);
    assert_eq!(send(&service, request("/", &[Factor::Password, Factor::Totp])).await.status, 200);
}

#[tokio::test]
async fn a_future_that_waits_can_be_dropped() {
    let keys = HeldBack::default();
    let service = keys.guard().layer(service_fn(inner::<Body>));
    {
        let mut dropped = pin!(service.clone().oneshot(request("/", &[Factor::Password])));
        assert!(futures_poll(dropped.as_mut()).await.is_pending());
    }
    keys.gate.notify_one();
    assert_eq!(send(&service, request("/", &[Factor::Password])).await.status, 200);
}

async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test]
async fn a_guard_works_in_a_service_builder_between_other_layers() {
    let service = ServiceBuilder::new()
        .layer(tower_http::timeout::TimeoutLayer::with_status_code(
            http::StatusCode::GATEWAY_TIMEOUT,
            seconds(30),
        ))
        .concurrency_limit(8)
        .layer(issuer().guard().require(Policy::mfa()))
        .service_fn(inner::<Body>);
    assert_eq!(send(&service, request("/", &[Factor::Password, Factor::Totp])).await.body, "inner");
    assert_eq!(send(&service, request("/", &[Factor::Password])).await.status, 401);
}

#[tokio::test]
async fn headers_that_the_guard_reads_are_marked_sensitive_on_either_path() {
    let keys = HeldBack::default();
    let seen = service_fn(async |request: Request<Body>| {
        let sensitive = request.headers().values().all(http::HeaderValue::is_sensitive);
        let grants = request.extensions().get::<Grant>().is_some();
        Ok::<_, Infallible>(Response::new(Body::from(format!("{sensitive} {grants}"))))
    });
    let service = keys.guard().layer(seen);
    for _path in ["slow", "fast"] {
        keys.gate.notify_one();
        let mut request = request("/", &[Factor::Password]);
        request.headers_mut().append("cookie", "a=b".parse().unwrap());
        request.headers_mut().append("cookie", "c=d".parse().unwrap());
        assert_eq!(send(&service, request).await.body, "true true");
    }
}

#[tokio::test]
async fn a_response_to_a_cookie_is_private_on_either_path() {
    let keys = HeldBack::default();
    let service = keys.guard().layer(service_fn(inner::<Body>));
    for _path in ["slow", "fast"] {
        keys.gate.notify_one();
        let cookie = format!("stytch_session_jwt={}", issuer().mint(&proved(&[Factor::Password])));
        let response = send(
            &service,
            Request::get("/").header("cookie", cookie).body(Body::default()).unwrap(),
        )
        .await;
        assert_eq!((response.status.as_u16(), response.header("cache-control")), (200, "private"));
    }
}

#[tokio::test]
async fn a_refusal_states_its_length_and_the_inner_body_streams_through() {
    let service = issuer().guard().layer(service_fn(inner::<Body>));
    let refused = service.clone().oneshot(Request::new(Body::default())).await.unwrap();
    let stated = refused.body().size_hint().exact().unwrap();
    assert!(!refused.body().is_end_stream());
    assert_eq!(refused.into_body().collect().await.unwrap().to_bytes().len() as u64, stated);
    let granted = service.oneshot(request("/", &[Factor::Password])).await.unwrap();
    assert_eq!(granted.body().size_hint().exact(), Some(5));
    assert!(ResponseBody::<Body>::default().is_end_stream());
}

/// Responds with a description of the grant that the handler sees.
async fn report(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let grant = request.extensions().get::<Grant>();
    let text = grant.map_or("none".to_owned(), |grant| {
        let rest = (grant.expires_at() - NOW).whole_seconds();
        format!("{} {rest} {}", grant.policy(), grant.session().user_id())
    });
    Ok(Response::new(Body::from(text)))
}

#[tokio::test]
async fn nested_guards_demand_both_policies_and_their_grant_ends_with_the_first() {
    let outer = issuer().guard().require(Policy::factor(Factor::Totp).within(seconds(100)));
    for inner in [outer.clone(), issuer().guard()] {
        // The first has the outer guard's verifier. The second has another.
        let inner = inner.require(Policy::mfa());
        let service = outer.layer(inner.layer(service_fn(report)));
        let granted = send(&service, request("/", &[Factor::Password, Factor::Totp])).await.body;
        assert!(granted.starts_with(&format!("{} 40 user-test-", inner.policy())), "{granted}");
        assert_eq!(send(&service, request("/", &[Factor::Totp])).await.status, 401);
        assert_eq!(
            send(&service, request("/", &[Factor::Password, Factor::OtpSms])).await.status,
            401
        );
    }
}

#[tokio::test]
async fn a_nested_grant_ends_with_the_outer_session_too() {
    let other = TestIssuer::new();
    let outer = issuer().guard().credentials([CredentialSource::cookie("outer")]);
    let service = outer.layer(other.guard().layer(service_fn(report)));
    let short = issuer().mint(&proved(&[Factor::Password]).ends_in(seconds(50)));
    let long = other.mint(&proved(&[Factor::Password]));
    let request = Request::get("/")
        .header("cookie", format!("outer={short}"))
        .header("authorization", bearer(&long));
    let response = send(&service, request.body(Body::default()).unwrap()).await;
    assert!(response.body.starts_with("session 55 "), "{}", response.body);
}

/// A key source that counts how often its keys are read, which is once per verification.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl KeySource for Counted {
    fn current(&self) -> Option<Arc<KeySet>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        issuer().current()
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
    }
}

#[tokio::test]
async fn nested_guards_of_one_verifier_verify_a_token_once() {
    let counted = Counted::default();
    let verifier = Verifier::new(counted.clone(), [issuer().name()], issuer().audience())
        .clock(FixedClock::new());
    let verifier = verifier.cache_bytes(0); // the cache would save a verification too
    let guard = StepUpLayer::new(verifier.clone());
    let inner = StepUpLayer::new(verifier).require(Policy::mfa());
    let service = guard.layer(inner.layer(guard.layer(service_fn(report))));
    assert_eq!(send(&service, request("/", &[Factor::Password, Factor::Totp])).await.status, 200);
    assert_eq!(counted.0.load(Ordering::SeqCst), 1);
}

/// Returns the session's place in memory. A cached token yields the same session again.
fn address(session: &Session) -> usize {
    session.id().as_ptr().addr()
}

#[tokio::test]
async fn a_repeated_token_is_verified_once() {
    let verifier = Verifier::new(issuer().clone(), [issuer().name()], issuer().audience())
        .clock(FixedClock::new());
    let token = issuer().mint(&proved(&[Factor::Password]));
    let report = |request: Request<Body>| async move {
        let address = address(request.extensions().get::<Grant>().unwrap().session());
        Ok::<_, Infallible>(Response::new(Body::from(address.to_string())))
    };
    let services = [(); 2].map(|()| StepUpLayer::new(verifier.clone()).layer(service_fn(report)));
    let first = verifier.verify_at(&token, NOW).unwrap();
    for service in services.iter().chain(&services) {
        let request = Request::get("/")
            .header("authorization", bearer(&token))
            .body(Body::default())
            .unwrap();
        assert_eq!(send(service, request).await.body, address(&first).to_string());
    }
    assert_eq!(address(&verifier.verify(&token).await.unwrap()), address(&first));
    // Another verifier has its own cache. A verifier without a cache always verifies again.
    for (verifier, remembers) in
        [(verifier.clone().leeway(seconds(6)), true), (verifier.cache_bytes(0), false)]
    {
        let [one, again] = [(); 2].map(|()| verifier.verify_at(&token, NOW).unwrap());
        assert_eq!(address(&one) == address(&again), remembers);
        assert_ne!(address(&one), address(&first));
    }
}

#[tokio::test]
async fn an_inner_guard_reads_only_its_own_credentials() {
    let guard = issuer().guard();
    let by_cookie = || {
        let cookie = format!("stytch_session_jwt={}", issuer().mint(&proved(&[Factor::Password])));
        Request::get("/").header("cookie", cookie).body(Body::default()).unwrap()
    };
    let bearer_only =
        guard.layer(guard.credentials([CredentialSource::Bearer]).layer(service_fn(report)));
    assert_eq!(send(&bearer_only, by_cookie()).await.status, 401);
    assert_eq!(send(&bearer_only, request("/", &[Factor::Password])).await.status, 200);
    let none = guard.layer(guard.credentials([]).layer(service_fn(report)));
    assert_eq!(send(&none, request("/", &[Factor::Password])).await.status, 401);
    // A token other than the outer guard's is verified separately.
    let mut two = request("/", &[Factor::Password]);
    two.headers_mut().insert("cookie", "stytch_session_jwt=x".parse().unwrap());
    let cookie_inside = guard.layer(
        guard.credentials([CredentialSource::defaults()[1].clone()]).layer(service_fn(report)),
    );
    assert_eq!(send(&cookie_inside, two).await.status, 401);
}

#[tokio::test]
async fn an_inner_guard_checks_the_time_again() {
    let clock = FixedClock::new();
    let issuer = issuer().clone().clock(clock.clone());
    let guard = issuer.guard();
    let slow = tower::util::MapRequestLayer::new(move |request: Request<Body>| {
        clock.advance(seconds(305));
        request
    });
    let service = guard.layer(slow.layer(guard.layer(service_fn(report))));
    let token = issuer.mint(&proved(&[Factor::Password]));
    let request =
        Request::get("/").header("authorization", bearer(&token)).body(Body::default()).unwrap();
    let response = send(&service, request).await;
    assert!(
        response.header("www-authenticate").contains("has expired"),
        "{}",
        response.header("www-authenticate")
    );
}

#[tokio::test]
async fn an_optional_inner_guard_removes_the_grant_of_another_verifier() {
    let outer = issuer().guard();
    let other = issuer().guard().credentials([]).optional();
    let service = outer.layer(other.layer(service_fn(report)));
    assert_eq!(send(&service, request("/", &[Factor::Password])).await.body, "none");
    let required_inside =
        issuer().guard().optional().layer(issuer().guard().layer(service_fn(report)));
    assert_eq!(send(&required_inside, Request::new(Body::default())).await.status, 401);
}

#[test]
fn a_guard_made_from_a_guard_demands_both_policies_and_keeps_a_name() {
    let guard = issuer().guard();
    assert_eq!(guard.policy(), &Policy::session());
    let account = guard.require(Policy::mfa().named("account"));
    assert_eq!(account.policy(), &Policy::mfa().named("account"));
    let unnamed = account.require(Factor::Totp);
    assert_eq!(
        (unnamed.policy().name(), unnamed.policy().to_string()),
        (Some("account"), "mfa and totp".into())
    );
    let named = unnamed.require(Policy::phishing_resistant().named("admin"));
    assert_eq!(named.policy().name(), Some("admin"));
    assert_eq!(named.policy().to_string(), "(mfa and totp) and phishing_resistant");
    assert_eq!(
        guard.require(Policy::session()).require(Policy::mfa()).policy().to_string(),
        "session and mfa"
    );
}

#[tokio::test]
async fn requiring_a_policy_makes_an_optional_guard_mandatory() {
    let anonymous = || Request::new(Body::default());
    let optional = issuer().guard().require(Policy::mfa()).optional();
    assert_eq!(send(&optional.layer(service_fn(inner::<Body>)), anonymous()).await.status, 200);
    let required = optional.require(Factor::Totp);
    assert_eq!(send(&required.layer(service_fn(inner::<Body>)), anonymous()).await.status, 401);
}

#[tokio::test]
async fn an_inner_guard_grants_although_the_outer_optional_one_found_no_credentials() {
    let outer = issuer().guard().credentials([CredentialSource::cookie("other")]).optional();
    let service = outer.layer(issuer().guard().optional().layer(service_fn(report)));
    assert!(
        send(&service, request("/", &[Factor::Password])).await.body.starts_with("session 3605")
    );
    assert_eq!(send(&service, Request::new(Body::default())).await.body, "none");
}
