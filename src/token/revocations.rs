//! Sessions that are revoked before their tokens expire.

mod local;

pub use self::local::LocalRevocations;

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use time::OffsetDateTime;

use crate::session::Session;

/// A store of revoked sessions.
///
/// A verifier asks at every request, whatever it remembers, so [`is_revoked`](Self::is_revoked) and
/// [`health`](Self::health) must be cheap and must not block. A store that several processes share
/// answers from a replica of its own, which something else feeds, and says by `health` when the
/// replica is too old to be trusted. Writes may take their time: they go to where the other
/// processes read. The default is [`LocalRevocations`].
pub trait Revocations: Send + Sync + 'static {
    /// Returns whether the session is revoked, as far as this process knows.
    fn is_revoked(&self, session: &Session) -> bool;

    /// Returns whether [`is_revoked`](Self::is_revoked) can be trusted now. A verifier refuses
    /// every session while it cannot: the answer is 503. The default is that it can.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationsUnavailable`] if it cannot.
    fn health(&self) -> Result<(), RevocationsUnavailable> {
        Ok(())
    }

    /// Revokes the session with this id. The future ends when the revocation is recorded.
    fn revoke_session(&self, session_id: String, now: OffsetDateTime) -> RevocationFuture;

    /// Revokes the sessions of this user (in an organization: of this member) that began until
    /// `now`, or within the verifier's leeway after it, and those that do not say when they began.
    fn revoke_user(&self, user_id: String, now: OffsetDateTime) -> RevocationFuture;
}

/// The future of a write to [`Revocations`].
pub type RevocationFuture = Pin<Box<dyn Future<Output = Result<(), RevocationError>> + Send>>;

/// Why a revocation was not recorded. The session is still accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The store is full.
    #[error("{max_entries} revocations are kept, and no more fit")]
    Full {
        /// How many revocations it keeps at once.
        max_entries: usize,
    },
    /// The store could not be written to.
    #[error("the revocation could not be recorded")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// Whether sessions were revoked is not known now: the answer is 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("whether the session was revoked is not known now")]
pub struct RevocationsUnavailable {
    /// How long a client should wait before it asks again.
    pub retry_after: Duration,
}
