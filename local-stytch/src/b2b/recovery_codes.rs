//! `/v1/b2b/recovery_codes`

use axum::extract::{Path, State, rejection::PathRejection};
use serde::{Deserialize, Serialize};

use super::{
    B2bRefusal,
    reply::{Authenticated, MemberReply},
    request::{MemberSessionFields, Of},
};
use crate::{
    api::{
        Body, Shared,
        reply::{HandlerResult, Reply},
        request::unreadable,
    },
    app::App,
    error::Refusal,
};

#[derive(Serialize)]
pub(super) struct RecoveryCodes {
    recovery_codes: Vec<String>,
    #[serde(flatten)]
    of: MemberReply,
}

impl RecoveryCodes {
    fn of(app: &App, member_id: &str) -> HandlerResult<Self> {
        let recovery_codes = recovery_codes(app, member_id)?;
        Ok(Reply(Self { recovery_codes, of: MemberReply::of(app, member_id)? }))
    }
}

fn recovery_codes(app: &App, member_id: &str) -> Result<Vec<String>, Refusal> {
    let state = app.state();
    let totp = state.b2b.members.get(member_id)?.verified_totp();
    Ok(totp.ok_or(B2bRefusal::RecoveryCodesNotFound)?.recovery_codes.clone())
}

pub(super) async fn get(
    State(app): Shared,
    named: Result<Path<(String, String)>, PathRejection>,
) -> HandlerResult<RecoveryCodes> {
    let Path((organization, member)) = named.map_err(unreadable)?;
    let member_id = app.state().b2b.member(&organization, &member)?.member_id.clone();
    RecoveryCodes::of(&app, &member_id)
}

pub(super) async fn rotate(
    State(app): Shared,
    Body(request): Body<Of>,
) -> HandlerResult<RecoveryCodes> {
    let member_id = request.member_id(&app)?;
    app.state().b2b.rotate_recovery_codes(&member_id)?;
    RecoveryCodes::of(&app, &member_id)
}

#[derive(Deserialize)]
pub(super) struct Recover {
    #[serde(flatten)]
    of: Of,
    recovery_code: String,
    #[serde(flatten)]
    session: MemberSessionFields,
}

#[derive(Serialize)]
pub(super) struct Recovered {
    recovery_codes_remaining: usize,
    #[serde(flatten)]
    authenticated: Authenticated,
}

pub(super) async fn recover(
    State(app): Shared,
    Body(request): Body<Recover>,
) -> HandlerResult<Recovered> {
    let member_request = request.session.check(&app)?;
    let member_id = request.of.member_id(&app)?;
    let now = app.now();
    let session =
        app.state().recover_member(&member_id, &request.recovery_code, member_request, now)?;
    let recovery_codes_remaining = recovery_codes(&app, &member_id)?.len();
    let authenticated = Authenticated::new(&app, &member_id, Some(session), now)?;
    Ok(Reply(Recovered { recovery_codes_remaining, authenticated }))
}
