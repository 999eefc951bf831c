//! A verified [`Session`] and its parts.

mod cached;
mod claims;
mod jwt;
mod parts;
mod tenancy;
mod texts;
pub(crate) mod verified;

pub use self::claims::{Attributes, CustomClaimsError, Organization};
pub use self::jwt::SessionJwt;

pub(crate) use self::parts::{
    BeyondStytch, DEFAULT_LEEWAY, DEFAULT_MAX_TOKEN_AGE, SessionParts, Times, VerifierId,
};
pub(crate) use self::tenancy::Tenancy;
pub(crate) use self::verified::Session;
