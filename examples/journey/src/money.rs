//! Amounts of money.

use std::fmt;

/// An amount in euro cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money(pub(crate) u64);

impl Money {
    /// Parses `1250`, `1250.5`, `1250.50` or `1,250.50`: more than zero, and less than a billion
    /// euros. A comma must be followed by exactly three digits. Otherwise `12,50`, typed with a
    /// decimal comma, would be read as 1,250.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, cents) = text.split_once('.').unwrap_or((text, "00"));
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or_default();
        let rest: Vec<&str> = groups.collect();
        let is_grouped =
            rest.is_empty() || first.len() <= 3 && rest.iter().all(|group| group.len() == 3);
        let whole = first.to_owned() + &rest.concat();
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_grouped
            || first.is_empty()
            || whole.len() > 9
            || cents.len() > 2
            || !digits(&whole)
            || !digits(cents)
        {
            return None;
        }
        let cents: u64 = format!("{whole}{cents:0<2}").parse().ok()?;
        (cents > 0).then_some(Self(cents))
    }

    pub(crate) fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Money {
    /// Formats the amount like `€1,250.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, cents) = ((self.0 / 100).to_string(), self.0 % 100);
        f.write_str("€")?;
        for (index, digit) in whole.chars().enumerate() {
            let is_thousand = index > 0 && (whole.len() - index).is_multiple_of(3);
            write!(f, "{}{digit}", if is_thousand { "," } else { "" })?;
        }
        write!(f, ".{cents:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_parsed_and_formatted() {
        for (text, want) in [
            ("1", Some("€1.00")),
            ("12.5", Some("€12.50")),
            ("0.07", Some("€0.07")),
            ("1,250.50", Some("€1,250.50")),
            ("999999999.99", Some("€999,999,999.99")),
            ("1,250,000", Some("€1,250,000.00")),
            ("12,50", None),
            ("0,01", None),
            ("1,5", None),
            (",500", None),
            ("1250,000", None),
            ("1,250,", None),
            ("1.250,50", None),
            ("1000000000", None),
            ("0", None),
            ("0.00", None),
            ("-1", None),
            ("1.234", None),
            ("1.", None),
            (".5", None),
            ("1e3", None),
            ("", None),
            ("٣", None),
        ] {
            assert_eq!(
                Money::parse(text).map(|money| money.to_string()).as_deref(),
                want,
                "{text:?}"
            );
        }
        assert_eq!(Money(100).checked_sub(Money(101)), None);
    }
}
