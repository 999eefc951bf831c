//! Signing up with a name, an email address and a password.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::asked::Asked;
use crate::bank::Bank;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::guards::SIGN_IN;
use crate::problem::Problem;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
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

pub(crate) async fn show(frame: Frame, asked: Asked) -> Response {
    page(frame, &asked, &Typed::default(), None)
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    asked: Asked,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let step =
        match bank.identity.sign_up(typed.name.trim(), typed.email.trim(), &typed.password).await {
            Ok(step) => step,
            Err(problem) => return Ok(page(frame, &asked, &typed, Some(problem))),
        };
    let cookies = bank.adopt(&step, None, &headers).await?;
    let sent = bank.identity.send_email(typed.email.trim(), &step.tokens.session_jwt).await;
    let asked = if sent.is_ok() { asked.after_sending() } else { asked };
    Ok((cookies, Redirect::to(&asked.at("/verify-email"))).into_response())
}

fn page(frame: Frame, asked: &Asked, typed: &Typed, problem: Option<Problem>) -> Response {
    let of_email =
        problem.as_ref().filter(|it| matches!(it, Problem::InvalidEmail | Problem::DuplicateEmail));
    let of_password = problem.as_ref().filter(|it| matches!(it, Problem::WeakPassword(_)));
    let page = SignUp {
        frame,
        action: asked.at("/sign-up"),
        sign_in: asked.at(SIGN_IN),
        name: Field::text("name", "Name", &typed.name).autocomplete("name"),
        email: Field::email(&typed.email).error(of_email),
        password: Field::password("new-password")
            .hint("Use several unrelated words.")
            .error(of_password),
        problem: problem.as_ref().filter(|_| of_email.is_none() && of_password.is_none()),
    };
    (problem.as_ref().map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
}
