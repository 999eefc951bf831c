//! The compact serialization of a token (RFC 7515, section 7.1), and the checks of its header.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use base64_simd::{AsOut, URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::error::{HeaderError, MalformedToken, TokenError, TokenPart};
use super::json::{self, Field, Presence};
use crate::excerpt::Excerpt;
use crate::keys::{Algorithm, Key};

/// The length limit for a token, in bytes.
pub(super) const MAX_LENGTH: usize = 16 * 1024;

/// The length limit for a signature, in bytes: the size of a signature by an 8192-bit RSA key.
const MAX_SIGNATURE_LENGTH: usize = 1_024;

/// A token split into its parts. Nothing in it is verified yet.
pub(super) struct Compact<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// The text that is signed.
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
    pub(super) fn parse(token: &'a str) -> Result<Self, MalformedToken> {
        if token.len() > MAX_LENGTH {
            return Err(MalformedToken::TooLarge { bytes: token.len() });
        }
        let mut dots = memchr::memchr_iter(b'.', token.as_bytes());
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(MalformedToken::NotThreeParts);
        };
        let part = |range: Range<usize>| token.get(range).unwrap_or_default();
        let (header, payload) = (part(0..first), part(first + 1..second));
        let (signature, signed) = (part(second + 1..token.len()), part(0..second).as_bytes());
        Ok(Self { header, payload, signature, signed })
    }

    pub(super) fn header(&self) -> Result<Vec<u8>, MalformedToken> {
        let header = URL_SAFE_NO_PAD.decode_to_vec(self.header);
        header.map_err(|_| MalformedToken::NotBase64Url(TokenPart::Header))
    }

    pub(super) fn check_signature(&self, key: &Key) -> Result<(), TokenError> {
        self.check_with(|signed, signature| key.verifies(signed, signature))
    }

    fn check_with(&self, verifies: impl FnOnce(&[u8], &[u8]) -> bool) -> Result<(), TokenError> {
        let mut room = [MaybeUninit::<u8>::uninit(); MAX_SIGNATURE_LENGTH];
        if self.signature.len() * 3 / 4 > MAX_SIGNATURE_LENGTH {
            return Err(TokenError::InvalidSignature);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(self.signature.as_bytes(), room.as_mut_slice().as_out())
            .map_err(|_| MalformedToken::NotBase64Url(TokenPart::Signature))?;
        if verifies(self.signed, signature) { Ok(()) } else { Err(TokenError::InvalidSignature) }
    }

    /// Returns the `iss` that the payload claims. It is not verified.
    pub(super) fn claimed_issuer(&self) -> Result<Option<String>, MalformedToken> {
        #[derive(Deserialize)]
        struct Issuer<'a> {
            #[serde(borrow, default)]
            iss: Field<Cow<'a, str>>,
        }
        let payload = self.payload()?;
        let issuer: Issuer<'_> =
            json::object(&payload).map_err(|fault| fault.in_part(TokenPart::Payload))?;
        Ok(issuer.iss.value().map(Cow::into_owned))
    }

    /// Decodes the payload. Call it only after the signature has been checked, or to read the issuer
    /// that chooses the keys.
    pub(super) fn payload(&self) -> Result<String, MalformedToken> {
        let bytes = URL_SAFE_NO_PAD
            .decode_to_vec(self.payload)
            .map_err(|_| MalformedToken::NotBase64Url(TokenPart::Payload))?;
        let text = String::from_utf8(bytes);
        text.map_err(|_| MalformedToken::NotAnObject(TokenPart::Payload))
    }
}

/// The accepted values of a header's `typ`.
#[derive(Clone, Copy)]
pub(super) enum TokenTypes<'a> {
    /// `JWT` in exactly this spelling, or none.
    Jwt,
    /// One of these in any case, with or without `application/` in front (RFC 7515, section 4.1.9).
    OneOf { types: &'a [Box<str>], or_absent: bool },
    /// `logout+jwt` or `JWT` in any case, with or without `application/` in front, or none (OpenID
    /// Connect Back-Channel Logout 1.0, section 2.4).
    Logout,
}

/// Checks a header and returns its algorithm and its `kid`.
pub(super) fn check_header<'a>(
    header: &'a [u8],
    allowed: &[Algorithm],
    types: TokenTypes<'_>,
) -> Result<(Algorithm, Cow<'a, str>), TokenError> {
    Ok(Header::read(header)?.check(allowed, types)?)
}

