//! `/v1/b2b/otps`

use axum::extract::State;
use serde::Deserialize;

use super::{
    reply::{Authenticated, MemberReply},
    request::{MemberSessionFields, MfaFields, Of},
};
use crate::{
    api::{
        Body, Shared,
        reply::{HandlerResult, Reply},
        request::given,
    },
    state::Contact,
};

#[derive(Deserialize)]
pub(super) struct Send {
    #[serde(flatten)]
    of: Of,
    mfa_phone_number: Option<String>,
    #[serde(flatten)]
    session: MemberSessionFields,
}

pub(super) async fn send(
    State(app): Shared,
    Body(request): Body<Send>,
) -> HandlerResult<MemberReply> {
    let number = given(request.mfa_phone_number).as_deref().map(Contact::phone).transpose()?;
    let member_request = request.session.check(&app)?;
    let member_id = request.of.member_id(&app)?;
    app.state().send_sms(&member_id, number, &member_request, app.now())?;
    Ok(Reply(MemberReply::of(&app, &member_id)?))
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
    let session =
        app.state().authenticate_sms(&member_id, &request.code, member_request, changes, now)?;
    Ok(Reply(Authenticated::new(&app, &member_id, Some(session), now)?))
}
