//! Routes of an axum application, each behind the guard that it needs.
//!
//! ```sh
//! cargo run --example axum_routes                  # 127.0.0.1:3000
//! cargo run --example axum_routes 127.0.0.1:8080
//! ```
//!
//! This needs no Stytch account. The server publishes its own keys next to its routes. It prints
//! curl commands for several sample users. Paste them into a shell. `GET /tokens` returns the
//! sample users' tokens as shell assignments. The log on stderr has a line for each decision of a
//! guard.
//!
//! ```sh
//! STYTCH_PROJECT_ID=project-test-… cargo run --example axum_routes
//! ```
//!
//! The routes then accept sessions of that project instead. If a local-stytch (the stand-in for
//! Stytch in this repository) listens on port 3030, also set
//! `STYTCH_BASE_URL=http://127.0.0.1:3030`. The keys then come from it.

mod support;

use std::process::ExitCode;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tower_http::cors::CorsLayer;
use tower_step_up::{Factor, Grant, Policy, Session, StepUpLayer, Verifier};

use self::support::{Site, StandIn, Stop};

#[tokio::main]
async fn main() -> ExitCode {
    support::run(serve).await
}

async fn serve(listener: TcpListener, base: String, stop: Stop) -> Result<(), String> {
    let site = Site::new(base)?;
    let app = Router::new()
        .merge(routes(&site.guard()))
        .merge(site.stand_in().map(published).unwrap_or_default())
        // This layer is outside every guard, because a preflight carries no credentials.
        .layer(cors());
    site.announce()?;
    let server = axum::serve(listener, app).with_graceful_shutdown(stop);
    server.await.map_err(|error| error.to_string())
}

fn routes(any_session: &StepUpLayer) -> Router {
    let mfa = any_session.require(Policy::mfa().named("account"));
    let transfer_policy = Policy::mfa()
        .and(
            Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn])
                .within(Duration::from_secs(10 * 60)),
        )
        .named("transfer");
    let admin_policy = Policy::phishing_resistant()
        .within(Duration::from_secs(5 * 60))
        .and(Policy::session_within(Duration::from_secs(12 * 60 * 60)))
        .named("admin");

    let admin =
        Router::new().route("/keys", get(admin_keys)).layer(any_session.require(admin_policy));

    Router::new()
        .route("/healthz", get(health).with_state(any_session.verifier().clone()))
        // The guard comes last on each route, because it covers only the methods before it.
        .route("/profile", get(profile).layer(any_session.clone()))
        .route("/account", get(account).layer(mfa))
        .route("/transfer", post(transfer).layer(any_session.require(transfer_policy)))
        .nest("/admin", admin)
        // A client without a session does not learn which paths exist.
        .fallback(any(no_such_page).layer(any_session.clone()))
}

/// Reports whether tokens can be verified now. The JSON contains the last error of the key server, so
/// only operators should reach it.
async fn health(State(verifier): State<Verifier>) -> impl IntoResponse {
    // A verifier fetches keys when a token needs them, so there may be none yet. If this fails,
    // `health` says why.
    let _ = verifier.warm_up().await;
    let health = verifier.health();
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

async fn profile(session: Session) -> String {
    format!("You are {}.\n", session.user_id())
}

async fn account(grant: Grant) -> String {
    format!("{}, here is your account.\n", grant.session().user_id())
}

async fn transfer(grant: Grant) -> String {
    let until = grant.expires_at().format(&Rfc3339).unwrap_or_default();
    format!(
        "{}, your transfer has been sent. You can make more transfers until {until}.\n",
        grant.session().user_id()
    )
}

async fn admin_keys(grant: Grant) -> String {
    format!("{}, you meet this policy: {}.\n", grant.session().user_id(), grant.policy())
}

async fn no_such_page() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "This page does not exist.\n")
}

/// Returns a CORS layer that lets scripts read the challenge. By default, a browser hides
/// `WWW-Authenticate` from scripts of another origin.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static("http://localhost:5173"))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers([WWW_AUTHENTICATE])
}

/// Returns two routes: the JWKS, which Stytch publishes for a real project, and the sample users'
/// tokens.
fn published(stand_in: &StandIn) -> Router {
    let (jwks, people) = (stand_in.jwks(), stand_in.clone());
    Router::new()
        .route(stand_in.jwks_path(), get(([(CONTENT_TYPE, "application/json")], jwks)))
        .route("/tokens", get(async move || people.tokens()))
}
