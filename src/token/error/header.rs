//! Headers that a verifier does not accept.

use crate::excerpt::Excerpt;
use crate::keys::Algorithm;

/// The reason why a verifier does not accept a token's header, or the key that it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// The header has a parameter that changes what is signed or that a verifier must support:
    /// `crit`, `b64`, `zip` or `enc`.
    #[error("the header has {0}, which is not supported")]
    Unsupported(&'static str),
    /// `typ` is not one that the verifier accepts for the issuer. For Stytch that is `JWT`, or none.
    #[error("the header's typ is not accepted: {0}")]
    WrongType(Excerpt),
    /// `alg` is an HMAC such as HS256, whose key is a secret that the issuer shares. A service that
    /// has the secret can mint tokens itself.
    #[error(
        "the header's alg is {0}, which needs the issuer's secret; let the issuer sign with an \
         asymmetric key, such as RS256 or ES256"
    )]
    SharedSecret(Excerpt),
    /// `alg` is absent, or is not one of the verifier's algorithms.
    #[error("the header's alg is not accepted: {0}")]
    AlgorithmNotAllowed(Excerpt),
    /// `kid` is absent, empty or not a string.
    #[error("the header has no kid")]
    NoKeyId,
    /// No key has this `kid`.
    #[error("no key has the kid {0}")]
    UnknownKey(Excerpt),
    /// The key is for an algorithm other than `alg`.
    #[error("the header's alg does not match the key, which is for {pinned}")]
    WrongAlgorithmForKey {
        /// The algorithm that the key is for.
        pinned: Algorithm,
    },
}

impl HeaderError {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "token_unsupported_header",
            Self::WrongType(_) => "token_wrong_type",
            Self::SharedSecret(_) => "token_shared_secret",
            Self::AlgorithmNotAllowed(_) => "token_algorithm_not_allowed",
            Self::NoKeyId => "token_no_key_id",
            Self::UnknownKey(_) => "token_unknown_key",
            Self::WrongAlgorithmForKey { .. } => "token_wrong_algorithm_for_key",
        }
    }
}
