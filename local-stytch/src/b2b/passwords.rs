//! `/v1/b2b/passwords`

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::{
    reply::{MemberReply, SignedIn},
    request::MemberSessionFields,
};
use crate::{
    api::{
        Body, Shared,
        magic_links::{DEFAULT_URL, check_challenge, parse_url},
        passwords::{check_length, hash},
        reply::{HandlerResult, Reply},
        request::{given, minutes},
    },
    error::Refusal,
    passwords::{self, Strength},
    state::{Attributes, Contact, LinkRequest},
};

#[derive(Deserialize)]
pub(super) struct Authenticate {
    organization_id: String,
    email_address: String,
    password: String,
    #[serde(flatten)]
    session: MemberSessionFields,
}

pub(super) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<SignedIn> {
    let email = Contact::email(&request.email_address)?;
    let member_request = request.session.check(&app)?;
    check_length(&request.password)?;
    let (member_id, hash) =
        app.state().member_password(&request.organization_id, &email, app.now())?;
    let verified = app.heavy(move || passwords::verify(&request.password, &hash)).await?;

    let now = app.now();
    let sign_in =
        app.state().authenticate_member_password(&member_id, verified, member_request, now)?;
    Ok(Reply(SignedIn::new(&app, &member_id, sign_in, now)?))
}

#[derive(Deserialize)]
pub(super) struct StrengthCheck {
    password: String,
    email_address: Option<String>,
}

#[derive(Serialize)]
pub(super) struct StrengthChecked {
    valid_password: bool,
    score: u8,
    breached_password: bool,
    strength_policy: &'static str,
    breach_detection_on_create: bool,
    luds_feedback: (),
    zxcvbn_feedback: Feedback,
}

#[derive(Serialize)]
struct Feedback {
    warning: String,
    suggestions: Vec<String>,
}

pub(super) async fn strength_check(
    State(app): Shared,
    Body(request): Body<StrengthCheck>,
) -> HandlerResult<StrengthChecked> {
    check_length(&request.password)?;
    let strength = app
        .heavy(move || Strength::of(&request.password, request.email_address.as_deref()))
        .await?;
    Ok(Reply(StrengthChecked {
        valid_password: strength.is_enough(),
        score: strength.score,
        // Stytch looks up breached passwords. The stand-in does not.
        breached_password: false,
        strength_policy: "zxcvbn",
        breach_detection_on_create: false,
        luds_feedback: (),
        zxcvbn_feedback: Feedback { warning: strength.warning, suggestions: strength.suggestions },
    }))
}

#[derive(Deserialize)]
pub(super) struct ResetStart {
    organization_id: String,
    email_address: String,
    reset_password_redirect_url: Option<String>,
    reset_password_expiration_minutes: Option<i64>,
    code_challenge: Option<String>,
}

#[derive(Serialize)]
pub(super) struct ResetStarted {
    member_email_id: String,
    #[serde(flatten)]
    of: MemberReply,
}

pub(super) async fn reset_start(
    State(app): Shared,
    Body(request): Body<ResetStart>,
) -> HandlerResult<ResetStarted> {
    let email = Contact::email(&request.email_address)?;
    let expiration = request.reset_password_expiration_minutes;
    let url = given(request.reset_password_redirect_url);
    let link = LinkRequest {
        url: parse_url(url.as_deref().unwrap_or(DEFAULT_URL))
            .ok_or(Refusal::InvalidPasswordResetUrl)?,
        life: minutes(expiration, 30, 5..=10_080, Refusal::InvalidExpiration)?,
        attributes: Attributes::default(),
        code_challenge: check_challenge(request.code_challenge)?,
    };
    let member_id =
        app.state().start_member_reset(&request.organization_id, &email, link, app.now())?;
    let of = MemberReply::of(&app, &member_id)?;
    Ok(Reply(ResetStarted { member_email_id: of.member_email_id(), of }))
}

#[derive(Deserialize)]
pub(super) struct Reset {
    password_reset_token: String,
    password: String,
    code_verifier: Option<String>,
    #[serde(flatten)]
    session: MemberSessionFields,
}

#[derive(Serialize)]
pub(super) struct ResetDone {
    member_email_id: String,
    #[serde(flatten)]
    signed_in: SignedIn,
}

pub(super) async fn reset(
    State(app): Shared,
    Body(request): Body<Reset>,
) -> HandlerResult<ResetDone> {
    let member_request = request.session.check(&app)?;
    let token = request.password_reset_token;
    let verifier = given(request.code_verifier);
    let (_, email) = app.state().check_member_reset(&token, app.now())?;
    let hash = hash(&app, request.password, Some(email)).await?;

    let now = app.now();
    let (member_id, sign_in) = app.state().reset_member_password(
        &token,
        verifier.as_deref(),
        hash,
        member_request,
        now,
    )?;
    let member_email_id = MemberReply::of(&app, &member_id)?.member_email_id();
    let signed_in = SignedIn::new(&app, &member_id, sign_in, now)?;
    Ok(Reply(ResetDone { member_email_id, signed_in }))
}
