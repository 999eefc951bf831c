//! Sessions that are revoked before their tokens expire.

mod kept;
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
/// answers from a replica in memory, which something else feeds, and says by `health` when the
/// replica is too old to be trusted. Writes may take their time: they go to where the other
/// processes read. The default is [`LocalRevocations`].
///
/// A revocation must be kept until no verifier accepts a token of the session any more. Each
/// verifier tells its store how long that is, by [`keep_at_least`](Self::keep_at_least). Give the
/// store to a verifier, and that verifier to guards and sessions:
///
/// ```
/// use std::time::Duration;
/// use time::OffsetDateTime;
/// use tower_step_up::token::{LocalRevocations, RevocationFuture, Revocations};
/// use tower_step_up::{Session, stytch};
///
/// /// Records each revocation in a log too.
/// #[derive(Default)]
/// struct Logged(LocalRevocations);
///
/// impl Revocations for Logged {
///     fn is_revoked(&self, session: &Session) -> bool {
///         self.0.is_revoked(session)
///     }
///
///     fn keep_at_least(&self, duration: Duration) {
///         self.0.keep_at_least(duration);
///     }
///
///     fn revoke_session(&self, session_id: String, now: OffsetDateTime) -> RevocationFuture {
///         println!("revoked: {session_id}");
///         self.0.revoke_session(session_id, now)
///     }
///
///     fn revoke_user(&self, user_id: String, now: OffsetDateTime) -> RevocationFuture {
///         println!("revoked: {user_id}");
///         self.0.revoke_user(user_id, now)
///     }
/// }
///
/// # #[cfg(feature = "remote")]
/// # fn main() -> Result<(), stytch::ProjectError> {
/// let project = stytch::Project::new("project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94")?;
/// let verifier = project.verifier().revocations(Logged::default());
/// let sessions =
///     project.sessions_with(verifier.clone(), project.sessions_api("secret-test-1"));
/// let guard = project.guard_with(verifier).renew_with(&sessions);
/// # drop(guard);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "remote"))]
/// # fn main() {}
/// ```
pub trait Revocations: Send + Sync + 'static {
    /// Returns whether the session is revoked, as far as this process knows. It must return
    /// true once the future of this process's own write has ended.
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

    /// Keeps every revocation at least this long after its time, also one that was written before.
    /// A verifier calls this when it is made and when its settings change, with the longest time
    /// for which it can accept a token that is older than the revocation: the greatest
    /// [age](crate::Verifier::max_token_age) and twice the [leeway](crate::Verifier::leeway). The
    /// longest of all durations counts.
    ///
    /// It must not block. A shared store that has its own retention checks
    /// that its retention is long enough, and reports by [`health`](Self::health) if it is not.
    fn keep_at_least(&self, duration: Duration);

    /// Revokes the session with this id. The future ends when the revocation is recorded. It may be
    /// dropped before: [`Sessions`](crate::Sessions) drops it after its timeout.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError`] if the revocation may not have been recorded.
    fn revoke_session(&self, session_id: String, now: OffsetDateTime) -> RevocationFuture;

    /// Revokes the sessions of this user (in an organization: of this member) that began until
    /// `now`, or within the verifier's [leeway](crate::Verifier::leeway) after it (5 s unless you
    /// set another), and those that do not say when they began.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError`] if the revocation may not have been recorded.
    fn revoke_user(&self, user_id: String, now: OffsetDateTime) -> RevocationFuture;
}

/// The future of a write to [`Revocations`].
pub type RevocationFuture = Pin<Box<dyn Future<Output = Result<(), RevocationError>> + Send>>;

/// Why a revocation may not have been recorded. Treat the session as still accepted.
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
