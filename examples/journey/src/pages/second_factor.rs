//! The step-up page. It asks for factors that the challenge names and that the user has.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use stytch::consumer::users::{GetResponse as User, PhoneNumber};
use tower_step_up::{Clock, Factor, Policy, Session};

use crate::bank::Bank;
use crate::confirms::Confirms;
use crate::field::Field;
use crate::frame::{Frame, Page};
use crate::guards::SECOND_FACTOR;
use crate::identity::Step;
use crate::page_query::PageQuery;
use crate::pages::use_passkey::{self, USE_PASSKEY};
use crate::passkeys::has_passkey;
use crate::phone;
use crate::problem::Problem;
use crate::words::{self, OnePossession};

#[derive(Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum FormData {
    /// Asks for a code. `phone_number` counts only if the user has no second factor.
    Send {
        #[serde(default)]
        phone_number: String,
    },
    /// The code from an SMS.
    Take { code: String },
    /// The code from the authenticator app.
    Totp { code: String },
    /// A recovery code of the authenticator app.
    Recover { recovery_code: String },
}

/// A user, and what to ask them for.
struct Question {
    query: PageQuery,
    session: Session,
    user: User,
    way: Way,
}

/// How the user can prove a second factor.
enum Way {
    /// By a new phone, because the user has no second factor yet. `None` until the user has entered
    /// a number.
    Enrol(Option<PhoneNumber>),
    /// By a code to this phone.
    Sms(PhoneNumber),
    /// By a code from the authenticator app.
    Totp,
    /// By a recovery code of the authenticator app.
    RecoveryCode,
}

/// A link to another way.
struct Link {
    id: &'static str,
    address: String,
    text: &'static str,
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactor<'a> {
    frame: Frame,
    action: String,
    why: Option<Why>,
    /// The transfer that the proof is for.
    confirms: Option<Confirms>,
    /// Whether the bank keeps a form that a guard refused.
    is_kept: bool,
    one_possession: Option<OnePossession>,
    /// Whether the user has no second factor yet, and the page asks for the number of a phone.
    is_new: bool,
    by_totp: bool,
    by_recovery_code: bool,
    /// The masked number that receives the code. Without one, the page asks for a number.
    phone: Option<String>,
    sent: bool,
    phone_number: Field<'a>,
    code: Field<'a>,
    recovery_code: Field<'a>,
    /// The other ways to go on.
    links: Vec<Link>,
    problem: Option<&'a Problem>,
}

/// The reason for a second factor: the user's purpose, and how old a proof may be.
struct Why {
    purpose: &'static str,
    limit: Option<String>,
    last: Option<String>,
}

pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    session: Session,
) -> Result<Response, Problem> {
    if use_passkey::is_only_way(&query) {
        return Ok(Redirect::to(&query.url_for(USE_PASSKEY)).into_response());
    }
    match Question::of(&bank, &query, session).await? {
        Ok(question) => Ok(question.page(&bank, frame, "", None)),
        Err(other) => Ok(Redirect::to(&query.url_for(other)).into_response()),
    }
}

pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    query: PageQuery,
    session: Session,
    headers: HeaderMap,
    Form(form): Form<FormData>,
) -> Result<Response, Problem> {
    let question = match Question::of(&bank, &query, session).await? {
        Ok(question) => question,
        Err(other) => return Ok(Redirect::to(&query.url_for(other)).into_response()),
    };
    let (user_id, token) = (question.session.user_id(), question.session.jwt().as_str());
    let (done, number) = match &form {
        FormData::Send { phone_number } => {
            (question.send_code(&bank, phone_number).await, &**phone_number)
        }
        FormData::Take { code } => (question.authenticate_code(&bank, code).await.map(Some), ""),
        FormData::Totp { code } => {
            (bank.identity.authenticate_totp(user_id, code, token).await.map(Some), "")
        }
        FormData::Recover { recovery_code } => {
            (bank.identity.recover(user_id, recovery_code, token).await.map(Some), "")
        }
    };
    match done {
        Ok(None) => Ok(Redirect::to(&query.after_sending().url_for(SECOND_FACTOR)).into_response()),
        Ok(Some(step)) => {
            let adopted = bank.adopt(&step, Some(&question.session), &headers).await?;
            Ok((adopted.cookies, Redirect::to(&query.destination())).into_response())
        }
        Err(problem) => Ok(question.page(&bank, frame, number, Some(problem))),
    }
}

