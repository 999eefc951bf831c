//! Amounts of money.

use std::fmt;

/// An amount in euro cents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money(pub(crate) u64);

impl Money {
    /// Parses `1250`, `1250.5`, `1250.50` or `1,250.50`: more than zero, and less than a billion
    /// euros. A comma must be followed by exactly three digits. Otherwise `12,50`, typed with a
    /// decimal comma, would be read as 1,250.
    ///
    /// # Errors
    ///
    /// Returns what is wrong, for the user.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const NO_AMOUNT: &str = "This is not an amount. Enter one such as 125 or 125.50.";
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, cents) = text.split_once('.').unwrap_or((text, "00"));
        let mut groups = whole.split(',');
        let first = groups.next().unwrap_or_default();
        let rest: Vec<&str> = groups.collect();
        let all = first.to_owned() + &rest.concat();
        if text.is_empty() {
            return Err("Enter an amount, such as 125 or 125.50.");
        }
        if let Some(amount) = text.strip_prefix('-') {
            let is_amount = Self::parse(amount).is_ok();
            return Err(if is_amount { "Enter an amount above zero." } else { NO_AMOUNT });
        }
        if !all.bytes().chain(cents.bytes()).all(|byte| byte.is_ascii_digit() || byte == b',')
            || cents.is_empty()
        {
            return Err(NO_AMOUNT);
        }
        let is_grouped =
            rest.is_empty() || first.len() <= 3 && rest.iter().all(|group| group.len() == 3);
        if !is_grouped || first.is_empty() || cents.contains(',') {
            return Err(
                "Write the cents after a point, such as 12.50, and thousands such as 1,250.",
            );
        }
        if cents.len() > 2 {
            return Err("An amount has at most two digits after the point.");
        }
        if all.len() > 9 {
            return Err("We send less than a billion euros at a time.");
        }
        if !digits(&all) || !digits(cents) {
            return Err(NO_AMOUNT);
        }
        match format!("{all}{cents:0<2}").parse() {
            Ok(0) => Err("Enter an amount above zero."),
            Ok(cents) => Ok(Self(cents)),
            Err(_) => Err(NO_AMOUNT),
        }
    }

    pub(crate) fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
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
        let (none, comma, zero) = ("not an amount", "after a point", "above zero");
        for (text, want) in [
            ("1", Ok("€1.00")),
            ("12.5", Ok("€12.50")),
            ("0.07", Ok("€0.07")),
            ("1,250.50", Ok("€1,250.50")),
            ("999999999.99", Ok("€999,999,999.99")),
            ("1,250,000", Ok("€1,250,000.00")),
            ("12,50", Err(comma)),
            ("0,01", Err(comma)),
            ("1,5", Err(comma)),
            (",500", Err(comma)),
            ("1250,000", Err(comma)),
            ("1,250,", Err(comma)),
            ("1.250,50", Err(comma)),
            ("1000000000", Err("less than a billion")),
            ("0", Err(zero)),
            ("0.00", Err(zero)),
            ("-1", Err(zero)),
            ("--1", Err(none)),
            ("-x", Err(none)),
            ("1.234", Err("at most two digits")),
            ("1.", Err(none)),
            (".5", Err(comma)),
            (".", Err(none)),
            ("1e3", Err(none)),
            ("1.5.2", Err(none)),
            ("much", Err(none)),
            ("", Err("Enter an amount, such as")),
            ("٣", Err(none)),
        ] {
            match (Money::parse(text), want) {
                (Ok(money), Ok(want)) => assert_eq!(money.to_string(), want, "{text:?}"),
                (Err(fault), Err(want)) => assert!(fault.contains(want), "{text:?}: {fault}"),
                (got, want) => panic!("{text:?}: {got:?}, not {want:?}"),
            }
        }
        assert_eq!(Money(100).checked_sub(Money(101)), None);
    }
}
