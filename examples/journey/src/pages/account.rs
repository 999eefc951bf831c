//! The account page. It requires MFA.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use time::OffsetDateTime;
use tower_step_up::Session;

use crate::bank::Bank;
use crate::frame::{Frame, Page};
use crate::ledger::{self, Receipt, Transfer};
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
    account: ledger::Account,
    entries: Vec<Entry>,
    sent: Option<Transfer>,
}

/// A line of the account.
struct Entry {
    is_receipt: bool,
    /// Who got the money, or where it came from.
    title: String,
    /// The account number of the payee, and the reference.
    details: Vec<String>,
    amount: String,
    at: OffsetDateTime,
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
            let entries = Entry::all(&account);
            Page(Account { frame, account, entries, sent }).into_response()
        }
        Err(refusal) => no_account(frame, refusal),
    }
}

impl Entry {
    /// Returns the transfers and the receipts, newest first.
    fn all(account: &ledger::Account) -> Vec<Self> {
        let sent = account.transfers.iter().map(Self::from);
        let mut entries: Vec<_> = sent.chain(account.received.iter().map(Self::from)).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        entries
    }
}

impl From<&Transfer> for Entry {
    fn from(transfer: &Transfer) -> Self {
        let order = transfer.order.clone();
        Self {
            is_receipt: false,
            title: order.payee,
            details: [order.account, order.reference].into(),
            amount: format!("−{}", order.amount),
            at: transfer.at,
        }
    }
}

impl From<&Receipt> for Entry {
    fn from(receipt: &Receipt) -> Self {
        Self {
            is_receipt: true,
            title: format!("From {}", receipt.from),
            details: [receipt.reference.clone()].into(),
            amount: format!("+{}", receipt.amount),
            at: receipt.at,
        }
    }
}
