//! The stand-in's clock: the system's clock or a stopped one, plus the time by which it was
//! advanced.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use time::OffsetDateTime;

/// A clock that goes back only if it is reset or the system's clock goes back.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    stopped_at: Option<OffsetDateTime>,
    advanced_nanos: AtomicU64,
}

impl Clock {
    /// Creates a clock that follows the system's, or one that is stopped at `stopped_at`.
    pub(crate) fn new(stopped_at: Option<OffsetDateTime>) -> Self {
        Self { stopped_at, advanced_nanos: AtomicU64::new(0) }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        let base = self.stopped_at.unwrap_or_else(OffsetDateTime::now_utc);
        base + Duration::from_nanos(self.advanced_nanos.load(Ordering::Relaxed))
    }

    /// Advances the clock. The total saturates at 2⁶⁴ nanoseconds, about 584 years.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let add = |advanced: u64| Some(advanced.saturating_add(by));
        // The closure always returns a value, so this cannot fail.
        let _ = self.advanced_nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Takes back all advances.
    pub(crate) fn reset(&self) {
        self.advanced_nanos.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_clock_moves_only_when_it_is_advanced() {
        let clock = Clock::new(Some(OffsetDateTime::UNIX_EPOCH));
        assert_eq!(clock.now(), OffsetDateTime::UNIX_EPOCH);
        clock.advance(Duration::from_millis(1500));
        assert_eq!(clock.now(), OffsetDateTime::UNIX_EPOCH + Duration::from_millis(1500));
        clock.reset();
        assert_eq!(clock.now(), OffsetDateTime::UNIX_EPOCH);
    }

    #[test]
    fn a_running_clock_can_be_advanced_up_to_a_limit() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() >= before + Duration::from_secs(3600));
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.now().year() < 2700, "still a date that can be written");
    }
}
