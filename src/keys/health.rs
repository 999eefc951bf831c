//! How a source of keys is doing.

use std::time::Duration;

use serde::Serialize;

use super::{KeySource, KeysUnavailable};
use crate::seconds::whole_seconds;

/// How a source of keys is doing, for a health endpoint; see
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
    /// How many keys are known and fresh enough to use.
    pub keys: usize,
    /// How old they are; `None` where there are none, or they do not age. As JSON in whole seconds.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub age: Option<Duration>,
    /// Why the last fetch failed; `None` where it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl KeyHealth {
    /// Of so many keys, which do not age and have not failed. A source of one's own sets the rest:
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

    /// Whether tokens can be verified now.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.keys > 0
    }
}

/// Looks for keys where none are known.
pub(crate) async fn warm_up(keys: &(impl KeySource + ?Sized)) -> Result<(), KeysUnavailable> {
    if keys.current().is_some() {
        return Ok(());
    }
    // No token asks, so no `kid` is looked for.
    let refreshed = match keys.refresh("") {
        Some(refresh) => refresh.await,
        None => Ok(()),
    };
    match keys.current() {
        Some(_) => Ok(()),
        None => refreshed.and(Err(KeysUnavailable::after(Duration::ZERO))),
    }
}
