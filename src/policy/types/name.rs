//! Policy names: words that need no escaping in a header, a log or a document.

/// Returns whether the name matches `[a-z][a-z0-9_.-]{0,63}`.
pub(in crate::policy) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_lower_case_and_begins_with_a_letter() {
        for name in ["a", "transfer", "wire.eu-1_b", &"a".repeat(64)] {
            assert!(is_name(name), "{name:?}");
        }
        for name in ["", "1a", "A", "a b", "a\"", "ä", "a\n", &"a".repeat(65)] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
