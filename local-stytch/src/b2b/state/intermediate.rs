//! Intermediate sessions: what a member has proved before MFA is complete.

use time::{Duration, OffsetDateTime};

use super::B2b;
use crate::{
    b2b::B2bRefusal,
    bounded::Bounded,
    error::Refusal,
    random,
    state::{Factor, SessionOf, SessionRequest, check_size},
};

/// How long an intermediate session is valid.
const LIFE: Duration = Duration::minutes(10);
/// The maximum number of intermediate sessions. Beyond it, the oldest is dropped.
const CAPACITY: usize = 10_000;

pub(super) struct Intermediates {
    by_token: Bounded<Intermediate>,
}

#[derive(Clone)]
pub(super) struct Intermediate {
    pub(super) token: String,
    pub(super) member_id: String,
    pub(super) factors: Vec<Factor>,
    pub(super) expires_at: OffsetDateTime,
}

/// The checked session fields of a call that authenticates a member.
#[derive(Default)]
pub(crate) struct MemberRequest {
    pub(crate) session: SessionRequest,
    pub(crate) intermediate: Option<String>,
}

/// The content of the session fields of a call.
pub(crate) enum Holder {
    Nothing,
    /// The id of a session of the member.
    Session(String),
    /// The token of an intermediate session of the member.
    Intermediate(String),
    /// A session of someone else.
    OtherMember,
}

impl Default for Intermediates {
    fn default() -> Self {
        Self { by_token: Bounded::new(CAPACITY) }
    }
}

impl Intermediates {
    /// Begins an intermediate session, or keeps one that has changed.
    pub(super) fn keep(&mut self, intermediate: Intermediate) {
        self.by_token.insert(intermediate.token.clone(), intermediate);
    }

    pub(super) fn get(&self, token: &str, now: OffsetDateTime) -> Result<&Intermediate, Refusal> {
        let held = self.by_token.get(token).filter(|held| now < held.expires_at);
        held.ok_or(B2bRefusal::IntermediateSessionNotFound.into())
    }

    pub(super) fn take(
        &mut self,
        token: &str,
        now: OffsetDateTime,
    ) -> Result<Intermediate, Refusal> {
        let held = self.by_token.remove(token).filter(|held| now < held.expires_at);
        held.ok_or(B2bRefusal::IntermediateSessionNotFound.into())
    }

    /// Ends the intermediate sessions of the member, except for the one with the token `spared`.
    pub(super) fn end_all(&mut self, member_id: &str, spared: Option<&str>) {
        self.by_token
            .retain(|held| held.member_id != member_id || Some(held.token.as_str()) == spared);
    }
}

impl Intermediate {
    pub(super) fn new(member_id: &str, factors: Vec<Factor>, now: OffsetDateTime) -> Self {
        Self {
            token: random::token(),
            member_id: member_id.to_owned(),
            factors,
            expires_at: now + LIFE,
        }
    }
}

impl B2b {
    /// Returns what a call's session fields hold, and refuses fields that are not possible. Runs
    /// before a code is used up.
    pub(crate) fn holder(
        &self,
        request: &MemberRequest,
        member_id: &str,
        now: OffsetDateTime,
    ) -> Result<Holder, Refusal> {
        let session = self.sessions.named(&request.session.session, now)?;
        let own = session.filter(|session| session.user_id == member_id);
        check_size(own, &request.session.custom_claims)?;
        match (&request.session.session, own, &request.intermediate) {
            (SessionOf::None, _, None) => Ok(Holder::Nothing),
            (SessionOf::None, _, Some(token)) => {
                if self.intermediates.get(token, now)?.member_id != member_id {
                    return Err(B2bRefusal::IntermediateSessionNotFound.into());
                }
                Ok(Holder::Intermediate(token.clone()))
            }
            (_, Some(session), None) => Ok(Holder::Session(session.id.clone())),
            (_, None, None) => Ok(Holder::OtherMember),
            (_, _, Some(_)) => Err(Refusal::TooManySessionArguments),
        }
    }
}
