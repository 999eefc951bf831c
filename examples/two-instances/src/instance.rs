//! One instance of the service. Copy from here.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tower_step_up::testing::{TestIssuer, TestSessions};
use tower_step_up::{Grant, Policy, Sessions, StepUpLayer};
use tower_step_up_redis::{RedisRevocations, Server};

/// An instance, and the address that it serves on.
pub(crate) struct Instance {
    pub(crate) address: SocketAddr,
    /// Until they are read, the guards answer with 503.
    pub(crate) revocations: RedisRevocations,
}

#[derive(Clone)]
struct App {
    sessions: Sessions,
    revocations: RedisRevocations,
}

impl Instance {
    /// Starts an instance with its own replica of the revocations. The issuer and the authority stand in
    /// for Stytch.
    pub(crate) async fn start(
        issuer: &TestIssuer,
        authority: &TestSessions,
        server: Server,
    ) -> io::Result<Self> {
        let revocations = RedisRevocations::start(server);
        // With Stytch: `Project::new(id)?.revocations(revocations.clone())`, and then `guard` and
        // `sessions` of the project.
        let verifier = issuer.verifier().revocations(revocations.clone());
        let sessions = Sessions::new(verifier.clone(), authority.clone());
        let guard = StepUpLayer::new(verifier).renew_with(&sessions);

        let account = guard.require(Policy::mfa()).max_replica_age(Duration::from_secs(5));
        // Reading the news matters more than a revocation.
        let news = guard.max_replica_age(Duration::MAX);
        let app = Router::new()
            .route("/account", get(show_account).layer(account))
            .route("/news", get("Nothing new.\n").layer(news))
            .route("/sign-out", post(sign_out))
            .route("/healthz", get(health))
            .with_state(App { sessions, revocations: revocations.clone() });

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, revocations })
    }
}

async fn show_account(grant: Grant) -> String {
    format!("the account of {}\n", grant.session().user_id())
}

/// No guard covers this route, so that everyone can sign out.
async fn sign_out(State(app): State<App>, request: HeaderMap) -> impl IntoResponse {
    let out = app.sessions.sign_out_presented(&request).await;
    match out.revoked {
        Ok(()) => (StatusCode::OK, out.cookies, "Goodbye.\n".to_owned()).into_response(),
        Err(error) => {
            let message = format!("You may still be signed in: {error}. Please try again.\n");
            (StatusCode::SERVICE_UNAVAILABLE, message).into_response()
        }
    }
}

/// The state of the replica, for monitoring. Its errors name the server, so only operators should reach
/// it. A probe that restarts instances must not use it: all of them fail it at once if Redis does.
async fn health(State(app): State<App>) -> impl IntoResponse {
    let health = app.revocations.health();
    let is_young = health.age.is_some_and(|age| age < Duration::from_secs(5));
    let status = if is_young { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({
        "age_ms": health.age.map(|age| age.as_millis() as u64),
        "entries": health.entries,
        "unwritten": health.unwritten,
        "skipped": health.skipped,
        "read_error": health.read_error,
        "write_error": health.write_error,
    });
    (status, Json(body))
}
