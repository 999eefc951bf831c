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

use super::grpc;
use super::refusal::Refusal;
use super::responder::BearerChallenge;
use crate::policy::Shortfall;
use crate::rejection::Rejection;

/// Returns the answer in a vendor's form for a session that has to step up, and otherwise the challenge.
fn answer<'a>(
    challenge: &BearerChallenge,
    why: &'a Rejection,
    request: &'a Parts,
    form: impl FnOnce(&'a Shortfall, Refusal<'a>) -> Response<Bytes>,
) -> Response<Bytes> {
    let refusal = Refusal::of(why, request);
    match refusal.shortfall {
        // No vendor has a form for gRPC calls.
        Some(shortfall) if !grpc::is_call(&request.headers) => form(shortfall, refusal),
        _ => challenge.for_program(&refusal, request),
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
