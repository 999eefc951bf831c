//! Extractors and response parts for axum.

use std::convert::Infallible;
use std::fmt::Display;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use axum_core::response::{IntoResponseParts, ResponseParts};
use http::StatusCode;
use http::request::Parts;

use crate::layer::once::{Once, Unconfirmed};
use crate::layer::{Anonymous, MissingOnce};
use crate::policy::Grant;
use crate::session::Session;
use crate::sessions::SetCookies;

/// The error returned if a handler takes a grant and the request has none. Either no guard is in
/// front of the handler, or an optional guard let the request through without credentials. This is
/// a bug in the program. The response is a 500, and a line in the log states what is missing. In
/// debug builds the body states it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MissingGrant {
    /// No guard is in front of the handler.
    #[error("no StepUpLayer is in front of a handler that takes a Grant or a Session")]
    NoGuard,
    /// The guard is optional, so the handler has to take `Option<Grant>`.
    #[error(
        "an optional StepUpLayer is in front of a handler that takes a Grant instead of an \
         Option<Grant>"
    )]
    OptionalGuard,
}

impl IntoResponse for MissingGrant {
    fn into_response(self) -> Response {
        self.response(cfg!(debug_assertions))
    }
}

impl MissingGrant {
    fn response(self, with_reason: bool) -> Response {
        server_error(self, with_reason)
    }
}

impl IntoResponse for MissingOnce {
    fn into_response(self) -> Response {
        server_error(self, cfg!(debug_assertions))
    }
}

/// Returns a 500, with the reason in its body if the client may know it.
fn server_error(reason: impl Display, with_reason: bool) -> Response {
    let mut response = match with_reason {
        true => format!("{reason}\n").into_response(),
        false => Response::new(Body::empty()),
    };
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// Returns the response of the guard's responder.
impl IntoResponse for Unconfirmed {
    fn into_response(self) -> Response {
        self.respond().map(Body::from)
    }
}

fn grant(parts: &Parts) -> Result<Grant, MissingGrant> {
    let missing = || match parts.extensions.get::<Anonymous>() {
        Some(Anonymous) => MissingGrant::OptionalGuard,
        None => MissingGrant::NoGuard,
    };
    parts.extensions.get::<Grant>().cloned().ok_or_else(missing)
}

/// Returns the grant of a request, or logs the method and path of the request that lacks it.
fn needed_grant(parts: &Parts) -> Result<Grant, MissingGrant> {
    grant(parts).inspect_err(|reason| {
        let (method, path) = (&parts.method, parts.uri.path());
        tracing::error!(target: "tower_step_up::guard", %method, path, %reason, "a handler needs a grant");
    })
}

/// Extracts the grant of the innermost guard. Without a guard, the response is a 500, and a line in
/// the log states the reason.
impl<S: Sync> FromRequestParts<S> for Grant {
    type Rejection = MissingGrant;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MissingGrant> {
        needed_grant(parts)
    }
}

/// Extracts the grant on a route behind an optional guard, or `None` if the request has no
/// credentials. Without a guard, the response is a 500, as for `Grant`.
impl<S: Sync> OptionalFromRequestParts<S> for Grant {
    type Rejection = MissingGrant;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, MissingGrant> {
        match grant(parts) {
            Err(MissingGrant::OptionalGuard) => Ok(None),
            _ => needed_grant(parts).map(Some),
        }
    }
}

/// Extracts the session of the innermost guard's grant.
impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = MissingGrant;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MissingGrant> {
        needed_grant(parts).map(|grant| grant.session().clone())
    }
}

/// Extracts the session if `Option<Grant>` extracts a grant.
impl<S: Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = MissingGrant;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, MissingGrant> {
        let grant =
            <Grant as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(grant.map(|grant| grant.session().clone()))
    }
}

/// Extracts the means to ask for a proof for one action. Without a guard that has
/// [`once`](crate::StepUpLayer::once), the response is a 500, and a line in the log states the reason.
impl<S: Sync> FromRequestParts<S> for Once {
    type Rejection = MissingOnce;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MissingOnce> {
        Self::of(parts)
    }
}

impl IntoResponse for SetCookies {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

/// Adds the cookies to a response, such as `(cookies, "signed in")`.
impl IntoResponseParts for SetCookies {
    type Error = Infallible;

    fn into_response_parts(self, mut response: ResponseParts) -> Result<ResponseParts, Infallible> {
        self.append_to(response.headers_mut());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;

    use super::*;

    #[test]
    fn only_a_debug_build_tells_the_client_what_is_missing() {
        for (missing, part) in [
            (MissingGrant::NoGuard, "no StepUpLayer is in front"),
            (MissingGrant::OptionalGuard, "an optional StepUpLayer is in front"),
        ] {
            let verbose = missing.response(true);
            assert_eq!(
                (verbose.status().as_u16(), missing.response(false).status().as_u16()),
                (500, 500)
            );
            assert_eq!(verbose.headers()["content-type"], "text/plain; charset=utf-8");
            assert!(missing.to_string().starts_with(part), "{missing}");
            let length = missing.to_string().len() as u64 + 1;
            assert_eq!(verbose.body().size_hint().exact(), Some(length));
            assert_eq!(missing.response(false).body().size_hint().exact(), Some(0));
        }
    }
}
