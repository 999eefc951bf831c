//! Proving a passkey. If a page opens only with a passkey and the user has none, this page says so
//! and leads to the page that adds one.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use tower_step_up::{Factor, Session};

use super::passkey::PASSKEY;
use crate::bank::Bank;
use crate::frame::Frame;
use crate::guards::SECOND_FACTOR;
use crate::page_query::PageQuery;
use crate::passkeys::{self, Ask, FormData, has_passkey};
use crate::problem::Problem;

/// The address of the page.
pub(crate) const USE_PASSKEY: &str = "/second-factor/passkey";

#[derive(Template)]
#[template(path = "use_passkey.html")]
struct UsePasskey<'a> {
    frame: Frame,
    action: String,
    kind: &'static str,
    /// Whether the challenge names no other factor.
    only: bool,
    /// Whether the bank keeps a form that a guard refused.
    is_kept: bool,
    /// `None` if the user has no passkey.
    ask: Option<Ask>,
    /// The address of the page on which the user can add a passkey.
    add: String,
    /// The page for the other factors.
    other: String,
    problem: Option<&'a Problem>,
}

/// Returns whether each prompt of the challenge needs a passkey.
pub(crate) fn is_only_way(query: &PageQuery) -> bool {
    !query.prompts.is_empty() && query.prompts.iter().all(|set| set.contains(&Factor::WebAuthn))
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
    match bank.identity.authenticate_passkey(&form.credential, session.jwt().as_str()).await {
        Ok(step) => {
            let adopted = bank.adopt(&step, Some(&session), &request.headers).await?;
            Ok((adopted.cookies, Redirect::to(&query.destination())).into_response())
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
    let ask = if has_passkey(bank, &user) {
        let options = bank.identity.ask_for_passkey(session.user_id(), bank.passkey_domain.name());
        Some(Ask::of(bank, request, options).await?)
    } else {
        None
    };
    let page = UsePasskey {
        frame,
        action: query.url_for(USE_PASSKEY),
        kind: "get",
        only: is_only_way(query),
        is_kept: bank.drafts.find(session.id(), query.intent()).is_some(),
        ask,
        add: PageQuery { return_to: query.return_to.clone(), ..PageQuery::default() }
            .url_for(PASSKEY),
        other: query.before_sending().url_for(SECOND_FACTOR),
        problem,
    };
    Ok(passkeys::page(page, problem))
}
