//! Proofs for one action in handlers of axum and hyper, over real HTTP on loopback.

use std::net::SocketAddr;

use axum::extract::Form;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_step_up::intent::LocalIntents;
use tower_step_up::testing::{FixedClock, TestIssuer};
use tower_step_up::{Action, Factor, Intents, Negotiated, Once, Policy, StepUpLayer, Unconfirmed};

use crate::support::{TestResponse, bearer, issuer, proved, seconds};

#[derive(Deserialize)]
struct Transfer {
    payee: String,
    cents: u64,
    intent: Option<String>,
}

impl Transfer {
    fn action(&self) -> Action {
        Action::new("transfer").with("payee", &self.payee).with("cents", self.cents)
    }
}

async fn by_form(once: Once, Form(form): Form<Transfer>) -> Result<String, Unconfirmed> {
    once.confirm(form.intent.as_deref(), &form.action()).await?;
    Ok(format!("{} cents for {}", form.cents, form.payee))
}

async fn by_json(once: Once, Json(body): Json<Transfer>) -> Result<StatusCode, Unconfirmed> {
    once.confirm(body.intent.as_deref(), &body.action()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows the handler's own page, from which the same form is sent again.
async fn by_page(once: Once, Form(form): Form<Transfer>) -> Response {
    match once.confirm(form.intent.as_deref(), &form.action()).await {
        Ok(_) => "paid".into_response(),
        Err(refused) => match refused.intent() {
            Some(intent) => {
                Html(format!("<input type=hidden name=intent value=\"{intent}\">")).into_response()
            }
            None => refused.into_response(),
        },
    }
}

async fn by_header(once: Once) -> Result<&'static str, Unconfirmed> {
    once.confirm(None, &Action::new("delete account")).await?;
    Ok("deleted")
}

async fn without_once(_once: Once) -> &'static str {
    "unreachable"
}

/// A server and the issuer of its users.
struct Server {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    clock: FixedClock,
    issuer: TestIssuer,
}

