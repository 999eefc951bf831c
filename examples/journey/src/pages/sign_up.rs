//! Signing up with a name, an email address and a password.

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
use crate::identity::{Identity, Step};
use crate::page_query::PageQuery;
use crate::problem::Problem;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FormData {
    name: String,
    email: String,
    password: String,
}

#[derive(Template)]
#[template(path = "sign_up.html")]
struct SignUp<'a> {
    frame: Frame,
    action: String,
    sign_in: String,
    name: Field<'a>,
    email: Field<'a>,
    password: Field<'a>,
    /// A problem that is about none of the fields.
    problem: Option<&'a Problem>,
}

pub(crate) async fn show(frame: Frame, query: PageQuery) -> Response {
    page(frame, &query, &FormData::default(), None)
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    headers: HeaderMap,
    Form(form): Form<FormData>,
) -> Result<Response, Problem> {
    let step = match open_or_resume(&bank.identity, &form).await {
        Ok(step) => step,
        Err(problem) => return Ok(page(frame, &query, &form, Some(problem))),
    };
    let cookies = bank.adopt(&step, None, &headers).await?;
    if step.user.emails.iter().any(|email| email.verified) {
        return Ok((cookies, Redirect::to(&query.destination())).into_response());
    }
    let sent = bank.identity.send_email(form.email.trim(), &step.tokens.session_jwt).await;
    let query = if sent.is_ok() { query.after_sending() } else { query };
    Ok((cookies, Redirect::to(&query.url_for("/verify-email"))).into_response())
}

/// Signs the user up. If a sign-up failed halfway, Stytch knows the address already. The user is then
/// signed in with the same password, as on the sign-in page.
async fn open_or_resume(identity: &Identity, form: &FormData) -> Result<Step, Problem> {
    let (email, password) = (form.email.trim(), &form.password);
    match identity.sign_up(form.name.trim(), email, password).await {
        Err(Problem::DuplicateEmail) => identity.sign_in(email, password).await.map_err(|why| {
            tracing::info!(status = why.status().as_u16(), "a repeated sign-up was refused");
            if why == Problem::WrongPassword { Problem::DuplicateEmail } else { why }
        }),
        other => other,
    }
}

fn page(frame: Frame, query: &PageQuery, form: &FormData, problem: Option<Problem>) -> Response {
    let of_email =
        problem.as_ref().filter(|it| matches!(it, Problem::InvalidEmail | Problem::DuplicateEmail));
    let of_password = problem.as_ref().filter(|it| matches!(it, Problem::WeakPassword(_)));
    let page = SignUp {
        frame,
        action: query.url_for("/sign-up"),
        sign_in: query.url_for(SIGN_IN),
        name: Field::text("name", "Name", &form.name).autocomplete("name"),
        email: Field::email(&form.email).error(of_email),
        password: Field::password("new-password")
            .hint("Use several unrelated words.")
            .error(of_password),
        problem: problem.as_ref().filter(|_| of_email.is_none() && of_password.is_none()),
    };
    (problem.as_ref().map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
}
