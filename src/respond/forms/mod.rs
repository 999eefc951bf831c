//! Answers to a step-up in the forms of other vendors, for clients that read those.

mod clerk;
mod entra;
mod ory;

pub use self::clerk::ClerkReverification;
pub use self::entra::EntraClaimsChallenge;
pub use self::ory::OryStepUp;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use serde::Serialize;

use super::responder::{BearerChallenge, Respond};
use crate::policy::Shortfall;
use crate::rejection::Rejection;

/// Returns the challenge, or what a vendor's form makes of it for a session that has to step up.
fn answer(
    challenge: &BearerChallenge,
    why: &Rejection,
    request: &Parts,
    form: impl FnOnce(&Shortfall, Response<Bytes>) -> Response<Bytes>,
) -> Response<Bytes> {
    let response = challenge.respond(why, request);
    match why {
        // The answer to a gRPC call has another status. No vendor has a form for it.
        Rejection::StepUpRequired(shortfall) if response.status() == StatusCode::UNAUTHORIZED => {
            form(shortfall, response)
        }
        _ => response,
    }
}

/// Returns a 403 with this body.
fn forbidden(body: &impl Serialize) -> Response<Bytes> {
    // Writing cannot fail: the bodies consist of strings and numbers.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::FORBIDDEN;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
