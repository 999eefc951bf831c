//! The state of a source of keys.

use std::time::Duration;

use serde::Serialize;

use super::{KeySource, KeysUnavailable};
use crate::seconds::whole_seconds;

/// The state of a source of keys, for a health endpoint. See
/// [`Verifier::health`](crate::Verifier::health).
///
/// ```
/// use tower_step_up::testing::TestIssuer;
///
/// let health = TestIssuer::new().verifier().health();
/// assert!(health.is_ready());
/// assert_eq!(serde_json::to_string(&health)?, r#"{"keys":1}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyHealth {
    /// The number of keys that are known and fresh enough to use.
    pub keys: usize,
    /// The age of the keys, or `None` if there are none or they do not age. It is serialized in
    /// whole seconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub age: Option<Duration>,
    /// The reason why the last fetch failed, or `None` if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl KeyHealth {
    /// Creates the state of a source with this many keys, no age and no error. Your own source can
    /// set the other fields:
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_step_up::keys::KeyHealth;
    ///
    /// let mut health = KeyHealth::new(2);
    /// health.age = Some(Duration::from_secs(7));
    /// assert!(health.is_ready());
    /// assert!(!KeyHealth::new(0).is_ready());
    /// ```
    #[must_use]
    pub fn new(keys: usize) -> Self {
        Self { keys, age: None, last_error: None }
    }

    /// Returns whether tokens can be verified now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.keys > 0
    }
}

/// Looks for keys if none are known.
pub(crate) async fn warm_up(keys: &(impl KeySource + ?Sized)) -> Result<(), KeysUnavailable> {
    if keys.current().is_some() {
        return Ok(());
    }
    // A warm-up has no token and therefore no `kid` to look for.
    let refreshed = match keys.refresh("") {
        Some(refresh) => refresh.await,
        None => Ok(()),
    };
    match keys.current() {
        Some(_) => Ok(()),
        None => refreshed.and(Err(KeysUnavailable::after(Duration::ZERO))),
    }
}
