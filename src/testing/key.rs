//! The key of a test issuer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, json};

use crate::keys::{Algorithm, KeySet, KeySetId, KeySource, Refresh, SigningKey};

/// A key, and the set with its public half.
pub(super) struct Key {
    pub(super) kid: String,
    pub(super) signing: SigningKey,
    pub(super) jwks: String,
    set: Arc<KeySet>,
}

impl Key {
    pub(super) fn generate(algorithm: Algorithm) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let kid = format!(
            "jwk-test-00000000-0000-4000-8000-{:012}",
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        #[expect(clippy::expect_used, reason = "documented: a test cannot continue without it")]
        let signing =
            SigningKey::generate(algorithm).expect("the operating system has no randomness");
        let mut jwk: Map<_, _> = signing
            .jwk_parameters()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        jwk.insert("use".into(), "sig".into());
        jwk.insert("alg".into(), algorithm.as_str().into());
        jwk.insert("kid".into(), kid.as_str().into());
        let jwks = json!({"keys": [jwk]}).to_string();
        #[expect(clippy::expect_used, reason = "a key that this crate made is usable")]
        let set = KeySet::from_jwks(jwks.as_bytes()).expect("a usable key");
        Self { kid, signing, jwks, set: Arc::new(set) }
    }
}

impl KeySource for Key {
    fn current(&self) -> Option<Arc<KeySet>> {
        Some(Arc::clone(&self.set))
    }

    fn current_id(&self) -> Option<KeySetId> {
        Some(self.set.id())
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
    }
}