impl Question {
    /// Returns what to ask the user for, or the page on which the user must first prove something in
    /// this session. Without a second factor, that is the email address. Otherwise anyone who knows
    /// the password could enrol their own phone. If a passkey is the only second factor, for example
    /// because the phone was removed at Stytch, it is the passkey.
    async fn of(
        bank: &Bank,
        query: &PageQuery,
        session: Session,
    ) -> Result<Result<Self, &'static str>, Problem> {
        let user = bank.user(&session).await?;
        let named = bank.numbers.find(session.id());
        let named = user
            .phone_numbers
            .iter()
            .find(|phone| named.as_ref() == Some(&phone.phone_number))
            .cloned();
        let wants =
            |factor: &Factor| query.by.as_ref().map_or(query.names(factor), |by| by == factor);
        let way = match (verified_phone(&user), has_totp(&user)) {
            (_, true) if query.by == Some(Factor::RecoveryCode) => Way::RecoveryCode,
            (Some(phone), has_totp) if wants(&Factor::OtpSms) || !has_totp => {
                Way::Sms(phone.clone())
            }
            (_, true) => Way::Totp,
            _ if has_second_factor(&user) => {
                if !may_add_factor(bank, &session) {
                    return Ok(Err(USE_PASSKEY));
                }
                Way::Enrol(named)
            }
            _ if session.factors().iter().any(|proof| *proof.factor() == Factor::OtpEmail) => {
                Way::Enrol(named)
            }
            _ => return Ok(Err("/verify-email")),
        };
        Ok(Ok(Self { query: query.clone(), session, user, way }))
    }

    /// Sends a code. Ignores a typed number if the user already has a second factor, because it may
    /// be the phone of someone who knows only the password.
    async fn send_code(&self, bank: &Bank, typed: &str) -> Result<Option<Step>, Problem> {
        let number = match &self.way {
            // The page for the code has no field for the number.
            Way::Enrol(Some(named)) if self.query.sent && typed.is_empty() => {
                named.phone_number.clone()
            }
            Way::Enrol(_) => phone::number(typed)?,
            Way::Sms(phone) => phone.phone_number.clone(),
            Way::Totp | Way::RecoveryCode => return Err(Problem::Unavailable),
        };
        bank.identity.send_sms(&number, self.session.jwt().as_str()).await?;
        bank.numbers.put(self.session.id(), number);
        Ok(None)
    }

    async fn authenticate_code(&self, bank: &Bank, code: &str) -> Result<Step, Problem> {
        let (Way::Sms(phone) | Way::Enrol(Some(phone))) = &self.way else {
            return Err(Problem::SpentCode);
        };
        bank.identity.authenticate_code(&phone.phone_id, code, self.session.jwt().as_str()).await
    }

    fn page(
        &self,
        bank: &Bank,
        frame: Frame,
        typed_number: &str,
        problem: Option<Problem>,
    ) -> Response {
        let policy = self.query.policy.as_deref().and_then(|name| bank.policies.get(name).ok());
        let is_unmet = |policy: &&Policy| policy.evaluate(&self.session, bank.clock.now()).is_err();
        let of_code = problem.as_ref().filter(|it| it.is_about_code());
        let of_recovery_code = problem
            .as_ref()
            .filter(|it| matches!(it, Problem::NoRecoveryCode | Problem::WrongRecoveryCode));
        let of_number = problem.as_ref().filter(|it| matches!(it, Problem::PhoneNumber(_)));
        let is_beside_a_field = of_code.or(of_recovery_code).or(of_number).is_some();
        let by_totp = matches!(self.way, Way::Totp);
        let phone = match &self.way {
            Way::Sms(phone) => Some(phone),
            Way::Enrol(named) => named.as_ref().filter(|_| self.query.sent && of_number.is_none()),
            Way::Totp | Way::RecoveryCode => None,
        };
        let kept = bank.drafts.find(self.session.id(), self.query.intent());
        let confirms = kept.as_ref().and_then(Confirms::of);
        // A screen reader begins at the field, so the field is described by what comes before it.
        let described_by = match (&confirms, by_totp) {
            (Some(_), true) => "asked order",
            (Some(_), false) => "asked order code-for",
            (None, true) => "",
            (None, false) => "code-for",
        };
        let is_elsewhere = problem.is_some() && !is_beside_a_field;
        let page = SecondFactor {
            frame,
            confirms,
            is_kept: kept.is_some(),
            action: self.query.url_for(SECOND_FACTOR),
            why: policy.map(|policy| Why::of(bank, &self.session, policy)),
            one_possession: policy
                .filter(is_unmet)
                .and_then(|_| OnePossession::of(&self.session, bank.policies.trust())),
            is_new: matches!(self.way, Way::Enrol(_)) && phone.is_none(),
            by_totp,
            by_recovery_code: matches!(self.way, Way::RecoveryCode),
            phone: phone.map(|phone| words::masked(&phone.phone_number)),
            // Anyone can write `sent=true` into a link, so a code must have gone out in this
            // session.
            sent: of_code.is_some()
                || self.query.sent && bank.numbers.find(self.session.id()).is_some(),
            phone_number: Field::phone_number(typed_number).error(of_number),
            code: Field::code(if by_totp { "Code from the app" } else { "Code from the SMS" })
                .error(of_code)
                .focused_unless(is_elsewhere, described_by),
            recovery_code: Field::recovery_code()
                .error(of_recovery_code)
                .focused_unless(is_elsewhere, ""),
            links: self.links(bank),
            problem: problem.as_ref().filter(|_| !is_beside_a_field),
        };
        (problem.as_ref().map_or(StatusCode::OK, Problem::status), Page(page)).into_response()
    }

    /// Returns whether to offer a code by email. It is never enough, but it shows the user why. The
    /// page offers it for the policy `account`, or without a policy, if the session has no such
    /// proof yet.
    fn can_prove_email(&self) -> bool {
        let is_proved =
            self.session.factors().iter().any(|proof| *proof.factor() == Factor::OtpEmail);
        !is_proved && self.query.policy.as_deref().is_none_or(|policy| policy == "account")
    }

    /// Returns the user's other factors that the challenge names, and the ways out.
    fn links(&self, bank: &Bank) -> Vec<Link> {
        let by = |id, factor: Factor, text| {
            let address = self.query.by(factor.clone()).url_for(SECOND_FACTOR);
            self.query.names(&factor).then_some(Link { id, address, text })
        };
        let mut links = Vec::new();
        if matches!(self.way, Way::Enrol(_)) && self.query.sent {
            let address = self.query.before_sending().url_for(SECOND_FACTOR);
            links.push(Link { id: "other-factor", address, text: "Use another number" });
        }
        if verified_phone(&self.user).is_some() && !matches!(self.way, Way::Sms(_)) {
            links.extend(by("use-sms", Factor::OtpSms, "Use a code by SMS"));
        }
        if has_totp(&self.user) && !matches!(self.way, Way::Totp) {
            links.extend(by("use-totp", Factor::Totp, "Use the authenticator app"));
        }
        if has_totp(&self.user) && !matches!(self.way, Way::RecoveryCode) {
            let id = "use-recovery-code";
            links.extend(by(id, Factor::RecoveryCode, "Use a recovery code"));
        }
        if has_passkey(bank, &self.user) && self.query.names(&Factor::WebAuthn) {
            let address = self.query.before_sending().url_for(USE_PASSKEY);
            links.push(Link { id: "use-passkey", address, text: "Use your passkey" });
        }
        if self.can_prove_email() {
            let address = self.query.before_sending().url_for("/verify-email");
            links.push(Link { id: "email-instead", address, text: "Use an email code instead" });
        }
        links
    }
}

