//! Adding an authenticator app. It requires a second factor that was just proved.

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
pub(crate) enum FormData {
    Begin,
    Take { code: String },
}

#[derive(Template)]
#[template(path = "authenticator.html")]
struct Authenticator<'a> {
    frame: Frame,
    /// The secret to type into the app, in groups of four.
    secret: Option<String>,
    begun: bool,
    /// Whether the user has an authenticator app already.
    has_one: bool,
    code: Field<'a>,
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    session: Session,
) -> Result<Response, Problem> {
    let has_one = has_one(&bank, &session).await?;
    Ok(page(frame, Stage { has_one, ..Stage::default() }, None))
}

/// The state of the page.
#[derive(Default)]
struct Stage {
    has_one: bool,
    begun: bool,
    secret: Option<String>,
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    session: Session,
    headers: HeaderMap,
    Form(form): Form<FormData>,
) -> Result<Response, Problem> {
    let code = match form {
        FormData::Begin => {
            if has_one(&bank, &session).await? {
                return Ok(Redirect::to("/authenticator").into_response());
            }
            let secret = Some(bank.identity.begin_totp(session.user_id()).await?);
            return Ok(page(frame, Stage { secret, begun: true, has_one: false }, None));
        }
        FormData::Take { code } => code,
    };
    match bank.identity.authenticate_totp(session.user_id(), &code, session.jwt().as_str()).await {
        Ok(step) => {
            let cookies = bank.adopt(&step, Some(&session), &headers).await?;
            Ok((cookies, Redirect::to("/security")).into_response())
        }
        Err(problem) => Ok(page(frame, Stage { begun: true, ..Stage::default() }, Some(&problem))),
    }
}

async fn has_one(bank: &Bank, session: &Session) -> Result<bool, Problem> {
    Ok(bank.identity.user(session.user_id()).await?.totps.iter().any(|totp| totp.verified))
}

fn page(frame: Frame, stage: Stage, problem: Option<&Problem>) -> Response {
    let grouped = |secret: &str| {
        let spaced = secret.chars().enumerate();
        spaced
            .flat_map(|(index, letter)| {
                (index > 0 && index % 4 == 0).then_some(' ').into_iter().chain([letter])
            })
            .collect()
    };
    let code = Field::code("Code from the app").error(problem);
    let page = Authenticator {
        frame,
        secret: stage.secret.as_deref().map(grouped),
        begun: stage.begun,
        has_one: stage.has_one,
        code,
    };
    (problem.map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
}
