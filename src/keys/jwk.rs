//! From a JWKS document to keys that can verify: each key is filtered and converted alone, so that an odd one harms none
//! of the others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::signature::{Algorithm, PublicKey};

/// How many keys of a document are looked at.
const MOST_KEYS: usize = 1_024;

/// Public keys by `kid`, parsed once.
pub struct KeySet {
    keys: HashMap<Box<str>, Key>,
}

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

impl KeySet {
    /// The usable keys of a JWKS document (RFC 7517).
    ///
    /// Skipped, each with a log line: keys without a `kid` or with one that an earlier key has, symmetric keys, keys
    /// with private members, keys not meant for signatures (`use`, `key_ops`), RSA keys under 2048 or over 8192 bits,
    /// and keys of other types, curves and algorithms than this crate verifies. More than 1,024 keys are not looked at.
    ///
    /// # Errors
    ///
    /// Where the document is not a JWKS or none of its keys is usable.
    pub fn from_jwks(document: &[u8]) -> Result<Self, KeySetError> {
        // A derived reader takes arrays too.
        if !document.trim_ascii_start().starts_with(b"{") {
            return Err(KeySetError::NotAKeySet);
        }
        let document: Document<'_> = serde_json::from_slice(document).map_err(|_| KeySetError::NotAKeySet)?;
        if document.keys.len() > MOST_KEYS {
            tracing::warn!(keys = document.keys.len(), looked_at = MOST_KEYS, "too many keys");
        }
        let mut keys = HashMap::new();
        for raw in document.keys.iter().take(MOST_KEYS) {
            let outcome = read(raw).and_then(|(kid, key)| match keys.entry(kid) {
                Entry::Vacant(place) => Ok(place.insert(key)),
                Entry::Occupied(_) => Err("its kid stands twice"),
            });
            if let Err(reason) = outcome {
                tracing::warn!(kid = kid_of(raw), reason, "key skipped");
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoUsableKey { skipped: document.keys.len() });
        }
        Ok(Self { keys })
    }

    /// How many keys there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set without a key cannot be made")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is a key with this id.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    pub(crate) fn get(&self, kid: &str) -> Option<&Key> {
        self.keys.get(kid)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// Why a document gave no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not a JSON object with a list of `keys`.
    NotAKeySet,
    /// Not one of the keys can be used; the log says of each why.
    NoUsableKey {
        /// How many keys there were.
        skipped: usize,
    },
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAKeySet => f.write_str("not a JWKS document"),
            Self::NoUsableKey { skipped } => write!(f, "a JWKS document without a usable key ({skipped} skipped)"),
        }
    }
}

impl std::error::Error for KeySetError {}

/// The id of a key that was skipped, for the log.
fn kid_of(jwk: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Named {
        kid: Option<String>,
    }
    let kid = serde_json::from_str(jwk.get()).ok().and_then(|named: Named| named.kid);
    kid.unwrap_or_default().chars().take(80).flat_map(char::escape_default).collect()
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

/// The members that decide whether a key may be used at all. The JWK model drops private members without a word, so they
/// are looked for here.
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

fn read(raw: &RawValue) -> Result<(Box<str>, Key), &'static str> {
    let filter: Filter = serde_json::from_str(raw.get()).map_err(|_| "it cannot be read")?;
    let kid = filter.check()?;
    let jwk: Jwk = serde_json::from_str(raw.get()).map_err(|_| "it is not a JWK of a known type")?;
    let (algorithm, public) = convert(&jwk.algorithm)?;
    match filter.alg.as_deref().map(str::parse::<Algorithm>) {
        None => {}
        Some(Ok(named)) if named == algorithm => {}
        Some(_) => return Err("its alg is not one that is verified with a key of its type"),
    }
    Ok((kid.into(), Key { algorithm, public }))
}

impl Filter {
    /// The key's id, where the key may be used.
    fn check(&self) -> Result<&str, &'static str> {
        let private = [&self.k, &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth];
        if self.kty == "oct" {
            return Err("it is symmetric");
        }
        if private.into_iter().any(Option::is_some) {
            return Err("it has private members");
        }
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err("its use is not sig");
        }
        if self.key_ops.as_ref().is_some_and(|operations| !operations.iter().any(|it| it == "verify")) {
            return Err("its key_ops do not have verify");
        }
        self.kid.as_deref().filter(|kid| !kid.is_empty()).ok_or("it has no kid")
    }
}

