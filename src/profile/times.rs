//! Times in claims: numbers of seconds since 1970, read exactly, and dates in RFC 3339.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcDateTime};

/// The last second of the year 9999.
const MAX_SECONDS: u64 = 253_402_300_799;

/// Reads a JSON number as seconds since 1970, from 0 to 253402300799. Digits beyond nanoseconds are
/// cut off. Reading the text keeps fractions exact, whatever features of `serde_json` are enabled.
pub(super) fn instant(number: &str) -> Option<UtcDateTime> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // The number of digits before the point. More than 20 are too many, or are leading zeros.
    let point = i32::try_from(whole.len()).ok()?.checked_add(exponent)?;
    let value = |digit: u8| u64::from(digit - b'0');
    let (mut seconds, mut nanoseconds, mut unit) = (0_u64, 0_u64, 100_000_000_u64);
    for place in 0..point.clamp(0, 64) {
        let digit = digits().nth(place.try_into().ok()?).map_or(0, value);
        seconds = seconds.checked_mul(10)?.checked_add(digit)?;
    }
    if point > 64 && digits().any(|digit| digit != b'0') {
        return None;
    }
    for place in point..point.checked_add(9)? {
        let digit = usize::try_from(place).ok().and_then(|place| digits().nth(place));
        nanoseconds += unit * digit.map_or(0, value);
        unit /= 10;
    }
    if seconds > MAX_SECONDS || seconds == MAX_SECONDS && nanoseconds > 0 {
        return None;
    }
    let nanoseconds = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    UtcDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
}

/// Parses an RFC 3339 date. Returns `None` if its offset moves the year outside 0 to 9999.
pub(super) fn date(text: &str) -> Option<OffsetDateTime> {
    let date = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_utc()?;
    (0..=9999).contains(&date.year()).then(|| date.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_exactly() {
        for (number, want) in [
            ("0", Some(0)),
            ("1700000000", Some(1_700_000_000_000_000_000)),
            ("1700000000.5", Some(1_700_000_000_500_000_000)),
            ("1700000000.000000001", Some(1_700_000_000_000_000_001)),
            ("1700000000.0000000019", Some(1_700_000_000_000_000_001)),
            ("1.7e9", Some(1_700_000_000_000_000_000)),
            ("1.7E+9", Some(1_700_000_000_000_000_000)),
            ("17000000005e-1", Some(1_700_000_000_500_000_000)),
            ("5e-3", Some(5_000_000)),
            ("5e-30", Some(0)),
            ("0e999999", Some(0)),
            ("253402300799", Some(253_402_300_799_000_000_000)),
            ("253402300799.1", None),
            ("253402300800", None),
            ("1700000000000", None),
            ("1e100", None),
            ("1e2147483647", None),
            ("1e-2147483648", Some(0)),
            ("1e99999999999", None),
            ("-1", None),
            ("-0", None),
            ("\"1\"", None),
            ("true", None),
            ("[1]", None),
            ("", None),
        ] {
            let got = instant(number).map(UtcDateTime::unix_timestamp_nanos);
            assert_eq!(got, want, "{number}");
        }
    }
}
