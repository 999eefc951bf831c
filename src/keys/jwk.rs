//! Reads a JWK and turns it into a key that can verify. The raw JSON is filtered first.

use jsonwebtoken::jwk::{
    EllipticCurve, EllipticCurveKeyParameters, OctetKeyPairParameters, RSAKeyParameters,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::signature::{Algorithm, PublicKey};

/// A public key, and the one algorithm that it is pinned to.
pub(crate) struct Key {
    algorithm: Algorithm,
    public: PublicKey,
}

impl Key {
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verifies(message, signature)
    }
}

/// The members that decide whether a key may be used at all. jsonwebtoken's [`Jwk`] silently drops
/// private members, so this type reads them.
#[derive(Deserialize)]
struct Filter {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    k: Option<serde::de::IgnoredAny>,
    d: Option<serde::de::IgnoredAny>,
    p: Option<serde::de::IgnoredAny>,
    q: Option<serde::de::IgnoredAny>,
    dp: Option<serde::de::IgnoredAny>,
    dq: Option<serde::de::IgnoredAny>,
    qi: Option<serde::de::IgnoredAny>,
    oth: Option<serde::de::IgnoredAny>,
}

pub(super) fn read(raw: &RawValue) -> Result<(Box<str>, Key), &'static str> {
    let filter: Filter = serde_json::from_str(raw.get()).map_err(|_| "it cannot be read")?;
    let kid = filter.check()?;
    let stated = filter.alg.as_deref().map(str::parse::<Algorithm>);
    let stated = stated.transpose().map_err(|_| "its alg is not supported")?;
    let (algorithm, public) = convert(&filter.kty, raw, stated)?;
    Ok((kid.into(), Key { algorithm, public }))
}

impl Filter {
    /// Returns the key's id if the key may be used, and otherwise the reason why not.
    fn check(&self) -> Result<&str, &'static str> {
        let private = [&self.k, &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth];
        if self.kty == "oct" {
            return Err(SYMMETRIC);
        }
        if private.into_iter().any(Option::is_some) {
            return Err("it has private members");
        }
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err("its use is not sig");
        }
        if self
            .key_ops
            .as_ref()
            .is_some_and(|operations| !operations.iter().any(|it| it == "verify"))
        {
            return Err("its key_ops do not include verify");
        }
        self.kid.as_deref().filter(|kid| !kid.is_empty()).ok_or("it has no kid")
    }
}

/// Reads the parameters of a key of this type. The key's type and what its JWK states pin the
/// algorithm, so that a token's header can never choose how the key is used. An RSA key that states
/// no algorithm is used with RS256.
///
/// jsonwebtoken's `Jwk` would read a key of an unknown type as a [`serde_json::Value`], which can
/// hide JSON in JSON. Enough of it overflows the stack.
fn convert(
    kty: &str,
    raw: &RawValue,
    stated: Option<Algorithm>,
) -> Result<(Algorithm, PublicKey), &'static str> {
    const NOT_A_POINT: &str = "it is not a point on its curve";
    let (algorithm, key) = match kty {
        "RSA" => {
            let RSAKeyParameters { n, e, .. } = parameters(raw)?;
            let algorithm = stated.unwrap_or(Algorithm::Rs256);
            if !algorithm.is_rsa() {
                return Err(ALG_MISMATCH);
            }
            let (modulus, exponent) = (decode(&n)?, decode(&e)?);
            check_rsa(&modulus, &exponent)?;
            let key = PublicKey::rsa(algorithm, &modulus, &exponent);
            (algorithm, key.ok_or("it is not an RSA key")?)
        }
        "EC" => {
            let EllipticCurveKeyParameters { curve, x, y, .. } = parameters(raw)?;
            let (x, y) = (decode(&x)?, decode(&y)?);
            let (algorithm, key) = match curve {
                EllipticCurve::P256 => (Algorithm::Es256, PublicKey::p256(&x, &y)),
                EllipticCurve::P384 => (Algorithm::Es384, PublicKey::p384(&x, &y)),
                _ => return Err(UNSUPPORTED),
            };
            (algorithm, key.ok_or(NOT_A_POINT)?)
        }
        "OKP" => {
            let OctetKeyPairParameters { curve, x, .. } = parameters(raw)?;
            if curve != EllipticCurve::Ed25519 {
                return Err(UNSUPPORTED);
            }
            let x = decode(&x)?;
            if has_small_order(&x) {
                return Err("it is of small order: anyone can sign for it");
            }
            (Algorithm::EdDsa, PublicKey::ed25519(&x).ok_or("it does not have 32 bytes")?)
        }
        _ => return Err(UNSUPPORTED),
    };
    if stated.is_some_and(|stated| stated != algorithm) {
        return Err(ALG_MISMATCH);
    }
    Ok((algorithm, key))
}

