//! Extractors and response parts for axum.

use std::convert::Infallible;

use axum_core::body::Body;
use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use axum_core::response::{IntoResponseParts, ResponseParts};
use http::StatusCode;
use http::request::Parts;

use crate::layer::Anonymous;
use crate::policy::Grant;
use crate::session::Session;
use crate::sessions::SetCookies;

/// A handler asks for a grant, and no guard stands in front of it, or an optional one that let the
/// request through without credentials. It is a fault of the program: the answer is 500, and a line
/// in the log says what is missing. In debug builds the body says it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MissingGrant {
    /// No guard stands in front of the handler.
    #[error("no StepUpLayer stands in front of a handler that takes a Grant or a Session")]
    NoGuard,
    /// The guard is optional: the handler has to take `Option<Grant>`.
    #[error(
        "an optional StepUpLayer stands in front of a handler that takes a Grant and not \
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
    fn response(self, says_why: bool) -> Response {
        let mut response = match says_why {
            true => format!("{self}\n").into_response(),
            false => Response::new(Body::empty()),
        };
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    }
}

fn grant(parts: &Parts) -> Result<Grant, MissingGrant> {
    let missing = || match parts.extensions.get::<Anonymous>() {
        Some(Anonymous) => MissingGrant::OptionalGuard,
        None => MissingGrant::NoGuard,
    };
    parts.extensions.get::<Grant>().cloned().ok_or_else(missing)
}

/// [`grant`], with a line in the log that says where it is missing.
fn needed_grant(parts: &Parts) -> Result<Grant, MissingGrant> {
    grant(parts).inspect_err(|reason| {
        let (method, path) = (&parts.method, parts.uri.path());
        tracing::error!(target: "tower_step_up::guard", %method, path, %reason, "a handler cannot run");
    })
}

/// The grant of the innermost guard. Where no guard stands: 500, and a line in the log that says
/// so.
impl<S: Sync> FromRequestParts<S> for Grant {
    type Rejection = MissingGrant;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MissingGrant> {
        needed_grant(parts)
    }
}

/// For routes behind an optional guard: `None` without credentials. Where no guard stands: 500, as
/// for `Grant`.
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

/// The session of the innermost guard's grant.
impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = MissingGrant;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, MissingGrant> {
        needed_grant(parts).map(|grant| grant.session().clone())
    }
}

/// As for `Option<Grant>`.
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

impl IntoResponse for SetCookies {
    fn into_response(self) -> Response {
        (self, ()).into_response()
    }
}

/// `(cookies, "signed in")` is a response with the cookies.
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
            (MissingGrant::NoGuard, "no StepUpLayer stands in front"),
            (MissingGrant::OptionalGuard, "an optional StepUpLayer stands in front"),
        ] {
            let told = missing.response(true);
            assert_eq!(
                (told.status().as_u16(), missing.response(false).status().as_u16()),
                (500, 500)
            );
            assert_eq!(told.headers()["content-type"], "text/plain; charset=utf-8");
            assert!(missing.to_string().starts_with(part), "{missing}");
            let length = missing.to_string().len() as u64 + 1;
            assert_eq!(told.body().size_hint().exact(), Some(length));
            assert_eq!(missing.response(false).body().size_hint().exact(), Some(0));
        }
    }
}
