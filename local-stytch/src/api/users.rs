//! `/v1/users`

use axum::extract::{Path, State, rejection::PathRejection};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Body, Shared,
    reply::{HandlerResult, Reply},
    request::{given, metadata, unreadable},
};
use crate::{
    app::App,
    error::Refusal,
    state::{
        Contact, Email, FactorId, Name, NewUser, Page, PhoneNumber, Query, RawQuery, USERS, User,
        UserUpdate,
    },
};

/// The maximum length of an external id or a role, in bytes.
const TEXT: usize = 128;
const ROLES: usize = 20;

#[derive(Deserialize)]
pub(crate) struct Create {
    email: Option<String>,
    phone_number: Option<String>,
    name: Option<Name>,
    create_user_as_pending: Option<bool>,
    trusted_metadata: Option<Value>,
    untrusted_metadata: Option<Value>,
    external_id: Option<String>,
    roles: Option<Vec<String>>,
}

#[derive(Serialize)]
pub(crate) struct Created {
    user_id: String,
    email_id: String,
    phone_id: String,
    status: &'static str,
    user: User,
}

pub(crate) async fn create(
    State(app): Shared,
    Body(request): Body<Create>,
) -> HandlerResult<Created> {
    let email = given(request.email).as_deref().map(Contact::email).transpose()?;
    let phone = given(request.phone_number).as_deref().map(Contact::phone).transpose()?;
    let external_id = given(request.external_id);
    let roles = request.roles.unwrap_or_default();
    check_texts(external_id.as_ref(), &roles)?;
    let new = NewUser {
        email: email.clone(),
        phone: phone.clone(),
        password_hash: None,
        pending: request.create_user_as_pending.unwrap_or_default(),
        name: request.name.unwrap_or_default().check()?,
        trusted_metadata: metadata(request.trusted_metadata)?,
        untrusted_metadata: metadata(request.untrusted_metadata)?,
        external_id,
        roles,
    };
    let user = app.state().users.create(new, app.now())?.clone();
    let id = |contact: Option<&Contact>| {
        contact.and_then(|contact| user.method_id(contact)).unwrap_or("").to_owned()
    };
    Ok(Reply(Created {
        user_id: user.user_id.clone(),
        email_id: id(email.as_ref()),
        phone_id: id(phone.as_ref()),
        status: user.status.name(),
        user,
    }))
}

fn check_texts(external_id: Option<&String>, roles: &[String]) -> Result<(), Refusal> {
    let is_long = |text: &String| text.len() > TEXT;
    if roles.len() > ROLES || external_id.into_iter().chain(roles).any(is_long) {
        return Err(Refusal::InvalidField(
            "external_id and each role are limited to 128 bytes, and a user to 20 roles.",
        ));
    }
    Ok(())
}

/// An id in a request's path.
type Id = Result<Path<String>, PathRejection>;

pub(crate) async fn get(State(app): Shared, id: Id) -> HandlerResult<User> {
    let Path(user_id) = id.map_err(unreadable)?;
    Ok(Reply(app.state().users.get(&user_id)?.clone()))
}

#[derive(Deserialize)]
pub(crate) struct Update {
    name: Option<Name>,
    trusted_metadata: Option<Value>,
    untrusted_metadata: Option<Value>,
    external_id: Option<String>,
    roles: Option<Vec<String>>,
}

#[derive(Serialize)]
pub(crate) struct Updated {
    user_id: String,
    emails: Vec<Email>,
    phone_numbers: Vec<PhoneNumber>,
    crypto_wallets: [(); 0],
    user: User,
}

