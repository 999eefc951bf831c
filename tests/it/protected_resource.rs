//! The metadata of a protected resource: the service that publishes it, the challenges that point to
//! it, and a client that starts from a 401.

use std::sync::{Arc, OnceLock};

use axum::extract::{Form, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_step_up::issuers::{Issuer, oidc};
use tower_step_up::keys::Algorithm;
use tower_step_up::resource::{ProtectedResource, ResourceMetadata};
use tower_step_up::testing::TestIssuer;
use tower_step_up::{
    BearerChallenge, Negotiated, Policy, Session, StepUpLayer, SystemClock, Verifier,
};

use crate::key_server::within_seconds;
use crate::support::{self, TestResponse, bearer, inner, send};

type Body = Full<Bytes>;

const RESOURCE: &str = "https://api.example.com/mcp";
const METADATA: &str =
    r#"resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp""#;

fn resource() -> ProtectedResource {
    ProtectedResource::new(RESOURCE).unwrap()
}

fn oidc() -> Issuer {
    oidc::access_tokens("https://login.example.com", RESOURCE)
        .acr_values(["silver", "gold"])
        .algorithms([Algorithm::EdDsa])
}

fn issuer() -> &'static TestIssuer {
    static ISSUER: OnceLock<TestIssuer> = OnceLock::new();
    ISSUER.get_or_init(|| TestIssuer::standing_in_for(oidc()).unwrap())
}

fn guard() -> StepUpLayer {
    issuer().guard().protected_resource(&resource()).require_scopes(["mcp:tools"])
}

fn with(authorization: &[&str]) -> Request<Body> {
    let request = authorization
        .iter()
        .fold(Request::get("/mcp"), |request, value| request.header("authorization", *value));
    request.body(Body::default()).unwrap()
}

async fn respond(guard: &StepUpLayer, request: Request<Body>) -> TestResponse {
    send(&guard.layer(service_fn(inner::<Body>)), request).await
}

async fn challenge(guard: &StepUpLayer, request: Request<Body>) -> (u16, String) {
    let response = respond(guard, request).await;
    (response.status.as_u16(), response.header("www-authenticate").to_owned())
}

async fn publish(metadata: &ResourceMetadata, method: Method) -> TestResponse {
    // The service accepts a request with any body.
    let request = Request::builder().method(method).uri(metadata.path()).body(()).unwrap();
    send(metadata, request).await
}

/// Every `WWW-Authenticate` has the address, word for word.
#[tokio::test]
async fn every_challenge_points_to_the_metadata() {
    let step_up = guard().require(Policy::acr("gold"));
    let token = |scope| bearer(&issuer().mint_with(&json!({"acr": "silver", "scope": scope})));
    for (guard, authorization, status, want) in [
        (&guard(), &[][..], 401, "scope=\"mcp:tools\", "),
        (
            &guard(),
            &["Bearer x"],
            401,
            "error=\"invalid_token\", error_description=\"the token is invalid\", \
             scope=\"mcp:tools\", ",
        ),
        (
            &guard(),
            &["Bearer a", "Bearer b"],
            400,
            "error=\"invalid_request\", \
             error_description=\"more than one Authorization header\", ",
        ),
        (
            &guard(),
            &[&*token("openid")],
            403,
            "error=\"insufficient_scope\", \
             error_description=\"the token lacks the scope mcp:tools\", scope=\"mcp:tools\", ",
        ),
    ] {
        let answer = challenge(guard, with(authorization)).await;
        assert_eq!(answer, (status, format!("Bearer realm=\"api\", {want}{METADATA}")));
    }
    let (status, value) = challenge(&step_up, with(&[&token("mcp:tools")])).await;
    assert_eq!(status, 401);
    assert!(
        value.starts_with("Bearer realm=\"api\", error=\"insufficient_user_authentication\", ")
            && value.ends_with(&format!(", scope=\"mcp:tools\", {METADATA}")),
        "{value}"
    );
    assert_eq!(challenge(&guard(), with(&[&token("mcp:tools")])).await, (200, String::new()));

    // The page for people has the same challenge.
    let pages = guard().respond_with(Negotiated::new());
    let mut request = with(&[]);
    request.headers_mut().insert("sec-fetch-mode", "navigate".parse().unwrap());
    let page = respond(&pages, request).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        page.header("www-authenticate"),
        format!("Bearer realm=\"api\", scope=\"mcp:tools\", {METADATA}")
    );
    // Other credentials would not help here.
    let failing = guard().require_with(|_| Err::<Policy, _>(std::io::Error::other("no policy")));
    assert_eq!(challenge(&failing, with(&[&token("")])).await, (500, String::new()));
}

