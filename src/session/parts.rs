//! The parts that a session is made of.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::UtcDateTime;

use crate::factor::AuthenticationFactor;
use crate::moment::Moment;

/// Everything that a session knows; built by `token` and `testing`.
pub(crate) struct SessionParts<'a> {
    /// The token itself. It is empty in sessions of the test kit.
    pub(crate) token: &'a str,
    /// The JSON of the claims in sessions of the test kit. Otherwise it is empty, and the token
    /// contains it.
    pub(crate) payload: &'a str,
    pub(crate) id: &'a str,
    pub(crate) user_id: &'a str,
    pub(crate) factors: Vec<AuthenticationFactor>,
    pub(crate) ip_address: &'a str,
    pub(crate) user_agent: &'a str,
    /// The organization's id, which is not empty, and its slug.
    pub(crate) organization: Option<(&'a str, &'a str)>,
    pub(crate) times: Times,
    pub(crate) leeway: Duration,
    /// How old a token the verifier accepts.
    pub(crate) max_token_age: Duration,
    pub(crate) verified_by: VerifierId,
}

/// The times of a session and of its token.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) started_at: Option<UtcDateTime>,
    pub(crate) last_accessed_at: Option<UtcDateTime>,
    /// `None` in the old format. Then the token's own expiry counts.
    pub(crate) expires_at: Option<UtcDateTime>,
    pub(crate) token_not_before: UtcDateTime,
    pub(crate) token_issued_at: UtcDateTime,
    pub(crate) token_expires_at: UtcDateTime,
}

impl Times {
    /// The session's end, or else the token's.
    pub(super) fn end(&self) -> Moment {
        self.expires_at.unwrap_or(self.token_expires_at).into()
    }
}

/// Which verifier made a session, so that nested guards know their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VerifierId(u64);

impl VerifierId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// How far the clocks of a verifier and an issuer may differ if nothing else is said.
pub(crate) const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);

/// How old a token a verifier accepts if nothing else is said: twice the life of a Stytch JWT.
pub(crate) const DEFAULT_MAX_TOKEN_AGE: Duration = Duration::from_secs(600);
