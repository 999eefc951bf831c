//! Lines of text that users type.

/// Returns what is wrong with a line of text of at most `most` characters, for the user.
pub(crate) fn fault(text: &str, most: usize) -> Option<String> {
    let length = text.chars().count();
    if text.chars().any(is_unseen) {
        Some(
            "This has a line break or another character that cannot be seen. Type it again.".into(),
        )
    } else if length > most {
        Some(format!("This has {length} characters. Use at most {most}."))
    } else {
        None
    }
}

/// Returns whether a character only controls the text around it. Some of them change the order in
/// which the other characters appear (UAX #9, section 2).
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_own_text() {
        for (text, want) in [
            ("Zoë d’Arc-Łuk 3", None),
            ("", None),
            ("abcdefghijklmnop", Some("This has 16 characters. Use at most 15.")),
            ("a\nb", Some("line break")),
            ("a\u{0}", Some("line break")),
            ("a\u{202e}b", Some("line break")),
        ] {
            let fault = fault(text, 15);
            assert_eq!(fault.is_some(), want.is_some(), "{text:?}: {fault:?}");
            assert!(fault.is_none_or(|it| it.contains(want.unwrap())), "{text:?}");
        }
    }
}
