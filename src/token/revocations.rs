//! Sessions that are revoked before their tokens expire.

mod entries;
mod local;

pub use self::local::LocalRevocations;

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::excerpt::Excerpt;
use crate::session::Session;

/// A store of revoked sessions.
///
/// A verifier calls [`is_revoked`](Self::is_revoked) at every request, even for a cached token, and a
/// guard calls [`replica_age`](Self::replica_age). Both must be cheap and must not block. A store that
/// several processes share reads from a replica in memory, which a background task keeps current. Each
/// guard decides [how old](crate::StepUpLayer::max_replica_age) the replica may be. Writes may take longer,
/// because they go to the place where the other processes read. The default store is
/// [`LocalRevocations`], and the package `tower-step-up-redis` has one that is shared.
///
/// A revocation must be kept until no verifier accepts a token of the session. Each verifier sets
/// how long that is by calling [`keep_at_least`](Self::keep_at_least). Give the store to a
/// verifier, and give that verifier to guards and sessions:
///
/// ```
/// use std::time::Duration;
/// use time::OffsetDateTime;
/// use tower_step_up::token::{
///     LocalRevocations, RevocationFuture, Revocations, RevocationsUnavailable, Revoked,
/// };
/// use tower_step_up::{Session, stytch};
///
/// /// Also logs each revocation.
/// #[derive(Default)]
/// struct Logged(LocalRevocations);
///
/// impl Revocations for Logged {
///     fn is_revoked(&self, session: &Session) -> Result<bool, RevocationsUnavailable> {
///         self.0.is_revoked(session)
///     }
///
///     fn keep_at_least(&self, issuer: &str, duration: Duration) {
///         self.0.keep_at_least(issuer, duration);
///     }
///
///     fn revoke(&self, revoked: Revoked, at: OffsetDateTime) -> RevocationFuture {
///         println!("{revoked:?} at {at}");
///         self.0.revoke(revoked, at)
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
    ///
    /// # Errors
    ///
    /// Returns [`RevocationsUnavailable`] if this process has not known of every revocation yet, or
    /// no longer does. A verifier then refuses the session, and a guard responds with 503.
    fn is_revoked(&self, session: &Session) -> Result<bool, RevocationsUnavailable>;

    /// Returns how long ago this process last knew of every revocation. The default is always zero.
    ///
    /// A guard whose [limit](crate::StepUpLayer::max_replica_age) is shorter than this responds with 503.
    fn replica_age(&self) -> Duration {
        Duration::ZERO
    }

    /// Keeps every revocation of this issuer for at least this long after it was made, including those
    /// already written. If this is called with several durations, the longest one applies.
    ///
    /// A verifier calls this for each of its issuers when it is created and when its settings change.
    /// It passes the longest time for which it can accept a token that is older than the revocation.
    /// That is its [maximum token age](crate::Verifier::max_token_age) plus twice its
    /// [leeway](crate::Verifier::leeway).
    ///
    /// This must not block.
    fn keep_at_least(&self, issuer: &str, duration: Duration);

    /// Revokes a session, or the sessions of a user. The future completes when the revocation is
    /// recorded. It may be dropped earlier: [`Sessions`](crate::Sessions) drops it after its timeout.
    ///
    /// Revoking a user, or a member in an organization, ends the sessions that
    /// [began](crate::Session::began_at) at `at` or earlier. This includes sessions that began
    /// within the verifier's [leeway](crate::Verifier::leeway) after `at` (5 s by default), and
    /// Stytch sessions that do not state when they began.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError`] if the revocation may not have been recorded.
    fn revoke(&self, revoked: Revoked, at: OffsetDateTime) -> RevocationFuture;
}

/// An application can choose the store when it starts: `Arc<dyn Revocations>` is one too.
impl<R: Revocations + ?Sized> Revocations for Arc<R> {
    fn is_revoked(&self, session: &Session) -> Result<bool, RevocationsUnavailable> {
        (**self).is_revoked(session)
    }

    fn replica_age(&self) -> Duration {
        (**self).replica_age()
    }

    fn keep_at_least(&self, issuer: &str, duration: Duration) {
        (**self).keep_at_least(issuer, duration);
    }

    fn revoke(&self, revoked: Revoked, at: OffsetDateTime) -> RevocationFuture {
        (**self).revoke(revoked, at)
    }
}

/// A session or a user whose tokens are no longer accepted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revoked {
    /// The session with this id.
    Session(IssuedId),
    /// The sessions of the user with this id that began by the time of the revocation.
    User(IssuedId),
}

impl Revoked {
    /// Returns the session with this [id](crate::Session::id) of this [issuer](crate::Session::issuer).
    #[must_use]
    pub fn session(issuer: &str, id: &str) -> Self {
        Self::Session(IssuedId { issuer: issuer.into(), id: id.into() })
    }

    /// Returns the user with this [id](crate::Session::user_id) of this
    /// [issuer](crate::Session::issuer).
    #[must_use]
    pub fn user(issuer: &str, id: &str) -> Self {
        Self::User(IssuedId { issuer: issuer.into(), id: id.into() })
    }

    /// Returns the issuer and the id.
    #[must_use]
    pub fn id(&self) -> &IssuedId {
        match self {
            Self::Session(id) | Self::User(id) => id,
        }
    }
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

/// The error returned if the store currently cannot tell which sessions are revoked, or if what it
/// knows is older than a guard permits. Guards respond with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the verifier currently cannot tell whether the session was revoked")]
pub struct RevocationsUnavailable {
    /// How long a client should wait before it tries again.
    pub retry_after: Duration,
}