/// The algorithm is pinned by the type of the key, so that a header can never choose how a key is used.
fn convert(parameters: &AlgorithmParameters) -> Result<(Algorithm, PublicKey), &'static str> {
    match parameters {
        AlgorithmParameters::RSA(rsa) => {
            let modulus = decode(&rsa.n)?;
            let exponent = decode(&rsa.e)?;
            check_rsa(&modulus, &exponent)?;
            let key = PublicKey::rsa(&modulus, &exponent).ok_or("it is not an RSA key")?;
            Ok((Algorithm::Rs256, key))
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            let key = PublicKey::p256(&decode(&ec.x)?, &decode(&ec.y)?).ok_or("it is not a point on P-256")?;
            Ok((Algorithm::Es256, key))
        }
        _ => Err("its type or curve is not one that this crate verifies with"),
    }
}

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), &'static str> {
    let bits = |number: &[u8]| number.len() * 8 - number.first().map_or(0, |top| top.leading_zeros() as usize);
    if modulus.first() == Some(&0) || exponent.first() == Some(&0) {
        return Err("its numbers have leading zeros");
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
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use serde_json::{Value, json};

    fn jwk(algorithm: Algorithm, more: &[(&str, Value)]) -> Value {
        let key = SigningKey::generate(algorithm).expect("randomness");
        let mut jwk: serde_json::Map<_, _> =
            key.jwk_parameters().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        jwk.insert("kid".into(), "a".into());
        jwk.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Value::Object(jwk)
    }

    fn read_value(jwk: &Value) -> Result<Algorithm, &'static str> {
        let raw = RawValue::from_string(jwk.to_string()).expect("JSON");
        read(&raw).map(|(_, key)| key.algorithm())
    }

    #[test]
    fn a_usable_key_is_pinned_to_the_algorithm_of_its_type() {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
            assert_eq!(read_value(&jwk(algorithm, &[])), Ok(algorithm));
            let stated = [("alg", json!(algorithm.as_str())), ("use", json!("sig")), ("key_ops", json!(["verify"]))];
            assert_eq!(read_value(&jwk(algorithm, &stated)), Ok(algorithm));
        }
    }

    #[test]
    fn a_key_that_must_not_be_used_is_skipped_with_the_reason() {
        let table: [(&str, Value, &str); 15] = [
            ("kid", Value::Null, "it has no kid"),
            ("kid", json!(""), "it has no kid"),
            ("kid", json!(1), "it cannot be read"),
            ("kty", json!("oct"), "it is symmetric"),
            ("kty", json!("rsa"), "it is not a JWK of a known type"),
            ("k", json!("c2VjcmV0"), "it has private members"),
            ("d", json!("AQAB"), "it has private members"),
            ("use", json!("enc"), "its use is not sig"),
            ("key_ops", json!(["encrypt"]), "its key_ops do not have verify"),
            ("alg", json!("HS256"), "its alg is not one that is verified with a key of its type"),
            ("alg", json!("ES256"), "its alg is not one that is verified with a key of its type"),
            ("n", json!("AQAB"), "its modulus does not have 2048 to 8192 bits"),
            ("n", json!("A=="), "its numbers are not base64url"),
            ("e", json!("AQ"), "its exponent is not an odd number of 2 to 33 bits"),
            ("e", json!("AQAA"), "its exponent is not an odd number of 2 to 33 bits"),
        ];
        for (member, value, why) in table {
            assert_eq!(read_value(&jwk(Algorithm::Rs256, &[(member, value.clone())])), Err(why), "{member}: {value}");
        }
        let off_the_curve = jwk(Algorithm::Es256, &[("x", json!("A".repeat(43)))]);
        assert_eq!(read_value(&off_the_curve), Err("it is not a point on P-256"));
        let other_curve = jwk(Algorithm::Es256, &[("crv", json!("P-384"))]);
        assert_eq!(read_value(&other_curve), Err("its type or curve is not one that this crate verifies with"));
    }

    #[test]
    fn an_odd_key_harms_none_of_the_others_and_the_first_of_a_kid_stays() {
        let good = jwk(Algorithm::Es256, &[]);
        let document = json!({"keys": [7, {"kty": "oct"}, good, jwk(Algorithm::Rs256, &[])]}).to_string();
        let keys = KeySet::from_jwks(document.as_bytes()).expect("one is usable");
        assert_eq!((keys.len(), keys.get("a").map(Key::algorithm)), (1, Some(Algorithm::Es256)));
    }

    #[test]
    fn a_document_is_an_object_and_its_keys_are_counted() {
        let good = jwk(Algorithm::Es256, &[]);
        assert!(KeySet::from_jwks(json!({"keys": [good]}).to_string().as_bytes()).is_ok());
        let array = json!([[good]]).to_string();
        assert_eq!(KeySet::from_jwks(array.as_bytes()).err(), Some(KeySetError::NotAKeySet));
        let mut many = vec![json!({}); MOST_KEYS];
        many.push(good);
        let too_late = KeySet::from_jwks(json!({"keys": many}).to_string().as_bytes());
        assert!(matches!(too_late.err(), Some(KeySetError::NoUsableKey { .. })));
    }

    #[test]
    fn a_document_without_a_usable_key_is_an_error() {
        for document in ["", "null", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
            assert_eq!(KeySet::from_jwks(document.as_bytes()).err(), Some(KeySetError::NotAKeySet), "{document}");
        }
        let none = KeySet::from_jwks(br#"{"keys":[{"kty":"oct","k":"AA","kid":"a"}]}"#).err();
        assert_eq!(none, Some(KeySetError::NoUsableKey { skipped: 1 }));
    }
}
