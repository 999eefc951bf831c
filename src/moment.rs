//! Instants as the decision works with them.

use std::time::Duration;

use time::OffsetDateTime;

/// An instant in seconds and nanoseconds since 1970: cheap to compare and to add to, which a calendar date with an offset
/// is not, and wider than the calendar. Dates become moments where they come in, and dates again where they go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    seconds: i64,
    nanoseconds: u32,
}

impl Moment {
    /// Before every date.
    pub(crate) const DISTANT_PAST: Self = Self { seconds: i64::MIN, nanoseconds: 0 };

    /// `None` beyond what can be counted.
    pub(crate) fn checked_add(self, duration: Duration) -> Option<Self> {
        let nanoseconds = self.nanoseconds + duration.subsec_nanos();
        let seconds = self.seconds.checked_add_unsigned(duration.as_secs())?;
        match nanoseconds.checked_sub(NANOSECONDS) {
            None => Some(Self { seconds, nanoseconds }),
            Some(nanoseconds) => Some(Self { seconds: seconds.checked_add(1)?, nanoseconds }),
        }
    }

    pub(crate) fn saturating_add(self, duration: Duration) -> Self {
        self.checked_add(duration).unwrap_or(Self { seconds: i64::MAX, nanoseconds: NANOSECONDS - 1 })
    }

    pub(crate) fn saturating_sub(self, duration: Duration) -> Self {
        let borrow = self.nanoseconds < duration.subsec_nanos();
        let nanoseconds = self.nanoseconds + if borrow { NANOSECONDS } else { 0 } - duration.subsec_nanos();
        let seconds = self.seconds.checked_sub_unsigned(duration.as_secs());
        match seconds.and_then(|seconds| seconds.checked_sub(i64::from(borrow))) {
            Some(seconds) => Self { seconds, nanoseconds },
            None => Self::DISTANT_PAST,
        }
    }

    /// How long ago `earlier` was; nothing where it is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let nanoseconds = i128::from(self.nanoseconds) - i128::from(earlier.nanoseconds);
        let seconds = i128::from(self.seconds) - i128::from(earlier.seconds);
        let nanoseconds = (seconds * i128::from(NANOSECONDS) + nanoseconds).max(0).unsigned_abs();
        let (seconds, rest) = (nanoseconds / u128::from(NANOSECONDS), nanoseconds % u128::from(NANOSECONDS));
        Duration::new(seconds.try_into().unwrap_or(u64::MAX), rest.try_into().unwrap_or_default())
    }

    /// The date; `None` where the calendar has none.
    pub(crate) fn date(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.seconds).ok()?.replace_nanosecond(self.nanoseconds).ok()
    }
}

const NANOSECONDS: u32 = 1_000_000_000;

impl From<OffsetDateTime> for Moment {
    fn from(date: OffsetDateTime) -> Self {
        Self { seconds: date.unix_timestamp(), nanoseconds: date.nanosecond() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: i64, nanoseconds: u32) -> Moment {
        Moment { seconds, nanoseconds }
    }

    #[test]
    fn dates_become_moments_and_dates_again() {
        let before_1970 = OffsetDateTime::UNIX_EPOCH - Duration::from_millis(1);
        assert_eq!(Moment::from(before_1970), moment(-1, 999_000_000));
        for date in [OffsetDateTime::UNIX_EPOCH, before_1970, OffsetDateTime::UNIX_EPOCH + Duration::from_nanos(1)] {
            assert_eq!(Moment::from(date).date(), Some(date));
        }
        assert_eq!(moment(253_402_300_800, 0).date().map(|date| date.year()).unwrap_or(10_000), 10_000);
        assert_eq!(Moment::DISTANT_PAST.date(), None);
    }

    #[test]
    fn sums_and_differences_are_exact_and_saturate() {
        let half = Duration::from_millis(500);
        assert_eq!(moment(1, 600_000_000).checked_add(half), Some(moment(2, 100_000_000)));
        assert_eq!(moment(-1, 500_000_000).checked_add(half), Some(moment(0, 0)));
        assert_eq!(moment(1, 100_000_000).saturating_sub(half), moment(0, 600_000_000));
        assert_eq!(moment(i64::MAX, 0).checked_add(Duration::from_secs(1)), None);
        assert_eq!(moment(i64::MAX, 999_999_999).checked_add(Duration::from_nanos(1)), None);
        assert_eq!(moment(0, 0).checked_add(Duration::MAX), None);
        assert_eq!(moment(0, 0).saturating_sub(Duration::MAX), Moment::DISTANT_PAST);
        assert_eq!(moment(2, 1).since(moment(0, 2)), Duration::new(1, 999_999_999));
        assert_eq!(moment(0, 0).since(moment(0, 1)), Duration::ZERO);
        assert_eq!(moment(i64::MAX, 0).since(Moment::DISTANT_PAST), Duration::from_secs(u64::MAX));
    }
}