fn parameters<T: DeserializeOwned>(raw: &RawValue) -> Result<T, &'static str> {
    serde_json::from_str(raw.get()).map_err(|_| "its curve is not supported, or it lacks a member")
}

/// The reason for skipping a symmetric key. Anyone who verifies with it can also sign.
pub(super) const SYMMETRIC: &str = "it is symmetric";
const UNSUPPORTED: &str = "its type or curve is not supported";
const ALG_MISMATCH: &str = "its alg does not match its type or curve";

/// Returns whether this encodes one of the eight points of Ed25519 whose order divides eight.
/// Anyone can make signatures for such a point without a secret. The crypto library accepts any 32
/// bytes.
fn has_small_order(x: &[u8]) -> bool {
    const ORDER_EIGHT: [[u8; 32]; 2] = [
        *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
        *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    ];
    let [first, middle @ .., last] = x else { return false };
    let all = |byte| middle.iter().all(|it| *it == byte);
    // The highest bit is the sign. In 0, 1, p - 1, p and p + 1, all bytes between the first and the
    // last are the same.
    let last = last & 0x7f;
    let near_zero = all(0) && last == 0 && *first <= 1;
    let near_p = all(0xff) && last == 0x7f && (0xec..=0xee).contains(first);
    near_zero
        || near_p
        || ORDER_EIGHT.iter().any(|[f, m @ .., l]| (f, m.as_slice(), *l) == (first, middle, last))
}

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), &'static str> {
    let bits = |number: &[u8]| {
        number.len() * 8 - number.first().map_or(0, |top| top.leading_zeros() as usize)
    };
    if modulus.first() == Some(&0) || exponent.first() == Some(&0) {
        return Err("its modulus or exponent has leading zeros");
    }
    if !(2048..=8192).contains(&bits(modulus)) {
        return Err("its modulus does not have 2048 to 8192 bits");
    }
    let odd = exponent.last().is_some_and(|low| low % 2 == 1);
    if !odd || !(2..=33).contains(&bits(exponent)) {
        return Err("its exponent is not an odd number of 2 to 33 bits");
    }
    Ok(())
}

fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| "its numbers are not base64url")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use serde_json::{Value, json};

    pub(in crate::keys) fn jwk(algorithm: Algorithm, more: &[(&str, Value)]) -> Value {
        let key = SigningKey::generate(algorithm).expect("randomness");
        let mut jwk: serde_json::Map<_, _> = key
            .jwk_parameters()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        jwk.insert("kid".into(), "a".into());
        jwk.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Value::Object(jwk)
    }

    fn read_value(jwk: &Value) -> Result<Algorithm, &'static str> {
        let raw = RawValue::from_string(jwk.to_string()).expect("JSON");
        read(&raw).map(|(_, key)| key.algorithm())
    }

    #[test]
    fn a_usable_key_has_exactly_one_algorithm() {
        for algorithm in Algorithm::ALL.iter().copied() {
            let of_its_type = match algorithm {
                Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256 => Algorithm::Rs256,
                other => other,
            };
            assert_eq!(read_value(&jwk(algorithm, &[])), Ok(of_its_type));
            let stated = [
                ("alg", json!(algorithm.as_str())),
                ("use", json!("sig")),
                ("key_ops", json!(["verify"])),
            ];
            assert_eq!(read_value(&jwk(algorithm, &stated)), Ok(algorithm));
        }
    }

    #[test]
    fn an_unusable_key_is_skipped_with_a_reason() {
        let table: [(&str, Value, &str); 20] = [
            ("kid", Value::Null, "it has no kid"),
            ("kid", json!(""), "it has no kid"),
            ("kid", json!(1), "it cannot be read"),
            ("kty", json!("oct"), "it is symmetric"),
            ("kty", json!("rsa"), "its type or curve is not supported"),
            ("k", json!("c2VjcmV0"), "it has private members"),
            ("d", json!("AQAB"), "it has private members"),
            ("use", json!("enc"), "its use is not sig"),
            ("key_ops", json!(["encrypt"]), "its key_ops do not include verify"),
            ("alg", json!("HS256"), "its alg is not supported"),
            ("alg", json!("PS512"), "its alg is not supported"),
            ("alg", json!("ES256"), "its alg does not match its type or curve"),
            ("alg", json!("EdDSA"), "its alg does not match its type or curve"),
            ("kty", json!("EC"), "its curve is not supported, or it lacks a member"),
            ("n", Value::Null, "its curve is not supported, or it lacks a member"),
            ("n", json!(1), "its curve is not supported, or it lacks a member"),
            ("n", json!("AQAB"), "its modulus does not have 2048 to 8192 bits"),
            ("n", json!("A=="), "its numbers are not base64url"),
            ("e", json!("AQ"), "its exponent is not an odd number of 2 to 33 bits"),
            ("e", json!("AQAA"), "its exponent is not an odd number of 2 to 33 bits"),
        ];
        for (member, value, why) in table {
            assert_eq!(
                read_value(&jwk(Algorithm::Rs256, &[(member, value.clone())])),
                Err(why),
                "{member}: {value}"
            );
        }
        for (algorithm, digits) in [(Algorithm::Es256, 43), (Algorithm::Es384, 64)] {
            let off_the_curve = jwk(algorithm, &[("x", json!("A".repeat(digits)))]);
            assert_eq!(read_value(&off_the_curve), Err("it is not a point on its curve"));
            let too_short = jwk(algorithm, &[("x", json!("AAAA"))]);
            assert_eq!(read_value(&too_short), Err("it is not a point on its curve"));
        }
        let ed25519 = |bytes: &[u8]| {
            let x = base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
            read_value(&jwk(Algorithm::EdDsa, &[("x", json!(x))]))
        };
        assert_eq!(ed25519(&[1; 3]), Err("it does not have 32 bytes"));
        assert_eq!(ed25519(&[1; 33]), Err("it does not have 32 bytes"));
        let mut identity = [0; 32];
        identity[0] = 1;
        let (mut minus_one, mut with_sign) = ([0xff; 32], identity);
        (minus_one[0], minus_one[31], with_sign[31]) = (0xec, 0x7f, 0x80);
        for weak in [[0; 32], identity, minus_one, with_sign] {
            assert_eq!(ed25519(&weak), Err("it is of small order: anyone can sign for it"));
        }
        for (algorithm, curve) in [(Algorithm::Es256, "P-521"), (Algorithm::EdDsa, "P-256")] {
            let other_curve = jwk(algorithm, &[("crv", json!(curve))]);
            assert_eq!(read_value(&other_curve), Err("its type or curve is not supported"));
        }
        let mixed_up = jwk(Algorithm::Es256, &[("crv", json!("P-384"))]);
        assert_eq!(read_value(&mixed_up), Err("it is not a point on its curve"));
    }
    /// `serde_json::Value` reads the text of such a member as JSON, with a fresh limit on its depth.
    #[test]
    fn json_hidden_in_json_does_not_overflow_the_stack() {
        let nest = |inner: String| format!("{}{inner}{}", "[".repeat(120), "]".repeat(120));
        let hidden = (0..20).fold("1".to_owned(), |inner, _| {
            nest(json!({ "$serde_json::private::RawValue": inner }).to_string())
        });
        for (kty, why) in [
            ("AKP", "its type or curve is not supported"),
            ("RSA", "its curve is not supported, or it lacks a member"),
        ] {
            let jwk = format!(r#"{{"kty":"{kty}","kid":"a","unusual":{hidden}}}"#);
            let raw = RawValue::from_string(jwk).expect("JSON");
            assert_eq!(read(&raw).err(), Some(why));
        }
    }
}
