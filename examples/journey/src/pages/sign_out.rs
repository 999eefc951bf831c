//! Signing out, both here and at Stytch.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, Uri};
use axum::response::{IntoResponse, IntoResponseParts, Redirect, Response};

use crate::bank::Bank;
use crate::frame::{Frame, Page};

/// The page that confirms the sign-out.
pub(crate) const SIGNED_OUT: &str = "/signed-out";
const HERE_ONLY: &str = "/signed-out?here_only";
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// Signs the user out. No guard covers this route, because everyone must be able to sign out, even
/// with an invalid token. A guard would also check only one of the tokens that a browser may
/// present.
pub(crate) async fn send(State(bank): State<Arc<Bank>>, headers: HeaderMap) -> Response {
    let (cleared, revoked) = end(&bank, &headers).await;
    (cleared, Redirect::to(if revoked { SIGNED_OUT } else { HERE_ONLY })).into_response()
}

/// Ends the sessions of this browser. Returns the headers that clear its cookies, and whether all
/// sessions have ended. It asks the browser to clear all cookies of this site, because another site
/// may have planted one.
pub(crate) async fn end(bank: &Bank, headers: &HeaderMap) -> (impl IntoResponseParts, bool) {
    let (cookies, revoked) = bank.end(headers).await;
    (([(CLEAR_SITE_DATA, "\"cookies\"")], cookies), revoked)
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOut {
    frame: Frame,
    /// A session may still be alive, here or at Stytch.
    here_only: bool,
}

/// Confirms the sign-out, and clears the pages that Chromium keeps for its back button.
///
/// Chromium may keep a page despite `no-store` and show it again, unless a cookie has changed
/// since. It ignores changes to the cookies that came with the page itself. After a step-up, these
/// are the session's cookies, so removing them goes unnoticed. `/signed-out.css`, which this page
/// loads, makes Chromium drop such pages.
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
