//! Routes for the access tokens of your own OpenID Connect issuer.
//!
//! ```sh
//! ISSUER=https://login.example.com AUDIENCE=https://api.example.com \
//!     ACR_VALUES='silver gold=password+totp' cargo run --example issuer
//! ```
//!
//! `ISSUER` is the address of the issuer, and `AUDIENCE` is the identifier of this service there.
//! `ACR_VALUES` is optional. It lists the levels of the issuer, the least demanding first. After a `=`
//! come the factors that the issuer guarantees for a level: `gold=password+totp|webauthn` means a
//! password and a code from an app, or a passkey. A route with `mfa` exists only if the factors of the
//! highest level meet it. Name only what the issuer really demands for the level.
//!
//! ```sh
//! cargo run --example issuer                  # 127.0.0.1:3000
//! cargo run --example issuer 127.0.0.1:8080
//! ```
//!
//! Without `ISSUER`, this needs no account. The server is then an issuer too: it publishes a discovery
//! document and a key, and `GET /tokens` returns tokens of several sample users. It prints curl
//! commands for them. The log on stderr has a line for each decision of a guard.

#[path = "support/serving.rs"]
mod support;

#[path = "support/ladder.rs"]
mod ladder;

#[path = "support/own_issuer.rs"]
mod own_issuer;

#[path = "support/stand_in.rs"]
mod stand_in;

use std::process::ExitCode;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tower_step_up::issuers::Issuer;
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Grant, Policy, Session, StepUpLayer, Verifier};

use self::ladder::Ladder;
use self::own_issuer::OwnIssuer;
use self::stand_in::StandIn;
use self::support::Stop;

#[tokio::main]
async fn main() -> ExitCode {
    support::run(serve).await
}

async fn serve(listener: TcpListener, base: String, stop: Stop) -> Result<(), String> {
    let own = OwnIssuer::from_environment(&base)?;
    let site = Site::new(&own.issuer, &own.ladder).map_err(|error| error.to_string())?;
    let found = site.findings();
    let routes = site.routes().merge(own.stand_in().map(StandIn::routes).unwrap_or_default());
    support::print(&format!(
        "listening on {base}\n{}findings: {found}\n{}\nPress Ctrl-C to stop.\n",
        own.heading(),
        own.what_to_try(&base, site.account.is_some()),
    ))?;
    let server = axum::serve(listener, routes).with_graceful_shutdown(stop);
    server.await.map_err(|error| error.to_string())
}

/// The guards of the routes.
struct Site {
    any_session: StepUpLayer,
    /// Exists only if the issuer guarantees two independent factors for its highest level.
    account: Option<StepUpLayer>,
    transfer: StepUpLayer,
}

impl Site {
    fn new(issuer: &Issuer, ladder: &Ladder) -> Result<Self, tower_step_up::issuers::IssuerError> {
        let any_session = issuer.guard()?;
        // The token does not say when a level was reached, so a fresh sign-in is a separate clause.
        let fresh = Policy::session().within(Duration::from_secs(5 * 60));
        let transfer = match ladder.highest() {
            Some(level) => Policy::acr(level).and(fresh),
            None => fresh,
        };
        let mfa = any_session.require(Policy::mfa().named("account"));
        Ok(Self {
            account: guarantees_mfa(issuer, ladder)?.then_some(mfa),
            transfer: any_session.require(transfer.named("transfer")),
            any_session,
        })
    }

    /// Returns why tokens of the issuer can never meet the policies. A guard also logs each reason.
    fn findings(&self) -> String {
        let guards = [Some(&self.any_session), self.account.as_ref(), Some(&self.transfer)];
        let findings: Vec<_> =
            guards.into_iter().flatten().flat_map(StepUpLayer::findings).collect();
        match &*findings {
            [] => "none, so tokens of this issuer can meet every policy".to_owned(),
            some => some.iter().map(|finding| format!("\n  {finding}")).collect(),
        }
    }

    fn routes(&self) -> Router {
        let any_session = &self.any_session;
        let routes = Router::new()
            .route("/healthz", get(health).with_state(any_session.verifier().clone()))
            .route("/profile", get(profile).layer(any_session.clone()))
            .route("/transfer", post(transfer).layer(self.transfer.clone()));
        let routes = match &self.account {
            Some(mfa) => routes.route("/account", get(account).layer(mfa.clone())),
            None => routes,
        };
        routes.fallback(any(no_such_page).layer(any_session.clone()))
    }
}

/// Returns whether a token with the highest level meets `mfa`, even if it names no method.
fn guarantees_mfa(
    issuer: &Issuer,
    ladder: &Ladder,
) -> Result<bool, tower_step_up::issuers::IssuerError> {
    let Some(level) = ladder.highest() else { return Ok(false) };
    let session = TestIssuer::standing_in_for(issuer.clone())?
        .session_with(&serde_json::json!({ "acr": level }));
    Ok(Policy::mfa().evaluate(&session, NOW).is_ok())
}

/// Reports whether tokens can be verified now. The JSON contains the last error of the key server, so
/// only operators should reach it.
async fn health(State(verifier): State<Verifier>) -> impl IntoResponse {
    let _ = verifier.warm_up().await;
    let health = verifier.health();
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

async fn profile(session: Session) -> String {
    format!("You are {} of {}.\n", session.user_id(), session.issuer())
}

async fn account(grant: Grant) -> String {
    format!("{}, here is your account.\n", grant.session().user_id())
}

async fn transfer(grant: Grant) -> String {
    format!("{}, your transfer has been sent.\n", grant.session().user_id())
}

async fn no_such_page() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "This page does not exist.\n")
}
