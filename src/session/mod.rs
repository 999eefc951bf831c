//! What a user is signed in with: the parts of a [`Session`].

mod claims;
mod jwt;
mod tenancy;
mod texts;
pub(crate) mod verified;

pub use self::claims::{Attributes, CustomClaimsError, Organization};
pub use self::jwt::SessionJwt;

pub(crate) use self::tenancy::Tenancy;
pub(crate) use self::verified::{
    DEFAULT_LEEWAY, DEFAULT_MAX_TOKEN_AGE, Session, SessionParts, Times, VerifierId,
};
