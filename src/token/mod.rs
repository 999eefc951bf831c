//! Session JWTs: the verifier, its reasons for refusing a token, and revocations.
//!
//! Start with [`Verifier`] and [`TokenError`].

mod cache;
mod claims;
mod compact;
pub(crate) mod error;
mod json;
mod lookup;
mod revocations;
mod rules;
mod settings;
pub(crate) mod verifier;
pub(crate) mod verify_error;

pub use self::error::{
    AccessTokenClaim, ClaimsError, HeaderError, MalformedToken, SessionError, TimeClaim, TimeError,
    TokenPart,
};
pub use self::revocations::{
    LocalRevocations, RevocationError, RevocationFuture, Revocations, RevocationsUnavailable,
};
pub use crate::excerpt::Excerpt;

pub(crate) use self::error::TokenError;
pub(crate) use self::lookup::{GenuineSession, KeyWait, Lookup};
pub(crate) use self::verifier::Verifier;
pub(crate) use self::verify_error::VerifyError;
