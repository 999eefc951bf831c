//! `/local` and `/healthz`: the clock, the keys, the messages, the health check and what a test asks
//! for. Stytch's API has none of them.

mod control;
mod phone;
mod sessions;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Body, Shared},
    app::App,
    error::Refusal,
    stamp::Stamp,
    state::Message,
};

pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/healthz", get(health))
        .route("/local/phone", get(phone::page))
        .route("/local/messages", get(messages))
        .route("/local/clock", get(clock).post(advance))
        .route("/local/keys/rotate", post(rotate))
        .route("/local/sessions", post(sessions::create))
        .route("/local/sessions/age", post(sessions::age))
        .route("/local/requests", get(control::requests))
        .route("/local/fail_next", post(control::fail_next))
        .route("/local/reset", post(control::reset))
}

#[derive(Serialize)]
struct Health {
    /// The number of published keys: one or two.
    keys: usize,
}

async fn health(State(app): Shared) -> Json<Health> {
    Json(Health { keys: app.keys().jwks().len() })
}

#[derive(Serialize)]
struct Messages {
    messages: Vec<Message>,
}

/// Responds with the messages, newest first.
async fn messages(State(app): Shared) -> Json<Messages> {
    Json(Messages { messages: app.state().inbox.newest_first() })
}

#[derive(Serialize)]
struct Now {
    now: Stamp,
}

async fn clock(State(app): Shared) -> Json<Now> {
    Json(Now { now: Stamp(app.now()) })
}

#[derive(Deserialize)]
struct Advance {
    advance_seconds: u64,
}

async fn advance(State(app): Shared, Body(request): Body<Advance>) -> Json<Now> {
    app.clock.advance(std::time::Duration::from_secs(request.advance_seconds));
    clock(State(app)).await
}

#[derive(Serialize)]
struct Rotated {
    kid: String,
}

async fn rotate(State(app): Shared) -> Result<Json<Rotated>, Refusal> {
    let rotating = Arc::clone(&app);
    let kid = app.heavy(move || rotating.rotate_keys()).await?.map_err(|_| Refusal::Internal)?;
    Ok(Json(Rotated { kid }))
}
