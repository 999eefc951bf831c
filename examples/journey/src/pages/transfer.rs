//! The transfer page. It requires MFA and a second factor from the last ten minutes. A large transfer
//! needs its own proof.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use tower_step_up::{Clock, Grant, Once, Rejection, Unconfirmed};

use crate::bank::Bank;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::ledger::Transfer;
use crate::money::Money;
use crate::order::{Draft, Faults, OWN_PROOF_ABOVE, Order};
use crate::page_query::PageQuery;
use crate::pages::close::no_account;
use crate::pay::{Payment, pay};
use crate::refusal::Refusal;
use crate::words;

#[derive(Template)]
#[template(path = "transfer.html")]
struct TransferForm<'a> {
    frame: Frame,
    fields: [Field<'a>; 4],
    draft: &'a Draft,
    balance: Result<Money, Refusal>,
    resumed: Option<Resumed>,
    problem: Option<String>,
    /// For how long small transfers need no further step-up. It does not matter to one that the bank has
    /// asked a proof for.
    open_for: Option<String>,
}

/// The form shows a transfer that was sent before. It was not made.
#[derive(Clone, Copy)]
enum Resumed {
    /// A guard refused it.
    Refused,
    /// The bank asked for a proof of it.
    Asked,
}

/// Above the form.
#[derive(Default)]
struct Notices {
    resumed: Option<Resumed>,
    faults: Faults,
    problem: Option<String>,
}

/// The page for a form that was sent again after its proof was used.
#[derive(Template)]
#[template(path = "already_made.html")]
struct AlreadyMade {
    frame: Frame,
    /// The transfer, if the form's idempotency key leads to it.
    made: Option<Transfer>,
}

/// Shows a form: an empty one, or one that was sent before but not made. The bank sends nothing until
/// the user sends the form again.
pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    method: Method,
    query: PageQuery,
    grant: Grant,
) -> Response {
    let session = grant.session().id();
    let (draft, resumed) = match query.intent() {
        // A HEAD request must not use up the draft.
        "" if method != Method::GET => (None, None),
        "" => (bank.drafts.take(session, ""), Some(Resumed::Refused)),
        // It is kept until the transfer is made, because the user may still change it.
        intent => (bank.drafts.find(session, intent).map(|it| it.draft), Some(Resumed::Asked)),
    };
    let resumed = resumed.filter(|_| draft.is_some());
    // For example, the user went back to a form that was sent, and sent it again much later.
    let made = draft.as_ref().and_then(|draft| Order::read(draft).ok());
    let made = made.and_then(|order| bank.books.check(grant.session().user_id(), &order).ok()?);
    if made.is_some() {
        return already_made(frame, made);
    }
    let draft = draft.unwrap_or_else(|| Draft { form: bank.books.new_form(), ..Draft::default() });
    page(&bank, frame, &grant, &draft, Notices { resumed, ..Notices::default() })
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    once: Once,
    Form(mut draft): Form<Draft>,
) -> Response {
    let grant = once.grant();
    let faults = match Order::read(&draft) {
        Ok(order) => match pay(&bank, &once, &draft.intent, order).await {
            Ok(Payment::Made(transfer)) => {
                if !draft.intent.is_empty() {
                    bank.drafts.take(grant.session().id(), &draft.intent);
                }
                let number = transfer.number;
                return Redirect::to(&format!("/account?sent={number}")).into_response();
            }
            Ok(Payment::Earlier(earlier)) => return already_made(frame, Some(earlier)),
            Ok(Payment::Unconfirmed(why)) => return unconfirmed(&bank, frame, grant, &draft, why),
            // The earlier transfer of this form stays. The new draft gets a new idempotency key.
            Err(refusal @ Refusal::OtherOrder) => {
                draft.form = bank.books.new_form();
                let notices = Notices { problem: Some(refusal.text()), ..Notices::default() };
                let page = page(&bank, frame, grant, &draft, notices);
                return (StatusCode::UNPROCESSABLE_ENTITY, page).into_response();
            }
            Err(refusal) => match refusal.fault() {
                Some(faults) => faults,
                None => return no_account(frame, refusal),
            },
        },
        Err(faults) => {
            if faults.form {
                draft.form = bank.books.new_form();
            }
            faults
        }
    };
    page(&bank, frame, grant, &draft, Notices { faults, ..Notices::default() })
}

/// Returns the response to a transfer without its own proof. The guard's responder redirects the user
/// to the step-up page, and `drafts::keep` keeps the form for it.
fn unconfirmed(
    bank: &Bank,
    frame: Frame,
    grant: &Grant,
    draft: &Draft,
    why: Unconfirmed,
) -> Response {
    match why.rejection() {
        Rejection::IntentUsed(_) => already_made(frame, None),
        Rejection::IntentsUnavailable(error) => {
            let problem = "We cannot confirm large transfers right now. We have not sent this one. Try again in a minute.";
            let notices = Notices { problem: Some(problem.to_owned()), ..Notices::default() };
            let retry_after =
                [(header::RETRY_AFTER, error.retry_after.as_secs().max(1).to_string())];
            (retry_after, page(bank, frame, grant, draft, notices)).into_response()
        }
        _ => why.into_response(),
    }
}

fn already_made(frame: Frame, made: Option<Transfer>) -> Response {
    (StatusCode::CONFLICT, Page(AlreadyMade { frame, made })).into_response()
}

fn page(bank: &Bank, frame: Frame, grant: &Grant, draft: &Draft, notices: Notices) -> Response {
    let Notices { resumed, faults, problem } = notices;
    let status = match (&problem, &faults) {
        (Some(_), _) => StatusCode::SERVICE_UNAVAILABLE,
        (None, faults) if *faults != Faults::default() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let account = match bank.books.account(grant.session().user_id()) {
        Err(closed @ Refusal::Closed(_)) => return no_account(frame, closed),
        account => account,
    };
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
        draft,
        balance: account.map(|account| account.balance),
        resumed,
        problem,
        open_for: (!matches!(resumed, Some(Resumed::Asked)))
            .then(|| words::span(open_for.try_into().unwrap_or_default())),
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
                draft: &Draft::default(),
                balance,
                resumed: None,
                problem: None,
                open_for: None,
            };
            let html = page.render().unwrap();
            assert!(html.contains(want), "{html}");
        }
    }
}
