//! Lets calls of Stytch's API fail as a test asked for.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    Extension,
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http_body::Frame;

use crate::{api::Shared, error::Refusal, state::Outcome};

/// Delays, refuses or drops the call if a failure waits for it.
pub(crate) async fn fail_as_planned(State(app): Shared, request: Request, next: Next) -> Response {
    let planned = app.state().failures.next(request.uri().path());
    let Some((delay, outcome)) = planned else { return next.run(request).await };
    tokio::time::sleep(delay).await;
    match outcome {
        Outcome::Answered => next.run(request).await,
        Outcome::Refused(status) => Refusal::Planned(status).into_response(),
        Outcome::Dropped => {
            (StatusCode::INTERNAL_SERVER_ERROR, Extension(Dropped), Body::new(Broken))
                .into_response()
        }
    }
}

/// Marks a response that the client does not receive, for the log.
#[derive(Clone, Copy)]
pub(crate) struct Dropped;

/// A body that fails at once. The server then closes the connection before it has sent anything.
struct Broken;

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(Err(io::Error::other("a failure was planned"))))
    }
}
