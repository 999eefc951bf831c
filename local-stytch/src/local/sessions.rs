//! `/local/sessions`: sessions as a test needs them.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Body, NewSessionFields, Shared, mint, one_session},
    error::Refusal,
    state::{FactorKind, Session},
};

#[derive(Deserialize)]
pub(super) struct Create {
    user_id: String,
    factors: Vec<Proof>,
    #[serde(flatten)]
    session: NewSessionFields,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    kind: FactorKind,
    #[serde(default)]
    age_seconds: u32,
}

#[derive(Serialize)]
pub(super) struct Created {
    session: Session,
    session_token: String,
    session_jwt: String,
}

pub(super) async fn create(
    State(app): Shared,
    Body(request): Body<Create>,
) -> Result<Json<Created>, Refusal> {
    let session_request = request.session.check()?;
    let proof = |proof: Proof| (proof.kind, time::Duration::seconds(proof.age_seconds.into()));
    let proofs = request.factors.into_iter().map(proof).collect();
    let now = app.now();
    let session = app.state().make_session(&request.user_id, proofs, session_request, now)?;
    let session_jwt = mint(&app, &session, now)?;
    Ok(Json(Created { session_token: session.token.0.clone(), session, session_jwt }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Age {
    session_id: Option<String>,
    session_token: Option<String>,
    session_jwt: Option<String>,
    seconds: u32,
}

#[derive(Serialize)]
pub(super) struct Aged {
    session: Session,
}

pub(super) async fn age(
    State(app): Shared,
    Body(request): Body<Age>,
) -> Result<Json<Aged>, Refusal> {
    let session =
        one_session(&app, request.session_id, request.session_token, request.session_jwt)?;
    let by = time::Duration::seconds(request.seconds.into());
    Ok(Json(Aged { session: app.state().age_session(&session, by, app.now())? }))
}