impl TokenTypes<'_> {
    fn accept(self, typ: &Field<Cow<'_, str>>) -> bool {
        match (self, typ) {
            (Self::Jwt, Field::Absent) => true,
            (Self::Jwt, Field::Value(typ)) => typ == "JWT",
            (Self::OneOf { or_absent, .. }, Field::Absent) => or_absent,
            (Self::OneOf { types, .. }, Field::Value(typ)) => {
                types.iter().any(|accepted| is_type(typ, accepted))
            }
            (Self::Logout, Field::Absent) => true,
            (Self::Logout, Field::Value(typ)) => is_type(typ, "logout+jwt") || is_type(typ, "JWT"),
            (_, Field::Unreadable) => false,
        }
    }
}

/// Compares a `typ` with an accepted one, as RFC 7515, section 4.1.9 describes.
fn is_type(typ: &str, accepted: &str) -> bool {
    let (prefix, rest) = typ.split_once('/').unwrap_or(("application", typ));
    prefix.eq_ignore_ascii_case("application") && accepted.eq_ignore_ascii_case(rest)
}

impl<'a> Header<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, MalformedToken> {
        let text =
            str::from_utf8(bytes).map_err(|_| MalformedToken::NotAnObject(TokenPart::Header))?;
        json::object(text).map_err(|fault| fault.in_part(TokenPart::Header))
    }

    fn check(
        self,
        allowed: &[Algorithm],
        types: TokenTypes<'_>,
    ) -> Result<(Algorithm, Cow<'a, str>), HeaderError> {
        let unsupported =
            [("crit", self.crit), ("b64", self.b64), ("zip", self.zip), ("enc", self.enc)];
        if let Some((name, _)) = unsupported.into_iter().find(|(_, presence)| presence.0) {
            return Err(HeaderError::Unsupported(name));
        }
        if !types.accept(&self.typ) {
            return Err(HeaderError::WrongType(Excerpt::of(self.typ.value().as_deref())));
        }
        let alg = self.alg.value();
        if matches!(alg.as_deref(), Some("HS256" | "HS384" | "HS512")) {
            return Err(HeaderError::SharedSecret(Excerpt::of(alg.as_deref())));
        }
        let algorithm =
            alg.as_deref().and_then(|alg| alg.parse().ok()).filter(|it| allowed.contains(it));
        let algorithm = algorithm
            .ok_or_else(|| HeaderError::AlgorithmNotAllowed(Excerpt::of(alg.as_deref())))?;
        let kid = self.kid.value().filter(|kid| !kid.is_empty()).ok_or(HeaderError::NoKeyId)?;
        Ok((algorithm, kid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(token: &str) -> Result<(Algorithm, String), TokenError> {
        let compact = Compact::parse(token)?;
        let header = compact.header()?;
        let (algorithm, kid) = check_header(&header, &[Algorithm::Rs256], TokenTypes::Jwt)?;
        compact.check_with(|_, _| true)?;
        compact.payload()?;
        Ok((algorithm, kid.into_owned()))
    }

    fn not_base64url(part: TokenPart) -> Result<(Algorithm, String), TokenError> {
        Err(MalformedToken::NotBase64Url(part).into())
    }

    fn with_header(header: &str) -> String {
        format!("{}.e30.", URL_SAFE_NO_PAD.encode_to_string(header))
    }

    #[test]
    fn a_token_is_three_parts_of_canonical_base64url() {
        let header = URL_SAFE_NO_PAD.encode_to_string(r#"{"alg":"RS256","kid":"a"}"#);
        let table = [
            (format!("{header}.e30."), Ok((Algorithm::Rs256, "a".to_owned()))),
            (String::new(), Err(MalformedToken::NotThreeParts.into())),
            ("e30".into(), Err(MalformedToken::NotThreeParts.into())),
            (format!("{header}.e30"), Err(MalformedToken::NotThreeParts.into())),
            (format!("{header}.e30.AA.AA.AA"), Err(MalformedToken::NotThreeParts.into())),
            (format!("{header}=.e30."), not_base64url(TokenPart::Header)),
            (format!("{header}.e31."), not_base64url(TokenPart::Payload)), // trailing bits
            (format!("{header}.e30=."), not_base64url(TokenPart::Payload)),
            (format!("{header}.e."), not_base64url(TokenPart::Payload)),
            (format!("{header}.e30.AB"), not_base64url(TokenPart::Signature)),
            (format!("{header}.e30.+w"), not_base64url(TokenPart::Signature)),
            (format!("{header}.e30.AA "), not_base64url(TokenPart::Signature)),
            (format!("{header}.e30.\u{ff21}A"), not_base64url(TokenPart::Signature)),
            (format!("{header}.e30.{}", "A".repeat(1_366)), Ok((Algorithm::Rs256, "a".to_owned()))),
            (format!("{header}.e30.{}", "A".repeat(1_367)), Err(TokenError::InvalidSignature)),
            (format!("{header}.e30.{}", "A".repeat(1_368)), Err(TokenError::InvalidSignature)),
            (
                "a".repeat(MAX_LENGTH + 1),
                Err(MalformedToken::TooLarge { bytes: MAX_LENGTH + 1 }.into()),
            ),
            ("a".repeat(MAX_LENGTH), Err(MalformedToken::NotThreeParts.into())),
        ];
        for (token, want) in table {
            assert_eq!(parse(&token), want, "{token}");
        }
    }

    #[test]
    fn a_header_is_checked_member_by_member() {
        let wrong_type = |typ: Option<&str>| HeaderError::WrongType(Excerpt::of(typ)).into();
        let not_allowed = |alg| Err(HeaderError::AlgorithmNotAllowed(Excerpt::of(alg)).into());
        let table = [
            (r#"{"alg":"RS256","kid":"a","typ":"JWT"}"#, Ok((Algorithm::Rs256, "a".to_owned()))),
            (
                r#"{"alg":"RS256","kid":"a","jwk":{},"jku":"x","x5u":"y","x5c":[]}"#,
                Ok((Algorithm::Rs256, "a".into())),
            ),
            ("[]", Err(MalformedToken::NotAnObject(TokenPart::Header).into())),
            ("", Err(MalformedToken::NotAnObject(TokenPart::Header).into())),
            (r#"["RS256","a"]"#, Err(MalformedToken::NotAnObject(TokenPart::Header).into())),
            (
                r#"{"alg":"RS256","kid":"a","kid":"b"}"#,
                Err(MalformedToken::DuplicateName(TokenPart::Header).into()),
            ),
            (
                r#"{"alg":"none","alg":"RS256","kid":"a"}"#,
                Err(MalformedToken::DuplicateName(TokenPart::Header).into()),
            ),
            (
                r#"{"alg":"RS256","kid":"a","crit":["exp"]}"#,
                Err(HeaderError::Unsupported("crit").into()),
            ),
            (
                r#"{"alg":"RS256","kid":"a","crit":null}"#,
                Err(HeaderError::Unsupported("crit").into()),
            ),
            (
                r#"{"alg":"RS256","kid":"a","b64":true}"#,
                Err(HeaderError::Unsupported("b64").into()),
            ),
            (
                r#"{"alg":"RS256","kid":"a","zip":"DEF"}"#,
                Err(HeaderError::Unsupported("zip").into()),
            ),
            (
                r#"{"alg":"RS256","kid":"a","enc":"A128GCM"}"#,
                Err(HeaderError::Unsupported("enc").into()),
            ),
            (r#"{"alg":"RS256","kid":"a","typ":"at+jwt"}"#, Err(wrong_type(Some("at+jwt")))),
            (r#"{"alg":"RS256","kid":"a","typ":7}"#, Err(wrong_type(None))),
            (
                r#"{"alg":"HS256","kid":"a"}"#,
                Err(HeaderError::SharedSecret(Excerpt::of(Some("HS256"))).into()),
            ),
            (r#"{"kid":"a"}"#, not_allowed(None)),
            (r#"{"alg":"none","kid":"a"}"#, not_allowed(Some("none"))),
            (r#"{"alg":"ES256","kid":"a"}"#, not_allowed(Some("ES256"))), // a known algorithm
            (r#"{"alg":["RS256"],"kid":"a"}"#, not_allowed(None)),
            (r#"{"alg":"RS256"}"#, Err(HeaderError::NoKeyId.into())),
            (r#"{"alg":"RS256","kid":""}"#, Err(HeaderError::NoKeyId.into())),
            (r#"{"alg":"RS256","kid":7}"#, Err(HeaderError::NoKeyId.into())),
            (r#"{"alg":"RS256","kid":["a"]}"#, Err(HeaderError::NoKeyId.into())),
        ];
        for (header, want) in table {
            assert_eq!(parse(&with_header(header)), want, "{header}");
        }
        let invalid_utf8 =
            format!("{}.e30.", URL_SAFE_NO_PAD.encode_to_string(b"{\"a\":\"\xff\"}"));
        assert_eq!(
            parse(&invalid_utf8),
            Err(MalformedToken::NotAnObject(TokenPart::Header).into())
        );
    }
}
