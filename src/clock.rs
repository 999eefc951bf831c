//! The source of the current time.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// A source of the current time.
///
/// The guard reads it when a request arrives, and again after each wait. Policies and rules never
/// read a clock but take `now` as an argument. A verifier has a clock for its requests, and
/// `RemoteKeys` has one for its schedule. Tests set `FixedClock` (feature `testing`) in both
/// places.
pub trait Clock: Send + Sync + 'static {
    /// Returns the current date and time, for comparison with the dates in a token.
    fn now(&self) -> OffsetDateTime;

    /// Returns the time since some fixed moment. It never runs backwards. It measures intervals,
    /// which a correction of the system clock must not stretch or shorten. By default, this is the
    /// operating system's monotonic clock.
    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// The operating system's clock. It is the default everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> OffsetDateTime {
        (**self).now()
    }

    fn monotonic(&self) -> Duration {
        (**self).monotonic()
    }
}
