//! The transfer page. It requires MFA and a second factor from the last ten minutes.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use tower_step_up::{Clock, Grant, Session};

use crate::bank::Bank;
use crate::books::Refusal;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::money::Money;
use crate::order::{Draft, Faults, Order};
use crate::words;

#[derive(Template)]
#[template(path = "transfer.html")]
struct TransferForm<'a> {
    frame: Frame,
    fields: [Field<'a>; 4],
    form: &'a str,
    balance: Result<Money, Refusal>,
    /// Whether the form shows a transfer that a guard refused. Nothing has been sent.
    resumed: bool,
    /// For how long a transfer needs no further step-up.
    open_for: String,
}

/// Shows a form: an empty one, or the one that a guard refused. The bank sends nothing until the
/// user sends the form again.
pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    method: Method,
    grant: Grant,
) -> Response {
    // A HEAD request must not use up the draft.
    let draft = if method == Method::GET { bank.drafts.take(grant.session().id()) } else { None };
    let resumed = draft.is_some();
    let draft = draft.unwrap_or_else(|| Draft { form: bank.books.new_form(), ..Draft::default() });
    page(&bank, frame, &grant, &draft, Faults::default(), resumed)
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    grant: Grant,
    Form(mut draft): Form<Draft>,
) -> Response {
    let faults = match Order::read(&draft) {
        Ok(order) => match make(&bank, grant.session(), order) {
            Ok(number) => return Redirect::to(&format!("/account?sent={number}")).into_response(),
            // The earlier transfer of this form stays. The new draft gets a new idempotency key.
            Err(Refusal::OtherOrder) => {
                draft.form = bank.books.new_form();
                Faults { amount: Some(Refusal::OtherOrder.text()), ..Faults::default() }
            }
            Err(refusal) => Faults { amount: Some(refusal.text()), ..Faults::default() },
        },
        Err(faults) => {
            if faults.form {
                draft.form = bank.books.new_form();
            }
            faults
        }
    };
    page(&bank, frame, &grant, &draft, faults, false)
}

fn make(bank: &Bank, session: &Session, order: Order) -> Result<usize, Refusal> {
    bank.books.transfer(session.user_id(), order, bank.clock.now()).map(|transfer| transfer.number)
}

fn page(
    bank: &Bank,
    frame: Frame,
    grant: &Grant,
    draft: &Draft,
    faults: Faults,
    resumed: bool,
) -> Response {
    let status =
        if faults == Faults::default() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let account = bank.books.account(grant.session().user_id());
    let open_for = grant.expires_at() - bank.clock.now();
    let fields = Field::one_focus([
        Field::text("payee", "Payee", &draft.payee).error(faults.payee),
        Field::text("account", "Account number", &draft.account).error(faults.account),
        Field::text("amount", "Amount in euros", &draft.amount)
            .inputmode("decimal")
            .error(faults.amount),
        Field::text("reference", "Reference", &draft.reference).optional().error(faults.reference),
    ]);
    let page = TransferForm {
        frame,
        fields,
        form: &draft.form,
        balance: account.map(|account| account.balance),
        resumed,
        open_for: words::span(open_for.try_into().unwrap_or_default()),
    };
    (status, Page(page)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_the_balance_or_the_reason_why_there_is_none() {
        for (balance, want) in [
            (Ok(Money(250_000)), "You have <strong id=\"balance\">€2,500.00</strong>."),
            (Err(Refusal::Full), "The bank is not accepting new customers at the moment."),
        ] {
            let page = TransferForm {
                frame: Frame::default(),
                fields: ["payee", "account", "amount", "reference"]
                    .map(|name| Field::text(name, name, "")),
                form: "",
                balance,
                resumed: false,
                open_for: String::new(),
            };
            let html = page.render().unwrap();
            assert!(html.contains(want), "{html}");
        }
    }
}
