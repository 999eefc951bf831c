//! The compact serialization (RFC 7515, section 7.1): three parts of base64url, and the header.

use serde::Deserialize;

use super::error::TokenError;
use super::evidence::{Excerpt, Part};
use super::json::{self, Fault, Field, Presence};
use crate::keys::Algorithm;

/// The longest token that is looked at, in bytes.
pub(super) const LONGEST: usize = 16 * 1024;

/// A token taken apart, with its header judged. Nothing of it is proved yet.
pub(super) struct Compact<'a> {
    /// The text that the signature is over.
    pub(super) signed: &'a [u8],
    pub(super) algorithm: Algorithm,
    pub(super) kid: String,
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    alg: Field<String>,
    #[serde(default)]
    kid: Field<String>,
    #[serde(default)]
    typ: Field<String>,
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
    pub(super) fn parse(token: &'a str, allowed: &[Algorithm]) -> Result<Self, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::TooLarge { bytes: token.len() });
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::NotThreeParts);
        };
        let signed = token.get(..header.len() + 1 + payload.len()).unwrap_or_default().as_bytes();
        let header = decode(header, Part::Header)?;
        let payload = decode(payload, Part::Payload)?;
        let signature = decode(signature, Part::Signature)?;
        let (algorithm, kid) = Header::read(&header)?.judge(allowed)?;
        Ok(Self { signed, algorithm, kid, payload, signature })
    }
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, TokenError> {
        let text = str::from_utf8(bytes).map_err(|_| TokenError::NotAnObject(Part::Header))?;
        json::object(text).map_err(|fault| match fault {
            Fault::NotAnObject => TokenError::NotAnObject(Part::Header),
            Fault::DuplicateName => TokenError::DuplicateName(Part::Header),
        })
    }

    fn judge(self, allowed: &[Algorithm]) -> Result<(Algorithm, String), TokenError> {
        let unsupported = [("crit", self.crit), ("b64", self.b64), ("zip", self.zip), ("enc", self.enc)];
        if let Some((name, _)) = unsupported.into_iter().find(|(_, presence)| presence.0) {
            return Err(TokenError::UnsupportedHeader(name));
        }
        match self.typ {
            Field::Absent => {}
            Field::Value(typ) if typ == "JWT" => {}
            _ => return Err(TokenError::WrongType),
        }
        let alg = self.alg.value();
        let algorithm = alg.as_deref().and_then(|alg| alg.parse().ok()).filter(|it| allowed.contains(it));
        let algorithm = algorithm.ok_or_else(|| TokenError::AlgorithmNotAllowed(Excerpt::of(alg.as_deref())))?;
        let kid = self.kid.value().filter(|kid| !kid.is_empty()).ok_or(TokenError::NoKeyId)?;
        Ok((algorithm, kid))
    }
}

fn decode(text: &str, part: Part) -> Result<Vec<u8>, TokenError> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| TokenError::NotBase64Url(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(token: &str) -> Result<(Algorithm, String), TokenError> {
        Compact::parse(token, &[Algorithm::Rs256]).map(|compact| (compact.algorithm, compact.kid))
    }

    fn with_header(header: &str) -> String {
        format!("{}.e30.", base64_simd::URL_SAFE_NO_PAD.encode_to_string(header))
    }

    #[test]
    fn a_token_is_three_parts_of_canonical_base64url() {
        let header = base64_simd::URL_SAFE_NO_PAD.encode_to_string(r#"{"alg":"RS256","kid":"a"}"#);
        let table = [
            (format!("{header}.e30."), Ok((Algorithm::Rs256, "a".to_owned()))),
            (String::new(), Err(TokenError::NotThreeParts)),
            ("e30".into(), Err(TokenError::NotThreeParts)),
            (format!("{header}.e30"), Err(TokenError::NotThreeParts)),
            (format!("{header}.e30.AA.AA.AA"), Err(TokenError::NotThreeParts)),
            (format!("{header}=.e30."), Err(TokenError::NotBase64Url(Part::Header))),
            (format!("{header}.e31."), Err(TokenError::NotBase64Url(Part::Payload))), // trailing bits
            (format!("{header}.e30=."), Err(TokenError::NotBase64Url(Part::Payload))),
            (format!("{header}.e.30"), Err(TokenError::NotBase64Url(Part::Payload))),
            (format!("{header}.e30.AB"), Err(TokenError::NotBase64Url(Part::Signature))),
            (format!("{header}.e30.+w"), Err(TokenError::NotBase64Url(Part::Signature))),
            (format!("{header}.e30.AA "), Err(TokenError::NotBase64Url(Part::Signature))),
            (format!("{header}.e30.\u{ff21}A"), Err(TokenError::NotBase64Url(Part::Signature))),
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
            (r#"{"alg":"RS256","kid":"a","jwk":{},"jku":"x","x5u":"y","x5c":[]}"#, Ok((Algorithm::Rs256, "a".into()))),
            ("[]", Err(TokenError::NotAnObject(Part::Header))),
            ("", Err(TokenError::NotAnObject(Part::Header))),
            (r#"["RS256","a"]"#, Err(TokenError::NotAnObject(Part::Header))),
            (r#"{"alg":"RS256","kid":"a","kid":"b"}"#, Err(TokenError::DuplicateName(Part::Header))),
            (r#"{"alg":"none","alg":"RS256","kid":"a"}"#, Err(TokenError::DuplicateName(Part::Header))),
            (r#"{"alg":"RS256","kid":"a","crit":["exp"]}"#, Err(TokenError::UnsupportedHeader("crit"))),
            (r#"{"alg":"RS256","kid":"a","crit":null}"#, Err(TokenError::UnsupportedHeader("crit"))),
            (r#"{"alg":"RS256","kid":"a","b64":true}"#, Err(TokenError::UnsupportedHeader("b64"))),
            (r#"{"alg":"RS256","kid":"a","zip":"DEF"}"#, Err(TokenError::UnsupportedHeader("zip"))),
            (r#"{"alg":"RS256","kid":"a","enc":"A128GCM"}"#, Err(TokenError::UnsupportedHeader("enc"))),
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
        let invalid_utf8 = format!("{}.e30.", base64_simd::URL_SAFE_NO_PAD.encode_to_string(b"{\"a\":\"\xff\"}"));
        assert_eq!(parse(&invalid_utf8), Err(TokenError::NotAnObject(Part::Header)));
    }
}
