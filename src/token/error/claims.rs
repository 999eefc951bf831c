//! Claims that a verifier does not accept.

use std::fmt;
use std::time::Duration;

use super::TimeClaim;
use crate::excerpt::Excerpt;
use crate::profile::ClaimError;

/// A claim that is missing, unreadable, or not what the verifier expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// `iss` is absent, not a string, or not one of the verifier's issuers.
    #[error("the issuer is not accepted: {0}")]
    WrongIssuer(Excerpt),
    /// `aud` is neither the verifier's audience nor a list of strings that contains it.
    #[error("the token's audience does not include the verifier's")]
    WrongAudience,
    /// `sub` is absent, empty or not a string.
    #[error("the token has no subject")]
    NoSubject,
    /// The claim is absent or not a number from 0 to 253402300799. In a Stytch token, it has to be an
    /// integer.
    #[error("the claim {0} is absent or not a time")]
    UnreadableTime(TimeClaim),
    /// The token has a claim that marks it as an access token or a machine token, not a session
    /// JWT.
    #[error("the claim {0} marks an access token, not a session")]
    NotASession(AccessTokenClaim),
    /// The claim `https://stytch.com/session` is absent.
    #[error("the token has no session claim")]
    NoSession,
    /// The claim `https://stytch.com/session`, the named member of it, or the claim
    /// `https://stytch.com/organization` cannot be read.
    #[error("the session's {0} cannot be read")]
    UnreadableSession(&'static str),
    /// The session's id is absent or empty.
    #[error("the session has no id")]
    NoSessionId,
    /// The session's `authentication_factors` are absent or empty.
    #[error("the session has no authentication factors")]
    NoFactors,
    /// The session has more than 256 `authentication_factors`.
    #[error("the session has {count} authentication factors, and the limit is 256")]
    TooManyFactors {
        /// The number of its factors.
        count: usize,
    },
    /// The verifier is for a consumer project, but the token names an organization.
    #[error("the session belongs to an organization, but the verifier is not for a B2B project")]
    UnexpectedOrganization,
    /// The verifier is for a B2B project, but the token names no organization, or one without an
    /// id.
    #[error("the session belongs to no organization, but the verifier is for a B2B project")]
    NoOrganization,
    /// The claim does not have the value that the issuer's tokens have.
    #[error("the claim {claim} is not {expected}")]
    UnexpectedValue {
        /// The name of the claim.
        claim: Excerpt,
        /// The expected value.
        expected: Excerpt,
    },
    /// The claim is absent, and all of the issuer's session tokens have it.
    #[error("the token has no claim {0}")]
    Missing(Excerpt),
    /// The claim marks another kind of token, such as an ID token, a logout token or a security
    /// event token.
    #[error("the claim {0} marks another kind of token")]
    AnotherKind(Excerpt),
    /// The token was issued to a client that is not accepted, or it names no client.
    #[error("the token was issued to a client that is not accepted: {0}")]
    WrongClient(Excerpt),
    /// The claim marks the token of a machine. No user signed in.
    #[error("the claim {0} marks a machine's token")]
    Machine(Excerpt),
    /// The token has the claim `cnf`. Only the sender that it names may use the token (RFC 7800), and
    /// the verifier cannot check who that is.
    #[error("the token is bound to its sender, which the verifier does not check")]
    SenderConstrained,
    /// The token lives longer than the issuer's tokens do. It would outlive its revocation.
    #[error("the token lives for {life:?}, and the longest life is {longest:?}")]
    LivesTooLong {
        /// The time from `iat` to `exp`.
        life: Duration,
        /// The longest life that the verifier accepts for the issuer.
        longest: Duration,
    },
    /// The issuer's profile cannot read a claim, or refuses the token.
    #[error(transparent)]
    Profile(#[from] ClaimError),
    /// A support person acts as the user, and the verifier refuses impersonation.
    #[error("the session is an impersonation")]
    Impersonated,
}

impl ClaimsError {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::WrongIssuer(_) => "token_wrong_issuer",
            Self::WrongAudience => "token_wrong_audience",
            Self::NoSubject => "token_no_subject",
            Self::UnreadableTime(_) => "token_unreadable_time",
            Self::NotASession(_) => "token_not_a_session",
            Self::NoSession => "token_no_session",
            Self::UnreadableSession(_) => "token_unreadable_session",
            Self::NoSessionId => "token_no_session_id",
            Self::NoFactors => "token_no_factors",
            Self::TooManyFactors { .. } => "token_too_many_factors",
            Self::UnexpectedOrganization => "token_unexpected_organization",
            Self::NoOrganization => "token_no_organization",
            Self::UnexpectedValue { .. } => "token_unexpected_value",
            Self::Missing(_) => "token_missing_claim",
            Self::AnotherKind(_) => "token_another_kind",
            Self::WrongClient(_) => "token_wrong_client",
            Self::Machine(_) => "token_machine",
            Self::SenderConstrained => "token_sender_constrained",
            Self::LivesTooLong { .. } => "token_lives_too_long",
            Self::Profile(ClaimError::TooMany { .. }) => "token_too_many_entries",
            Self::Profile(ClaimError::Refused(_)) => "token_refused_by_profile",
            Self::Profile(_) => "token_unreadable_claim",
            Self::Impersonated => "token_impersonated",
        }
    }
}

/// A top-level claim that marks an access token (Connected Apps) or a machine token (M2M). Sessions
/// do not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessTokenClaim {
    /// `scope`
    Scope,
    /// `client_id`
    ClientId,
}

impl fmt::Display for AccessTokenClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scope => "scope",
            Self::ClientId => "client_id",
        })
    }
}
