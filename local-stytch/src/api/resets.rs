//! `/v1/passwords/…/reset`

use axum::extract::State;
use serde::Deserialize;

use super::{
    Body, Shared,
    magic_links::{DEFAULT_URL, check_challenge, parse_url},
    otps::EmailSent,
    passwords::{check_length, hash},
    reply::{Authenticated, HandlerResult, Reply},
    request::{Options, SessionFields, check_attributes, given, minutes},
};
use crate::{
    error::Refusal,
    passwords,
    state::{Attributes, Contact, EmailReset, LinkRequest},
};

#[derive(Deserialize)]
pub(crate) struct Start {
    email: String,
    reset_password_redirect_url: Option<String>,
    reset_password_expiration_minutes: Option<i64>,
    attributes: Option<Attributes>,
    code_challenge: Option<String>,
}

pub(crate) async fn start(
    State(app): Shared,
    Body(request): Body<Start>,
) -> HandlerResult<EmailSent> {
    let email = Contact::email(&request.email)?;
    let url = given(request.reset_password_redirect_url);
    let url = parse_url(url.as_deref().unwrap_or(DEFAULT_URL));
    let link = LinkRequest {
        url: url.ok_or(Refusal::InvalidPasswordResetUrl)?,
        life: minutes(
            request.reset_password_expiration_minutes,
            30,
            5..=10_080,
            Refusal::InvalidExpiration,
        )?,
        attributes: check_attributes(request.attributes)?.unwrap_or_default(),
        code_challenge: check_challenge(request.code_challenge)?,
    };
    Ok(Reply(app.state().start_reset(email, link, app.now())?.into()))
}

#[derive(Deserialize)]
pub(crate) struct ByEmail {
    token: String,
    password: String,
    code_verifier: Option<String>,
    options: Option<Options>,
    #[serde(flatten)]
    session: SessionFields,
}

pub(crate) async fn by_email(
    State(app): Shared,
    Body(request): Body<ByEmail>,
) -> HandlerResult<Authenticated> {
    let session_request = request.session.check(&app)?;
    let required = Options::require(request.options, &session_request);
    let verifier = given(request.code_verifier);
    let email = app.state().email_of_reset(&request.token, app.now())?;
    let hash = hash(&app, request.password, Some(email)).await?;

    let reset = EmailReset {
        token: &request.token,
        code_verifier: verifier.as_deref(),
        required: &required,
    };
    let now = app.now();
    let (user, session) = app.state().reset_by_email(&reset, hash, session_request, now)?;
    Ok(Reply(Authenticated::new(&app, user, session, now)?))
}

#[derive(Deserialize)]
pub(crate) struct ByPassword {
    email: String,
    existing_password: String,
    new_password: String,
    #[serde(flatten)]
    session: SessionFields,
}

pub(crate) async fn by_password(
    State(app): Shared,
    Body(request): Body<ByPassword>,
) -> HandlerResult<Authenticated> {
    let email = Contact::email(&request.email)?;
    let session_request = request.session.check(&app)?;
    check_length(&request.existing_password)?;
    let (user_id, old_hash) = app.state().password_of(&email, app.now())?;
    let existing = request.existing_password;
    let verified = app.heavy(move || passwords::verify(&existing, &old_hash)).await?;
    app.state().check_password(&user_id, verified, app.now())?;
    let hash = hash(&app, request.new_password, Some(email.address().to_owned())).await?;

    let now = app.now();
    let (user, session) = app.state().reset_by_password(&user_id, hash, session_request, now)?;
    Ok(Reply(Authenticated::new(&app, user, session, now)?))
}

#[derive(Deserialize)]
pub(crate) struct BySession {
    password: String,
    #[serde(flatten)]
    session: SessionFields,
}

pub(crate) async fn by_session(
    State(app): Shared,
    Body(request): Body<BySession>,
) -> HandlerResult<Authenticated> {
    let session_request = request.session.check(&app)?;
    let email = {
        let state = app.state();
        let user = state.check_reset_session(&session_request, app.now())?;
        user.emails.first().map(|email| email.email.clone())
    };
    let hash = hash(&app, request.password, email).await?;

    let now = app.now();
    let (user, session) = app.state().reset_by_session(hash, session_request, now)?;
    Ok(Reply(Authenticated::new(&app, user, Some(session), now)?))
}
