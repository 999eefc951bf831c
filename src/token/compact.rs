//! The compact serialization (RFC 7515, section 7.1): three parts of base64url, and the header.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use base64_simd::{AsOut, URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::error::TokenError;
use super::evidence::Part;
use super::json::{self, Fault, Field, Presence};
use crate::excerpt::Excerpt;
use crate::keys::{Algorithm, Key};
use crate::session::Source;

/// The longest token that is looked at, in bytes.
pub(super) const LONGEST: usize = 16 * 1024;

/// The longest signature that a key verifies, in bytes: RSA's with 8192 bits.
const LONGEST_SIGNATURE: usize = 1_024;

/// A token taken apart. Nothing of it is proved yet, and its payload is not decoded before its
/// signature has been checked.
pub(super) struct Compact<'a> {
    token: &'a str,
    /// The first part, as it is written.
    pub(super) header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// The text that the signature is over.
    signed: &'a [u8],
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow, default)]
    alg: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    kid: Field<Cow<'a, str>>,
    #[serde(borrow, default)]
    typ: Field<Cow<'a, str>>,
    #[serde(default)]
    crit: Presence,
    #[serde(default)]
    b64: Presence,
    #[serde(default)]
    zip: Presence,
    #[serde(default)]
    enc: Presence,
}

