//! Sessions that are revoked before their tokens expire.

mod entries;
mod local;

pub use self::local::LocalRevocations;

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use time::OffsetDateTime;

use crate::excerpt::Excerpt;
use crate::session::Session;

/// A store of revoked sessions.
///
/// A verifier calls [`is_revoked`](Self::is_revoked) and [`health`](Self::health) at every request,
/// even for a cached token. Both must be cheap and must not block. A store that several processes
/// share reads from a replica in memory, which a background task keeps current. Its `health`
/// returns an error if the replica is too old to be trusted. Writes may take longer, because they
/// go to the place where the other processes read. The default store is [`LocalRevocations`].
///
/// A revocation must be kept until no verifier accepts a token of the session. Each verifier sets
/// how long that is by calling [`keep_at_least`](Self::keep_at_least). Give the store to a
/// verifier, and give that verifier to guards and sessions:
///
/// ```
/// use std::time::Duration;
/// use time::OffsetDateTime;
/// use tower_step_up::token::{IssuedId, LocalRevocations, RevocationFuture, Revocations};
/// use tower_step_up::{Session, stytch};
///
/// /// Also logs each revocation.
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
///     fn revoke_session(&self, session: IssuedId, now: OffsetDateTime) -> RevocationFuture {
///         println!("revoked: {}", session.id);
///         self.0.revoke_session(session, now)
///     }
///
///     fn revoke_user(&self, user: IssuedId, now: OffsetDateTime) -> RevocationFuture {
///         println!("revoked: {}", user.id);
///         self.0.revoke_user(user, now)
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
    /// Returns whether the session is revoked, as far as this process knows. Once a write by this
    /// process has completed, this must return `true` for the sessions that it revoked.
    fn is_revoked(&self, session: &Session) -> bool;

    /// Checks whether [`is_revoked`](Self::is_revoked) can be trusted now. While it cannot, a
    /// verifier refuses every session and guards respond with 503. The default always returns `Ok`.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationsUnavailable`] if [`is_revoked`](Self::is_revoked) cannot be trusted
    /// now.
    fn health(&self) -> Result<(), RevocationsUnavailable> {
        Ok(())
    }

    /// Keeps every revocation for at least this long after it was made, including those already
    /// written. If this is called with several durations, the longest one applies.
    ///
    /// A verifier calls this when it is created and when its settings change. It passes the longest
    /// time for which it can accept a token that is older than the revocation. That is its [maximum
    /// token age](crate::Verifier::max_token_age) plus twice its [leeway](crate::Verifier::leeway).
    ///
    /// This must not block. A shared store with its own retention period checks that the period is
    /// long enough. If it is not, [`health`](Self::health) returns an error.
    fn keep_at_least(&self, duration: Duration);

    /// Revokes the session with this id of this issuer. The future completes when the revocation is
    /// recorded. It may be dropped earlier: [`Sessions`](crate::Sessions) drops it after its timeout.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError`] if the revocation may not have been recorded.
    fn revoke_session(&self, session: IssuedId, now: OffsetDateTime) -> RevocationFuture;

    /// Revokes the sessions of this user, or of this member in an organization, that
    /// [began](crate::Session::began_at) at `now` or earlier. This includes sessions that began
    /// within the verifier's [leeway](crate::Verifier::leeway) after `now` (5 s by default), and
    /// Stytch sessions that do not state when they began.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError`] if the revocation may not have been recorded.
    fn revoke_user(&self, user: IssuedId, now: OffsetDateTime) -> RevocationFuture;
}

/// The id of a session or of a user, and the issuer that gave it. Two issuers may give the same id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuedId {
    /// The name of the issuer, as in [`Session::issuer`](crate::Session::issuer).
    pub issuer: String,
    /// The id.
    pub id: String,
}

/// The future of a write to [`Revocations`].
pub type RevocationFuture = Pin<Box<dyn Future<Output = Result<(), RevocationError>> + Send>>;

/// The error returned if a revocation may not have been recorded. Treat the session as still
/// accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The store is full.
    #[error("the store is full: it holds at most {max_entries} revocations")]
    Full {
        /// The limit of the store.
        max_entries: usize,
    },
    /// The verifier accepts no tokens of this issuer, so a revocation would have no effect.
    #[error("the verifier does not accept the issuer {0}: expected the name of one of its issuers")]
    UnknownIssuer(Excerpt),
    /// The store could not be written to.
    #[error("the revocation could not be recorded")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// The error returned if the store currently cannot tell which sessions are revoked. Guards respond
/// with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the verifier currently cannot tell whether the session was revoked")]
pub struct RevocationsUnavailable {
    /// How long a client should wait before it tries again.
    pub retry_after: Duration,
}
