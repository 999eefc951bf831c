//! `/v1/totps`

use axum::extract::State;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use qrcode::{QrCode, render::svg};
use serde::{Deserialize, Serialize};

use super::{
    Body, Shared,
    reply::{Authenticated, HandlerResult, Reply},
    request::{SessionFields, minutes},
};
use crate::{error::Refusal, state::User};

#[derive(Deserialize)]
pub(crate) struct Create {
    user_id: String,
    expiration_minutes: Option<i64>,
}

#[derive(Serialize)]
pub(crate) struct Created {
    totp_id: String,
    secret: String,
    qr_code: String,
    recovery_codes: Vec<String>,
    user: User,
    user_id: String,
}

pub(crate) async fn create(
    State(app): Shared,
    Body(request): Body<Create>,
) -> HandlerResult<Created> {
    let pending = minutes(request.expiration_minutes, 1440, 5..=1440, Refusal::InvalidExpiration)?;
    let (new, user) = {
        let mut state = app.state();
        let new = state.create_totp(&request.user_id, pending, app.now())?;
        (new, state.users.get(&request.user_id)?.clone())
    };
    Ok(Reply(Created {
        totp_id: new.totp_id,
        secret: new.secret,
        qr_code: qr_code(&new.url)?,
        recovery_codes: new.recovery_codes,
        user,
        user_id: request.user_id,
    }))
}

/// Returns a data URL of an SVG. Stytch sends a PNG, and an `<img>` can show both.
pub(crate) fn qr_code(url: &str) -> Result<String, Refusal> {
    let code = QrCode::new(url).map_err(|_| Refusal::Internal)?;
    let image = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    Ok(format!("data:image/svg+xml;base64,{}", STANDARD.encode(image)))
}

#[derive(Deserialize)]
pub(crate) struct Authenticate {
    user_id: String,
    totp_code: String,
    #[serde(flatten)]
    session: SessionFields,
}

#[derive(Serialize)]
pub(crate) struct TotpAuthenticated {
    totp_id: String,
    #[serde(flatten)]
    authenticated: Authenticated,
}

pub(crate) async fn authenticate(
    State(app): Shared,
    Body(request): Body<Authenticate>,
) -> HandlerResult<TotpAuthenticated> {
    let session_request = request.session.check(&app)?;
    let now = app.now();
    let (user, totp_id, session) = {
        let mut state = app.state();
        let (totp_id, session) =
            state.authenticate_totp(&request.user_id, &request.totp_code, session_request, now)?;
        (state.users.get(&request.user_id)?.clone(), totp_id, session)
    };
    Ok(Reply(TotpAuthenticated {
        totp_id,
        authenticated: Authenticated::new(&app, user, session, now)?,
    }))
}

#[derive(Deserialize)]
pub(crate) struct Recover {
    user_id: String,
    recovery_code: String,
    #[serde(flatten)]
    session: SessionFields,
}

pub(crate) async fn recover(
    State(app): Shared,
    Body(request): Body<Recover>,
) -> HandlerResult<TotpAuthenticated> {
    let session_request = request.session.check(&app)?;
    let now = app.now();
    let (user, totp_id, session) = {
        let mut state = app.state();
        let (totp_id, session) =
            state.recover(&request.user_id, &request.recovery_code, session_request, now)?;
        (state.users.get(&request.user_id)?.clone(), totp_id, session)
    };
    Ok(Reply(TotpAuthenticated {
        totp_id,
        authenticated: Authenticated::new(&app, user, session, now)?,
    }))
}

#[derive(Deserialize)]
pub(crate) struct RecoveryCodes {
    user_id: String,
}

#[derive(Serialize)]
pub(crate) struct RecoveryCodesOf {
    user_id: String,
    totps: Vec<TotpWithCodes>,
}

#[derive(Serialize)]
struct TotpWithCodes {
    totp_id: String,
    verified: bool,
    recovery_codes: Vec<String>,
}

pub(crate) async fn recovery_codes(
    State(app): Shared,
    Body(request): Body<RecoveryCodes>,
) -> HandlerResult<RecoveryCodesOf> {
    let user = app.state().users.get(&request.user_id)?.clone();
    let with_codes = |totp: crate::state::Totp| TotpWithCodes {
        totp_id: totp.totp_id,
        verified: totp.verified,
        recovery_codes: totp.recovery_codes,
    };
    Ok(Reply(RecoveryCodesOf {
        user_id: user.user_id,
        totps: user.totps.into_iter().map(with_codes).collect(),
    }))
}
