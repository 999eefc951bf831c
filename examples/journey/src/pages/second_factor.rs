//! The step-up page: it asks for what the challenge names, of that what this user has.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use stytch::consumer::users::{GetResponse as User, PhoneNumber};
use tower_step_up::{Clock, Factor, Policy, Session};

use crate::asked::Asked;
use crate::bank::Bank;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::guards::SECOND_FACTOR;
use crate::identity::Step;
use crate::problem::Problem;
use crate::words::{self, OnePossession};

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Typed {
    /// Send a code, to this number where the user has none.
    Send {
        #[serde(default)]
        phone_number: String,
    },
    /// The code of an SMS.
    Take { code: String },
    /// The code of an authenticator app.
    Totp { code: String },
}

/// What the user can be asked for.
enum Way {
    /// A phone number, since there is no second factor yet.
    Enrol,
    /// A code to this phone.
    Sms(PhoneNumber),
    /// A code of the authenticator app.
    Totp,
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactor<'a> {
    frame: Frame,
    action: String,
    why: Option<Why>,
    one_possession: Option<OnePossession>,
    enrols: bool,
    by_totp: bool,
    /// The phone that gets a code, of which the end shows.
    phone: Option<String>,
    sent: bool,
    phone_number: Field<'a>,
    code: Field<'a>,
    /// The same page, by the user's other factor.
    other: Option<(String, &'static str)>,
    email_instead: String,
    problem: Option<&'a Problem>,
}

/// Which policy sent the user here, and what it wants.
struct Why {
    policy: String,
    limit: Option<String>,
    last: Option<String>,
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    asked: Asked,
    session: Session,
) -> Result<Response, Problem> {
    let user = bank.identity.user(session.user_id()).await?;
    match way(&user, &asked) {
        Some(way) => Ok(page(&bank, frame, &asked, &session, &user, &way, "", None)),
        None => Ok(Redirect::to(&asked.at("/verify-email")).into_response()),
    }
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    asked: Asked,
    session: Session,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let user = bank.identity.user(session.user_id()).await?;
    let Some(way) = way(&user, &asked) else { return Ok(Redirect::to(&asked.at("/verify-email")).into_response()) };
    let (done, number) = match &typed {
        Typed::Send { phone_number } => (send_code(&bank, &way, phone_number.trim(), &headers).await, &**phone_number),
        Typed::Take { code } => (take_code(&bank, &user, code, &headers).await.map(Some), ""),
        Typed::Totp { code } => {
            let token = bank.presented(&headers)?;
            (bank.identity.take_totp(&user.user_id, code, &token).await.map(Some), "")
        }
    };
    match done {
        Ok(None) => Ok(Redirect::to(&asked.after_sending().at(SECOND_FACTOR)).into_response()),
        Ok(Some(step)) => {
            let cookies = bank.take_up(&step, Some(&session), &headers).await?;
            Ok((cookies, Redirect::to(asked.destination())).into_response())
        }
        Err(Problem::UnverifiedEmail) => Ok(Redirect::to(&asked.at("/verify-email")).into_response()),
        Err(problem) => Ok(page(&bank, frame, &asked, &session, &user, &way, number, Some(problem))),
    }
}

/// A number that is typed here counts only where the user has no second factor: with one, whoever knows the password could
/// put a phone of theirs beside the user's.
fn way(user: &User, asked: &Asked) -> Option<Way> {
    let phone = user.phone_numbers.iter().find(|phone| phone.verified);
    let has_totp = user.totps.iter().any(|totp| totp.verified);
    let wants = |factor: &Factor| asked.by.as_ref().map_or(asked.names(factor), |by| by == factor);
    match phone {
        Some(phone) if wants(&Factor::OtpSms) || !has_totp => Some(Way::Sms(phone.clone())),
        _ if has_totp => Some(Way::Totp),
        _ if user.emails.iter().any(|email| email.verified) => Some(Way::Enrol),
        _ => None,
    }
}

async fn send_code(bank: &Bank, way: &Way, typed: &str, headers: &HeaderMap) -> Result<Option<Step>, Problem> {
    let typed: String = typed.chars().filter(|character| !matches!(character, ' ' | '-' | '(' | ')' | '/')).collect();
    let number = match way {
        Way::Enrol => &typed,
        Way::Sms(phone) => &phone.phone_number,
        Way::Totp => return Err(Problem::InvalidPhoneNumber),
    };
    bank.identity.send_sms(number, &bank.presented(headers)?).await.map(|()| None)
}

/// The code was sent to the phone that is verified, or else to the latest that the user has named.
async fn take_code(bank: &Bank, user: &User, code: &str, headers: &HeaderMap) -> Result<Step, Problem> {
    let phone = user.phone_numbers.iter().find(|phone| phone.verified).or_else(|| user.phone_numbers.last());
    let phone = phone.ok_or(Problem::SpentCode)?;
    bank.identity.take_code(&phone.phone_id, code, &bank.presented(headers)?).await
}

#[expect(clippy::too_many_arguments, reason = "each is a part of the page")]
fn page(
    bank: &Bank,
    frame: Frame,
    asked: &Asked,
    session: &Session,
    user: &User,
    way: &Way,
    typed_number: &str,
    problem: Option<Problem>,
) -> Response {
    let policy = asked.policy.as_deref().and_then(|name| bank.policies.get(name).ok());
    let is_unmet = |policy: &Policy| policy.evaluate(session, bank.clock.now()).is_err();
    let of_code = problem.as_ref().filter(|it| matches!(it, Problem::WrongCode | Problem::SpentCode));
    let of_number = problem.as_ref().filter(|it| matches!(it, Problem::InvalidPhoneNumber));
    let by_totp = matches!(way, Way::Totp);
    let phone = match way {
        Way::Sms(phone) => Some(words::masked(&phone.phone_number)),
        Way::Enrol if asked.sent => user.phone_numbers.last().map(|phone| words::masked(&phone.phone_number)),
        _ => None,
    };
    let both = user.totps.iter().any(|totp| totp.verified) && user.phone_numbers.iter().any(|phone| phone.verified);
    let other =
        if by_totp { (Factor::OtpSms, "Use a code by SMS") } else { (Factor::Totp, "Use the authenticator app") };
    let page = SecondFactor {
        frame,
        action: asked.at(SECOND_FACTOR),
        why: policy.map(|policy| Why::of(bank, session, policy)),
        one_possession: policy
            .filter(|it| is_unmet(it))
            .and_then(|_| OnePossession::of(session, bank.policies.trust())),
        enrols: matches!(way, Way::Enrol),
        by_totp,
        phone,
        sent: asked.sent,
        phone_number: Field::phone_number(typed_number).error(of_number),
        code: Field::code(if by_totp { "Code from the app" } else { "Code from the SMS" }).error(of_code),
        other: (both && asked.names(&other.0)).then(|| (asked.by(other.0).at(SECOND_FACTOR), other.1)),
        email_instead: Asked { sent: false, ..asked.clone() }.at("/verify-email"),
        problem: problem.as_ref().filter(|_| of_code.is_none() && of_number.is_none()),
    };
    (problem.as_ref().map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
}

impl Why {
    fn of(bank: &Bank, session: &Session, policy: &Policy) -> Self {
        let proofs = session.factors().iter().filter(|proof| matches!(proof.factor(), Factor::OtpSms | Factor::Totp));
        let last = proofs.filter_map(|proof| proof.last_authenticated_at()).max();
        Self {
            policy: policy.name().unwrap_or_default().to_owned(),
            limit: policy.max_age().map(words::span),
            last: last.map(|last| words::ago(last, bank.clock.now())),
        }
    }
}
