//! `/v1/b2b/sessions`

use axum::extract::{Query, State, rejection::QueryRejection};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    reply::{Authenticated, MemberSession},
    request::Of,
};
use crate::{
    api::{
        Body, Shared,
        reply::{HandlerResult, Reply},
        request::{SessionFields, given, session_of, unreadable},
    },
    error::Refusal,
    state::SessionOf,
};

#[derive(Serialize)]
pub(super) struct Sessions {
    member_sessions: Vec<MemberSession>,
}

pub(super) async fn get(
    State(app): Shared,
    query: Result<Query<Of>, QueryRejection>,
) -> HandlerResult<Sessions> {
    let Query(request) = query.map_err(unreadable)?;
    let member_id = request.member_id(&app)?;
    let state = app.state();
    let (_, organization) = state.b2b.with_organization(&member_id)?;
    let sessions = state.b2b.sessions.of_user(&member_id, app.now());
    let shown = sessions.into_iter().map(|session| MemberSession::new(session, organization));
    Ok(Reply(Sessions { member_sessions: shown.collect() }))
}

#[derive(Deserialize)]
pub(super) struct Authenticate {
    authorization_check: Option<Value>,
    #[serde(flatten)]
    session: SessionFields,
}

#[derive(Serialize)]
pub(super) struct SessionAuthenticated {
    #[serde(flatten)]
    authenticated: Authenticated,
    verdict: (),
}

pub(super) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<SessionAuthenticated> {
    let session_request = request.session.check(&app)?;
    let now = app.now();
    // The stand-in has no RBAC policy, so nothing can grant the check.
    let is_authorized = request.authorization_check.is_none_or(|check| check.is_null());
    let session = app.state().b2b.access(session_request, is_authorized, now)?;
    let member_id = session.user_id.clone();
    let authenticated = Authenticated::new(&app, &member_id, Some(session), now)?;
    Ok(Reply(SessionAuthenticated { authenticated, verdict: () }))
}

#[derive(Deserialize)]
pub(super) struct Revoke {
    member_session_id: Option<String>,
    session_token: Option<String>,
    session_jwt: Option<String>,
    member_id: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Revoked {}

pub(super) async fn revoke(
    State(app): Shared,
    Body(request): Body<Revoke>,
) -> HandlerResult<Revoked> {
    let now = app.now();
    let [id, token, jwt, member_id] =
        [request.member_session_id, request.session_token, request.session_jwt, request.member_id]
            .map(given);
    let session = match (id, token, jwt, member_id) {
        (None, None, None, None) => return Err(Refusal::NoSessionRevokeArguments),
        (None, None, None, Some(member_id)) => {
            let mut state = app.state();
            state.b2b.members.get(&member_id)?;
            state.b2b.sessions.end_all(&member_id, None);
            return Ok(Reply(Revoked {}));
        }
        (Some(id), None, None, None) => SessionOf::Id(id),
        (None, Some(token), None, None) => session_of(&app, Some(token), None)?,
        (None, None, Some(jwt), None) => session_of(&app, None, Some(jwt))?,
        _ => return Err(Refusal::TooManySessionRevokeArguments),
    };
    let mut state = app.state();
    let session = state.b2b.sessions.named(&session, now)?;
    let id = session.ok_or(Refusal::NoSessionRevokeArguments)?.id.clone();
    state.b2b.sessions.revoke(&id, now)?;
    Ok(Reply(Revoked {}))
}
