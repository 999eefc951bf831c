//! Signing out: here at once, and with Stytch.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use tower_step_up::{Grant, Rejection};

use crate::bank::Bank;
use crate::frame::{Frame, Page};

/// Where people are told that they are signed out.
pub(crate) const SIGNED_OUT: &str = "/signed-out";
const HERE_ONLY: &str = "/signed-out?here_only";

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    grant: Grant,
    headers: HeaderMap,
) -> Response {
    end(&bank, &grant, &headers).await
}

/// Ends the session, and leads to the page that says how far.
pub(crate) async fn end(bank: &Bank, grant: &Grant, headers: &HeaderMap) -> Response {
    let (cookies, revoked) = bank.end(grant, headers).await;
    (cookies, Redirect::to(if revoked { SIGNED_OUT } else { HERE_ONLY })).into_response()
}

/// In place of a refusal: whoever wants to leave can, also where nobody can say whose session it
/// is.
pub(crate) fn refused(
    bank: &Bank,
    why: &Rejection,
    request: &Parts,
) -> axum::http::Response<Bytes> {
    let is_known = !matches!(
        why,
        Rejection::AuthorityUnavailable { .. }
            | Rejection::KeysUnavailable(_)
            | Rejection::RevocationsUnavailable(_)
    );
    let mut response = axum::http::Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = if is_known { SIGNED_OUT } else { HERE_ONLY };
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
    bank.sessions.clear_cookies(&request.headers).append_to(response.headers_mut());
    response
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    frame: Frame,
    /// It may not have ended here, or with Stytch.
    here_only: bool,
}

/// Chromium may show a page again that was the answer to a step, although no cache may keep it: of
/// the cookies that have changed since it takes off those that came with the page, and so sees no
/// change. This page loads something that clears that memory.
pub(crate) async fn show(frame: Frame, uri: Uri) -> impl IntoResponse {
    Page(SignedOut { frame, here_only: uri.query() == Some("here_only") })
}

pub(crate) async fn clear() -> impl IntoResponse {
    let clear = HeaderName::from_static("clear-site-data");
    [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "no-store"), (clear, "\"cache\"")]
}