/// Returns whether the session meets the policy of the pages that add a factor.
fn may_add_factor(bank: &Bank, session: &Session) -> bool {
    let policy = bank.policies.get("authenticator");
    policy.is_ok_and(|policy| policy.evaluate(session, bank.clock.now()).is_ok())
}

/// Returns whether the user has a second factor, which they have to prove before they add another.
pub(crate) fn has_second_factor(user: &User) -> bool {
    verified_phone(user).is_some()
        || has_totp(user)
        || user.webauthn_registrations.iter().any(|passkey| passkey.verified)
}

fn verified_phone(user: &User) -> Option<&PhoneNumber> {
    user.phone_numbers.iter().find(|phone| phone.verified)
}

fn has_totp(user: &User) -> bool {
    user.totps.iter().any(|totp| totp.verified)
}

impl Why {
    fn of(bank: &Bank, session: &Session, policy: &Policy) -> Self {
        let proofs = session.factors().iter().filter(|proof| {
            matches!(proof.factor(), Factor::OtpSms | Factor::Totp | Factor::WebAuthn)
        });
        let last = proofs.filter_map(|proof| proof.last_authenticated_at()).max();
        Self {
            purpose: words::purpose(policy.name().unwrap_or_default()),
            limit: policy.max_age().map(words::span),
            last: last.map(|last| words::ago(last, bank.clock.now())),
        }
    }
}
