//! What a refused token leaves as evidence.

use std::fmt;

/// A part of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// The first.
    Header,
    /// The second.
    Payload,
    /// The third.
    Signature,
}

/// A claim that is a time in seconds since 1970 (RFC 7519, section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeClaim {
    /// `exp`
    ExpiresAt,
    /// `iat`
    IssuedAt,
    /// `nbf`
    NotBefore,
}

/// A top-level claim that access tokens (Connected Apps) and machine tokens (M2M) have and sessions
/// do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessTokenClaim {
    /// `scope`
    Scope,
    /// `client_id`
    ClientId,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

impl fmt::Display for TimeClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExpiresAt => "exp",
            Self::IssuedAt => "iat",
            Self::NotBefore => "nbf",
        })
    }
}

impl fmt::Display for AccessTokenClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scope => "scope",
            Self::ClientId => "client_id",
        })
    }
}
