//! Closing the account. This cannot be undone, so the guard accepts only a session that Stytch has
//! confirmed in the last five seconds.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tower_step_up::{Clock, Grant};

use crate::bank::Bank;
use crate::frame::{Frame, Page};
use crate::ledger::{Account, Closing};
use crate::money::Money;
use crate::pages::sign_out;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::words;

#[derive(Template)]
#[template(path = "close.html")]
struct Close {
    frame: Frame,
    account: Account,
}

/// The page for a user whose account is closed.
#[derive(Template)]
#[template(path = "closed.html")]
struct Closed {
    frame: Frame,
    closing: Closing,
    /// What to say about the session, if the user has just closed the account.
    ended: Option<Ended>,
}

/// Whether the sessions have ended with the account.
enum Ended {
    Everywhere,
    /// A session may still be alive, here or at Stytch.
    HereOnly,
}

pub(crate) async fn show(State(bank): State<Arc<Bank>>, frame: Frame, grant: Grant) -> Response {
    match bank.books.account(grant.session().user_id()) {
        Ok(account) => Page(Close { frame, account }).into_response(),
        Err(refusal) => no_account(frame, refusal),
    }
}

/// Closes the account in the books and signs the user out. Stytch keeps the user. The response is
/// the page itself. With a redirect, anyone could write a link to this page.
pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    grant: Grant,
    headers: HeaderMap,
) -> Response {
    let closing = match bank.books.close(grant.session().user_id(), bank.clock.now()) {
        Ok(closing) => closing,
        Err(refusal) => return no_account(frame, refusal),
    };
    let (cleared, revoked) = sign_out::end(&bank, &headers).await;
    let ended = Some(if revoked { Ended::Everywhere } else { Ended::HereOnly });
    let frame = Frame { signed_in: false, ..frame };
    (cleared, Page(Closed { frame, closing, ended })).into_response()
}

/// Returns the page for a user who has no account.
pub(crate) fn no_account(frame: Frame, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Closed(closing) => {
            (StatusCode::GONE, Page(Closed { frame, closing, ended: None })).into_response()
        }
        _ => Problem::Full.into_response(),
    }
}
