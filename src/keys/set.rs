//! Public keys by `kid`, from a JWKS document. A malformed key does not affect the others.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::jwk::{self, Key};
use crate::excerpt::Excerpt;

/// The number of keys that are read from a document.
const MAX_KEYS: usize = 1_024;

/// Public keys by `kid`, parsed once.
pub struct KeySet {
    id: KeySetId,
    keys: HashMap<Box<str>, Key>,
}

/// The id of a [`KeySet`]. Each call of [`KeySet::from_jwks`] creates a set with a different id,
/// even if two sets have the same keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeySetId(u64);

impl KeySet {
    /// Reads the usable keys of a JWKS document (RFC 7517).
    ///
    /// A key is used with the algorithm that its `alg` states. Without `alg`, an RSA key is used
    /// with RS256, and any other key with the algorithm of its curve.
    ///
    /// The following keys are skipped, each with a log line:
    ///
    /// - keys that cannot be read
    /// - keys without a `kid`, or with the `kid` of an earlier key
    /// - symmetric keys, and keys with private members
    /// - keys that are not meant for signatures (`use`, `key_ops`)
    /// - RSA keys under 2048 or over 8192 bits
    /// - keys with invalid numbers: RSA exponents that are even or out of range, points that are
    ///   not on the curve, Ed25519 points of small order
    /// - keys of types, curves and [algorithms](crate::keys::Algorithm) that this crate does not
    ///   verify
    /// - keys whose `alg` does not match their type or curve
    ///
    /// Keys after the first 1,024 are ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if the document is not a JWKS or none of its keys is usable.
    pub fn from_jwks(document: &[u8]) -> Result<Self, KeySetError> {
        // A derived reader would also accept an array.
        if !document.trim_ascii_start().starts_with(b"{") {
            return Err(KeySetError::NotAKeySet);
        }
        let document: Document<'_> =
            serde_json::from_slice(document).map_err(|_| KeySetError::NotAKeySet)?;
        if document.keys.len() > MAX_KEYS {
            tracing::warn!(
                keys = document.keys.len(),
                max_keys = MAX_KEYS,
                "the JWKS has too many keys, and the rest are ignored"
            );
        }
        let (mut keys, mut symmetric) = (HashMap::new(), 0);
        for raw in document.keys.iter().take(MAX_KEYS) {
            let outcome = jwk::read(raw).and_then(|(kid, key)| match keys.entry(kid) {
                Entry::Vacant(place) => Ok(place.insert(key)),
                Entry::Occupied(_) => Err("an earlier key has the same kid"),
            });
            if let Err(reason) = outcome {
                symmetric += usize::from(reason == jwk::SYMMETRIC);
                tracing::warn!(kid = %kid_of(raw), reason, "key skipped");
            }
        }
        if keys.is_empty() {
            return Err(KeySetError::NoUsableKey { keys: document.keys.len(), symmetric });
        }
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = KeySetId(NEXT.fetch_add(1, Ordering::Relaxed));
        Ok(Self { id, keys })
    }

    /// Returns the number of keys.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set without a key cannot be made")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns whether there is a key with this id.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    pub(crate) fn get(&self, kid: &str) -> Option<&Key> {
        self.keys.get(kid)
    }

    /// Returns the id of this set.
    #[must_use]
    pub fn id(&self) -> KeySetId {
        self.id
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

/// The reason why a document yields no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// The document is not a JSON object with a list of `keys`.
    #[error("the document is not a JWKS")]
    NotAKeySet,
    /// None of the keys can be used. The log states the reasons.
    ///
    /// If the document has symmetric keys or no keys at all, the issuer probably signs with a
    /// shared secret, as with HS256. The message then says what to do. With a shared secret, each
    /// server that verifies tokens could also mint them.
    #[error("the JWKS has no usable key (keys in the JWKS: {keys}){}", advice(*keys, *symmetric))]
    NoUsableKey {
        /// The number of keys in the document, none of which is usable.
        keys: usize,
        /// The number of symmetric keys among them.
        symmetric: usize,
    },
}

fn advice(keys: usize, symmetric: usize) -> &'static str {
    match (keys, symmetric) {
        (1.., 0) => "",
        _ => {
            ": let the issuer sign with an asymmetric key such as RS256 or ES256, because a shared \
             HS256 secret would let this server mint tokens"
        }
    }
}

/// Returns the id of a skipped key, for the log.
fn kid_of(jwk: &RawValue) -> Excerpt {
    #[derive(Deserialize)]
    struct Named {
        kid: Option<String>,
    }
    let kid = serde_json::from_str(jwk.get()).ok().and_then(|named: Named| named.kid);
    Excerpt::of(kid.as_deref())
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::keys::Algorithm;
    use crate::keys::jwk::tests::jwk;

    #[test]
    fn unusable_keys_are_skipped_and_the_first_key_of_a_kid_is_kept() {
        let good = jwk(Algorithm::Es256, &[]);
        let document =
            json!({"keys": [7, {"kty": "oct"}, good, jwk(Algorithm::Rs256, &[])]}).to_string();
        let keys = KeySet::from_jwks(document.as_bytes()).expect("one is usable");
        assert_eq!((keys.len(), keys.get("a").map(Key::algorithm)), (1, Some(Algorithm::Es256)));
    }

    #[test]
    fn each_parsed_set_has_its_own_id() {
        let document = json!({"keys": [jwk(Algorithm::Es256, &[])]}).to_string();
        let [one, other] = [(); 2].map(|()| KeySet::from_jwks(document.as_bytes()).expect("a key"));
        assert_ne!(one.id(), other.id());
    }

    #[test]
    fn a_document_is_an_object_with_a_limited_number_of_keys() {
        let good = jwk(Algorithm::Es256, &[]);
        assert!(KeySet::from_jwks(json!({"keys": [good]}).to_string().as_bytes()).is_ok());
        let array = json!([[good]]).to_string();
        assert_eq!(KeySet::from_jwks(array.as_bytes()).err(), Some(KeySetError::NotAKeySet));
        let mut many = vec![json!({}); MAX_KEYS];
        many.push(good);
        let too_late = KeySet::from_jwks(json!({"keys": many}).to_string().as_bytes());
        assert!(matches!(too_late.err(), Some(KeySetError::NoUsableKey { .. })));
    }

    #[test]
    fn a_document_without_a_usable_key_is_an_error() {
        for document in ["", "null", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
            assert_eq!(
                KeySet::from_jwks(document.as_bytes()).err(),
                Some(KeySetError::NotAKeySet),
                "{document}"
            );
        }
        const ADVICE: &str = ": let the issuer sign with an asymmetric key such as RS256 or ES256, \
                              because a shared HS256 secret would let this server mint tokens";
        for (document, keys, symmetric, advice) in [
            (r#"{"keys":[]}"#, 0, 0, ADVICE),
            (r#"{"keys":[{"kty":"oct","k":"AA","kid":"a"}]}"#, 1, 1, ADVICE),
            (r#"{"keys":[{"kty":"oct"},{},{"kty":"oct"},{"kty":"RSA"}]}"#, 4, 2, ADVICE),
            (r#"{"keys":[{"kty":"RSA","kid":"a"}]}"#, 1, 0, ""),
        ] {
            let error = KeySet::from_jwks(document.as_bytes()).expect_err("no usable key");
            assert_eq!(error, KeySetError::NoUsableKey { keys, symmetric }, "{document}");
            let want = format!("the JWKS has no usable key (keys in the JWKS: {keys}){advice}");
            assert_eq!(error.to_string(), want);
        }
    }
}
