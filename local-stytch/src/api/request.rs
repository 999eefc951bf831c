//! Requests as the SDKs send them. They are JSON, fields that are not set may be null, and unknown
//! fields are ignored.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::StatusCode,
    response::IntoResponse as _,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use time::Duration;

use super::plain_json::PlainJson;
use crate::{
    app::App,
    error::Refusal,
    jwt::{self, BadClaim},
    state::{Attributes, METADATA, Required, SessionOf, SessionRequest},
};

/// The maximum size of a request's body, in bytes.
pub(crate) const BODY: usize = 32 * 1024;
/// How long a request's body may take to arrive, by the system's clock.
const BODY_TIME: std::time::Duration = std::time::Duration::from_secs(5);

/// A JSON body. The media type does not matter.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let too_large = |rejection: BytesRejection| match rejection.into_response().status() {
            StatusCode::PAYLOAD_TOO_LARGE => Refusal::RequestTooLarge,
            _ => Refusal::InvalidRequest("The request's body ended early.".into()),
        };
        let bytes = tokio::time::timeout(BODY_TIME, Bytes::from_request(request, state)).await;
        let bytes = bytes.map_err(|_| Refusal::RequestTimeout)?.map_err(too_large)?;
        let invalid = |error: serde_json::Error| {
            Refusal::InvalidRequest(format!("The request's JSON is invalid: {error}."))
        };
        serde_json::from_slice::<PlainJson>(&bytes).map_err(invalid)?;
        serde_json::from_slice(&bytes).map(Self).map_err(invalid)
    }
}

/// The fields for a session that the call may begin.
#[derive(Default, Deserialize)]
pub(crate) struct NewSessionFields {
    session_duration_minutes: Option<i64>,
    session_custom_claims: Option<Value>,
}

impl NewSessionFields {
    pub(crate) fn check(self) -> Result<SessionRequest, Refusal> {
        let life = match self.session_duration_minutes {
            None => None,
            Some(minutes @ 5..=527_040) => Some(Duration::minutes(minutes)),
            Some(_) => return Err(Refusal::InvalidSessionDuration),
        };
        Ok(SessionRequest {
            life,
            custom_claims: check_claims(self.session_custom_claims)?,
            ..SessionRequest::default()
        })
    }
}

/// The session fields of every authenticate call.
#[derive(Default, Deserialize)]
pub(crate) struct SessionFields {
    session_token: Option<String>,
    session_jwt: Option<String>,
    attributes: Option<Attributes>,
    #[serde(flatten)]
    new: NewSessionFields,
}

impl SessionFields {
    pub(crate) fn check(self, app: &App) -> Result<SessionRequest, Refusal> {
        let session_request = self.new.check()?;
        let session = session_of(app, self.session_token, self.session_jwt)?;
        Ok(SessionRequest {
            session,
            attributes: check_attributes(self.attributes)?,
            ..session_request
        })
    }
}

/// Returns the session that a token or a JWT names. Giving both is an error.
pub(crate) fn session_of(
    app: &App,
    token: Option<String>,
    jwt: Option<String>,
) -> Result<SessionOf, Refusal> {
    match (given(token), given(jwt)) {
        (None, None) => Ok(SessionOf::None),
        (Some(token), None) => Ok(SessionOf::Token(token)),
        (None, Some(jwt)) => jwt::session_id(&jwt, &app.keys())
            .map(SessionOf::Id)
            .ok_or(Refusal::UnparsableSessionJwt),
        (Some(_), Some(_)) => Err(Refusal::TooManySessionArguments),
    }
}

/// Returns the session that an id, a token or a JWT names. More than one of them is an error.
pub(crate) fn one_session(
    app: &App,
    id: Option<String>,
    token: Option<String>,
    jwt: Option<String>,
) -> Result<SessionOf, Refusal> {
    match (given(id), given(token), given(jwt)) {
        (Some(id), None, None) => Ok(SessionOf::Id(id)),
        (None, token, None) => session_of(app, token, None),
        (None, None, jwt) => session_of(app, None, jwt),
        _ => Err(Refusal::TooManySessionRevokeArguments),
    }
}

/// Returns the field, or `None` if it is empty.
pub(crate) fn given(field: Option<String>) -> Option<String> {
    field.filter(|field| !field.is_empty())
}

fn check_claims(claims: Option<Value>) -> Result<Map<String, Value>, Refusal> {
    let claims = match claims {
        None | Some(Value::Null) => return Ok(Map::new()),
        Some(Value::Object(claims)) => claims,
        Some(_) => return Err(Refusal::ClaimsNotAnObject),
    };
    match jwt::check_custom_claims(&claims) {
        Ok(()) => Ok(claims),
        Err(BadClaim::Reserved) => Err(Refusal::ClaimsReserved),
        Err(BadClaim::Stytch) => Err(Refusal::ClaimsStytch),
    }
}

/// Checks that attributes are short enough to keep: 64 bytes of address and 512 of user agent.
pub(crate) fn check_attributes(
    attributes: Option<Attributes>,
) -> Result<Option<Attributes>, Refusal> {
    match attributes {
        Some(attributes)
            if attributes.ip_address.len() > 64 || attributes.user_agent.len() > 512 =>
        {
            Err(Refusal::InvalidField(
                "attributes are limited to 64 bytes of ip_address and 512 of user_agent.",
            ))
        }
        attributes => Ok(attributes),
    }
}

/// The `options` of an authenticate call: which attributes must be the same as in the send call.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Options {
    ip_match_required: bool,
    user_agent_match_required: bool,
}

impl Options {
    pub(crate) fn require(options: Option<Self>, session_request: &SessionRequest) -> Required {
        let options = options.unwrap_or_default();
        Required {
            attributes: session_request.attributes.clone().unwrap_or_default(),
            ip: options.ip_match_required,
            user_agent: options.user_agent_match_required,
        }
    }
}

pub(crate) fn metadata(metadata: Option<Value>) -> Result<Map<String, Value>, Refusal> {
    match metadata {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(metadata)) => {
            let size = serde_json::to_vec(&metadata).map_or(usize::MAX, |json| json.len());
            if size > METADATA { Err(Refusal::MetadataTooLarge) } else { Ok(metadata) }
        }
        Some(_) => Err(Refusal::MetadataTooLarge),
    }
}

/// Returns the refusal for a path or query that axum could not read.
pub(crate) fn unreadable(rejection: impl std::fmt::Display) -> Refusal {
    Refusal::InvalidRequest(format!("The request's address is invalid: {rejection}."))
}

/// Returns the minutes, or the default, if they are within `range`.
pub(crate) fn minutes(
    minutes: Option<i64>,
    default: i64,
    range: std::ops::RangeInclusive<i64>,
    refusal: Refusal,
) -> Result<Duration, Refusal> {
    let minutes = minutes.unwrap_or(default);
    if range.contains(&minutes) { Ok(Duration::minutes(minutes)) } else { Err(refusal) }
}