impl<'a> Compact<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::TooLarge { bytes: token.len() });
        }
        let mut dots = memchr::memchr_iter(b'.', token.as_bytes());
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(TokenError::NotThreeParts);
        };
        let part = |range: Range<usize>| token.get(range).unwrap_or_default();
        let (header, payload) = (part(0..first), part(first + 1..second));
        let (signature, signed) = (part(second + 1..token.len()), part(0..second).as_bytes());
        Ok(Self { token, header, payload, signature, signed })
    }

    /// The algorithm and the `kid`.
    pub(super) fn judge_header(
        &self,
        allowed: &[Algorithm],
    ) -> Result<(Algorithm, String), TokenError> {
        let header = URL_SAFE_NO_PAD
            .decode_to_vec(self.header)
            .map_err(|_| TokenError::NotBase64Url(Part::Header))?;
        Header::read(&header)?.judge(allowed)
    }

    pub(super) fn check_signature(&self, key: &Key) -> Result<(), TokenError> {
        self.check_with(|signed, signature| key.verifies(signed, signature))
    }

    fn check_with(&self, verifies: impl FnOnce(&[u8], &[u8]) -> bool) -> Result<(), TokenError> {
        let mut room = [MaybeUninit::<u8>::uninit(); LONGEST_SIGNATURE];
        if self.signature.len() * 3 / 4 > LONGEST_SIGNATURE {
            return Err(TokenError::InvalidSignature);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(self.signature.as_bytes(), room.as_mut_slice().as_out())
            .map_err(|_| TokenError::NotBase64Url(Part::Signature))?;
        if verifies(self.signed, signature) { Ok(()) } else { Err(TokenError::InvalidSignature) }
    }

    /// The token's text and its payload: what a session keeps.
    pub(super) fn source(&self) -> Result<Source, TokenError> {
        let mut bytes = Vec::with_capacity(self.token.len() + self.payload.len() / 4 * 3 + 3);
        bytes.extend_from_slice(self.token.as_bytes());
        URL_SAFE_NO_PAD
            .decode_append(self.payload, &mut bytes)
            .map_err(|_| TokenError::NotBase64Url(Part::Payload))?;
        let text = String::from_utf8(bytes).map_err(|_| TokenError::NotAnObject(Part::Payload))?;
        Ok(Source::new(text, self.token.len()))
    }
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, TokenError> {
        let text = str::from_utf8(bytes).map_err(|_| TokenError::NotAnObject(Part::Header))?;
        json::object(text).map_err(|fault| match fault {
            Fault::NotAnObject => TokenError::NotAnObject(Part::Header),
            Fault::DuplicateName => TokenError::DuplicateName(Part::Header),
        })
    }

    fn judge(self, allowed: &[Algorithm]) -> Result<(Algorithm, String), TokenError> {
        let unsupported =
            [("crit", self.crit), ("b64", self.b64), ("zip", self.zip), ("enc", self.enc)];
        if let Some((name, _)) = unsupported.into_iter().find(|(_, presence)| presence.0) {
            return Err(TokenError::UnsupportedHeader(name));
        }
        match self.typ {
            Field::Absent => {}
            Field::Value(typ) if typ == "JWT" => {}
            _ => return Err(TokenError::WrongType),
        }
        let alg = self.alg.value();
        let algorithm =
            alg.as_deref().and_then(|alg| alg.parse().ok()).filter(|it| allowed.contains(it));
        let algorithm = algorithm
            .ok_or_else(|| TokenError::AlgorithmNotAllowed(Excerpt::of(alg.as_deref())))?;
        let kid = self.kid.value().filter(|kid| !kid.is_empty()).ok_or(TokenError::NoKeyId)?;
        Ok((algorithm, kid.into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(token: &str) -> Result<(Algorithm, String), TokenError> {
        let compact = Compact::parse(token)?;
        let judged = compact.judge_header(&[Algorithm::Rs256])?;
        compact.check_with(|_, _| true)?;
        compact.source().map(|_| judged)
    }

    fn with_header(header: &str) -> String {
        format!("{}.e30.", URL_SAFE_NO_PAD.encode_to_string(header))
    }

    #[test]
    fn a_token_is_three_parts_of_canonical_base64url() {
        let header = URL_SAFE_NO_PAD.encode_to_string(r#"{"alg":"RS256","kid":"a"}"#);
        let table = [
            (format!("{header}.e30."), Ok((Algorithm::Rs256, "a".to_owned()))),
            (String::new(), Err(TokenError::NotThreeParts)),
            ("e30".into(), Err(TokenError::NotThreeParts)),
            (format!("{header}.e30"), Err(TokenError::NotThreeParts)),
            (format!("{header}.e30.AA.AA.AA"), Err(TokenError::NotThreeParts)),
            (format!("{header}=.e30."), Err(TokenError::NotBase64Url(Part::Header))),
            (format!("{header}.e31."), Err(TokenError::NotBase64Url(Part::Payload))), // trailing bits
            (format!("{header}.e30=."), Err(TokenError::NotBase64Url(Part::Payload))),
            (format!("{header}.e."), Err(TokenError::NotBase64Url(Part::Payload))),
            (format!("{header}.e30.AB"), Err(TokenError::NotBase64Url(Part::Signature))),
            (format!("{header}.e30.+w"), Err(TokenError::NotBase64Url(Part::Signature))),
            (format!("{header}.e30.AA "), Err(TokenError::NotBase64Url(Part::Signature))),
            (format!("{header}.e30.\u{ff21}A"), Err(TokenError::NotBase64Url(Part::Signature))),
            (format!("{header}.e30.{}", "A".repeat(1_366)), Ok((Algorithm::Rs256, "a".to_owned()))),
            (format!("{header}.e30.{}", "A".repeat(1_367)), Err(TokenError::InvalidSignature)),
            (format!("{header}.e30.{}", "A".repeat(1_368)), Err(TokenError::InvalidSignature)),
            ("a".repeat(LONGEST + 1), Err(TokenError::TooLarge { bytes: LONGEST + 1 })),
            ("a".repeat(LONGEST), Err(TokenError::NotThreeParts)),
        ];
        for (token, want) in table {
            assert_eq!(parse(&token), want, "{token}");
        }
    }

    #[test]
    fn a_header_is_judged_member_by_member() {
        let not_allowed = |alg| Err(TokenError::AlgorithmNotAllowed(Excerpt::of(alg)));
        let table = [
            (r#"{"alg":"RS256","kid":"a","typ":"JWT"}"#, Ok((Algorithm::Rs256, "a".to_owned()))),
            (
                r#"{"alg":"RS256","kid":"a","jwk":{},"jku":"x","x5u":"y","x5c":[]}"#,
                Ok((Algorithm::Rs256, "a".into())),
            ),
            ("[]", Err(TokenError::NotAnObject(Part::Header))),
            ("", Err(TokenError::NotAnObject(Part::Header))),
            (r#"["RS256","a"]"#, Err(TokenError::NotAnObject(Part::Header))),
            (
                r#"{"alg":"RS256","kid":"a","kid":"b"}"#,
                Err(TokenError::DuplicateName(Part::Header)),
            ),
            (
                r#"{"alg":"none","alg":"RS256","kid":"a"}"#,
                Err(TokenError::DuplicateName(Part::Header)),
            ),
            (
                r#"{"alg":"RS256","kid":"a","crit":["exp"]}"#,
                Err(TokenError::UnsupportedHeader("crit")),
            ),
            (
                r#"{"alg":"RS256","kid":"a","crit":null}"#,
                Err(TokenError::UnsupportedHeader("crit")),
            ),
            (r#"{"alg":"RS256","kid":"a","b64":true}"#, Err(TokenError::UnsupportedHeader("b64"))),
            (r#"{"alg":"RS256","kid":"a","zip":"DEF"}"#, Err(TokenError::UnsupportedHeader("zip"))),
            (
                r#"{"alg":"RS256","kid":"a","enc":"A128GCM"}"#,
                Err(TokenError::UnsupportedHeader("enc")),
            ),
            (r#"{"alg":"RS256","kid":"a","typ":"at+jwt"}"#, Err(TokenError::WrongType)),
            (r#"{"alg":"RS256","kid":"a","typ":7}"#, Err(TokenError::WrongType)),
            (r#"{"kid":"a"}"#, not_allowed(None)),
            (r#"{"alg":"none","kid":"a"}"#, not_allowed(Some("none"))),
            (r#"{"alg":"nOnE","kid":"a"}"#, not_allowed(Some("nOnE"))),
            (r#"{"alg":"rs256","kid":"a"}"#, not_allowed(Some("rs256"))),
            (r#"{"alg":"HS256","kid":"a"}"#, not_allowed(Some("HS256"))),
            (r#"{"alg":"ES256","kid":"a"}"#, not_allowed(Some("ES256"))), // known, and not allowed here
            (r#"{"alg":["RS256"],"kid":"a"}"#, not_allowed(None)),
            (r#"{"alg":"RS256"}"#, Err(TokenError::NoKeyId)),
            (r#"{"alg":"RS256","kid":""}"#, Err(TokenError::NoKeyId)),
            (r#"{"alg":"RS256","kid":7}"#, Err(TokenError::NoKeyId)),
            (r#"{"alg":"RS256","kid":["a"]}"#, Err(TokenError::NoKeyId)),
        ];
        for (header, want) in table {
            assert_eq!(parse(&with_header(header)), want, "{header}");
        }
        let invalid_utf8 =
            format!("{}.e30.", URL_SAFE_NO_PAD.encode_to_string(b"{\"a\":\"\xff\"}"));
        assert_eq!(parse(&invalid_utf8), Err(TokenError::NotAnObject(Part::Header)));
    }
}
