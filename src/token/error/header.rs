//! Headers that a verifier does not accept.

use std::fmt;

use crate::excerpt::Excerpt;
use crate::keys::Algorithm;

/// Why the header of a token, or the key that it names, does not fit the verifier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The header has a parameter that changes what is signed, or that a verifier must understand:
    /// `crit`, `b64`, `zip` or `enc`.
    Unsupported(&'static str),
    /// `typ` is present and is not `JWT`.
    WrongType,
    /// `alg` is absent, or is not one of the verifier's algorithms.
    AlgorithmNotAllowed(Excerpt),
    /// `kid` is absent, empty or not a string.
    NoKeyId,
    /// No key has this `kid`.
    UnknownKey(Excerpt),
    /// The key is for another algorithm than `alg`.
    WrongAlgorithmForKey {
        /// The algorithm that the key is for.
        pinned: Algorithm,
    },
}

impl HeaderError {
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "token_unsupported_header",
            Self::WrongType => "token_wrong_type",
            Self::AlgorithmNotAllowed(_) => "token_algorithm_not_allowed",
            Self::NoKeyId => "token_no_key_id",
            Self::UnknownKey(_) => "token_unknown_key",
            Self::WrongAlgorithmForKey { .. } => "token_wrong_algorithm_for_key",
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(name) => write!(f, "the header has {name}"),
            Self::WrongType => f.write_str("the header's typ is not JWT"),
            Self::AlgorithmNotAllowed(alg) => write!(f, "the header's alg is {alg}"),
            Self::NoKeyId => f.write_str("the header has no kid"),
            Self::UnknownKey(kid) => write!(f, "no key has the kid {kid}"),
            Self::WrongAlgorithmForKey { pinned } => write!(f, "the key is for {pinned} only"),
        }
    }
}
