//! Tokens: the verifier, its reasons for refusing a token, and revocations.
//!
//! Start with [`Verifier`] and [`TokenError`].

mod best;
mod cache;
mod claim_rule;
mod claims;
mod compact;
pub(crate) mod error;
mod form;
mod json;
mod logout;
mod lookup;
mod profiled;
mod revocations;
mod rules;
mod settings;
mod stytch;
pub(crate) mod verifier;
pub(crate) mod verify_error;

pub use self::error::{
    AccessTokenClaim, ClaimsError, HeaderError, LogoutTokenError, MalformedToken, SessionError,
    TimeClaim, TimeError, TokenPart,
};
pub use self::profiled::SessionIdSource;
pub use self::revocations::{
    IssuedId, LocalRevocations, RevocationError, RevocationFuture, Revocations,
    RevocationsUnavailable, Revoked,
};
pub use self::settings::SharedIssuer;
pub use crate::excerpt::Excerpt;

pub(crate) use self::best::BestSessions;
pub(crate) use self::claim_rule::{CLIENT_CLAIMS, ClaimRule};
pub(crate) use self::error::TokenError;
pub(crate) use self::logout::{Logout, LogoutFailure};
pub(crate) use self::lookup::{GenuineSession, KeyWait, Lookup};
pub(crate) use self::profiled::{ProfiledTokens, SUBJECT};
pub(crate) use self::verifier::Verifier;
pub(crate) use self::verify_error::VerifyError;
