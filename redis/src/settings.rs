//! The settings of the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_step_up::{Clock, SystemClock};

/// The settings of [`RedisRevocations`](crate::RedisRevocations).
///
/// ```
/// use std::time::Duration;
/// use tower_step_up_redis::Settings;
///
/// let settings = Settings::new().key("bank:revocations").write_timeout(Duration::from_secs(1));
/// ```
#[derive(Clone)]
pub struct Settings {
    pub(crate) key: Arc<str>,
    pub(crate) max_entries: usize,
    pub(crate) write_timeout: Duration,
    pub(crate) retention: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Settings {
    /// Returns the default settings.
    #[must_use]
    pub fn new() -> Self {
        Self {
            key: "tower-step-up:revocations".into(),
            max_entries: 1_000_000,
            write_timeout: Duration::from_secs(2),
            retention: Duration::from_secs(36 * 3_600),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets the key of the stream. The default is `tower-step-up:revocations`. Processes share
    /// revocations if they use the same server, database and key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        Self { key: key.into(), ..self }
    }

    /// Sets how many revocations this process writes and keeps at once. The default is 1,000,000, which
    /// take about 280 MB, and the minimum is 1. A write beyond the limit fails. If other processes have
    /// written more than twice as many, this process cannot keep them all, and its guards answer with
    /// 503.
    #[must_use]
    pub fn max_entries(self, entries: usize) -> Self {
        Self { max_entries: entries.max(1), ..self }
    }

    /// Sets how long a caller waits for a write. The default is 2 s. After that, the write is an error
    /// to the caller, and the process goes on trying.
    #[must_use]
    pub fn write_timeout(self, timeout: Duration) -> Self {
        Self { write_timeout: timeout, ..self }
    }

    /// Sets how long the stream keeps a revocation. The default is 36 hours, which is enough for the
    /// tokens of every preset. All processes that share the stream need the same value, because each
    /// write removes older entries. If a verifier has an issuer that needs more, its guards answer with
    /// 503.
    ///
    /// An hour suffices if all tokens live for minutes, as those of Stytch do. The stream is then
    /// smaller, and a process that starts reads it faster.
    #[must_use]
    pub fn retention(self, retention: Duration) -> Self {
        Self { retention, ..self }
    }

    /// Reads the time from this clock. It should be the verifier's. The default is the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("key", &self.key)
            .field("max_entries", &self.max_entries)
            .field("write_timeout", &self.write_timeout)
            .field("retention", &self.retention)
            .finish_non_exhaustive()
    }
}
