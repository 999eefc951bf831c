//! Logout that begins at the issuer: the service for logout tokens, over loopback.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{Method, Request};
use http_body::Frame;
use http_body_util::{Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tower::{Service, ServiceExt};
use tower_step_up::issuers::{Issuer, oidc};
use tower_step_up::keys::Algorithm;
use tower_step_up::logout::{BackChannelLogout, LogoutError, LogoutFuture};
use tower_step_up::testing::{self, FixedClock, SessionBuilder, TestIssuer};
use tower_step_up::token::{
    LocalRevocations, RevocationError, RevocationFuture, Revocations, RevocationsUnavailable,
    Revoked,
};
use tower_step_up::{Clock, Session, StepUpLayer, Verifier};
use tracing::Level;

use crate::events::logged;
use crate::key_server::within_seconds;
use crate::support::{TestResponse, bearer, seconds};

const FORM: &str = "application/x-www-form-urlencoded";
const SUB: &str = "user-test-00000000-0000-4000-8000-000000000000";
const SESSION: &str = "session-test-00000000-0000-4000-8000-000000000000";

fn any_issuer() -> Issuer {
    oidc::access_tokens("https://login.example", "https://api.example")
        .algorithms([Algorithm::Es256])
}

/// An issuer whose tokens all have `sid`.
fn issuer() -> TestIssuer {
    TestIssuer::standing_in_for(any_issuer().require_present("sid")).unwrap()
}

/// Returns a session with this id that began this long ago.
fn session(id: &str, ago: u64) -> SessionBuilder {
    testing::session().id(id).signed_in_ago(seconds(ago))
}

fn post(token: &str) -> Request<Full<Bytes>> {
    let body =
        form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", token).finish();
    Request::post("/logout").header("content-type", FORM).body(body.into()).unwrap()
}

async fn answer<S, B>(service: &S, request: Request<B>) -> TestResponse
where
    S: Service<Request<B>, Response = http::Response<String>> + Clone,
    S::Error: std::fmt::Debug,
{
    let response = service.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    match LogoutError::of(&response) {
        Some(error) => {
            assert_eq!(error.status(), response.status());
            let body: Value = serde_json::from_str(response.body()).unwrap();
            assert_eq!(body["error_description"], error.reason());
            assert_eq!(response.headers()["content-type"], "application/json");
        }
        None => assert_eq!((response.status().as_u16(), &**response.body()), (200, "")),
    }
    TestResponse::of(response.map(Full::from)).await
}

/// Returns the description of a refusal, or "ok".
async fn outcome<S, B>(service: &S, request: Request<B>) -> String
where
    S: Service<Request<B>, Response = http::Response<String>> + Clone,
    S::Error: std::fmt::Debug,
{
    let response = answer(service, request).await;
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    body["error_description"].as_str().unwrap_or("ok").to_owned()
}

/// A server on loopback with a guarded page and the address for logout tokens.
pub(crate) struct Server {
    address: std::net::SocketAddr,
}

impl Server {
    pub(crate) async fn start(verifier: Verifier) -> Self {
        let logout = BackChannelLogout::new(verifier.clone(), ["web", "es256"]);
        let app = Router::new()
            .route("/account", get("yours").layer(StepUpLayer::new(verifier)))
            .route_service("/logout", logout);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { address }
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> TestResponse {
        *request.uri_mut() = format!("http://{}{}", self.address, request.uri()).parse().unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        within_seconds(async { TestResponse::of(client.request(request).await.unwrap()).await })
            .await
    }

    pub(crate) fn logout_address(&self) -> String {
        format!("http://{}/logout", self.address)
    }

    pub(crate) async fn account(&self, token: &str) -> u16 {
        let request = Request::get("/account").header("authorization", bearer(token));
        self.send(request.body(Full::default()).unwrap()).await.status.as_u16()
    }

    pub(crate) async fn log_out(&self, token: &str) -> u16 {
        self.send(post(token)).await.status.as_u16()
    }
}

#[tokio::test]
async fn a_logout_token_ends_the_session_that_it_names_and_no_other() {
    let issuer = issuer();
    let server = Server::start(issuer.verifier()).await;
    let [one, two] = ["one", "two"].map(|id| issuer.mint(&session(id, 60)));
    assert_eq!((server.account(&one).await, server.account(&two).await), (200, 200));

    let logout = issuer.logout_token("web", &session("one", 60));
    let response = server.send(post(&logout)).await;
    assert_eq!((response.status.as_u16(), &*response.body), (200, ""));
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!((server.account(&one).await, server.account(&two).await), (401, 200));

    let unknown = issuer.logout_token("web", &session("unknown", 60));
    assert_eq!(server.log_out(&unknown).await, 200);
    assert_eq!(server.account(&two).await, 200);
}

#[tokio::test]
async fn a_replayed_logout_token_ends_nothing_that_began_later() {
    let clock = FixedClock::new();
    let issuer = TestIssuer::standing_in_for(any_issuer()).unwrap().clock(clock.clone());
    let server = Server::start(issuer.verifier()).await;
    // Tokens of this issuer may lack `sid`, so all sessions of the user end.
    let [one, two] = ["one", "two"].map(|id| issuer.mint(&session(id, 60)));
    let logout = issuer.logout_token("web", &session("one", 60));
    assert_eq!(server.log_out(&logout).await, 200);
    assert_eq!((server.account(&one).await, server.account(&two).await), (401, 401));

    clock.advance(seconds(60));
    let later = issuer.mint(&session("three", 0));
    assert_eq!(server.account(&later).await, 200);
    assert_eq!(server.log_out(&logout).await, 200);
    assert_eq!(server.account(&later).await, 200);
    assert_eq!(server.account(&one).await, 401);

    // Nor does it take a later logout back.
    assert_eq!(server.log_out(&issuer.logout_token("web", &session("three", 0))).await, 200);
    assert_eq!(server.log_out(&logout).await, 200);
    assert_eq!(server.account(&later).await, 401);

    clock.advance(seconds(65));
    assert_eq!(server.log_out(&logout).await, 400);
}

/// An issuer's clock that is ahead must not end earlier revocations before the tokens of their sessions.
#[tokio::test]
async fn a_logout_token_from_a_clock_that_is_ahead_ends_no_revocation_early() {
    let clock = FixedClock::new();
    let issuer = TestIssuer::standing_in_for(any_issuer().longest_life(seconds(300)))
        .unwrap()
        .clock(clock.clone());
    let server = Server::start(issuer.verifier()).await;
    // The issuer's clock is 5 s ahead, which is the leeway.
    let claims = |claims: Value| {
        let mut all = issuer.claims(&session("one", 0));
        let at = (clock.now() + seconds(5)).unix_timestamp();
        all.extend(claims.as_object().unwrap().clone());
        all.insert("iat".into(), at.into());
        all.insert("exp".into(), (at + 300).into());
        all
    };
    let stolen = issuer.mint_claims(&claims(json!({})));
    assert_eq!(server.account(&stolen).await, 200);
    let logout = issuer.logout_token("web", &session("one", 0));
    assert_eq!(server.log_out(&logout).await, 200);
    clock.advance(seconds(306));
    assert_eq!(server.account(&stolen).await, 401);
    // Others sign out, and each write removes what has expired.
    let header = json!({"alg": "ES256", "kid": issuer.kid(), "typ": "logout+jwt"}).to_string();
    let other = json!({"aud": "web", "sub": "other", "jti": "j", "sid": null,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}}});
    let other = Value::from(claims(other)).to_string();
    assert_eq!(server.log_out(&issuer.sign(&header, &other)).await, 200);
    assert_eq!(server.account(&stolen).await, 401);
}

