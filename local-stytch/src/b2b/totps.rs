//! `/v1/b2b/totp`

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::{
    reply::{Authenticated, MemberReply},
    request::{MemberSessionFields, MfaFields, Of},
};
use crate::{
    api::{
        Body, Shared,
        reply::{HandlerResult, Reply},
        request::minutes,
        totps::qr_code,
    },
    error::Refusal,
};

#[derive(Deserialize)]
pub(super) struct Create {
    #[serde(flatten)]
    of: Of,
    expiration_minutes: Option<i64>,
    #[serde(flatten)]
    session: MemberSessionFields,
}

#[derive(Serialize)]
pub(super) struct Created {
    totp_registration_id: String,
    secret: String,
    qr_code: String,
    recovery_codes: Vec<String>,
    #[serde(flatten)]
    of: MemberReply,
}

pub(super) async fn create(
    State(app): Shared,
    Body(request): Body<Create>,
) -> HandlerResult<Created> {
    let pending = minutes(request.expiration_minutes, 60, 5..=1440, Refusal::InvalidExpiration)?;
    let member_request = request.session.check(&app)?;
    let member_id = request.of.member_id(&app)?;
    let new = app.state().create_member_totp(&member_id, pending, &member_request, app.now())?;
    Ok(Reply(Created {
        totp_registration_id: new.totp_id,
        secret: new.secret,
        qr_code: qr_code(&new.url)?,
        recovery_codes: new.recovery_codes,
        of: MemberReply::of(&app, &member_id)?,
    }))
}

#[derive(Deserialize)]
pub(super) struct Authenticate {
    #[serde(flatten)]
    of: Of,
    code: String,
    #[serde(flatten)]
    mfa: MfaFields,
    #[serde(flatten)]
    session: MemberSessionFields,
}

pub(super) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<Authenticated> {
    let (changes, member_request) = (request.mfa.check()?, request.session.check(&app)?);
    let member_id = request.of.member_id(&app)?;
    let now = app.now();
    let session = app.state().authenticate_member_totp(
        &member_id,
        &request.code,
        member_request,
        changes,
        now,
    )?;
    Ok(Reply(Authenticated::new(&app, &member_id, Some(session), now)?))
}
