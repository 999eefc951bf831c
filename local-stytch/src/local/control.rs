//! `/local/reset`, `/local/requests` and `/local/fail_next`.

use std::time::Duration;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use super::Now;
use crate::{
    api::{Body, Shared},
    error::Refusal,
    stamp::Stamp,
    state::{Failure, LoggedRequest},
};

/// Responds with the time of the clock, which has been reset too.
pub(super) async fn reset(State(app): Shared) -> Json<Now> {
    app.reset();
    Json(Now { now: Stamp(app.now()) })
}

#[derive(Serialize)]
pub(super) struct Requests {
    requests: Vec<LoggedRequest>,
}

pub(super) async fn requests(State(app): Shared) -> Json<Requests> {
    Json(Requests { requests: app.state().requests.newest_first() })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FailNext {
    path: Option<String>,
    count: Option<u32>,
    status: Option<u16>,
    #[serde(default)]
    drop: bool,
    delay_ms: Option<u32>,
}

#[derive(Serialize)]
pub(super) struct Waiting {
    /// The number of failures that wait for their calls.
    waiting: usize,
}

pub(super) async fn fail_next(
    State(app): Shared,
    Body(request): Body<FailNext>,
) -> Result<Json<Waiting>, Refusal> {
    let delay = request.delay_ms.map(|millis| Duration::from_millis(millis.into()));
    let failure = match (request.status, request.drop, delay) {
        (Some(status), false, delay) => Failure::status(status).after(delay.unwrap_or_default()),
        (None, true, delay) => Failure::dropped_connection().after(delay.unwrap_or_default()),
        (None, false, Some(delay)) => Failure::delay(delay),
        (None, false, None) | (Some(_), true, _) => {
            return Err(Refusal::InvalidField(
                "status, drop or delay_ms is required, and status and drop exclude each other.",
            ));
        }
    };
    let failure = failure.times(request.count.unwrap_or(1));
    let failure = match request.path {
        Some(path) => failure.at(path),
        None => failure,
    };
    let mut state = app.state();
    state.failures.plan(failure)?;
    Ok(Json(Waiting { waiting: state.failures.waiting() }))
}
