//! The ids of entries in a stream.

use std::fmt;

/// The id of an entry in the stream: milliseconds since 1970 by the server's clock, and a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    milliseconds: u64,
    number: u64,
}

impl StreamId {
    /// The id before all others.
    pub(crate) const FIRST: Self = Self { milliseconds: 0, number: 0 };

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (milliseconds, number) = str::from_utf8(text).ok()?.split_once('-')?;
        Some(Self { milliseconds: milliseconds.parse().ok()?, number: number.parse().ok()? })
    }

    /// Returns the time of the server's clock when the entry was written, in milliseconds since 1970.
    #[must_use]
    pub fn milliseconds(self) -> u64 {
        self.milliseconds
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.milliseconds, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_time_and_number() {
        let id = |text: &str| StreamId::parse(text.as_bytes());
        assert!(id("9-1") < id("10-0") && id("10-0") < id("10-1"));
        assert_eq!(
            id("18446744073709551615-2").map(|it| it.to_string()).as_deref(),
            Some("18446744073709551615-2")
        );
        for unreadable in ["", "1", "-", "1-", "-1", "1-2-3", "1.5-0", "18446744073709551616-0"] {
            assert_eq!(id(unreadable), None, "{unreadable}");
        }
        assert_eq!(StreamId::parse(b"1-\xff"), None);
    }
}
