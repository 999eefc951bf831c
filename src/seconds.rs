//! Durations as whole seconds.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// Serializes a duration, or an optional one, as its whole seconds.
pub(crate) fn whole_seconds<D, S>(duration: &D, serializer: S) -> Result<S::Ok, S::Error>
where
    D: Copy + Into<Option<Duration>>,
    S: Serializer,
{
    (*duration).into().map(|duration| duration.as_secs()).serialize(serializer)
}

/// Returns the whole seconds of a duration, rounded up.
pub(crate) fn whole_seconds_up(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
