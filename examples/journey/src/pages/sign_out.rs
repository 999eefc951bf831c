//! Signing out: here at once, and with Stytch.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Redirect};
use tower_step_up::Grant;

use crate::bank::Bank;
use crate::frame::{Frame, Page};

/// Where people are told that they are signed out.
pub(crate) const SIGNED_OUT: &str = "/signed-out";

pub(crate) async fn send(State(bank): State<Arc<Bank>>, grant: Grant, headers: HeaderMap) -> impl IntoResponse {
    let out = bank.guards.signed_in.sign_out(&grant, &headers).await;
    if let Err(error) = &out.revoked {
        tracing::warn!(%error, "a session has ended here, and not with Stytch");
    }
    bank.drafts.take(grant.session().id());
    bank.decisions.take(grant.session().id());
    (out.cookies, Redirect::to(SIGNED_OUT))
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    frame: Frame,
}

/// Chromium may show a page again that was the answer to a step, although no cache may keep it: of the cookies that have
/// changed since it takes off those that came with the page, and so sees no change. This page loads something that clears
/// that memory.
pub(crate) async fn show(frame: Frame) -> impl IntoResponse {
    Page(SignedOut { frame })
}

pub(crate) async fn clear() -> impl IntoResponse {
    let clear = HeaderName::from_static("clear-site-data");
    [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "no-store"), (clear, "\"cache\"")]
}
