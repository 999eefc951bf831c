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
    error::Refusal,
    state::{Contact, Name, NewUser, Page, Query, RawQuery, User},
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
    let texts = || external_id.iter().chain(&roles);
    if roles.len() > ROLES || texts().any(|text| text.len() > TEXT) {
        return Err(Refusal::InvalidField(
            "external_id and each role are limited to 128 bytes, and a user to 20 roles.",
        ));
    }
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

pub(crate) async fn get(
    State(app): Shared,
    path: Result<Path<String>, PathRejection>,
) -> HandlerResult<User> {
    let Path(user_id) = path.map_err(unreadable)?;
    Ok(Reply(app.state().users.get(&user_id)?.clone()))
}

#[derive(Deserialize)]
pub(crate) struct Search {
    cursor: Option<String>,
    limit: Option<i64>,
    query: Option<RawQuery>,
}

#[derive(Serialize)]
pub(crate) struct Found {
    results: Vec<User>,
    results_metadata: Metadata,
}

#[derive(Serialize)]
struct Metadata {
    total: usize,
    next_cursor: Option<String>,
}

pub(crate) async fn search(
    State(app): Shared,
    Body(request): Body<Search>,
) -> HandlerResult<Found> {
    let limit = match request.limit {
        None | Some(0) => 100,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| *limit <= 1000)
            .ok_or(Refusal::SearchLimit)?,
    };
    let from = given(request.cursor)
        .map_or(Ok(0), |cursor| cursor.parse().map_err(|_| Refusal::SearchCursor))?;
    let query = request.query.map(Query::parse).transpose()?.unwrap_or_default();
    let Page { users, total, next } = query.page(app.state().users.all(), from, limit);
    let next_cursor = next.map(|next| next.to_string());
    Ok(Reply(Found { results: users, results_metadata: Metadata { total, next_cursor } }))
}
