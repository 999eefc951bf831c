//! Instants in nanoseconds since 1970.

use std::time::Duration;

use time::{OffsetDateTime, UtcDateTime};

/// An instant. Unlike a calendar date with an offset, it is cheap to compare and to add to.
///
/// Its range is much wider than the calendar's. No date plus or minus a duration reaches its ends.
/// The crate converts dates to moments on input, and moments back to dates on output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i128);

impl Moment {
    /// A moment before all others. No calculation with dates and durations reaches it.
    pub(crate) const FIRST: Self = Self(i128::MIN);
    /// A moment after all others. No calculation with dates and durations reaches it.
    pub(crate) const LAST: Self = Self(i128::MAX);
    pub(crate) const EPOCH: Self = Self(0);
    /// A moment so early that adding the longest duration to it still gives a moment before every
    /// date.
    pub(crate) const DISTANT_PAST: Self = Self(i128::MIN / 2);

    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(duration)))
    }

    pub(crate) fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanoseconds(duration)))
    }

    /// Returns the time since `earlier`, or zero if `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let nanoseconds = self.0.saturating_sub(earlier.0).max(0).unsigned_abs();
        let (seconds, rest) = (nanoseconds / NANOSECONDS, nanoseconds % NANOSECONDS);
        Duration::new(seconds.try_into().unwrap_or(u64::MAX), rest.try_into().unwrap_or_default())
    }

    /// Returns the date, or `None` if it is outside the calendar.
    pub(crate) fn date(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp_nanos(self.0).ok()
    }
}

const NANOSECONDS: u128 = 1_000_000_000;

fn nanoseconds(duration: Duration) -> i128 {
    duration.as_nanos().cast_signed()
}

impl From<UtcDateTime> for Moment {
    fn from(date: UtcDateTime) -> Self {
        Self(date.unix_timestamp_nanos())
    }
}

impl From<OffsetDateTime> for Moment {
    fn from(date: OffsetDateTime) -> Self {
        Self(date.unix_timestamp_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_survives_the_conversion_to_a_moment() {
        let before_1970 = OffsetDateTime::UNIX_EPOCH - Duration::from_millis(1);
        assert_eq!(Moment::from(before_1970), Moment(-1_000_000));
        for date in [
            OffsetDateTime::UNIX_EPOCH,
            before_1970,
            OffsetDateTime::UNIX_EPOCH + Duration::from_nanos(1),
        ] {
            assert_eq!(Moment::from(date).date(), Some(date));
        }
        assert_eq!(Moment::DISTANT_PAST.date(), None);
    }

    #[test]
    fn sums_and_differences_of_any_duration_are_exact() {
        assert_eq!(Moment(-1).plus(Duration::from_nanos(3)), Moment(2));
        assert_eq!(Moment(1).minus(Duration::from_nanos(3)), Moment(-2));
        assert_eq!(Moment(0).plus(Duration::MAX).since(Moment(0)), Duration::MAX);
        assert_eq!(Moment(0).since(Moment(0).minus(Duration::MAX)), Duration::MAX);
        assert_eq!(Moment(0).since(Moment(1)), Duration::ZERO);
        assert!(Moment::DISTANT_PAST.plus(Duration::MAX) < Moment(0).minus(Duration::MAX));
        assert_eq!(Moment(0).since(Moment::DISTANT_PAST).as_secs(), u64::MAX);
    }
}
