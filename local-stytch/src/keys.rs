//! The project's RSA keys, which sign session JWTs and are published to verify them.

use aws_lc_rs::{
    digest,
    error::Unspecified,
    rand::SystemRandom,
    signature::{self, KeyPair as _, RsaKeyPair, RsaPublicKeyComponents},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde::Serialize;

use crate::random;

/// The key that signs, and the previous one, which is still published.
#[derive(Debug)]
pub(crate) struct Keys {
    current: Key,
    previous: Option<Key>,
}

impl Keys {
    /// Generates the first key. This takes a few hundred milliseconds, mostly for the primes.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        Ok(Self { current: Key::generate()?, previous: None })
    }

    /// Signs with `next` from now on. The key that signed until now stays published, but an older
    /// one does not.
    pub(crate) fn rotate(&mut self, next: Key) {
        self.previous = Some(std::mem::replace(&mut self.current, next));
    }

    pub(crate) fn signing(&self) -> &Key {
        &self.current
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&Key> {
        self.published().find(|key| key.jwk.kid == kid)
    }

    pub(crate) fn jwks(&self) -> Vec<Jwk> {
        self.published().map(|key| key.jwk.clone()).collect()
    }

    fn published(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

pub(crate) struct Key {
    pair: RsaKeyPair,
    jwk: Jwk,
}

impl Key {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let generated = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let pair =
            RsaKeyPair::from_pkcs8(generated.serialized_der()).map_err(|_| KeyError(None))?;
        let certificate = CertificateParams::new(Vec::new())?.self_signed(&generated)?;
        let public = pair.public_key();
        let jwk = Jwk {
            kty: "RSA",
            r#use: "sig",
            key_ops: ["verify"],
            alg: "RS256",
            kid: random::id("jwk"),
            x5c: [STANDARD.encode(certificate.der())],
            x5t_s256: URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, certificate.der())),
            n: URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            e: URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
        };
        Ok(Self { pair, jwk })
    }

    pub(crate) fn kid(&self) -> &str {
        &self.jwk.kid
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(
            &signature::RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )?;
        Ok(signature)
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let public = self.pair.public_key();
        let (n, e) = (public.modulus(), public.exponent());
        RsaPublicKeyComponents {
            n: n.big_endian_without_leading_zero(),
            e: e.big_endian_without_leading_zero(),
        }
        .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
        .is_ok()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.jwk.kid).finish_non_exhaustive()
    }
}

/// A public key as Stytch publishes it, with its certificate.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Jwk {
    kty: &'static str,
    r#use: &'static str,
    key_ops: [&'static str; 1],
    alg: &'static str,
    kid: String,
    x5c: [String; 1],
    #[serde(rename = "x5tS256")]
    x5t_s256: String,
    n: String,
    e: String,
}

/// An error generating or using a key, in one line.
#[derive(Debug)]
pub struct KeyError(Option<rcgen::Error>);

impl std::fmt::Display for KeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            None => f.write_str("the cryptographic library failed"),
            Some(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|error| error as _)
    }
}

impl From<Unspecified> for KeyError {
    fn from(_: Unspecified) -> Self {
        Self(None)
    }
}

impl From<rcgen::Error> for KeyError {
    fn from(error: rcgen::Error) -> Self {
        Self(Some(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_key_signs_and_two_keys_are_published() {
        let mut keys = Keys::generate().unwrap();
        let first = keys.signing().kid().to_owned();
        let signature = keys.signing().sign(b"message").unwrap();
        assert!(keys.signing().verify(b"message", &signature));
        assert!(!keys.signing().verify(b"massage", &signature));

        keys.rotate(Key::generate().unwrap());
        assert_ne!(keys.signing().kid(), first);
        assert!(keys.find(&first).unwrap().verify(b"message", &signature));
        assert_eq!(keys.jwks().len(), 2);

        keys.rotate(Key::generate().unwrap());
        assert!(keys.find(&first).is_none());
        assert_eq!(keys.jwks().len(), 2);
    }
}
