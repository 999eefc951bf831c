//! The sessions that result from an authentication: when one begins, and when one replaces another.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::{Attributes, Factor, FactorDetail, Session, State, sessions::merge_claims};
use crate::error::Refusal;

/// The maximum size of a session's custom claims as JSON, in bytes.
const CLAIMS_SIZE: usize = 4096;

/// The checked session fields of an authenticate call.
#[derive(Debug, Default)]
pub(crate) struct SessionRequest {
    /// The session to which the factor is added.
    pub(crate) session: SessionOf,
    pub(crate) life: Option<Duration>,
    pub(crate) custom_claims: Map<String, Value>,
    pub(crate) attributes: Option<Attributes>,
}

/// A session, named by its token or by the id in its JWT.
#[derive(Default)]
pub(crate) enum SessionOf {
    #[default]
    None,
    Token(String),
    Id(String),
}

impl State {
    /// Returns the active session that `of` names, if it names one.
    pub(crate) fn session(
        &self,
        of: &SessionOf,
        now: OffsetDateTime,
    ) -> Result<Option<&Session>, Refusal> {
        self.sessions.named(of, now)
    }

    /// Refuses session fields that are not possible for this user. Runs before a code is used up.
    pub(super) fn check_session_request(
        &self,
        request: &SessionRequest,
        user_id: &str,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let original = self.session(&request.session, now)?;
        if original.is_some_and(|session| session.user_id != user_id) {
            return Err(Refusal::UserIdMismatch);
        }
        check_size(original, &request.custom_claims)
    }

    /// Refuses custom claims that are too large for a new session.
    pub(super) fn check_claims(&self, request: &SessionRequest) -> Result<(), Refusal> {
        check_size(None, &request.custom_claims)
    }

    /// Returns the session that results when the user proves `detail`: a successor of the session
    /// that the request names, or a new session if it names none and has a duration. Otherwise
    /// returns `None`.
    pub(super) fn grant(
        &mut self,
        user_id: &str,
        detail: FactorDetail,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<Option<Session>, Refusal> {
        self.check_session_request(&request, user_id, now)?;
        let original = self.session(&request.session, now)?.map(|session| session.id.clone());
        let mut session = match (original, request.life) {
            (Some(id), life) => self.sessions.succeed(&id, detail, life, now)?,
            (None, Some(life)) => {
                let user = self.users.get(user_id)?;
                let factors = vec![Factor::new(detail, now)];
                self.sessions.begin(user_id, user.roles.clone(), factors, life, now)
            }
            (None, None) => return Ok(None),
        };
        merge_claims(&mut session.custom_claims, request.custom_claims);
        if let Some(attributes) = request.attributes {
            session.attributes = attributes;
        }
        self.sessions.keep(session.clone(), now);
        Ok(Some(session))
    }

    /// Records an access to the named session at `now`. It also changes the session's expiry and
    /// claims if the caller asked for that.
    pub(crate) fn access(
        &mut self,
        request: SessionRequest,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let session = self.session(&request.session, now)?.ok_or(Refusal::NoSessionArguments)?;
        check_size(Some(session), &request.custom_claims)?;
        let id = session.id.clone();
        self.sessions.access(&id, request.life, request.custom_claims, now)
    }
}

/// Refuses claims that would make the session's claims too large.
pub(crate) fn check_size(
    session: Option<&Session>,
    more: &Map<String, Value>,
) -> Result<(), Refusal> {
    let mut claims = session.map(|session| session.custom_claims.clone()).unwrap_or_default();
    merge_claims(&mut claims, more.clone());
    let size = serde_json::to_vec(&claims).map_or(usize::MAX, |json| json.len());
    if size > CLAIMS_SIZE { Err(Refusal::ClaimsTooLarge) } else { Ok(()) }
}

impl std::fmt::Debug for SessionOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token",
            Self::Id(_) => "Id",
        })
    }
}
