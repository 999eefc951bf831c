//! Signing in with an email address and a password, the first factor.

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
use crate::page_query::PageQuery;
use crate::problem::Problem;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FormData {
    email: String,
    password: String,
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
    let step = match bank.identity.sign_in(form.email.trim(), &form.password).await {
        Ok(step) => step,
        Err(problem) => {
            // Without the email address, which may be anyone's.
            tracing::info!(status = problem.status().as_u16(), "a sign-in was refused");
            return Ok(page(frame, &query, &form, Some(problem)));
        }
    };
    let cookies = bank.adopt(&step, None, &headers).await?;
    Ok((cookies, Redirect::to(&query.destination())).into_response())
}

fn page(frame: Frame, query: &PageQuery, form: &FormData, problem: Option<Problem>) -> Response {
    let of_email = problem.as_ref().filter(|it| matches!(it, Problem::InvalidEmail));
    let of_password = problem.as_ref().filter(|it| matches!(it, Problem::WrongPassword));
    let page = SignIn {
        frame,
        action: query.url_for(SIGN_IN),
        sign_up: query.url_for("/sign-up"),
        email: Field::email(&form.email).error(of_email),
        password: Field::password("current-password").error(of_password),
        problem: problem.as_ref().filter(|_| of_email.is_none() && of_password.is_none()),
        restart: query.restart,
    };
    (problem.as_ref().map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
}
