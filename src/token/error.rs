//! Every reason to refuse a token, with the evidence.

use std::fmt;
use std::time::Duration;

use time::OffsetDateTime;

use super::evidence::{AccessTokenClaim, Part, TimeClaim};
use crate::excerpt::Excerpt;
use crate::keys::{Algorithm, KeysUnavailable};

/// Why a token was refused: the one rule that it broke first.
///
/// First comes what the text and the header say, then the key and the signature, and only then is
/// the payload read. Times are judged after everything else, and [`Expired`](Self::Expired) last,
/// so that it means only that: everything else about the token held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than 16 KiB.
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// Not exactly three parts between dots.
    NotThreeParts,
    /// A part is not base64url in its one canonical form without padding (RFC 7515, section 2).
    NotBase64Url(Part),
    /// The part is not a JSON object.
    NotAnObject(Part),
    /// A name that is read stands twice in one object.
    DuplicateName(Part),
    /// The header has a parameter that changes what is signed or must be understood: `crit`, `b64`,
    /// `zip` or `enc`.
    UnsupportedHeader(&'static str),
    /// The header's `typ` is there and not `JWT`.
    WrongType,
    /// The header's `alg` is absent or none of the verifier's.
    AlgorithmNotAllowed(Excerpt),
    /// The header's `kid` is absent, empty or not a string.
    NoKeyId,
    /// No keys can be had now: the answer is 503, not 401.
    KeysUnavailable(KeysUnavailable),
    /// No key has the header's `kid`.
    UnknownKey(Excerpt),
    /// The key is pinned to another algorithm than the header's.
    WrongAlgorithmForKey {
        /// What the key is pinned to.
        pinned: Algorithm,
    },
    /// The signature is not this key's over this text.
    InvalidSignature,
    /// `iss` is absent, not a string, or not one of the verifier's.
    WrongIssuer(Excerpt),
    /// `aud` is neither the verifier's audience nor a list of strings that contains it.
    WrongAudience,
    /// `sub` is absent, empty or not a string.
    NoSubject,
    /// The claim is absent or not an integer from 0 to 253402300799.
    UnreadableTime(TimeClaim),
    /// A claim of access and machine tokens of the same project: not a session.
    NotASession(AccessTokenClaim),
    /// The claim `https://stytch.com/session` is absent.
    NoSession,
    /// The claim `https://stytch.com/session` or a part of it does not have its shape.
    UnreadableSession(&'static str),
    /// The session's id is absent or empty.
    NoSessionId,
    /// The session's `authentication_factors` are absent or empty.
    NoFactors,
    /// The session has more than 256 `authentication_factors`.
    TooManyFactors {
        /// How many.
        count: usize,
    },
    /// A consumer project's verifier, and a token with the claim of an organization, whatever is in
    /// it (but null).
    UnexpectedOrganization,
    /// A B2B project's verifier, and a token without an organization, or without its id.
    NoOrganization,
    /// A support person acts as the user, and the verifier refuses that.
    Impersonated,
    /// The session was revoked here; see [`Revocations`](crate::Revocations).
    Revoked,
    /// The session is not alive any more, as what keeps the sessions says.
    UnknownSession,
    /// `nbf` or `iat` is later than now and the leeway.
    NotYetValid {
        /// Which claim.
        claim: TimeClaim,
        /// What it says.
        at: OffsetDateTime,
        /// When it was judged.
        now: OffsetDateTime,
    },
    /// The session, not only its token, is over.
    SessionEnded {
        /// The session's `expires_at`.
        at: OffsetDateTime,
        /// When it was judged.
        now: OffsetDateTime,
    },
    /// The token was issued longer ago than the verifier allows. A renewed one helps.
    TooOld {
        /// When it was issued.
        issued_at: OffsetDateTime,
        /// The age allowed.
        max_age: Duration,
        /// When it was judged.
        now: OffsetDateTime,
    },
    /// `exp` has passed; everything else about the token held. A renewed one helps.
    Expired {
        /// What `exp` says.
        at: OffsetDateTime,
        /// When it was judged.
        now: OffsetDateTime,
    },
}

impl TokenError {
    /// The stable name of the broken rule, for logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "token_too_large",
            Self::NotThreeParts => "token_not_three_parts",
            Self::NotBase64Url(_) => "token_not_base64url",
            Self::NotAnObject(_) => "token_not_an_object",
            Self::DuplicateName(_) => "token_duplicate_name",
            Self::UnsupportedHeader(_) => "token_unsupported_header",
            Self::WrongType => "token_wrong_type",
            Self::AlgorithmNotAllowed(_) => "token_algorithm_not_allowed",
            Self::NoKeyId => "token_no_key_id",
            Self::KeysUnavailable(_) => "keys_unavailable",
            Self::UnknownKey(_) => "token_unknown_key",
            Self::WrongAlgorithmForKey { .. } => "token_wrong_algorithm_for_key",
            Self::InvalidSignature => "token_invalid_signature",
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
            Self::Revoked => "session_revoked",
            Self::UnknownSession => "session_unknown",
            Self::NotYetValid { .. } => "token_not_yet_valid",
            Self::SessionEnded { .. } => "session_ended",
            Self::TooOld { .. } => "token_too_old",
            Self::Expired { .. } => "token_expired",
        }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => write!(f, "the token has {bytes} bytes"),
            Self::NotThreeParts => f.write_str("the token does not have three parts"),
            Self::NotBase64Url(part) => write!(f, "the {part} is not canonical base64url"),
            Self::NotAnObject(part) => write!(f, "the {part} is not a JSON object"),
            Self::DuplicateName(part) => write!(f, "a name stands twice in the {part}"),
            Self::UnsupportedHeader(name) => write!(f, "the header has {name}"),
            Self::WrongType => f.write_str("the header's typ is not JWT"),
            Self::AlgorithmNotAllowed(alg) => write!(f, "the header's alg is {alg}"),
            Self::NoKeyId => f.write_str("the header has no kid"),
            Self::KeysUnavailable(error) => error.fmt(f),
            Self::UnknownKey(kid) => write!(f, "no key has the kid {kid}"),
            Self::WrongAlgorithmForKey { pinned } => write!(f, "the key is for {pinned} only"),
            Self::InvalidSignature => f.write_str("the signature is invalid"),
            Self::WrongIssuer(issuer) => write!(f, "the issuer is {issuer}"),
            Self::WrongAudience => f.write_str("the audience is another"),
            Self::NoSubject => f.write_str("there is no subject"),
            Self::UnreadableTime(claim) => write!(f, "{claim} is absent or not a time"),
            Self::NotASession(claim) => write!(f, "{claim} marks an access token"),
            Self::NoSession => f.write_str("there is no session"),
            Self::UnreadableSession(part) => write!(f, "the session's {part} cannot be read"),
            Self::NoSessionId => f.write_str("the session has no id"),
            Self::NoFactors => f.write_str("the session has no authentication factors"),
            Self::TooManyFactors { count } => {
                write!(f, "the session has {count} authentication factors")
            }
            Self::UnexpectedOrganization => f.write_str(
                "the session belongs to an organization, and the verifier is not for a B2B project",
            ),
            Self::NoOrganization => f.write_str(
                "the session belongs to no organization, and the verifier is for a B2B project",
            ),
            Self::Impersonated => f.write_str("the session is an impersonation"),
            Self::Revoked => f.write_str("the session was revoked here"),
            Self::UnknownSession => f.write_str("the session is not alive any more"),
            Self::NotYetValid { claim, at, now } => {
                write!(f, "{claim} is {at}, {} ahead", *at - *now)
            }
            Self::SessionEnded { at, now } => {
                write!(f, "the session ended at {at}, {} ago", *now - *at)
            }
            Self::TooOld { issued_at, max_age, now } => {
                write!(
                    f,
                    "the token was issued at {issued_at}, {} ago, and {max_age:?} is allowed",
                    *now - *issued_at
                )
            }
            Self::Expired { at, now } => write!(f, "the token expired at {at}, {} ago", *now - *at),
        }
    }
}

impl std::error::Error for TokenError {}

impl From<KeysUnavailable> for TokenError {
    fn from(error: KeysUnavailable) -> Self {
        Self::KeysUnavailable(error)
    }
}
