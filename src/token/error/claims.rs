//! Claims that a verifier does not accept.

use std::fmt;

use super::TimeClaim;
use crate::excerpt::Excerpt;

/// Which claim of a token is missing, unreadable, or not what the verifier expects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// `iss` is absent, not a string, or not one of the verifier's issuers.
    #[error("the issuer is {0}")]
    WrongIssuer(Excerpt),
    /// `aud` is neither the verifier's audience nor a list of strings that contains it.
    #[error("the audience does not include the verifier's")]
    WrongAudience,
    /// `sub` is absent, empty or not a string.
    #[error("there is no subject")]
    NoSubject,
    /// The claim is absent or not an integer from 0 to 253402300799.
    #[error("{0} is absent or not a time")]
    UnreadableTime(TimeClaim),
    /// The token has a claim of access or machine tokens, so it is not a session JWT.
    #[error("{0} marks an access token")]
    NotASession(AccessTokenClaim),
    /// The claim `https://stytch.com/session` is absent.
    #[error("there is no session")]
    NoSession,
    /// The claim `https://stytch.com/session`, or the named part of it, does not have its shape.
    #[error("the session's {0} cannot be read")]
    UnreadableSession(&'static str),
    /// The session's id is absent or empty.
    #[error("the session has no id")]
    NoSessionId,
    /// The session's `authentication_factors` are absent or empty.
    #[error("the session has no authentication factors")]
    NoFactors,
    /// The session has more than 256 `authentication_factors`.
    #[error("the session has {count} authentication factors")]
    TooManyFactors {
        /// How many it has.
        count: usize,
    },
    /// The verifier is for a consumer project, and the token names an organization.
    #[error("the session belongs to an organization, and the verifier is not for a B2B project")]
    UnexpectedOrganization,
    /// The verifier is for a B2B project, and the token names no organization, or one without an
    /// id.
    #[error("the session belongs to no organization, and the verifier is for a B2B project")]
    NoOrganization,
    /// A support person acts as the user, and the verifier refuses that.
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
            Self::Impersonated => "token_impersonated",
        }
    }
}

/// A top-level claim of access tokens (Connected Apps) and machine tokens (M2M) that sessions do
/// not have.
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