#[tokio::test]
async fn the_resource_of_the_inner_guard_counts() {
    let other = ProtectedResource::new("https://api.example.com/other").unwrap();
    let plain = issuer().guard();
    let nested = async |outer: &StepUpLayer, inner_guard: &StepUpLayer| {
        let service = outer.layer(inner_guard.layer(service_fn(inner::<Body>)));
        send(&service, with(&[])).await.header("www-authenticate").to_owned()
    };
    let outer = guard().optional();
    let path = "/.well-known/oauth-protected-resource";
    for (inner_guard, want) in [
        (plain.clone(), "mcp"),
        (plain.require(Policy::acr("gold")), "mcp"),
        (plain.protected_resource(&other), "other"),
        (plain.protected_resource(&other).protected_resource(&resource()), "mcp"),
    ] {
        let value = nested(&outer, &inner_guard).await;
        assert_eq!(
            value,
            format!(
                "Bearer realm=\"api\", scope=\"mcp:tools\", \
                 resource_metadata=\"https://api.example.com{path}/{want}\""
            )
        );
    }
    assert_eq!(nested(&plain.optional(), &plain).await, "Bearer realm=\"api\"");
}

/// Nothing that can be configured adds a header or a parameter.
#[tokio::test]
async fn no_configured_text_escapes_its_place() {
    let realm = "x\", error=\"none\"\r\nSet-Cookie: a=b\u{e9}";
    let policy = Policy::acr("gold").named("gold");
    let guard = guard().require(policy).respond_with(BearerChallenge::new(realm));
    let response = respond(&guard, with(&[])).await;
    assert_eq!(
        response.header("www-authenticate"),
        format!(
            "Bearer realm=\"x\\\", error=\\\"none\\\"??Set-Cookie: a=b?\", \
             scope=\"mcp:tools\", {METADATA}"
        )
    );
    assert!(!response.headers.contains_key("set-cookie"));
    // Every character that a scope or an identifier may have.
    let scope: String = (0x21..=0x7E_u8).map(char::from).filter(|c| !"\"\\".contains(*c)).collect();
    let identifier = "https://api.example.com/-._~:[]@!$&'()*+,;=%20?a=/?b";
    let resource = ProtectedResource::new(identifier).unwrap();
    let guard = issuer().guard().protected_resource(&resource).require_scopes([&scope]);
    let response = respond(&guard, with(&[])).await;
    assert_eq!(
        response.header("www-authenticate"),
        format!(
            "Bearer realm=\"api\", scope=\"{scope}\", resource_metadata=\"{}\"",
            resource.metadata_url()
        )
    );
}

#[tokio::test]
async fn the_service_publishes_the_document() {
    let admin = guard().require_scopes(["mcp:admin", "mcp:tools"]);
    let metadata = resource()
        .metadata([&guard(), &admin])
        .also_scopes(["mcp:tools", "offline_access"])
        .name("Tools of \"Example\"")
        .documentation("https://api.example.com/docs");
    assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/mcp");
    let document = r#"{"resource":"https://api.example.com/mcp","authorization_servers":["https://login.example.com"],"scopes_supported":["mcp:tools","mcp:admin","offline_access"],"bearer_methods_supported":["header"],"acr_values_supported":["silver","gold"],"resource_name":"Tools of \"Example\"","resource_documentation":"https://api.example.com/docs"}"#;
    assert_eq!(metadata.json(), document);

    for (method, status, body) in
        [(Method::GET, 200, document), (Method::HEAD, 200, ""), (Method::POST, 405, "")]
    {
        let response = publish(&metadata, method).await;
        assert_eq!((response.status.as_u16(), &*response.body), (status, body));
        let header = |name| response.header(name);
        if status == 200 {
            assert_eq!(header("content-type"), "application/json");
            assert_eq!(header("cache-control"), "public, max-age=3600");
            assert_eq!(header("content-length"), document.len().to_string());
        } else {
            assert_eq!(header("allow"), "GET, HEAD");
        }
    }
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"] {
        let response = publish(&metadata, method.parse().unwrap()).await;
        assert_eq!((response.status.as_u16(), response.header("allow")), (405, "GET, HEAD"));
    }
}

