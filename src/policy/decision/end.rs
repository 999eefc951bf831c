//! The instant until which a clause holds.

use crate::moment::Moment;
use crate::policy::types::Limit;

/// The instant until which a clause holds, given the proofs that count now. In their order, `NEVER`
/// is before every instant and `FOREVER` is after every instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Until(Moment);

impl Until {
    pub(in crate::policy) const NEVER: Self = Self(Moment::FIRST);
    pub(super) const FOREVER: Self = Self(Moment::LAST);

    /// Returns whether the clause holds at `now`. It still holds exactly at its limit.
    #[inline]
    pub(in crate::policy) fn reaches(self, now: Moment) -> bool {
        self.0 >= now
    }

    /// Returns the last instant at which the clause holds, or `None` if it never holds or holds
    /// forever.
    #[inline]
    pub(in crate::policy) fn limit(self) -> Option<Moment> {
        (self != Self::NEVER && self != Self::FOREVER).then_some(self.0)
    }

    /// Returns `since` plus the maximum age, or `FOREVER` if no age is limited.
    #[inline]
    pub(super) fn after(since: Moment, max_age: Limit) -> Self {
        max_age.map_or(Self::FOREVER, |limit| Self(since.plus(limit)))
    }
}
