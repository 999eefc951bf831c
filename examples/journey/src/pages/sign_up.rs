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
use crate::identity::{Identity, MAX_PASSWORD, Step};
use crate::page_query::PageQuery;
use crate::problem::Problem;
use crate::text;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct FormData {
    name: String,
    email: String,
    password: String,
}

/// The faults of a form, by field.
#[derive(Default, PartialEq, Eq)]
struct Faults {
    name: Option<String>,
    email: Option<String>,
    password: Option<String>,
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
    page(frame, &query, &FormData::default(), Faults::default(), None)
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    headers: HeaderMap,
    Form(form): Form<FormData>,
) -> Result<Response, Problem> {
    let faults = Faults::of(&form);
    if faults != Faults::default() {
        return Ok(page(frame, &query, &form, faults, None));
    }
    let step = match open_or_resume(&bank.identity, &form).await {
        Ok(step) => step,
        Err(problem) => {
            let text = Some(problem.to_string());
            let (faults, rest) = match problem {
                Problem::InvalidEmail | Problem::DuplicateEmail => {
                    (Faults { email: text, ..Faults::default() }, None)
                }
                Problem::WeakPassword => (Faults { password: text, ..Faults::default() }, None),
                other => (Faults::default(), Some(other)),
            };
            return Ok(page(frame, &query, &form, faults, rest));
        }
    };
    let adopted = bank.adopt(&step, None, &headers).await?;
    if step.user.emails.iter().any(|email| email.verified) {
        return Ok((adopted.cookies, Redirect::to(&query.destination())).into_response());
    }
    let sent = bank.identity.send_email(form.email.trim(), &step.tokens.session_jwt).await;
    let query = if sent.is_ok() { query.after_sending() } else { query };
    Ok((adopted.cookies, Redirect::to(&query.url_for("/verify-email"))).into_response())
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

impl Faults {
    /// Returns the faults that the bank finds without asking Stytch.
    fn of(form: &FormData) -> Self {
        let name = form.name.trim();
        let password = match form.password.len() {
            0 => Some("Choose a password."),
            1..=MAX_PASSWORD => None,
            _ => Some("This password is too long. Choose a shorter one."),
        };
        Self {
            name: match name {
                "" => Some("Enter your name.".into()),
                // Stytch keeps at most 128 bytes.
                _ if name.len() > 128 => Some("This name is too long. Use a shorter form.".into()),
                _ => text::fault(name, 128),
            },
            email: form.email.trim().is_empty().then(|| "Enter your email address.".into()),
            password: password.map(str::to_owned),
        }
    }
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
        None if faults != Faults::default() => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let password = Field::password("new-password").hint("Use several unrelated words.");
    let [name, email, password] = Field::one_focus([
        Field::text("name", "Name", &form.name).autocomplete("name").error(faults.name),
        Field::email(&form.email).error(faults.email),
        password.error(faults.password),
    ]);
    let page = SignUp {
        frame,
        action: query.url_for("/sign-up"),
        sign_in: query.url_for(SIGN_IN),
        name,
        email,
        password,
        problem: problem.as_ref(),
    };
    (status, Page(page)).into_response()
}
