//! The stand-in's clock: the system's, plus what was advanced.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use time::OffsetDateTime;

/// Never runs behind the system's clock, and never jumps back.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    advanced_nanos: AtomicU64,
}

impl Clock {
    pub(crate) fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + Duration::from_nanos(self.advanced_nanos.load(Ordering::Relaxed))
    }

    /// Saturates at 2⁶⁴ nanoseconds, some 584 years.
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let add = |advanced: u64| Some(advanced.saturating_add(by));
        // The closure always gives a value, so this cannot fail.
        let _ = self.advanced_nanos.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_ahead_by_what_it_was_advanced_and_saturates() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(3600));
        assert!(clock.now() >= before + Duration::from_secs(3600));
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert!(clock.now().year() < 2700, "still a date that can be written");
    }
}
