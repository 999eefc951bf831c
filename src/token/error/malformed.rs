//! Texts that are not signed JWTs.

use std::fmt;

/// The reason why a text is not a signed JWT in compact form (RFC 7515, section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedToken {
    /// The text is longer than 16 KiB.
    #[error("the token has {bytes} bytes, and the limit is 16 KiB")]
    TooLarge {
        /// Its length in bytes.
        bytes: usize,
    },
    /// The text does not have exactly three parts separated by dots.
    #[error("the token does not have three parts")]
    NotThreeParts,
    /// A part is not base64url in its canonical form without padding (RFC 7515, section 2).
    #[error("the {0} is not canonical base64url")]
    NotBase64Url(TokenPart),
    /// A part is not a JSON object.
    #[error("the {0} is not a JSON object")]
    NotAnObject(TokenPart),
    /// An object in this part has a duplicate name. For Stytch's payloads, this is an error only if
    /// the verifier reads that name.
    #[error("the {0} has a duplicate name")]
    DuplicateName(TokenPart),
}

impl MalformedToken {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "token_too_large",
            Self::NotThreeParts => "token_not_three_parts",
            Self::NotBase64Url(_) => "token_not_base64url",
            Self::NotAnObject(_) => "token_not_an_object",
            Self::DuplicateName(_) => "token_duplicate_name",
        }
    }
}

/// A part of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenPart {
    /// The first part.
    Header,
    /// The second part.
    Payload,
    /// The third part.
    Signature,
}

impl fmt::Display for TokenPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}
