//! The form of an issuer's tokens: Stytch's session JWTs, or tokens that a profile reads.

use std::sync::Arc;

use super::compact::TokenTypes;
use super::error::TokenError;
use super::profiled::ProfiledTokens;
use super::rules::Rules;
use super::stytch::StytchTokens;
use crate::session::{Session, VerifierId};

/// The form of an issuer's tokens.
#[derive(Clone)]
pub(super) enum Tokens {
    Stytch(StytchTokens),
    Profiled(Arc<ProfiledTokens>),
}

impl Tokens {
    /// Returns the accepted types of a token (`typ` in its header).
    pub(super) fn types(&self) -> TokenTypes<'_> {
        match self {
            Self::Stytch(_) => TokenTypes::Jwt,
            Self::Profiled(tokens) => {
                TokenTypes::OneOf { types: &tokens.types, or_absent: tokens.type_may_be_absent }
            }
        }
    }

    /// Returns the session of a payload that meets every rule except those of time.
    pub(super) fn session(
        &self,
        rules: &Rules,
        verifier: VerifierId,
        token: &str,
        header: &[u8],
        payload: &str,
    ) -> Result<Session, TokenError> {
        match self {
            Self::Stytch(tokens) => tokens.session(rules, verifier, token, payload),
            Self::Profiled(tokens) => {
                let header = str::from_utf8(header).unwrap_or_default();
                tokens.session(rules, verifier, token, header, payload)
            }
        }
    }
}