#[test]
fn the_document_leaves_out_what_the_guards_do_not_have() {
    let of = |guards: &[&StepUpLayer]| {
        serde_json::from_str::<Value>(resource().metadata(guards.iter().copied()).json()).unwrap()
    };
    let empty = json!({"resource": RESOURCE, "bearer_methods_supported": ["header"]});
    // Stytch's name for itself is not an address, and it declares no levels.
    assert_eq!(of(&[&support::issuer().guard()]), empty);
    assert_eq!(of(&[]), empty);
    let both = Verifier::any_of([support::issuer().verifier(), issuer().verifier()]).unwrap();
    let document = of(&[&StepUpLayer::new(both), &issuer().guard()]);
    assert_eq!(document["authorization_servers"], json!(["https://login.example.com"]));
    assert_eq!(document["acr_values_supported"], json!(["silver", "gold"]));
    assert!(document.get("scopes_supported").is_none(), "{document}");
}

/// A resource server on loopback, an issuer beside it, and an OAuth client that knows neither.
struct Site {
    resource: String,
    issuer: String,
    client: Client<HttpConnector, Body>,
}

/// An issuer that gives a token to anyone who asks.
struct Login {
    issuer: TestIssuer,
    address: String,
}

#[derive(serde::Deserialize)]
struct TokenRequest {
    scope: String,
    resource: String,
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

fn serve(listener: TcpListener, routes: Router) {
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
}

async fn token(State(login): State<Arc<Login>>, Form(request): Form<TokenRequest>) -> Json<Value> {
    let claims = json!({"sub": "ada", "scope": request.scope, "aud": request.resource});
    let token = login.issuer.mint_with(&claims);
    Json(json!({"access_token": token, "token_type": "Bearer", "scope": request.scope}))
}

async fn configuration(State(login): State<Arc<Login>>) -> Json<Value> {
    let at = |path| format!("{}{path}", login.address);
    Json(json!({
        "issuer": login.address, "jwks_uri": at("/keys"), "token_endpoint": at("/token"),
    }))
}

impl Site {
    async fn start() -> Self {
        let (login_listener, login) = listen().await;
        let (listener, base) = listen().await;
        let resource = ProtectedResource::new(&format!("{base}/mcp")).unwrap();
        let issuer = oidc::access_tokens(&login, resource.identifier());

        let test = TestIssuer::standing_in_for(issuer.clone()).unwrap().clock(SystemClock);
        let state = Arc::new(Login { issuer: test, address: login.clone() });
        let keys = state.issuer.jwks().to_owned();
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(async move || keys))
            .route("/token", post(token));
        serve(login_listener, routes.with_state(state));

        let guard = issuer.guard().unwrap().protected_resource(&resource);
        let read = guard.require_scopes(["mcp:read"]);
        let write = read.require_scopes(["mcp:write"]);
        let metadata = resource.metadata([&read, &write]);
        let user = async |session: Session| session.user_id().to_owned();
        let routes = Router::new()
            .route("/mcp", get(user).layer(read).merge(post(user).layer(write)))
            .route_service(metadata.path(), metadata.clone());
        serve(listener, routes);
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { resource: resource.identifier().to_owned(), issuer: login, client }
    }

    async fn send(&self, request: http::request::Builder, body: String) -> TestResponse {
        within_seconds(send(&self.client, request.body(body.into()).unwrap())).await
    }

    async fn document(&self, url: &str) -> Option<Value> {
        let response = self.send(Request::get(url), String::new()).await;
        let is_found = response.status == StatusCode::OK;
        is_found.then(|| serde_json::from_str(&response.body).unwrap())
    }

