//! Signing out: here at once, and with Stytch.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Uri};
use axum::response::{IntoResponse, Redirect, Response};

use crate::bank::Bank;
use crate::frame::{Frame, Page};

/// Where people are told that they are signed out.
pub(crate) const SIGNED_OUT: &str = "/signed-out";
const HERE_ONLY: &str = "/signed-out?here_only";
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// No guard stands before it. Everyone who wants to leave can, and a guard would judge only one of
/// the tokens that a browser may present.
pub(crate) async fn send(State(bank): State<Arc<Bank>>, headers: HeaderMap) -> Response {
    end(&bank, &headers).await
}

/// Ends the sessions of this browser, and leads to the page that says how far. The browser is
/// asked to forget all its cookies of this site, since another site may have planted one.
pub(crate) async fn end(bank: &Bank, headers: &HeaderMap) -> Response {
    let (cookies, revoked) = bank.end(headers).await;
    let to = Redirect::to(if revoked { SIGNED_OUT } else { HERE_ONLY });
    ([(CLEAR_SITE_DATA, "\"cookies\"")], cookies, to).into_response()
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
    [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (CLEAR_SITE_DATA, "\"cache\""),
    ]
}
