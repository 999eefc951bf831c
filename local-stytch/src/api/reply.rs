//! Responses in Stytch's shape.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    app::App,
    error::Refusal,
    jwt, random,
    state::{Session, User},
};

/// `body`, with `status_code` and `request_id` next to its fields.
pub(crate) struct Reply<T>(pub(crate) T);

/// The result of a handler.
pub(crate) type HandlerResult<T> = Result<Reply<T>, Refusal>;

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Envelope<T> {
            status_code: u16,
            request_id: String,
            #[serde(flatten)]
            body: T,
        }
        Json(Envelope { status_code: 200, request_id: random::id("request-id"), body: self.0 })
            .into_response()
    }
}

/// The fields that every authenticate call returns.
#[derive(Serialize)]
pub(crate) struct Authenticated {
    user_id: String,
    /// Empty without a session.
    session_token: String,
    /// Empty without a session.
    session_jwt: String,
    session: Option<Session>,
    user: User,
    /// Always null, because the stand-in has no device fingerprinting.
    user_device: (),
}

impl Authenticated {
    pub(crate) fn new(
        app: &App,
        user: User,
        session: Option<Session>,
        now: OffsetDateTime,
    ) -> Result<Self, Refusal> {
        let (session_token, session_jwt) = match &session {
            Some(session) => (session.token.0.clone(), mint(app, session, now)?),
            None => Default::default(),
        };
        Ok(Self {
            user_id: user.user_id.clone(),
            session_token,
            session_jwt,
            session,
            user,
            user_device: (),
        })
    }
}

pub(crate) fn mint(app: &App, session: &Session, now: OffsetDateTime) -> Result<String, Refusal> {
    jwt::mint(session, None, &app.credentials.project_id, &app.keys(), now).ok_or(Refusal::Internal)
}
