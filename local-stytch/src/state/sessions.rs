//! Sessions: how they begin, are extended, are replaced and are revoked.
//!
//! A successor is the session that replaces another one when the user proves a factor in it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::{Factor, FactorDetail, SessionOf, factors::prove};
use crate::{bounded::Bounded, error::Refusal, random, stamp::Stamp};

/// The maximum number of sessions. If a new session does not fit, ended sessions are removed. If
/// there are none, the oldest session is ended.
const CAPACITY: usize = 10_000;

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    /// The id of the user, or of the member in a B2B session.
    pub(crate) user_id: String,
    pub(crate) factors: Vec<Factor>,
    pub(crate) roles: Vec<String>,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) last_accessed_at: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
    pub(crate) attributes: Attributes,
    pub(crate) custom_claims: Map<String, Value>,
    pub(crate) token: Token,
    /// The end of the grace, if a successor has replaced this session.
    pub(super) ends_at: Option<OffsetDateTime>,
}

/// An opaque session token, hidden from `Debug`.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) String);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attributes {
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) ip_address: String,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) user_agent: String,
}

pub(crate) struct Sessions {
    /// The beginning of the sessions' ids.
    prefix: &'static str,
    grace: Duration,
    by_id: Bounded<Session>,
    ids_by_token: HashMap<String, String>,
}

impl Sessions {
    pub(super) fn grace(&self) -> Duration {
        self.grace
    }

    pub(crate) fn new(prefix: &'static str, grace: Duration) -> Self {
        Self { prefix, grace, by_id: Bounded::new(CAPACITY), ids_by_token: HashMap::new() }
    }

    /// Returns the active session that `of` names, if it names one.
    pub(crate) fn named(
        &self,
        of: &SessionOf,
        now: OffsetDateTime,
    ) -> Result<Option<&Session>, Refusal> {
        let id = match of {
            SessionOf::None => return Ok(None),
            SessionOf::Token(token) => self.id_of_token(token).ok_or(Refusal::SessionNotFound)?,
            SessionOf::Id(id) => id,
        };
        self.get(id, now).map(Some)
    }

    pub(crate) fn id_of_token(&self, token: &str) -> Option<&str> {
        self.ids_by_token.get(token).map(String::as_str)
    }

    pub(crate) fn get(&self, id: &str, now: OffsetDateTime) -> Result<&Session, Refusal> {
        self.by_id.get(id).filter(|session| session.is_active(now)).ok_or(Refusal::SessionNotFound)
    }

    pub(crate) fn of_user(&self, user_id: &str, now: OffsetDateTime) -> Vec<Session> {
        let active = |session: &&Session| session.user_id == user_id && session.is_active(now);
        self.by_id.values().filter(active).cloned().collect()
    }

    /// Returns a new session of the user that begins at `now` with these factors.
    pub(crate) fn begin(
        &self,
        user_id: &str,
        roles: Vec<String>,
        factors: Vec<Factor>,
        life: Duration,
        now: OffsetDateTime,
    ) -> Session {
        Session {
            id: random::id(self.prefix),
            user_id: user_id.to_owned(),
            factors,
            roles,
            started_at: now,
            last_accessed_at: now,
            expires_at: now + life,
            attributes: Attributes::default(),
            custom_claims: Map::new(),
            token: Token(random::token()),
            ends_at: None,
        }
    }

    /// Returns a successor of session `id`, in which the user has proved `detail` too. The original
    /// ends after the grace.
    pub(crate) fn succeed(
        &mut self,
        id: &str,
        detail: FactorDetail,
        life: Option<Duration>,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let ends_at = now + self.grace;
        let original = self
            .by_id
            .get_mut(id)
            .filter(|it| it.is_active(now))
            .ok_or(Refusal::SessionNotFound)?;
        let mut successor = original.clone();
        original.ends_at = Some(original.ends_at.map_or(ends_at, |before| before.min(ends_at)));

        successor.id = random::id(self.prefix);
        successor.token = Token(random::token());
        successor.started_at = now;
        successor.last_accessed_at = now;
        successor.ends_at = None;
        if let Some(life) = life {
            successor.expires_at = now + life;
        }
        prove(&mut successor.factors, detail, now);
        Ok(successor)
    }

    pub(crate) fn keep(&mut self, session: Session, now: OffsetDateTime) {
        let Self { by_id, ids_by_token, .. } = self;
        if by_id.is_full() {
            by_id.retain(|held| held.is_active(now));
            ids_by_token.retain(|_, id| by_id.get(id).is_some());
        }
        ids_by_token.insert(session.token.0.clone(), session.id.clone());
        if let Some(oldest) = by_id.insert(session.id.clone(), session) {
            ids_by_token.remove(&oldest.token.0);
        }
    }