#[tokio::test]
async fn other_tokens_are_no_logout_tokens_and_the_reverse() {
    let issuer = issuer();
    let server = Server::start(issuer.verifier()).await;
    let access = issuer.mint(&session("one", 60));
    assert_eq!(server.log_out(&access).await, 400);
    // An access token whose audience is the client, and an ID token.
    for claims in [json!({"aud": "web"}), json!({"aud": "web", "nonce": "n", "jti": "j"})] {
        let claims = issuer.mint_with(&claims);
        for typ in ["JWT", "logout+jwt"] {
            let header = json!({"alg": "ES256", "kid": issuer.kid(), "typ": typ}).to_string();
            let payload = claims.split('.').nth(1).unwrap();
            let payload = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap();
            let token = issuer.sign(&header, str::from_utf8(&payload).unwrap());
            let response = server.send(post(&token)).await;
            assert_eq!(response.status, 400, "{typ}");
            assert!(response.body.contains("logout_no_event"), "{}", response.body);
        }
    }
    assert_eq!(server.account(&access).await, 200);
    assert_eq!(server.account(&issuer.logout_token("web", &session("one", 60))).await, 401);
    let for_the_api = issuer.logout_token("https://api.example", &session("one", 60));
    assert_eq!(server.account(&for_the_api).await, 401);
}

