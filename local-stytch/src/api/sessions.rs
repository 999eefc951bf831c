//! `/v1/sessions`

use axum::extract::{
    Path, Query, State,
    rejection::{PathRejection, QueryRejection},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Body, Shared,
    reply::{HandlerResult, Reply, mint},
    request::{SessionFields, one_session, unreadable},
};
use crate::{
    error::Refusal,
    keys::Jwk,
    state::{Session, User},
};

#[derive(Deserialize)]
pub(crate) struct OfUser {
    user_id: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Sessions {
    sessions: Vec<Session>,
}

pub(crate) async fn get(
    State(app): Shared,
    query: Result<Query<OfUser>, QueryRejection>,
) -> HandlerResult<Sessions> {
    let Query(request) = query.map_err(unreadable)?;
    let user_id = request.user_id.ok_or(Refusal::InvalidField("user_id is required."))?;
    let state = app.state();
    state.users.get(&user_id)?;
    Ok(Reply(Sessions { sessions: state.sessions.of_user(&user_id, app.now()) }))
}

#[derive(Deserialize)]
pub(crate) struct Authenticate {
    authorization_check: Option<Value>,
    #[serde(flatten)]
    session: SessionFields,
}

#[derive(Serialize)]
pub(crate) struct Authenticated {
    session: Session,
    session_token: String,
    session_jwt: String,
    user: User,
    verdict: (),
}

pub(crate) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<Authenticated> {
    let session_request = request.session.check(&app)?;
    let now = app.now();
    let (session, user) = {
        let mut state = app.state();
        if state.session(&session_request.session, now)?.is_none() {
            return Err(Refusal::NoSessionArguments);
        }
        // The stand-in has no RBAC policy, so nothing can grant the check.
        if request.authorization_check.is_some_and(|check| !check.is_null()) {
            return Err(Refusal::AuthorizationCheck);
        }
        let session = state.access(session_request, now)?;
        let user = state.users.get(&session.user_id)?.clone();
        (session, user)
    };
    let session_jwt = mint(&app, &session, now)?;
    let session_token = session.token.0.clone();
    Ok(Reply(Authenticated { session, session_token, session_jwt, user, verdict: () }))
}

#[derive(Deserialize)]
pub(crate) struct Revoke {
    session_id: Option<String>,
    session_token: Option<String>,
    session_jwt: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Revoked {}

pub(crate) async fn revoke(
    State(app): Shared,
    Body(request): Body<Revoke>,
) -> HandlerResult<Revoked> {
    let session =
        one_session(&app, request.session_id, request.session_token, request.session_jwt)?;
    let now = app.now();
    let mut state = app.state();
    let id = state.session(&session, now)?.ok_or(Refusal::NoSessionRevokeArguments)?.id.clone();
    state.sessions.revoke(&id, now)?;
    Ok(Reply(Revoked {}))
}

#[derive(Serialize)]
pub(crate) struct Jwks {
    keys: Vec<Jwk>,
}

pub(crate) async fn jwks(
    State(app): Shared,
    path: Result<Path<String>, PathRejection>,
) -> HandlerResult<Jwks> {
    let Path(project_id) = path.map_err(unreadable)?;
    if project_id != app.credentials.project_id {
        return Err(Refusal::ProjectNotFound);
    }
    Ok(Reply(Jwks { keys: app.keys().jwks() }))
}