pub(crate) async fn update(
    State(app): Shared,
    id: Id,
    Body(request): Body<Update>,
) -> HandlerResult<Updated> {
    let Path(user_id) = id.map_err(unreadable)?;
    let update = UserUpdate {
        name: request.name.unwrap_or_default().check()?,
        trusted_metadata: metadata(request.trusted_metadata)?,
        untrusted_metadata: metadata(request.untrusted_metadata)?,
        external_id: given(request.external_id),
        roles: request.roles,
    };
    check_texts(update.external_id.as_ref(), update.roles.as_deref().unwrap_or_default())?;
    let user = app.state().update_user(&user_id, update)?;
    Ok(Reply(Updated {
        user_id,
        emails: user.emails.clone(),
        phone_numbers: user.phone_numbers.clone(),
        crypto_wallets: [],
        user,
    }))
}

#[derive(Serialize)]
pub(crate) struct Deleted {
    user_id: String,
}

pub(crate) async fn delete(State(app): Shared, id: Id) -> HandlerResult<Deleted> {
    let Path(user_id) = id.map_err(unreadable)?;
    app.state().delete_user(&user_id)?;
    Ok(Reply(Deleted { user_id }))
}

#[derive(Serialize)]
pub(crate) struct FactorDeleted {
    user_id: String,
    user: User,
}

pub(crate) async fn delete_email(app: Shared, id: Id) -> HandlerResult<FactorDeleted> {
    delete_factor(&app, id, FactorId::Email)
}

pub(crate) async fn delete_phone_number(app: Shared, id: Id) -> HandlerResult<FactorDeleted> {
    delete_factor(&app, id, FactorId::PhoneNumber)
}

pub(crate) async fn delete_totp(app: Shared, id: Id) -> HandlerResult<FactorDeleted> {
    delete_factor(&app, id, FactorId::Totp)
}

pub(crate) async fn delete_webauthn_registration(
    app: Shared,
    id: Id,
) -> HandlerResult<FactorDeleted> {
    delete_factor(&app, id, FactorId::WebAuthn)
}

pub(crate) async fn delete_password(app: Shared, id: Id) -> HandlerResult<FactorDeleted> {
    delete_factor(&app, id, FactorId::Password)
}

fn delete_factor(
    app: &App,
    id: Id,
    factor: fn(String) -> FactorId,
) -> HandlerResult<FactorDeleted> {
    let Path(id) = id.map_err(unreadable)?;
    let user = app.state().delete_factor(factor(id))?;
    Ok(Reply(FactorDeleted { user_id: user.user_id.clone(), user }))
}

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(flatten)]
    bounds: Bounds,
    query: Option<RawQuery>,
}

/// The fields of a search that name a page.
#[derive(Deserialize)]
pub(crate) struct Bounds {
    cursor: Option<String>,
    limit: Option<i64>,
}

impl Bounds {
    /// Returns the number of the first result and the maximum number of results.
    pub(crate) fn check(self) -> Result<(u64, usize), Refusal> {
        let limit = match self.limit {
            None | Some(0) => 100,
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| *limit <= 1000)
                .ok_or(Refusal::SearchLimit)?,
        };
        let from = given(self.cursor)
            .map_or(Ok(0), |cursor| cursor.parse().map_err(|_| Refusal::SearchCursor))?;
        Ok((from, limit))
    }
}

#[derive(Serialize)]
pub(crate) struct Found {
    results: Vec<User>,
    results_metadata: Metadata,
}

#[derive(Serialize)]
pub(crate) struct Metadata {
    total: usize,
    next_cursor: Option<String>,
}

impl<T> From<&Page<T>> for Metadata {
    fn from(page: &Page<T>) -> Self {
        Self { total: page.total, next_cursor: page.next.map(|next| next.to_string()) }
    }
}

pub(crate) async fn search(
    State(app): Shared,
    Body(request): Body<Search>,
) -> HandlerResult<Found> {
    let (from, limit) = request.bounds.check()?;
    let query = Query::parse(request.query.unwrap_or_default(), &USERS)?;
    let page = query.page(app.state().users.all(), from, limit);
    let results_metadata = Metadata::from(&page);
    Ok(Reply(Found { results: page.items, results_metadata }))
}
