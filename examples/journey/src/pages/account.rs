//! The account page. It requires MFA.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tower_step_up::Session;

use crate::bank::Bank;
use crate::books::{self, Transfer};
use crate::frame::{Frame, Page};
use crate::pages::close::no_account;
use crate::words;

#[derive(Deserialize)]
pub(crate) struct AccountQuery {
    /// The number of the transfer that was just made. Anything else is ignored.
    sent: Option<String>,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    account: books::Account,
    sent: Option<Transfer>,
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    session: Session,
    Query(query): Query<AccountQuery>,
) -> Response {
    match bank.books.account(session.user_id()) {
        Ok(account) => {
            let number = query.sent.and_then(|sent| sent.parse().ok());
            let is_sent = |transfer: &&Transfer| Some(transfer.number) == number;
            let sent = account.transfers.iter().find(is_sent).cloned();
            Page(Account { frame, account, sent }).into_response()
        }
        Err(refusal) => no_account(frame, refusal),
    }
}
