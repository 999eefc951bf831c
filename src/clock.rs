//! Where the current time comes from.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// The source of the current time, read once per decision at the edge of the crate.
///
/// Policies and rules never read a clock: they take `now` as an argument. A verifier holds a clock
/// for its requests, and `RemoteKeys` one for its schedule. Tests set `FixedClock` (feature
/// `testing`) in both places.
pub trait Clock: Send + Sync + 'static {
    /// The date and time now, for comparison with the dates in a token.
    fn now(&self) -> OffsetDateTime;

    /// The time since some fixed moment, never running backwards: for intervals, which a corrected
    /// system clock must not stretch or shorten. The default is the operating system's monotonic
    /// clock.
    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// The operating system's clock: the default everywhere.
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
