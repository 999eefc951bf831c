//! The sources of the keys that verify tokens.

mod health;
mod jwk;
#[cfg(feature = "remote")]
mod remote;
mod set;
mod signature;
#[cfg(test)]
mod vectors;

pub use self::health::KeyHealth;
pub(crate) use self::health::warm_up;
pub(crate) use self::jwk::Key;
#[cfg(feature = "remote")]
pub use self::remote::RemoteKeys;
pub use crate::endpoint::EndpointError;

pub use self::set::{KeySet, KeySetError, KeySetId};
#[cfg(feature = "testing")]
pub(crate) use self::signature::SigningKey;
pub use self::signature::{Algorithm, UnknownAlgorithm};
pub(crate) use self::signature::{digest, is_same_secret, random};

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A source of keys.
///
/// [`current`](Self::current), [`current_id`](Self::current_id) and [`refresh`](Self::refresh) must
/// not block. Holding a lock for a moment is fine. Load new keys in the future that `refresh`
/// returns, or in a task of the application. If `current` has no key for a token's `kid`, a
/// verifier calls `refresh` once. Whatever `refresh` returns, the verifier then looks at the source
/// again, because keys may have arrived in the meantime.
///
/// Return the same set as long as the keys have not changed. Each call of [`KeySet::from_jwks`]
/// creates a set with a new id, and a new id means that every cached token is verified again. So
/// call it only if the document has changed.
///
/// A source whose keys the application replaces:
///
/// ```
/// use std::sync::{Arc, PoisonError, RwLock};
/// use tower_step_up::keys::{KeySet, KeySetError, KeySource, Refresh};
/// use tower_step_up::{Factor, Verifier, testing};
///
/// #[derive(Clone)]
/// struct Replaceable(Arc<RwLock<Arc<KeySet>>>);
///
/// impl Replaceable {
///     fn replace(&self, document: &[u8]) -> Result<(), KeySetError> {
///         let keys = Arc::new(KeySet::from_jwks(document)?);
///         *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
///         Ok(())
///     }
/// }
///
/// impl KeySource for Replaceable {
///     fn current(&self) -> Option<Arc<KeySet>> {
///         Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
///     }
///
///     fn refresh(&self, _kid: &str) -> Option<Refresh> {
///         None // there are no other keys to look for
///     }
/// }
///
/// let (old, new) = (testing::TestIssuer::new(), testing::TestIssuer::new());
/// let keys = KeySet::from_jwks(old.jwks().as_bytes())?;
/// let source = Replaceable(Arc::new(RwLock::new(Arc::new(keys))));
/// let verifier = Verifier::new(source.clone(), [old.name()], old.audience());
///
/// let token = old.mint(&testing::session().proved(Factor::Password));
/// assert!(verifier.verify_at(&token, testing::NOW).is_ok());
/// source.replace(new.jwks().as_bytes())?;
/// assert!(verifier.verify_at(&token, testing::NOW).is_err());
/// # Ok::<(), KeySetError>(())
/// ```
///
/// | `refresh` returns | a token with an unknown `kid` gets |
/// | --- | --- |
/// | `None`: the known keys apply (a fixed set, or a pause after a successful fetch) | 401, or 503 if no keys are known |
/// | a future that ends in `Ok`: the source has done what it can | 401, or 503 if no keys are known, unless `current` has the key by then |
/// | a future that ends in an error | 503, unless `current` has the key by then |
pub trait KeySource: Send + Sync + 'static {
    /// Returns the keys that are known and fresh enough to use, or `None` if there are none.
    fn current(&self) -> Option<Arc<KeySet>>;

    /// Returns the id of the set that [`current`](Self::current) would return.
    ///
    /// A verifier calls this for every lookup in its cache, and calls `current` only for a token
    /// that it has to verify. The default calls `current`. Override this to avoid contention on the
    /// `Arc`, and take the id from the set itself. If the id lagged behind, cached tokens would
    /// stay accepted after their key is gone.
    fn current_id(&self) -> Option<KeySetId> {
        self.current().map(|keys| keys.id())
    }

    /// Looks for a key that `current` does not have. The source decides whether and how often it
    /// looks, because anyone can make up a `kid`.
    fn refresh(&self, kid: &str) -> Option<Refresh>;

    /// Returns the state of the source. The default reports as many keys as `current` has, without
    /// an age.
    fn health(&self) -> KeyHealth {
        KeyHealth::new(self.current().map_or(0, |keys| keys.len()))
    }
}

/// A search for new keys. It may be dropped at any time, and this must not affect other callers
/// that wait.
pub type Refresh = Pin<Box<dyn Future<Output = Result<(), KeysUnavailable>> + Send>>;

/// The error returned if no keys are available now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys for verifying the token are unavailable")]
pub struct KeysUnavailable {
    /// How long a client should wait before it tries again.
    pub retry_after: Duration,
}

impl KeysUnavailable {
    const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

    /// Returns the error of a source that pauses for this long. Clients wait at least 1 s.
    pub(crate) fn after(pause: Duration) -> Self {
        Self { retry_after: pause.max(Self::MIN_RETRY_AFTER) }
    }
}

impl<K: KeySource + ?Sized> KeySource for Arc<K> {
    fn current(&self) -> Option<Arc<KeySet>> {
        (**self).current()
    }

    fn current_id(&self) -> Option<KeySetId> {
        (**self).current_id()
    }

    fn refresh(&self, kid: &str) -> Option<Refresh> {
        (**self).refresh(kid)
    }

    fn health(&self) -> KeyHealth {
        (**self).health()
    }
}

/// A fixed set of keys, read once from a JWKS document.
///
/// ```
/// use tower_step_up::keys::StaticKeys;
///
/// let empty = StaticKeys::from_jwks(br#"{"keys":[]}"#);
/// assert!(empty.is_err()); // a verifier without a key could only refuse tokens
/// ```
#[derive(Clone, Debug)]
pub struct StaticKeys(Arc<KeySet>);

impl StaticKeys {
    /// Reads the usable keys of a JWKS document (RFC 7517). See [`KeySet::from_jwks`].
    ///
    /// # Errors
    ///
    /// Returns [`KeySetError`] if the document cannot be read or has no usable key.
    pub fn from_jwks(document: &[u8]) -> Result<Self, KeySetError> {
        KeySet::from_jwks(document).map(|keys| Self(Arc::new(keys)))
    }
}

impl KeySource for StaticKeys {
    fn current(&self) -> Option<Arc<KeySet>> {
        Some(Arc::clone(&self.0))
    }

    fn current_id(&self) -> Option<KeySetId> {
        Some(self.0.id())
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
    }
}