#[tokio::test]
async fn a_request_that_is_no_form_with_a_logout_token_is_refused() {
    let issuer = issuer();
    let service = BackChannelLogout::new(issuer.verifier(), ["web"]);
    let token = issuer.logout_token("web", &testing::session());
    let form = format!("logout_token={token}");
    let request = |method: Method, content_types: &[&str], body: &str| {
        let builder = Request::builder().method(method).uri("/");
        let builder = content_types.iter().fold(builder, |it, one| it.header("content-type", *one));
        builder.body(Full::<Bytes>::from(body.to_owned())).unwrap()
    };
    let large = format!("{form}&more={}", "x".repeat(64 * 1024));
    for (request, want) in [
        (request(Method::POST, &[FORM], &form), "ok"),
        (request(Method::POST, &["Application/X-WWW-Form-URLencoded; charset=utf-8"], &form), "ok"),
        (request(Method::POST, &[FORM], &format!("a=b&{form}")), "ok"),
        (request(Method::GET, &[FORM], &form), "logout_wrong_method"),
        (request(Method::PUT, &[FORM], &form), "logout_wrong_method"),
        (request(Method::HEAD, &[FORM], ""), "logout_wrong_method"),
        (request(Method::POST, &[], &form), "logout_wrong_content_type"),
        (request(Method::POST, &["application/json"], &form), "logout_wrong_content_type"),
        (request(Method::POST, &["text/plain"], &form), "logout_wrong_content_type"),
        (request(Method::POST, &[FORM, FORM], &form), "logout_wrong_content_type"),
        (request(Method::POST, &[FORM], ""), "logout_token_count"),
        (request(Method::POST, &[FORM], &format!("{form}&{form}")), "logout_token_count"),
        (request(Method::POST, &[FORM], "logout_token="), "token_not_three_parts"),
        (request(Method::POST, &[FORM], "logout_token=%ff%fe"), "token_not_three_parts"),
        (request(Method::POST, &[FORM], &large), "logout_body_too_large"),
        (
            request(Method::POST, &[FORM], &format!("logout_token={}", "a".repeat(17_000))),
            "token_too_large",
        ),
    ] {
        let shown = format!("{} {:?}", request.method(), request.headers());
        assert_eq!(outcome(&service, request).await, want, "{shown}");
    }
    let refused = answer(&service, request(Method::GET, &[], "")).await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "POST"));
    let refused = answer(&service, request(Method::POST, &[FORM], &large)).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (413, ""));
}

/// A body of unknown length with these pieces.
struct Pieces<I>(I);

impl<I> http_body::Body for Pieces<I>
where
    I: Iterator<Item = Result<Frame<Bytes>, &'static str>> + Unpin,
{
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.0.next())
    }
}

#[tokio::test]
async fn a_body_without_a_length_is_bounded_too() {
    let issuer = issuer();
    let service = BackChannelLogout::new(issuer.verifier(), ["web"]);
    let form = format!("logout_token={}", issuer.logout_token("web", &testing::session()));
    let pieces: Vec<Bytes> = form.as_bytes().chunks(7).map(Bytes::copy_from_slice).collect();
    fn request<B>(body: B) -> Request<B> {
        Request::post("/").header("content-type", FORM).body(body).unwrap()
    }

    let whole = pieces.iter().cloned().map(|piece| Ok(Frame::data(piece)));
    let trailers = Frame::trailers(http::HeaderMap::new());
    let body = Pieces(whole.clone().chain([Ok(trailers)]));
    assert_eq!(outcome(&service, request(body)).await, "ok");

    let body = Pieces(whole.take(3).chain([Err("reset")]));
    assert_eq!(outcome(&service, request(body)).await, "logout_body_interrupted");

    let endless = std::iter::repeat_with(|| Ok(Frame::data(Bytes::from_static(b"aa=&"))));
    let body = Pieces(endless);
    assert_eq!(outcome(&service, request(body)).await, "logout_body_too_large");

    let empty = request(Empty::<Bytes>::new());
    assert_eq!(outcome(&service, empty).await, "logout_token_count");
}

/// A store that records nothing until it is told to, or fails.
#[derive(Clone, Default)]
struct Store {
    recorded: LocalRevocations,
    asked: Arc<Notify>,
    released: Arc<Notify>,
    fails: bool,
}

impl Revocations for Store {
    fn is_revoked(&self, session: &Session) -> Result<bool, RevocationsUnavailable> {
        self.recorded.is_revoked(session)
    }

    fn keep_at_least(&self, issuer: &str, duration: Duration) {
        self.recorded.keep_at_least(issuer, duration);
    }

