//! The store of revocations.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::task::JoinSet;
use tower_step_up::Session;
use tower_step_up::token::{
    RevocationError, RevocationFuture, Revocations, RevocationsUnavailable, Revoked,
};

use crate::connect::Connect;
use crate::error::WriteError;
use crate::health::ReplicaHealth;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::stream_id::StreamId;
use crate::{reader, writer};

/// A store of revocations that processes share through a stream in Redis. It is a handle and cheap to
/// clone. Its two tasks end with the last clone, which verifiers hold too.
///
/// Create verifiers before the first request. A verifier that needs revocations for longer than the
/// verifiers before it makes the process read the stream again. For about a second, guards answer with
/// 503.
///
/// The [crate's page](crate) has an example and the promises.
#[derive(Clone)]
pub struct RedisRevocations {
    shared: Arc<Shared>,
    _tasks: Arc<JoinSet<()>>,
}

const RETRY_AFTER: Duration = Duration::from_secs(1);

impl RedisRevocations {
    /// Connects to this server, and begins to read and write its stream. It returns at once. If the
    /// server cannot be reached, it tries again until it can be.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime. The runtime needs I/O and a timer.
    #[must_use]
    pub fn start(server: impl Connect) -> Self {
        Self::start_with(server, Settings::default())
    }

    /// Works like [`start`](Self::start), with other settings.
    ///
    /// # Panics
    ///
    /// Panics as [`start`](Self::start) does.
    #[must_use]
    pub fn start_with(server: impl Connect, settings: Settings) -> Self {
        let shared = Arc::new(Shared::new(server, settings));
        let mut tasks = JoinSet::new();
        tasks.spawn(reader::run(Arc::clone(&shared)));
        tasks.spawn(writer::run(Arc::clone(&shared)));
        Self { shared, _tasks: Arc::new(tasks) }
    }

    /// Waits until the process has read every revocation. Before that, its guards answer with 503.
    pub async fn ready(&self) {
        self.wait_for(&StreamId::FIRST).await;
    }

    /// Waits until this process has read the entry with this id.
    pub async fn wait_for(&self, id: &StreamId) {
        self.shared.wait_for(*id).await;
    }

    /// Writes a revocation, and returns the id of its entry. Its time is `at`, usually now. It takes
    /// effect in this process at once, even if the returned future is dropped.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError`] if the store is full, or if Redis does not confirm the write. In the
    /// second case other processes may accept the session, and this process goes on trying to write.
    pub fn write(
        &self,
        revoked: Revoked,
        at: OffsetDateTime,
    ) -> impl Future<Output = Result<StreamId, RevocationError>> + Send + use<> {
        let result = self.shared.add(revoked, at);
        let timeout = self.shared.settings.write_timeout;
        async move {
            let result = result?;
            let failed = match tokio::time::timeout(timeout, result).await {
                Ok(Ok(Ok(id))) => return Ok(id),
                Ok(Ok(Err(reason))) => WriteError::Failed(reason),
                Ok(Err(_)) => WriteError::Ended,
                Err(_) => WriteError::TooSlow(timeout),
            };
            Err(RevocationError::Failed(Box::new(failed)))
        }
    }

    /// Returns the state of the replica. This makes no request.
    #[must_use]
    pub fn health(&self) -> ReplicaHealth {
        self.shared.health()
    }
}

impl Revocations for RedisRevocations {
    #[inline]
    fn is_revoked(&self, session: &Session) -> Result<bool, RevocationsUnavailable> {
        match self.shared.is_complete() {
            true => self.shared.replica.is_revoked(session),
            false => Err(RevocationsUnavailable { retry_after: RETRY_AFTER }),
        }
    }

    #[inline]
    fn replica_age(&self) -> Duration {
        self.shared.age().unwrap_or(Duration::MAX)
    }

    fn keep_at_least(&self, issuer: &str, duration: Duration) {
        self.shared.keep_at_least(issuer, duration);
    }

    fn revoke(&self, revoked: Revoked, at: OffsetDateTime) -> RevocationFuture {
        let written = self.write(revoked, at);
        Box::pin(async move { written.await.map(drop) })
    }
}

impl fmt::Debug for RedisRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRevocations")
            .field("settings", &self.shared.settings)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}