    pub(crate) fn access(
        &mut self,
        id: &str,
        life: Option<Duration>,
        claims: Map<String, Value>,
        now: OffsetDateTime,
    ) -> Result<Session, Refusal> {
        let session = self
            .by_id
            .get_mut(id)
            .filter(|it| it.is_active(now))
            .ok_or(Refusal::SessionNotFound)?;
        session.last_accessed_at = now;
        if let Some(life) = life {
            session.expires_at = now + life;
        }
        merge_claims(&mut session.custom_claims, claims);
        Ok(session.clone())
    }

    /// Replaces the session with the same id and token. It keeps its place in the order.
    pub(super) fn replace(&mut self, session: Session) {
        if let Some(held) = self.by_id.get_mut(&session.id) {
            *held = session;
        }
    }

    /// Ends all sessions of the user, or all but the one with the id `except`.
    pub(crate) fn end_all(&mut self, user_id: &str, except: Option<&str>) {
        let Self { by_id, ids_by_token, .. } = self;
        by_id.retain(|held| held.user_id != user_id || Some(&*held.id) == except);
        ids_by_token.retain(|_, id| by_id.get(id).is_some());
    }

    pub(crate) fn revoke(&mut self, id: &str, now: OffsetDateTime) -> Result<(), Refusal> {
        let session = self.by_id.remove(id).ok_or(Refusal::SessionNotFound)?;
        self.ids_by_token.remove(&session.token.0);
        if session.is_active(now) { Ok(()) } else { Err(Refusal::SessionNotFound) }
    }
}

impl Session {
    fn is_active(&self, now: OffsetDateTime) -> bool {
        now < self.expires_at && self.ends_at.is_none_or(|end| now < end)
    }
}

/// Applies changes to claims. Null removes a claim.
pub(crate) fn merge_claims(claims: &mut Map<String, Value>, changes: Map<String, Value>) {
    for (name, value) in changes {
        if value.is_null() {
            claims.remove(&name);
        } else {
            claims.insert(name, value);
        }
    }
}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut session = serializer.serialize_struct("Session", 9)?;
        session.serialize_field("session_id", &self.id)?;
        session.serialize_field("user_id", &self.user_id)?;
        session.serialize_field("authentication_factors", &self.factors)?;
        session.serialize_field("roles", &self.roles)?;
        session.serialize_field("started_at", &Stamp(self.started_at))?;
        session.serialize_field("last_accessed_at", &Stamp(self.last_accessed_at))?;
        session.serialize_field("expires_at", &Stamp(self.expires_at))?;
        session.serialize_field("attributes", &self.attributes)?;
        session.serialize_field("custom_claims", &self.custom_claims)?;
        session.end()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

fn null_as_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{NewUser, State};

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn begin(state: &mut State, user_id: &str, life: Duration, now: OffsetDateTime) -> Session {
        let factors = vec![Factor::new(FactorDetail::Password {}, now)];
        let session = state.sessions.begin(user_id, Vec::new(), factors, life, now);
        state.sessions.keep(session.clone(), now);
        session
    }

    #[test]
    fn a_full_store_drops_ended_sessions_first_and_then_the_oldest() {
        let mut state = State::new(Duration::seconds(5));
        let user_id = state.users.create(NewUser::default(), START).unwrap().user_id.clone();
        let oldest = begin(&mut state, &user_id, Duration::HOUR, START);
        let short = begin(&mut state, &user_id, Duration::MINUTE, START);
        for _ in 2..CAPACITY {
            begin(&mut state, &user_id, Duration::HOUR, START);
        }
        let later = START + Duration::MINUTE;
        begin(&mut state, &user_id, Duration::HOUR, later);
        assert!(state.sessions.get(&oldest.id, later).is_ok(), "an ended session made room");
        assert!(state.sessions.id_of_token(&short.token.0).is_none());

        begin(&mut state, &user_id, Duration::HOUR, later);
        assert!(state.sessions.get(&oldest.id, later).is_err());
        assert!(state.sessions.id_of_token(&oldest.token.0).is_none());
        assert_eq!(state.sessions.ids_by_token.len(), CAPACITY);
        assert_eq!(state.sessions.of_user(&user_id, later).len(), CAPACITY);
    }

    #[test]
    fn the_grace_of_an_original_is_not_renewed_by_another_successor() {
        let mut state = State::new(Duration::seconds(5));
        let user_id = state.users.create(NewUser::default(), START).unwrap().user_id.clone();
        let original = begin(&mut state, &user_id, Duration::HOUR, START);
        let mut succeed = |seconds| {
            let now = START + Duration::seconds(seconds);
            let session =
                state.sessions.succeed(&original.id, FactorDetail::Password {}, None, now)?;
            state.sessions.keep(session.clone(), now);
            Ok(session.expires_at)
        };
        assert_eq!(succeed(0), Ok(original.expires_at));
        assert_eq!(succeed(4), Ok(original.expires_at));
        assert_eq!(succeed(5), Err(Refusal::SessionNotFound));
        let later = START + Duration::MINUTE;
        assert_eq!(state.sessions.of_user(&user_id, later).len(), 2, "the successors go on");
    }
}
