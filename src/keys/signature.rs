//! Signatures. This is the only file that calls the crypto library directly.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{self as lc, ParsedPublicKey, RsaPublicKeyComponents};

/// Defines the enum and its names from one table.
macro_rules! algorithms {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A signature algorithm of RFC 7518 or RFC 8037 that this crate verifies. HMAC is not
        /// among them, because its key would be the issuer's secret.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Algorithm {
            $($(#[$doc])* $variant,)*
        }

        impl Algorithm {
            /// All algorithms.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the name in a header's `alg`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl FromStr for Algorithm {
            type Err = UnknownAlgorithm;

            fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(UnknownAlgorithm),
                }
            }
        }
    };
}

/// Compares two secrets in a time that does not reveal where they differ.
pub(crate) fn is_same_secret(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// Returns the SHA-256 digest of a text.
pub(crate) fn digest(text: &[u8]) -> impl AsRef<[u8]> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text)
}

/// Returns random bytes, or `None` if the operating system provides no randomness.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).ok().map(|()| bytes)
}

algorithms! {
    /// RSASSA-PKCS1-v1_5 with SHA-256, which Stytch signs with. This is the default.
    Rs256 = "RS256";
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384 = "RS384";
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512 = "RS512";
    /// RSASSA-PSS with SHA-256.
    Ps256 = "PS256";
    /// ECDSA with P-256 and SHA-256.
    Es256 = "ES256";
    /// ECDSA with P-384 and SHA-384.
    Es384 = "ES384";
    /// EdDSA with Ed25519.
    EdDsa = "EdDSA";
}

impl Algorithm {
    /// Returns whether the algorithm uses RSA keys.
    pub(super) fn is_rsa(self) -> bool {
        matches!(self, Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error for a name that is not the name of an [`Algorithm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the algorithm is not supported: expected one of {}",
    Algorithm::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(" ")
)]
pub struct UnknownAlgorithm;

/// A public key, parsed once, for one algorithm.
pub(super) struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// Creates a key from a modulus and an exponent, big-endian without leading zeros, for an RSA
    /// algorithm.
    pub(super) fn rsa(algorithm: Algorithm, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let parameters = match algorithm {
            Algorithm::Rs256 => &lc::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &lc::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &lc::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &lc::RSA_PSS_2048_8192_SHA256,
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => return None,
        };
        let components = RsaPublicKeyComponents { n: modulus, e: exponent };
        components.to_parsed_public_key(parameters).ok().map(Self)
    }

    /// Creates a key from the coordinates of a point on P-256, 32 bytes each.
    pub(super) fn p256(x: &[u8], y: &[u8]) -> Option<Self> {
        Self::point(&lc::ECDSA_P256_SHA256_FIXED, 32, x, y)
    }

    /// Creates a key from the coordinates of a point on P-384, 48 bytes each.
    pub(super) fn p384(x: &[u8], y: &[u8]) -> Option<Self> {
        Self::point(&lc::ECDSA_P384_SHA384_FIXED, 48, x, y)
    }

    /// Creates a key from the 32 bytes of an Ed25519 key.
    pub(super) fn ed25519(x: &[u8]) -> Option<Self> {
        let key = ParsedPublicKey::new(&lc::ED25519, x).ok().filter(|_| x.len() == 32);
        key.map(Self)
    }

    fn point(
        parameters: &'static lc::EcdsaVerificationAlgorithm,
        size: usize,
        x: &[u8],
        y: &[u8],
    ) -> Option<Self> {
        if x.len() != size || y.len() != size {
            return None;
        }
        let uncompressed = [&[4], x, y].concat();
        ParsedPublicKey::new(parameters, uncompressed).ok().map(Self)
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

#[cfg(feature = "testing")]
pub(crate) use self::signing::SigningKey;

/// Creates keys and signatures, for tests.
#[cfg(feature = "testing")]
mod signing {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
    use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};

    use super::Algorithm;

    /// A private key, which exists only in this value, and its algorithm.
    pub(crate) struct SigningKey {
        algorithm: Algorithm,
        pair: Pair,
    }

    enum Pair {
        Rsa(Box<RsaKeyPair>),
        Elliptic(&'static str, Box<EcdsaKeyPair>),
        Edwards(Box<Ed25519KeyPair>),
    }

    impl SigningKey {
        /// Generates a key. Returns `None` if the operating system provides no randomness.
        pub(crate) fn generate(algorithm: Algorithm) -> Option<Self> {
            let elliptic = |curve, with| {
                EcdsaKeyPair::generate(with).ok().map(|pair| Pair::Elliptic(curve, Box::new(pair)))
            };
            let pair = match algorithm {
                Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512 | Algorithm::Ps256 => {
                    RsaKeyPair::generate(KeySize::Rsa2048)
                        .ok()
                        .map(|pair| Pair::Rsa(Box::new(pair)))
                }
                Algorithm::Es256 => elliptic("P-256", &lc::ECDSA_P256_SHA256_FIXED_SIGNING),
                Algorithm::Es384 => elliptic("P-384", &lc::ECDSA_P384_SHA384_FIXED_SIGNING),
                Algorithm::EdDsa => {
                    Ed25519KeyPair::generate().ok().map(|pair| Pair::Edwards(Box::new(pair)))
                }
            };
            pair.map(|pair| Self { algorithm, pair })
        }

        pub(crate) fn algorithm(&self) -> Algorithm {
            self.algorithm
        }

        /// Returns the public key's parameters in a JWK (RFC 7518, section 6; RFC 8037, section 2).
        pub(crate) fn jwk_parameters(&self) -> Vec<(&'static str, String)> {
            let encode = |bytes: &[u8]| base64_simd::URL_SAFE_NO_PAD.encode_to_string(bytes);
            match &self.pair {
                Pair::Rsa(pair) => {
                    let public = pair.public_key();
                    let n = encode(public.modulus().big_endian_without_leading_zero());
                    let e = encode(public.exponent().big_endian_without_leading_zero());
                    vec![("kty", "RSA".into()), ("n", n), ("e", e)]
                }
                Pair::Elliptic(curve, pair) => {
                    let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                    let (x, y) = point.split_at_checked(point.len() / 2).unwrap_or_default();
                    vec![
                        ("kty", "EC".into()),
                        ("crv", (*curve).into()),
                        ("x", encode(x)),
                        ("y", encode(y)),
                    ]
                }
                Pair::Edwards(pair) => {
                    vec![
                        ("kty", "OKP".into()),
                        ("crv", "Ed25519".into()),
                        ("x", encode(pair.public_key().as_ref())),
                    ]
                }
            }
        }

        pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
            let random = SystemRandom::new();
            match &self.pair {
                Pair::Rsa(pair) => {
                    let padding: &dyn lc::RsaEncoding = match self.algorithm {
                        Algorithm::Rs384 => &lc::RSA_PKCS1_SHA384,
                        Algorithm::Rs512 => &lc::RSA_PKCS1_SHA512,
                        Algorithm::Ps256 => &lc::RSA_PSS_SHA256,
                        _ => &lc::RSA_PKCS1_SHA256,
                    };
                    let mut signature = vec![0; pair.public_modulus_len()];
                    pair.sign(padding, &random, message, &mut signature).ok()?;
                    Some(signature)
                }
                Pair::Elliptic(_, pair) => {
                    Some(pair.sign(&random, message).ok()?.as_ref().to_vec())
                }
                Pair::Edwards(pair) => Some(pair.sign(message).as_ref().to_vec()),
            }
        }
    }
}
