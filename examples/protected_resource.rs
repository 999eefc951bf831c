//! A resource whose clients find the issuer by themselves, as clients of the Model Context Protocol
//! do: from the challenge of a 401 to the metadata of the resource, and from there to the issuer.
//!
//! ```sh
//! cargo run --example protected_resource                  # 127.0.0.1:3000
//! cargo run --example protected_resource 127.0.0.1:8080
//! ```
//!
//! This needs no account. The server is an issuer too: it publishes a discovery document and a key,
//! and `GET /tokens` returns tokens of several sample users. It prints curl commands for them. The log
//! on stderr has a line for each decision of a guard.
//!
//! ```sh
//! ISSUER=https://login.example.com RESOURCE=https://api.example.com/mcp SCOPES='mcp:read mcp:tools' \
//!     cargo run --example protected_resource
//! ```
//!
//! With `ISSUER`, it accepts the access tokens of that issuer. Clients ask there for a token for
//! `RESOURCE` (RFC 8707), which has to be the `aud` of the token. It defaults to `/mcp` on this server.
//! The first of the `SCOPES` lets a client read, and all of them let it call a tool.

#[path = "support/serving.rs"]
mod support;

#[path = "support/resource_issuer.rs"]
mod resource_issuer;

#[path = "support/stand_in.rs"]
mod stand_in;

use std::process::ExitCode;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tower_http::cors::{Any, CorsLayer};
use tower_step_up::issuers::IssuerError;
use tower_step_up::{Grant, Policy, Session, StepUpLayer, Verifier};

use self::resource_issuer::Setup;
use self::stand_in::StandIn;
use self::support::Stop;

#[tokio::main]
async fn main() -> ExitCode {
    support::run(serve).await
}

async fn serve(listener: TcpListener, base: String, stop: Stop) -> Result<(), String> {
    let setup = Setup::from_environment(&base)?;
    let routes = routes(&setup).map_err(|error| error.to_string())?;
    let routes = routes.merge(setup.stand_in.clone().map(StandIn::routes).unwrap_or_default());
    support::print(&format!("listening on {base}\n{setup}\nPress Ctrl-C to stop.\n"))?;
    let server = axum::serve(listener, routes).with_graceful_shutdown(stop);
    server.await.map_err(|error| error.to_string())
}

fn routes(setup: &Setup) -> Result<Router, IssuerError> {
    let guard: StepUpLayer = setup.issuer.guard()?.protected_resource(&setup.resource);
    let read = guard.require_scopes(setup.scopes.first());
    let fresh = Policy::session().within(Duration::from_secs(5 * 60)).named("fresh");
    let tools = guard.require(fresh).require_scopes(&setup.scopes);
    let metadata = setup.resource.metadata([&read, &tools]).name("Example tools");

    // Clients may run in browsers, on any site. They send no cookies, so any site may call.
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("mcp-protocol-version"),
        ])
        .expose_headers([header::WWW_AUTHENTICATE]);
    Ok(Router::new()
        .route("/mcp", get(list).layer(read).merge(post(call).layer(tools)))
        .route_service(metadata.path(), metadata.clone()) // public: not behind a guard
        .route("/healthz", get(health).with_state(guard.verifier().clone()))
        .layer(cors))
}

async fn list(session: Session) -> String {
    format!("{}, you can call the tool: send\n", session.user_id())
}

async fn call(grant: Grant) -> String {
    format!("{}, your tool has sent it.\n", grant.session().user_id())
}

/// Reports whether tokens can be verified now. The JSON contains the last error of the key server, so
/// only operators should reach it.
async fn health(State(verifier): State<Verifier>) -> impl IntoResponse {
    let _ = verifier.warm_up().await;
    let health = verifier.health();
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}
