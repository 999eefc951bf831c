//! Closing the account. This cannot be undone, so the guard accepts only a session that Stytch has
//! confirmed in the last five seconds.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use tower_step_up::Grant;

use crate::bank::Bank;
use crate::frame::{Frame, Page};
use crate::pages::sign_out;

#[derive(Template)]
#[template(path = "close.html")]
struct Close {
    frame: Frame,
}

pub(crate) async fn show(frame: Frame) -> impl IntoResponse {
    Page(Close { frame })
}

/// Removes the account from the books and signs the user out. Stytch keeps the user.
pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    grant: Grant,
    headers: HeaderMap,
) -> Response {
    bank.books.close(grant.session().user_id());
    sign_out::end(&bank, &headers).await
}
