//! The interface of stores.

use std::error::Error;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::record::{Intent, IntentId, IntentUser};

/// A store of intents. [`LocalIntents`](super::LocalIntents) keeps those of one process, and the package
/// `tower-step-up-redis` has a store that several processes share.
///
/// Intents of one user are of no concern to another: a store never returns an intent to a user who did
/// not make it.
///
/// Each future has to complete in bounded time, because a request waits for it. It may be dropped
/// earlier, and what it was to write may then have been written or not.
pub trait IntentStore: Send + Sync + 'static {
    /// Keeps a new intent until it expires. If the user has [`MAX_OPEN`] open intents already, the oldest
    /// is dropped, so that a user always can make another.
    ///
    /// # Errors
    ///
    /// Returns [`IntentsUnavailable`] if the intent may not have been kept.
    fn create(&self, intent: Intent) -> IntentFuture<()>;

    /// Returns the intent of this user with this id, or `None` if it is not known. The caller
    /// checks whether it has expired.
    ///
    /// # Errors
    ///
    /// Returns [`IntentsUnavailable`] if the store cannot tell.
    fn find(&self, user: &IntentUser, id: &IntentId) -> IntentFuture<Option<Found>>;

    /// Consumes the intent with this id of its user if it is open, and returns whether it was. In one step
    /// that nothing can come between, it becomes [used](Found::Used) and all other open intents of
    /// its user are dropped. If several calls for intents of one user race, exactly one of them
    /// consumes an intent that was open before.
    ///
    /// The other intents are dropped because the proofs that were made for this one are newer than they
    /// are. Without that, one code would confirm several actions.
    ///
    /// The store remembers the intent as the caller passes it: `expires_at` is later than before, and
    /// `proofs_after` is the date of the newest proof that was used. It remembers a used intent until it
    /// expires, or until [`MAX_OPEN`] of its user were used later.
    ///
    /// # Errors
    ///
    /// Returns [`IntentsUnavailable`] if the store cannot tell. The intent may then be used.
    fn consume(&self, intent: Intent) -> IntentFuture<bool>;
}

/// The most open intents that a store keeps for a user.
pub const MAX_OPEN: usize = 16;

/// An intent that a store has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It waits for its proofs.
    Open {
        /// The intent.
        intent: Intent,
        /// The latest `proofs_after` of the used intents of its user that the store remembers, if
        /// there is one. These proofs have confirmed another action, so they do not count again.
        spent: Option<OffsetDateTime>,
    },
    /// Its action was confirmed.
    Used(Intent),
}

/// The future of a call of an [`IntentStore`].
pub type IntentFuture<T> =
    Pin<Box<dyn Future<Output = Result<T, IntentsUnavailable>> + Send + 'static>>;

/// The error returned if a store of intents is full or does not respond. The response is a 503.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store of intents is unavailable")]
pub struct IntentsUnavailable {
    /// How long a client should wait before it tries again.
    pub retry_after: Duration,
    /// The reason, for the log. It must not contain secrets.
    #[source]
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The crate only reads the reason, whatever its type.
impl UnwindSafe for IntentsUnavailable {}
impl RefUnwindSafe for IntentsUnavailable {}

impl IntentsUnavailable {
    /// Creates the error with its reason.
    pub fn new(retry_after: Duration, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { retry_after, source: Some(Arc::from(source.into())) }
    }
}
