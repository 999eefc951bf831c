//! Adding an authenticator app. It requires a second factor that was just proved.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_step_up::Session;

use crate::bank::Bank;
use crate::enrolment::qr_code;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::problem::Problem;

/// The address of this page.
const AUTHENTICATOR: &str = "/authenticator";

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
    stage: Stage,
    code: Field<'a>,
    /// A problem that is not about the code.
    problem: Option<&'a Problem>,
}

/// How far the user is.
enum Stage {
    /// The user has no authenticator app.
    None,
    /// The app has to get this key.
    Begun(Key),
    /// The user has just added the app. Its recovery codes are shown once.
    Added(Vec<String>),
    /// The user has an authenticator app.
    HasOne,
}

/// A key for the app.
struct Key {
    /// To type into the app, in groups of four.
    grouped: String,
    /// For an app on the same device.
    uri: Option<String>,
    /// An SVG image.
    qr_code: Option<String>,
}

impl Stage {
    /// Returns how far the user is, according to Stytch. The bank keeps a key for its session until
    /// the recovery codes have been shown.
    async fn of(bank: &Bank, session: &Session, shows_codes: bool) -> Result<Self, Problem> {
        let user = bank.user(session).await?;
        let is_verified = user.totps.iter().any(|totp| totp.verified);
        let is_known = |totp_id: &str| user.totps.iter().any(|totp| totp.totp_id == totp_id);
        // A key that another session has replaced does not count.
        let kept = bank.enrolments.find(session.id()).filter(|kept| is_known(&kept.totp_id));
        Ok(match (is_verified, kept) {
            (false, None) => Self::None,
            (false, Some(kept)) => {
                let email = user.emails.first().map(|email| &*email.email).unwrap_or_default();
                let uri = kept.uri(email);
                Self::Begun(Key {
                    grouped: kept.grouped_key(),
                    qr_code: uri.as_deref().and_then(qr_code),
                    uri,
                })
            }
            (true, Some(kept)) if shows_codes => {
                bank.enrolments.take(session.id());
                Self::Added(kept.recovery_codes)
            }
            (true, _) => Self::HasOne,
        })
    }
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    method: Method,
    session: Session,
) -> Result<Response, Problem> {
    // A HEAD request must not use up the recovery codes.
    let stage = Stage::of(&bank, &session, method == Method::GET).await?;
    Ok(page(frame, stage, None))
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    session: Session,
    headers: HeaderMap,
    Form(form): Form<FormData>,
) -> Result<Response, Problem> {
    let stage = Stage::of(&bank, &session, false).await?;
    let code = match (form, &stage) {
        (FormData::Begin, Stage::None | Stage::Begun(_)) => {
            let begun = bank.identity.begin_totp(session.user_id()).await?;
            bank.enrolments.put(session.id(), begun);
            return Ok(Redirect::to(AUTHENTICATOR).into_response());
        }
        (FormData::Take { code }, Stage::Begun(_)) => code,
        (FormData::Take { .. }, Stage::None) => {
            return Ok(page(frame, stage, Some(&Problem::ExpiredEnrolment)));
        }
        _ => return Ok(Redirect::to(AUTHENTICATOR).into_response()),
    };
    match bank.identity.authenticate_totp(session.user_id(), &code, session.jwt().as_str()).await {
        Ok(step) => {
            let adopted = bank.adopt(&step, Some(&session), &headers).await?;
            Ok((adopted.cookies, Redirect::to(AUTHENTICATOR)).into_response())
        }
        Err(problem @ Problem::ExpiredEnrolment) => {
            bank.enrolments.take(session.id());
            Ok(page(frame, Stage::None, Some(&problem)))
        }
        Err(problem) => Ok(page(frame, stage, Some(&problem))),
    }
}

fn page(frame: Frame, stage: Stage, problem: Option<&Problem>) -> Response {
    let of_code = problem.filter(|it| it.is_about_code());
    let page = Authenticator {
        frame,
        stage,
        code: Field::code("Code from the app").error(of_code),
        problem: problem.filter(|_| of_code.is_none()),
    };
    (problem.map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
}