    /// Returns the token endpoint that a client finds, which knows only the address that it called
    /// and the challenge that it got.
    async fn discover(&self, called: &str, challenge: &str) -> Result<String, String> {
        let url = parameter(challenge, "resource_metadata").ok_or("no resource_metadata")?;
        let metadata = self.document(url).await.ok_or("no metadata")?;
        // RFC 9728, section 3.3.
        if metadata["resource"] != called {
            return Err(format!("the metadata is about {}", metadata["resource"]));
        }
        let issuer = metadata["authorization_servers"][0].as_str().ok_or("no issuer")?;
        // The order of MCP's specification. This issuer has no path.
        for name in ["oauth-authorization-server", "openid-configuration"] {
            let found = self.document(&format!("{issuer}/.well-known/{name}")).await;
            if let Some(configuration) = found.filter(|it| it["issuer"] == issuer) {
                return Ok(configuration["token_endpoint"].as_str().unwrap().to_owned());
            }
        }
        Err(format!("{issuer} has no metadata"))
    }

    /// Asks for a token with these scopes for the resource (RFC 8707).
    async fn token(&self, endpoint: &str, scope: &str) -> String {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("scope", scope), ("resource", &self.resource)])
            .finish();
        let request =
            Request::post(endpoint).header("content-type", "application/x-www-form-urlencoded");
        let response = self.send(request, form).await;
        let answer: Value = serde_json::from_str(&response.body).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }
}

/// Returns a parameter of the challenge. None of these values has an escape.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = challenge.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

#[tokio::test]
async fn a_client_finds_the_issuer_from_a_bare_401() {
    let site = Site::start().await;
    let bare = site.send(Request::get(&site.resource), String::new()).await;
    assert_eq!(bare.status, 401);
    let challenge = bare.header("www-authenticate");
    let endpoint = site.discover(&site.resource, challenge).await.unwrap();
    assert_eq!(endpoint, format!("{}/token", site.issuer));

    let scope = parameter(challenge, "scope").unwrap();
    assert_eq!(scope, "mcp:read");
    let token = bearer(&site.token(&endpoint, scope).await);
    let read = Request::get(&site.resource).header("authorization", &token);
    let response = site.send(read, String::new()).await;
    assert_eq!((response.status.as_u16(), &*response.body), (200, "ada"));

    // The next answer names both scopes, so the new token does not lose the first.
    let write = Request::post(&site.resource).header("authorization", &token);
    let response = site.send(write, String::new()).await;
    assert_eq!(response.status, 403);
    let challenge = response.header("www-authenticate");
    assert_eq!(parameter(challenge, "error"), Some("insufficient_scope"));
    let scope = parameter(challenge, "scope").unwrap();
    assert_eq!(scope, "mcp:read mcp:write");
    assert_eq!(site.discover(&site.resource, challenge).await.unwrap(), endpoint);
    let token = bearer(&site.token(&endpoint, scope).await);
    for method in [Method::GET, Method::POST] {
        let request = Request::builder().method(method).uri(&site.resource);
        let response = site.send(request.header("authorization", &token), String::new()).await;
        assert_eq!((response.status.as_u16(), &*response.body), (200, "ada"));
    }
}

/// A server that points to the metadata of another one must not lead a client to ask for tokens.
#[tokio::test]
async fn a_client_sees_that_the_metadata_is_about_another_resource() {
    let site = Site::start().await;
    let bare = site.send(Request::get(&site.resource), String::new()).await;
    let called = site.resource.replace("127.0.0.1", "localhost");
    let error = site.discover(&called, bare.header("www-authenticate")).await.unwrap_err();
    assert_eq!(error, format!("the metadata is about \"{}\"", site.resource));
}

/// axum removes the body of the answer to HEAD, and hyper keeps the stated length.
#[tokio::test]
async fn the_document_is_served_over_http() {
    let site = Site::start().await;
    let url = ProtectedResource::new(&site.resource).unwrap().metadata_url().to_owned();
    let got = site.send(Request::get(&url), String::new()).await;
    let head = site.send(Request::head(&url), String::new()).await;
    assert_eq!((got.status.as_u16(), head.status.as_u16(), &*head.body), (200, 200, ""));
    for name in ["content-type", "cache-control", "content-length"] {
        assert_eq!(got.header(name), head.header(name), "{name}");
    }
    assert_eq!(got.header("content-length"), got.body.len().to_string());
    let options = site.send(Request::options(&url), String::new()).await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (405, "GET, HEAD"));
}
