//! Signing in with an email address and a password, the first factor. The form carries a transfer
//! that was sent without a session.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::bank::Bank;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::guards::SIGN_IN;
use crate::identity::SESSION_MINUTES;
use crate::order::Draft;
use crate::page_query::PageQuery;
use crate::problem::Problem;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FormData {
    email: String,
    password: String,
    #[serde(flatten)]
    draft: Draft,
}

/// The faults of a form, by field.
#[derive(Default)]
struct Faults {
    email: Option<String>,
    password: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    frame: Frame,
    action: String,
    sign_up: String,
    email: Field<'a>,
    password: Field<'a>,
    /// A problem that is about none of the fields.
    problem: Option<&'a Problem>,
    restart: bool,
    /// Whether a guard sent the user here.
    is_asked: bool,
    /// A transfer that was sent without a session.
    draft: Option<&'a Draft>,
}

pub(crate) async fn show(frame: Frame, query: PageQuery) -> Response {
    page(frame, &query, &FormData::default(), Faults::default(), None)
}

/// Returns the page in place of a transfer that was sent without a session.
pub(crate) fn for_transfer(frame: Frame, draft: Draft) -> Response {
    let query = PageQuery::parse("return_to=/transfer");
    let form = FormData { draft, ..FormData::default() };
    page(frame, &query, &form, Faults::default(), None)
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    headers: HeaderMap,
    Form(form): Form<FormData>,
) -> Result<Response, Problem> {
    let email = form.email.trim();
    let missing = |is_missing: bool, text: &str| is_missing.then(|| text.to_owned());
    let faults = Faults {
        email: missing(email.is_empty(), "Enter your email address."),
        password: missing(form.password.is_empty(), "Enter your password."),
    };
    if faults.email.is_some() || faults.password.is_some() {
        return Ok(page(frame, &query, &form, faults, None));
    }
    let step = match bank.identity.sign_in(email, &form.password).await {
        Ok(step) => step,
        Err(problem) => {
            // Without the email address, which may be anyone's.
            tracing::info!(status = problem.status().as_u16(), "a sign-in was refused");
            let text = Some(problem.to_string());
            let (faults, rest) = match problem {
                Problem::InvalidEmail => (Faults { email: text, ..Faults::default() }, None),
                Problem::WrongPassword => (Faults { password: text, ..Faults::default() }, None),
                other => (Faults::default(), Some(other)),
            };
            return Ok(page(frame, &query, &form, faults, rest));
        }
    };
    let adopted = bank.adopt(&step, None, &headers).await?;
    if form.draft != Draft::default() {
        bank.drafts.keep_typed(adopted.session.id(), form.draft);
    }
    Ok((adopted.cookies, Redirect::to(&query.destination())).into_response())
}

fn page(
    frame: Frame,
    query: &PageQuery,
    form: &FormData,
    faults: Faults,
    problem: Option<Problem>,
) -> Response {
    let status = match &problem {
        Some(problem) => problem.status(),
        None if faults.email.is_some() || faults.password.is_some() => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        None => StatusCode::OK,
    };
    let [email, password] = Field::one_focus([
        Field::email(&form.email).error(faults.email),
        Field::password("current-password").error(faults.password),
    ]);
    let page = SignIn {
        frame,
        action: query.url_for(SIGN_IN),
        sign_up: query.url_for("/sign-up"),
        email,
        password,
        problem: problem.as_ref(),
        restart: query.restart,
        is_asked: query.return_to.is_some(),
        draft: Some(&form.draft).filter(|draft| **draft != Draft::default()),
    };
    (status, Page(page)).into_response()
}
