//! The maximum ages that a policy accepts.

use std::time::Duration;

/// The tightest `within` around a clause, if there is one.
pub(in crate::policy) type Limit = Option<Duration>;

pub(in crate::policy) fn tighter(limit: Limit, max_age: Duration) -> Duration {
    limit.map_or(max_age, |outer| outer.min(max_age))
}
