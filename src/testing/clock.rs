//! A clock that stands still.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use time::OffsetDateTime;

use crate::clock::Clock;
use crate::lock::lock;

/// The instant at which the clocks of the test kit start: 2026-01-01 12:00:00 UTC.
pub const NOW: OffsetDateTime = match OffsetDateTime::from_unix_timestamp(1_767_268_800) {
    Ok(now) => now,
    Err(_) => OffsetDateTime::UNIX_EPOCH,
};

/// A clock that stands still until a test advances it. Clones share their time.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::Clock;
/// use tower_step_up::testing::{FixedClock, NOW};
///
/// let clock = FixedClock::new();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), NOW + Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, Default)]
pub struct FixedClock {
    passed: Arc<Mutex<Duration>>,
}

impl FixedClock {
    /// Creates a clock that stands at [`NOW`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Advances the clock: both [`now`](Clock::now) and [`monotonic`](Clock::monotonic).
    pub fn advance(&self, time: Duration) {
        let mut passed = lock(&self.passed);
        *passed = passed.saturating_add(time);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> OffsetDateTime {
        NOW.saturating_add((*lock(&self.passed)).try_into().unwrap_or(time::Duration::MAX))
    }

    fn monotonic(&self) -> Duration {
        *lock(&self.passed)
    }
}
