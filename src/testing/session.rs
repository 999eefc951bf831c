//! The builder of sessions for tests.

mod payload;
mod statements;

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use self::statements::Statements;
use super::clock::NOW;
use super::project::{PROJECT, issuer_name};
use crate::factor::{AuthenticationFactor, Factor, ProofDate};
use crate::session::{Session, SessionParts, Times, VerifierId};

/// Returns a builder for a session without any proved factor. The session began 10 minutes ago and
/// ends in an hour. Its token is issued now and lives for five minutes.
#[must_use]
pub fn session() -> SessionBuilder {
    SessionBuilder {
        id: ID.into(),
        user_id: "user-test-00000000-0000-4000-8000-000000000000".into(),
        factors: Vec::new(),
        started: Some(Duration::from_secs(600)),
        ends_in: Some(Duration::from_secs(3_600)),
        roles: Vec::new(),
        organization: None,
        claims: Map::new(),
        statements: Statements::default(),
    }
}

/// A builder for a session. The function [`session`] makes one. All times are relative: to [`NOW`]
/// in [`build`](Self::build), and to the clock of a [`TestIssuer`](super::TestIssuer) that mints a
/// token for the session.
#[derive(Clone)]
pub struct SessionBuilder {
    id: String,
    user_id: String,
    factors: Vec<(Factor, Proof)>,
    started: Option<Duration>,
    ends_in: Option<Duration>,
    roles: Vec<String>,
    organization: Option<(String, String)>,
    claims: Map<String, Value>,
    statements: Statements,
}

#[derive(Clone, Copy, Debug)]
enum Proof {
    Ago(Duration),
    Ahead(Duration),
    Undated,
    Unreadable,
}

const ID: &str = "session-test-00000000-0000-4000-8000-000000000000";
const TOKEN_LIFETIME: Duration = Duration::from_secs(300);

impl SessionBuilder {
    /// Adds a factor that the user proved now.
    #[must_use]
    pub fn proved(self, factor: Factor) -> Self {
        self.proved_ago(factor, Duration::ZERO)
    }

    /// Adds a factor that the user proved this long ago.
    #[must_use]
    pub fn proved_ago(self, factor: Factor, age: Duration) -> Self {
        self.with(factor, Proof::Ago(age))
    }

    /// Adds a factor whose date is this far in the future.
    #[must_use]
    pub fn proved_ahead(self, factor: Factor, ahead: Duration) -> Self {
        self.with(factor, Proof::Ahead(ahead))
    }

    /// Adds a factor without a date.
    #[must_use]
    pub fn undated(self, factor: Factor) -> Self {
        self.with(factor, Proof::Undated)
    }

    /// Adds a factor with a date that cannot be read.
    #[must_use]
    pub fn unreadable(self, factor: Factor) -> Self {
        self.with(factor, Proof::Unreadable)
    }

    /// Sets how long ago the session began; 10 minutes by default.
    #[must_use]
    pub fn started_ago(mut self, age: Duration) -> Self {
        self.started = Some(age);
        self
    }

    /// Leaves out the session's start.
    #[must_use]
    pub fn without_start(mut self) -> Self {
        self.started = None;
        self
    }

    /// Sets the time until the session ends; an hour by default.
    #[must_use]
    pub fn ends_in(mut self, rest: Duration) -> Self {
        self.ends_in = Some(rest);
        self
    }

    /// Leaves out the session's end, as Stytch's older tokens do, which have no `expires_at` for
    /// the session.
    #[must_use]
    pub fn without_end(mut self) -> Self {
        self.ends_in = None;
        self
    }

    /// Sets the session's id.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = id.into();
        self
    }

    /// Sets the id of the user who is signed in.
    #[must_use]
    pub fn user(mut self, id: &str) -> Self {
        self.user_id = id.into();
        self
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: &str) -> Self {
        self.roles.push(role.into());
        self
    }

    /// Sets the organization that the session belongs to.
    #[must_use]
    pub fn organization(mut self, id: &str, slug: &str) -> Self {
        self.organization = Some((id.into(), slug.into()));
        self
    }

    /// Adds a custom claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Returns the session at [`NOW`], as a verifier would build it but without a token.
    #[must_use]
    pub fn build(&self) -> Session {
        let (now, claims) = (NOW, self.payload_since(NOW, NOW));
        let factors = self
            .factors
            .iter()
            .map(|(factor, proof)| AuthenticationFactor::new(factor.clone(), proof.date(now)));
        let mut proofs: Vec<_> = factors.collect();
        let beyond_stytch = self.statements.beyond_stytch(proofs.len(), self.started);
        proofs.extend(self.statements.assertions());
        let times = Times {
            started_at: self.started.map(|age| before(now, age).to_utc()),
            last_accessed_at: Some(now.to_utc()),
            expires_at: self.ends_in.map(|rest| after(now, rest).to_utc()),
            token_not_before: now.to_utc(),
            token_issued_at: now.to_utc(),
            token_expires_at: after(now, TOKEN_LIFETIME).to_utc(),
        };
        let parts = SessionParts {
            payload: &Value::Object(claims).to_string(),
            id: &self.id,
            user_id: &self.user_id,
            proofs,
            beyond_stytch,
            organization: self.organization.as_ref().map(|(id, slug)| (&**id, &**slug)),
            ..SessionParts::new(issuer_name(PROJECT).into(), times, VerifierId::new())
        };
        Session::new(parts, self.roles.iter().map(String::as_str))
    }

    pub(super) fn user_id(&self) -> &str {
        &self.user_id
    }

    pub(super) fn session_id(&self) -> &str {
        &self.id
    }

    /// Returns whether the session has ended at `now`, if the relative times count from
    /// `base_time`.
    pub(super) fn has_ended(&self, base_time: OffsetDateTime, now: OffsetDateTime) -> bool {
        self.ends_in.is_some_and(|rest| after(base_time, rest) <= now)
    }

    fn with(mut self, factor: Factor, proof: Proof) -> Self {
        self.factors.push((factor, proof));
        self
    }
}

impl fmt::Debug for SessionBuilder {
    /// Omits the custom claims, the roles and the session's id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder")
            .field("user_id", &self.user_id)
            .field("factors", &self.factors)
            .field("started", &self.started)
            .field("ends_in", &self.ends_in)
            .field("organization", &self.organization)
            .finish_non_exhaustive()
    }
}

impl Proof {
    fn date(self, now: OffsetDateTime) -> ProofDate {
        match self {
            Self::Ago(age) => ProofDate::At(before(now, age).into()),
            Self::Ahead(ahead) => ProofDate::At(after(now, ahead).into()),
            Self::Undated => ProofDate::Absent,
            Self::Unreadable => ProofDate::Unreadable,
        }
    }
}

fn before(now: OffsetDateTime, age: Duration) -> OffsetDateTime {
    now.saturating_sub(age.try_into().unwrap_or(time::Duration::MAX))
}

fn after(now: OffsetDateTime, ahead: Duration) -> OffsetDateTime {
    now.saturating_add(ahead.try_into().unwrap_or(time::Duration::MAX))
}
