//! Adding an authenticator app, for whoever has a second factor already and has just proved it.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_step_up::Session;

use crate::bank::Bank;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::problem::Problem;

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Typed {
    Begin,
    Take { code: String },
}

#[derive(Template)]
#[template(path = "authenticator.html")]
struct Authenticator<'a> {
    frame: Frame,
    /// To be typed into the app, in groups of four.
    secret: Option<String>,
    begun: bool,
    code: Field<'a>,
}

pub(crate) async fn show(frame: Frame) -> Response {
    page(frame, None, false, None)
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    session: Session,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let code = match typed {
        Typed::Begin => {
            let secret = bank.identity.begin_totp(session.user_id()).await?;
            return Ok(page(frame, Some(&secret), true, None));
        }
        Typed::Take { code } => code,
    };
    match bank.identity.take_totp(session.user_id(), code.trim(), &bank.presented(&headers)?).await {
        Ok(step) => {
            let cookies = bank.take_up(&step, Some(&session), &headers).await?;
            Ok((cookies, Redirect::to("/security")).into_response())
        }
        Err(problem) => Ok(page(frame, None, true, Some(&problem))),
    }
}

fn page(frame: Frame, secret: Option<&str>, begun: bool, problem: Option<&Problem>) -> Response {
    let grouped = |secret: &str| {
        let spaced = secret.chars().enumerate();
        spaced
            .flat_map(|(index, letter)| (index > 0 && index % 4 == 0).then_some(' ').into_iter().chain([letter]))
            .collect()
    };
    let code = Field::code("Code from the app").error(problem);
    let page = Authenticator { frame, secret: secret.map(grouped), begun, code };
    (problem.map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
}
