//! What an authentication yields: the rule of when a session begins, and when one succeeds another.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::{Attributes, FactorDetail, Session, State, sessions::merge_claims};
use crate::error::Refusal;

/// Bytes of a session's custom claims in JSON.
const CLAIMS_SIZE: usize = 4096;

/// What an authenticate call says about sessions, checked.
#[derive(Debug, Default)]
pub(crate) struct SessionWish {
    /// The session that the factor is added to.
    pub(crate) session: SessionOf,
    pub(crate) life: Option<Duration>,
    pub(crate) custom_claims: Map<String, Value>,
    pub(crate) attributes: Option<Attributes>,
}

/// A session named by its token or by the id in its JWT.
#[derive(Default)]
pub(crate) enum SessionOf {
    #[default]
    None,
    Token(String),
    Id(String),
}

impl State {
    /// The active session that `of` names, if it names one.
    pub(crate) fn session(
        &self,
        of: &SessionOf,
        now: OffsetDateTime,
    ) -> Result<Option<&Session>, Refusal> {
        let id = match of {
            SessionOf::None => return Ok(None),
            SessionOf::Token(token) => {
                self.sessions.id_of_token(token).ok_or(Refusal::SessionNotFound)?
            }
            SessionOf::Id(id) => id,
        };
        self.sessions.get(id, now).map(Some)
    }

    /// Refuses a wish that cannot be granted to the user. Called before a code is used up.
    pub(super) fn check_wish(
        &self,
        wish: &SessionWish,
        user_id: &str,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let original = self.session(&wish.session, now)?;
        if original.is_some_and(|session| session.user_id != user_id) {
            return Err(Refusal::UserIdMismatch);
        }
        check_size(original, &wish.custom_claims)
    }

    /// Refuses a wish for a new session that cannot be granted to anyone.
    pub(super) fn check_claims(&self, wish: &SessionWish) -> Result<(), Refusal> {
        check_size(None, &wish.custom_claims)
    }

    /// The session that `detail`, just proved by the user, leads to:
    /// a successor of the session named, else a new one if a life was wished for, else none.
    pub(super) fn grant(
        &mut self,
        user_id: &str,
        detail: FactorDetail,
        wish: SessionWish,
        now: OffsetDateTime,
    ) -> Result<Option<Session>, Refusal> {
        self.check_wish(&wish, user_id, now)?;
        let original = self.session(&wish.session, now)?.map(|session| session.id.clone());
        let mut session = match (original, wish.life) {
            (Some(id), life) => self.sessions.succeed(&id, detail, life, now)?,
            (None, Some(life)) => {
                let user = self.users.get(user_id)?;
                self.sessions.begin(user, detail, life, now)
            }
            (None, None) => return Ok(None),
        };
        merge_claims(&mut session.custom_claims, wish.custom_claims);
        if let Some(attributes) = wish.attributes {
            session.attributes = attributes;
        }
        self.sessions.keep(session.clone(), now);
        Ok(Some(session))
    }

    /// The session that the wish names, accessed at `now`, its life renewed and its claims changed
    /// if so wished.
    pub(crate) fn access(
        &mut self,
        wish: SessionWish,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let session = self.session(&wish.session, now)?.ok_or(Refusal::NoSessionArguments)?;
        check_size(Some(session), &wish.custom_claims)?;
        let id = session.id.clone();
        self.sessions.access(&id, wish.life, wish.custom_claims, now)
    }
}

/// Refuses claims that would make those of the session too large.
fn check_size(session: Option<&Session>, more: &Map<String, Value>) -> Result<(), Refusal> {
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
