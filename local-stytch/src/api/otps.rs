//! `/v1/otps`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::Duration;

use super::{
    Body, Shared,
    reply::{Authenticated, HandlerResult, Reply},
    request::{Options, SessionFields, check_attributes, minutes, session_of},
};
use crate::{
    app::App,
    error::Refusal,
    state::{Attributes, Contact, SentCode},
};

#[derive(Deserialize)]
pub(crate) struct Send<C> {
    #[serde(flatten)]
    contact: C,
    expiration_minutes: Option<i64>,
    attributes: Option<Attributes>,
    #[serde(flatten)]
    recipient: Recipient,
}

#[derive(Deserialize)]
pub(crate) struct LoginOrCreate<C> {
    #[serde(flatten)]
    contact: C,
    expiration_minutes: Option<i64>,
    attributes: Option<Attributes>,
    create_user_as_pending: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct Phone {
    phone_number: String,
}

#[derive(Deserialize)]
pub(crate) struct Email {
    email: String,
}

/// The user who has an address, or to whom it will be added.
#[derive(Default, Deserialize)]
pub(crate) struct Recipient {
    user_id: Option<String>,
    session_token: Option<String>,
    session_jwt: Option<String>,
}

impl Recipient {
    /// Returns the id of the named user, if any. A session and a user id must name the same user.
    pub(crate) fn user_id(self, app: &App) -> Result<Option<String>, Refusal> {
        let session = session_of(app, self.session_token, self.session_jwt)?;
        let of_session =
            app.state().session(&session, app.now())?.map(|session| session.user_id.clone());
        match (self.user_id.filter(|id| !id.is_empty()), of_session) {
            (Some(named), Some(of_session)) if named != of_session => Err(Refusal::UserIdMismatch),
            (named, of_session) => Ok(named.or(of_session)),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct SmsSent {
    user_id: String,
    phone_id: String,
}

#[derive(Serialize)]
pub(crate) struct EmailSent {
    user_id: String,
    email_id: String,
}

/// A sent message, and whether it created a user.
#[derive(Serialize)]
pub(crate) struct OrCreated<T> {
    #[serde(flatten)]
    pub(crate) sent: T,
    pub(crate) user_created: bool,
}

pub(crate) async fn sms_send(
    State(app): Shared,
    Body(request): Body<Send<Phone>>,
) -> HandlerResult<SmsSent> {
    let contact = Contact::phone(&request.contact.phone_number)?;
    Ok(Reply(send(&app, contact, request)?.into()))
}

pub(crate) async fn email_send(
    State(app): Shared,
    Body(request): Body<Send<Email>>,
) -> HandlerResult<EmailSent> {
    let contact = Contact::email(&request.contact.email)?;
    Ok(Reply(send(&app, contact, request)?.into()))
}

pub(crate) async fn sms_login_or_create(
    State(app): Shared,
    Body(request): Body<LoginOrCreate<Phone>>,
) -> HandlerResult<OrCreated<SmsSent>> {
    let contact = Contact::phone(&request.contact.phone_number)?;
    Ok(Reply(login_or_create(&app, contact, request)?.into()))
}

pub(crate) async fn email_login_or_create(
    State(app): Shared,
    Body(request): Body<LoginOrCreate<Email>>,
) -> HandlerResult<OrCreated<EmailSent>> {
    let contact = Contact::email(&request.contact.email)?;
    Ok(Reply(login_or_create(&app, contact, request)?.into()))
}

fn send<C>(app: &App, contact: Contact, request: Send<C>) -> Result<SentCode, Refusal> {
    let life = life(request.expiration_minutes)?;
    let user_id = request.recipient.user_id(app)?;
    let attributes = check_attributes(request.attributes)?.unwrap_or_default();
    app.state().send_code(contact, user_id.as_deref(), life, attributes, app.now())
}

fn login_or_create<C>(
    app: &App,
    contact: Contact,
    request: LoginOrCreate<C>,
) -> Result<SentCode, Refusal> {
    let life = life(request.expiration_minutes)?;
    let pending = request.create_user_as_pending.unwrap_or_default();
    let attributes = check_attributes(request.attributes)?.unwrap_or_default();
    app.state().send_code_or_create(contact, pending, life, attributes, app.now())
}

fn life(expiration_minutes: Option<i64>) -> Result<Duration, Refusal> {
    minutes(expiration_minutes, 2, 1..=10, Refusal::InvalidCodeExpiration)
}

#[derive(Deserialize)]
pub(crate) struct Authenticate {
    method_id: String,
    code: String,
    options: Option<Options>,
    #[serde(flatten)]
    session: SessionFields,
}

/// An authentication with a code or link that was sent to an address or number.
#[derive(Serialize)]
pub(crate) struct MethodAuthenticated {
    pub(crate) method_id: String,
    /// Whether other sessions of the user were revoked. It is always false.
    pub(crate) reset_sessions: bool,
    #[serde(flatten)]
    pub(crate) authenticated: Authenticated,
}

pub(crate) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<MethodAuthenticated> {
    let session_request = request.session.check(&app)?;
    let required = Options::require(request.options, &session_request);
    let now = app.now();
    let (user, session) = {
        let mut state = app.state();
        let (id, session) = state.authenticate_code(
            &request.method_id,
            &request.code,
            &required,
            session_request,
            now,
        )?;
        (state.users.get(&id)?.clone(), session)
    };
    let authenticated = Authenticated::new(&app, user, session, now)?;
    Ok(Reply(MethodAuthenticated {
        method_id: request.method_id,
        reset_sessions: false,
        authenticated,
    }))
}

impl From<SentCode> for SmsSent {
    fn from(sent: SentCode) -> Self {
        Self { user_id: sent.user_id, phone_id: sent.method_id }
    }
}

impl From<SentCode> for EmailSent {
    fn from(sent: SentCode) -> Self {
        Self { user_id: sent.user_id, email_id: sent.method_id }
    }
}

impl<T: From<SentCode>> From<SentCode> for OrCreated<T> {
    fn from(sent: SentCode) -> Self {
        Self { user_created: sent.user_created, sent: sent.into() }
    }
}
