//! The details of the card. They open only with a passkey, because a code can be typed into a site
//! that looks like the bank's.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use tower_step_up::Session;

use super::close::no_account;
use crate::bank::Bank;
use crate::frame::{Frame, Page};

#[derive(Template)]
#[template(path = "card.html")]
struct CardPage {
    frame: Frame,
    card: Card,
}

/// The card of a demonstration. Its digits come from the user's id.
struct Card {
    number: String,
    pin: String,
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    session: Session,
) -> Response {
    match bank.books.account(session.user_id()) {
        Ok(_) => Page(CardPage { frame, card: Card::of(session.user_id()) }).into_response(),
        Err(refusal) => no_account(frame, refusal),
    }
}

impl Card {
    fn of(user_id: &str) -> Self {
        let digits: Vec<char> =
            user_id.bytes().rev().map(|byte| char::from(b'0' + byte % 10)).take(16).collect();
        let groups = digits.chunks(4).map(|group| group.iter().collect::<String>());
        let mut groups: Vec<String> = groups.collect();
        let pin = groups.pop().unwrap_or_default();
        Self { number: format!("0000 {}", groups.join(" ")), pin }
    }
}
