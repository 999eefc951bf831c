//! The parts that a session is built from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::UtcDateTime;

use crate::factor::{AuthenticationFactor, Choice};
use crate::moment::Moment;
use crate::profile::Terms;

/// Everything that a session holds. The modules `token` and `testing` build it.
pub(crate) struct SessionParts<'a> {
    /// The token itself. It is empty in sessions that the test kit builds without one.
    pub(crate) token: &'a str,
    /// The JSON of the claims in sessions without a token. Otherwise it is empty, because the token
    /// contains it.
    pub(crate) payload: &'a str,
    pub(crate) id: &'a str,
    pub(crate) user_id: &'a str,
    /// The certain proofs. Factors come first, then assertions.
    pub(crate) proofs: Vec<AuthenticationFactor>,
    /// The further parts of a session of an issuer other than Stytch.
    pub(crate) beyond_stytch: Option<BeyondStytch>,
    /// The name of the issuer. The sessions of one issuer share it.
    pub(crate) issuer: Arc<str>,
    /// The scopes of the token, separated by spaces.
    pub(crate) scopes: &'a str,
    pub(crate) ip_address: &'a str,
    pub(crate) user_agent: &'a str,
    /// The organization's id, which is not empty, and its slug.
    pub(crate) organization: Option<(&'a str, &'a str)>,
    pub(crate) times: Times,
    pub(crate) leeway: Duration,
    /// The maximum token age that the verifier accepts.
    pub(crate) max_token_age: Duration,
    pub(crate) verified_by: VerifierId,
}

impl SessionParts<'_> {
    /// Returns the parts of a session without a token, ids and proofs.
    pub(crate) fn new(issuer: Arc<str>, times: Times, verified_by: VerifierId) -> Self {
        Self {
            token: "",
            payload: "",
            id: "",
            user_id: "",
            proofs: Vec::new(),
            beyond_stytch: None,
            issuer,
            scopes: "",
            ip_address: "",
            user_agent: "",
            organization: None,
            times,
            leeway: DEFAULT_LEEWAY,
            max_token_age: DEFAULT_MAX_TOKEN_AGE,
            verified_by,
        }
    }
}

/// The parts that only sessions of issuers other than Stytch have.
pub(crate) struct BeyondStytch {
    /// How many of the proofs are factors. The others are assertions.
    pub(crate) factors: usize,
    pub(crate) choices: Vec<Choice>,
    /// The instant that revoking a user compares.
    pub(crate) began_at: UtcDateTime,
    /// The terms of the issuer. The test kit also builds sessions of no issuer in particular.
    pub(crate) terms: Option<Arc<Terms>>,
}

/// The times of a session and of its token.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) started_at: Option<UtcDateTime>,
    pub(crate) last_accessed_at: Option<UtcDateTime>,
    /// `None` if the token has no `expires_at` for the session, as in Stytch's older format. Then
    /// the token's own expiry counts.
    pub(crate) expires_at: Option<UtcDateTime>,
    pub(crate) token_not_before: UtcDateTime,
    pub(crate) token_issued_at: UtcDateTime,
    pub(crate) token_expires_at: UtcDateTime,
}

impl Times {
    /// Returns the session's end, or the token's if the token states none for the session.
    pub(super) fn end(&self) -> Moment {
        self.expires_at.unwrap_or(self.token_expires_at).into()
    }
}

/// The identity of a verifier. A nested guard uses it to recognize the sessions that its own
/// verifier built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VerifierId(u64);

impl VerifierId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The default leeway for differences between the clocks of a verifier and an issuer.
pub(crate) const DEFAULT_LEEWAY: Duration = Duration::from_secs(5);

/// The default for the maximum token age: twice the lifetime of a Stytch JWT.
pub(crate) const DEFAULT_MAX_TOKEN_AGE: Duration = Duration::from_secs(600);