impl Server {
    async fn start() -> Self {
        let clock = FixedClock::new();
        let issuer = issuer().clone().clock(clock.clone());
        let intents = Intents::new(LocalIntents::new());
        let plain = issuer.guard();
        let guard = plain.once(&intents, Policy::any_of([Factor::OtpSms, Factor::Totp])).unwrap();
        let pages = Negotiated::new().step_up("/app/second-factor").unwrap();
        let paged = guard.respond_with(pages.clone().nested_at("/app").unwrap());
        let outside =
            Router::new().nest("/outside", Router::new().route("/delete", get(by_header)));
        let app = Router::new()
            .route("/form", post(by_form).layer(guard.clone()))
            .route("/json", post(by_json).layer(guard.clone()))
            .route("/page", post(by_page).layer(guard.clone()))
            .route("/header", post(by_header).layer(guard.clone()))
            .route("/plain", get(without_once).layer(plain))
            .nest("/app", Router::new().route("/delete", get(by_header)).layer(paged))
            .merge(outside.layer(guard.respond_with(pages)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address, client, clock, issuer }
    }

    fn token(&self, factors: &[Factor]) -> String {
        let session = proved(&[Factor::Password]);
        let session = factors.iter().fold(session, |session, one| session.proved(one.clone()));
        self.issuer.mint(&session)
    }

    async fn post(&self, path: &str, token: &str, kind: &str, body: String) -> TestResponse {
        let request = Request::post(format!("http://{}{path}", self.address))
            .header("authorization", bearer(token))
            .header("content-type", kind);
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> TestResponse {
        TestResponse::of(self.client.request(request).await.unwrap()).await
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_form_names_the_intent_in_a_field() {
    let server = Server::start().await;
    let before = server.token(&[]);
    let form = || "payee=ada&cents=120000".to_owned();
    let first = server.post("/form", &before, FORM, form()).await;
    assert_eq!(first.status, 401);
    let body: Value = serde_json::from_str(&first.body).unwrap();
    let intent = body["intent"].as_str().unwrap();
    assert_eq!(body["prompts"][0][0]["factor"], "otp/sms");
    server.clock.advance(seconds(20));
    let after = server.token(&[Factor::OtpSms]);
    let changed = format!("payee=eve&cents=120000&intent={intent}");
    assert_eq!(server.post("/form", &after, FORM, changed).await.status, 401);
    let retry = || format!("{}&intent={intent}", form());
    let paid = server.post("/form", &after, FORM, retry()).await;
    assert_eq!((paid.status.as_u16(), &*paid.body), (200, "120000 cents for ada"));
    assert_eq!(server.post("/form", &after, FORM, retry()).await.status, 409);
}

#[tokio::test]
async fn a_program_names_it_in_a_member_or_a_header() {
    let server = Server::start().await;
    let before = server.token(&[]);
    let transfer =
        |intent: Value| json!({"payee": "ada", "cents": 1, "intent": intent}).to_string();
    let json = "application/json";
    let first = server.post("/json", &before, json, transfer(Value::Null)).await;
    assert_eq!(first.status, 401);
    server.clock.advance(seconds(20));
    let after = server.token(&[Factor::Totp]);
    let named = transfer(first.header("step-up-intent").into());
    assert_eq!(server.post("/json", &after, json, named).await.status, 204);

    let first = server.post("/header", &after, FORM, String::new()).await;
    server.clock.advance(seconds(20));
    let fresh = server.token(&[Factor::Totp]);
    let request = Request::post(format!("http://{}/header", server.address))
        .header("authorization", bearer(&fresh))
        .header("step-up-intent", first.header("step-up-intent"));
    assert_eq!(server.send(request.body(Full::default()).unwrap()).await.body, "deleted");
}

#[tokio::test]
async fn a_handler_can_show_a_page_of_its_own() {
    let server = Server::start().await;
    let form = "payee=ada&cents=1";
    let page = server.post("/page", &server.token(&[]), FORM, form.to_owned()).await;
    assert_eq!(page.status, 200);
    let (_, intent) = page.body.split_once("value=\"").unwrap();
    let intent = intent.trim_end_matches("\">");
    server.clock.advance(seconds(20));
    let token = server.token(&[Factor::Totp]);
    let retry = format!("{form}&intent={intent}");
    assert_eq!(server.post("/page", &token, FORM, retry.clone()).await.body, "paid");
    assert_eq!(server.post("/page", &token, FORM, retry).await.status, 409);
}

#[tokio::test]
async fn a_redirect_knows_the_address_that_the_guard_saw() {
    let server = Server::start().await;
    // The guard is inside axum's `nest`, or outside. The handler is always inside.
    for place in ["app", "outside"] {
        let request = Request::get(format!("http://{}/{place}/delete?all=1", server.address))
            .header("authorization", bearer(&server.token(&[])))
            .header("sec-fetch-mode", "navigate");
        let answer = server.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, 303);
        let intent = answer.header("step-up-intent");
        assert_eq!(
            answer.header("location"),
            format!(
                "/app/second-factor?return_to=/{place}/delete%3Fall%3D1&intent={intent}&prompt=otp/sms&prompt=totp"
            )
        );
    }
}

#[tokio::test]
async fn a_route_without_once_answers_with_an_error() {
    let server = Server::start().await;
    let request = Request::get(format!("http://{}/plain", server.address))
        .header("authorization", bearer(&server.token(&[])));
    let answer = server.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("was made without `once`"), "{}", answer.body);
}

#[tokio::test]
async fn a_service_of_hyper_confirms_too() {
    let clock = FixedClock::new();
    let issuer = issuer().clone().clock(clock.clone());
    let intents = Intents::new(LocalIntents::new());
    let guard: StepUpLayer = issuer.guard().once(&intents, Factor::Totp).unwrap();
    let service = guard.layer(service_fn(|request: Request<hyper::body::Incoming>| async move {
        let (parts, _) = request.into_parts();
        let once = Once::of(&parts).unwrap();
        Ok::<_, std::convert::Infallible>(
            match once.confirm(None, &Action::new("export keys")).await {
                Ok(_) => http::Response::new(Full::<Bytes>::from("exported")),
                Err(refused) => refused.respond().map(Full::from),
            },
        )
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let io = hyper_util::rt::TokioIo::new(stream);
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let call = async |factors: &[Factor], named: &str| {
        let session =
            factors.iter().fold(proved(&[Factor::Password]), |it, one| it.proved(one.clone()));
        let request = Request::post(format!("http://{address}/"))
            .header("authorization", bearer(&issuer.mint(&session)))
            .header("step-up-intent", named);
        let request = request.body(Full::default()).unwrap();
        TestResponse::of(client.request(request).await.unwrap()).await
    };
    let first = call(&[], "").await;
    assert_eq!(first.status, 401);
    clock.advance(seconds(20));
    let second = call(&[Factor::Totp], first.header("step-up-intent")).await;
    assert_eq!((second.status.as_u16(), &*second.body), (200, "exported"));
}
