//! The instant at which a clause ends to hold.

use crate::moment::Moment;
use crate::policy::types::Limit;

/// How long a clause holds, with the set of proofs that count now held fixed: never, until an
/// instant, or forever, in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::policy) struct Until(Moment);

impl Until {
    pub(in crate::policy) const NEVER: Self = Self(Moment::FIRST);
    pub(super) const FOREVER: Self = Self(Moment::LAST);

    /// Exactly at the limit still holds.
    #[inline]
    pub(in crate::policy) fn reaches(self, now: Moment) -> bool {
        self.0 >= now
    }

    /// The last instant; `None` where there is none to name.
    #[inline]
    pub(in crate::policy) fn limit(self) -> Option<Moment> {
        (self != Self::NEVER && self != Self::FOREVER).then_some(self.0)
    }

    /// `since` plus the age allowed.
    #[inline]
    pub(super) fn after(since: Moment, max_age: Limit) -> Self {
        max_age.map_or(Self::FOREVER, |limit| Self(since.plus(limit)))
    }
}
