//! The code by email. It verifies the address and is a factor, but not one that is independent of
//! the password.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use stytch::consumer::users::{Email, GetResponse as User};
use tower_step_up::Session;

use crate::bank::Bank;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::page_query::PageQuery;
use crate::pages::second_factor::has_second_factor;
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum FormData {
    Send,
    Take { code: String },
}

#[derive(Template)]
#[template(path = "verify_email.html")]
struct VerifyEmail<'a> {
    frame: Frame,
    action: String,
    second_factor: String,
    email: String,
    is_verified: bool,
    /// Whether the user can prove something other than the mailbox.
    has_second_factor: bool,
    sent: bool,
    code: Field<'a>,
    /// A problem that is not about the code.
    problem: Option<&'a Problem>,
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    session: Session,
) -> Result<Response, Problem> {
    let user = bank.user(&session).await?;
    let email = address(&user)?;
    Ok(page(frame, &query, &user, &email, None))
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    session: Session,
    headers: HeaderMap,
    Form(form): Form<FormData>,
) -> Result<Response, Problem> {
    let user = bank.user(&session).await?;
    let email = address(&user)?;
    let token = session.jwt().as_str();
    let done = match &form {
        FormData::Send => bank.identity.send_email(&email.email, token).await.map(|()| None),
        FormData::Take { code } => {
            bank.identity.authenticate_code(&email.email_id, code, token).await.map(Some)
        }
    };
    match done {
        Ok(None) => {
            Ok(Redirect::to(&query.after_sending().url_for("/verify-email")).into_response())
        }
        Ok(Some(step)) => {
            let adopted = bank.adopt(&step, Some(&session), &headers).await?;
            Ok((adopted.cookies, Redirect::to(&query.destination())).into_response())
        }
        Err(problem) => Ok(page(frame, &query, &user, &email, Some(problem))),
    }
}

/// Returns the first address that is not verified, or else the first of all.
fn address(user: &User) -> Result<Email, Problem> {
    let email = user.emails.iter().min_by_key(|email| email.verified);
    email.cloned().ok_or(Problem::Unavailable)
}

fn page(
    frame: Frame,
    query: &PageQuery,
    user: &User,
    email: &Email,
    problem: Option<Problem>,
) -> Response {
    let of_code = problem.as_ref().filter(|it| it.is_about_code());
    let page = VerifyEmail {
        frame,
        action: query.url_for("/verify-email"),
        second_factor: query.before_sending().url_for("/second-factor"),
        email: email.email.clone(),
        is_verified: email.verified,
        has_second_factor: has_second_factor(user),
        sent: query.sent || of_code.is_some(),
        code: Field::code("Code from the email")
            .error(of_code)
            .focused_unless(problem.is_some() && of_code.is_none(), "code-for"),
        problem: problem.as_ref().filter(|_| of_code.is_none()),
    };
    (problem.as_ref().map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
}
