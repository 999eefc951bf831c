//! Durations and lists as text.

use std::fmt::{self, Display};
use std::time::Duration;

/// The units of durations and their lengths in seconds, largest first.
pub(in crate::policy) const UNITS: [(u64, &str); 4] =
    [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];

/// A list, written with a separator between its items.
pub(in crate::policy) struct Joined<'a, T>(
    pub(in crate::policy) &'a [T],
    pub(in crate::policy) &'a str,
);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, item)| {
            f.write_str(if index > 0 { self.1 } else { "" })?;
            item.fmt(f)
        })
    }
}

/// A duration, written in the largest unit that divides it evenly: `10m`, `90s`, `12h`.
pub(crate) struct Span(pub(crate) Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if self.0.subsec_nanos() > 0 || seconds == 0 {
            return write!(f, "{}s", self.0.as_secs_f64());
        }
        let (size, unit) =
            UNITS.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, "s"));
        write!(f, "{}{unit}", seconds / size)
    }
}

/// An age, written in whole seconds rounded down: `15m ago`, `5m 1s ago`.
pub(in crate::policy) struct Age(pub(in crate::policy) Option<Duration>);

impl Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(age) = self.0 else { return f.write_str("undated") };
        let mut rest = age.as_secs();
        if rest == 0 {
            return f.write_str("now");
        }
        for (size, unit) in UNITS {
            if rest >= size {
                write!(f, "{}{unit} ", rest / size)?;
                rest %= size;
            }
        }
        f.write_str("ago")
    }
}
