//! Signatures: the only file that names the crypto library.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{self as lc, ParsedPublicKey, RsaPublicKeyComponents};

/// A signature algorithm of RFC 7518 that this crate verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what Stytch signs with, and the default.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
}

impl Algorithm {
    /// The name in a header's `alg`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        match name {
            "RS256" => Ok(Self::Rs256),
            "ES256" => Ok(Self::Es256),
            _ => Err(UnknownAlgorithm),
        }
    }
}

/// Not the name of an [`Algorithm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm;

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an algorithm that this crate verifies: expected RS256 or ES256")
    }
}

impl std::error::Error for UnknownAlgorithm {}

/// A public key, parsed once, for one algorithm.
pub(super) struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// From the modulus and exponent, big-endian without leading zeros.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        components.to_parsed_public_key(&lc::RSA_PKCS1_2048_8192_SHA256).ok().map(Self)
    }

    /// From the coordinates of a point on P-256, 32 bytes each.
    pub(super) fn p256(x: &[u8], y: &[u8]) -> Option<Self> {
        if x.len() != 32 || y.len() != 32 {
            return None;
        }
        let uncompressed = [&[4], x, y].concat();
        ParsedPublicKey::new(&lc::ECDSA_P256_SHA256_FIXED, uncompressed).ok().map(Self)
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

#[cfg(feature = "testing")]
pub(crate) use self::signing::SigningKey;

/// Making keys and signatures, for tests.
#[cfg(feature = "testing")]
mod signing {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
    use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, KeyPair as _};

    use super::Algorithm;

    /// A private key that lives as long as this value.
    pub(crate) enum SigningKey {
        Rsa(Box<RsaKeyPair>),
        P256(Box<EcdsaKeyPair>),
    }

    impl SigningKey {
        /// A fresh key; `None` where the operating system has no randomness to give.
        pub(crate) fn generate(algorithm: Algorithm) -> Option<Self> {
            match algorithm {
                Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).ok().map(|pair| Self::Rsa(Box::new(pair))),
                Algorithm::Es256 => EcdsaKeyPair::generate(&lc::ECDSA_P256_SHA256_FIXED_SIGNING)
                    .ok()
                    .map(|pair| Self::P256(Box::new(pair))),
            }
        }

        pub(crate) fn algorithm(&self) -> Algorithm {
            match self {
                Self::Rsa(_) => Algorithm::Rs256,
                Self::P256(_) => Algorithm::Es256,
            }
        }

        /// The public key's parameters in a JWK (RFC 7518, section 6).
        pub(crate) fn jwk_parameters(&self) -> Vec<(&'static str, String)> {
            let encode = |bytes: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
            match self {
                Self::Rsa(pair) => {
                    let public = pair.public_key();
                    let n = encode(public.modulus().big_endian_without_leading_zero());
                    let e = encode(public.exponent().big_endian_without_leading_zero());
                    vec![("kty", "RSA".into()), ("n", n), ("e", e)]
                }
                Self::P256(pair) => {
                    let point = pair.public_key().as_ref();
                    let (x, y) = point.get(1..).and_then(|xy| xy.split_at_checked(32)).unwrap_or_default();
                    vec![("kty", "EC".into()), ("crv", "P-256".into()), ("x", encode(x)), ("y", encode(y))]
                }
            }
        }

        pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
            let random = SystemRandom::new();
            match self {
                Self::Rsa(pair) => {
                    let mut signature = vec![0; pair.public_modulus_len()];
                    pair.sign(&lc::RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                    Some(signature)
                }
                Self::P256(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
            }
        }
    }
}