    fn revoke(&self, revoked: Revoked, at: OffsetDateTime) -> RevocationFuture {
        let store = self.clone();
        Box::pin(async move {
            store.asked.notify_one();
            if store.fails {
                return Err(RevocationError::Failed("the store is down".into()));
            }
            store.released.notified().await;
            let recorded = store.recorded.revoke(revoked, at).await;
            store.asked.notify_one();
            recorded
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_record_is_never_a_success() {
    let issuer = issuer();
    let logout = || post(&issuer.logout_token("web", &testing::session()));
    for store in [Store { fails: true, ..Store::default() }, Store::default()] {
        let verifier = issuer.verifier().revocations(store);
        let service = BackChannelLogout::new(verifier, ["web"]).timeout(seconds(2));
        let response = answer(&service, logout()).await;
        assert_eq!(response.status, 503);
        assert_eq!(response.header("retry-after"), "5");
        let want =
            r#"{"error":"temporarily_unavailable","error_description":"logout_not_recorded"}"#;
        assert_eq!(response.body, want);
    }
}

#[tokio::test]
async fn a_logout_is_recorded_although_the_issuer_goes_away() {
    let (issuer, store) = (issuer(), Store::default());
    let verifier = issuer.verifier().revocations(store.clone());
    let service = BackChannelLogout::new(verifier.clone(), ["web"]);
    let token = issuer.mint(&testing::session().signed_in());
    assert!(verifier.verify_at(&token, testing::NOW).is_ok());
    let request = post(&issuer.logout_token("web", &testing::session()));
    let answer = service.oneshot(request);
    tokio::select! {
        biased;
        _ = answer => panic!("the store has recorded nothing yet"),
        () = store.asked.notified() => {}
    }
    store.released.notify_one();
    within_seconds(store.asked.notified()).await;
    assert!(verifier.verify_at(&token, testing::NOW).is_err());
}

#[test]
fn each_logout_and_each_refusal_is_logged() {
    let issuer = TestIssuer::standing_in_for(any_issuer()).unwrap();
    let certain = self::issuer();
    let genuine = issuer.logout_token("web", &testing::session());
    let failing = issuer.verifier().revocations(Store { fails: true, ..Store::default() });
    let sid_only = {
        let [header, claims, _] = genuine.split('.').collect::<Vec<_>>().try_into().unwrap();
        let decode = |part: &str| {
            String::from_utf8(base64_simd::URL_SAFE_NO_PAD.decode_to_vec(part).unwrap()).unwrap()
        };
        issuer.sign(&decode(header), &decode(claims).replace("\"sub\"", "\"other\""))
    };
    let at_issuer = r#"decision="logged_out" issuer="https://login.example""#;
    for (verifier, request, want) in [
        (issuer.verifier(), post(&genuine), format!(r#"INFO {at_issuer} user_id="{SUB}""#)),
        (
            certain.verifier(),
            post(&certain.logout_token("web", &testing::session())),
            format!(r#"INFO {at_issuer} session_id="{SESSION}""#),
        ),
        (
            issuer.verifier(),
            post("a.b"),
            r#"INFO decision="refused" reason="token_not_three_parts" detail=the token does not have three parts status=400"#.into(),
        ),
        (
            issuer.verifier(),
            post(&sid_only),
            r#"ERROR decision="refused" reason="logout_unnamed_sessions" detail=the token names only a session"#.into(),
        ),
        (
            failing,
            post(&genuine),
            r#"WARN decision="refused" reason="logout_not_recorded" detail=the logout was not recorded: the revocation could not be recorded: the store is down status=503"#.into(),
        ),
    ] {
        let service = BackChannelLogout::new(verifier, ["web"]);
        let ((), lines) = logged(Level::INFO, || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            drop(runtime.block_on(service.oneshot(request)));
        });
        let lines: Vec<_> =
            lines.iter().map(|line| line.replace("tower_step_up::logout: ", "")).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with(&want), "{lines:?}");
    }
}

#[test]
fn the_service_needs_nothing_of_a_body() {
    fn is_shared<T: Send + Sync + 'static>() {}
    fn is_sent<T: Send + 'static>() {}
    fn is_a_service<B: http_body::Body>()
    where
        BackChannelLogout: Service<Request<B>, Error = std::convert::Infallible>,
    {
    }
    is_shared::<BackChannelLogout>();
    is_sent::<LogoutFuture<Full<Bytes>>>();
    is_a_service::<hyper::body::Incoming>();
    is_a_service::<Pieces<std::iter::Empty<Result<Frame<Bytes>, &'static str>>>>();
    let shown = format!("{:?}", BackChannelLogout::new(issuer().verifier(), ["web"]));
    assert!(shown.contains("web") && shown.contains("https://login.example"), "{shown}");
}
