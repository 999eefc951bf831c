//! Adding a passkey. Like adding an authenticator app, it requires a second factor that was just
//! proved.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use tower_step_up::{ReturnTo, Session};

use crate::bank::Bank;
use crate::frame::Frame;
use crate::page_query::PageQuery;
use crate::passkeys::{self, Ask, FormData, has_passkey};
use crate::problem::Problem;

/// The address of the page.
pub(crate) const PASSKEY: &str = "/passkey";

#[derive(Template)]
#[template(path = "add_passkey.html")]
struct AddPasskey<'a> {
    frame: Frame,
    action: String,
    kind: &'static str,
    has_one: bool,
    ask: Ask,
    problem: Option<&'a Problem>,
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    session: Session,
    request: Parts,
) -> Result<Response, Problem> {
    page(&bank, frame, &query, &session, &request, None).await
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    session: Session,
    request: Parts,
    Form(form): Form<FormData>,
) -> Result<Response, Problem> {
    let jwt = session.jwt().as_str();
    match bank.identity.add_passkey(session.user_id(), &form.credential, jwt).await {
        Ok(step) => {
            let adopted = bank.adopt(&step, Some(&session), &request.headers).await?;
            let next = query.return_to.as_ref().map_or("/security", ReturnTo::as_str);
            Ok((adopted.cookies, Redirect::to(next)).into_response())
        }
        Err(problem) => page(&bank, frame, &query, &session, &request, Some(&problem)).await,
    }
}

async fn page(
    bank: &Bank,
    frame: Frame,
    query: &PageQuery,
    session: &Session,
    request: &Parts,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let user = bank.user(session).await?;
    let options = bank.identity.begin_passkey(session.user_id(), bank.passkey_domain.name());
    let page = AddPasskey {
        frame,
        action: query.url_for(PASSKEY),
        kind: "create",
        has_one: has_passkey(bank, &user),
        ask: Ask::of(bank, request, options).await?,
        problem,
    };
    Ok(passkeys::page(page, problem))
}
