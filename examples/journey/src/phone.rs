//! Phone numbers as users type them.

use crate::problem::Problem;

/// Returns a typed number in E.164 format: `+` and 8 to 15 digits. Spaces and the usual punctuation
/// are ignored, and `00` at the start counts as `+`.
///
/// # Errors
///
/// Returns what is wrong, for the user.
pub(crate) fn number(typed: &str) -> Result<String, Problem> {
    let number: String = typed.chars().filter(|character| !" -()/.".contains(*character)).collect();
    let number = match number.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => number,
    };
    let digits = number.strip_prefix('+').unwrap_or(&number);
    let fault = if number.is_empty() {
        "Enter your phone number."
    } else if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        "A phone number has only digits, after a +. Check it."
    } else if !number.starts_with('+') || digits.starts_with('0') {
        "Begin with + and the code of the country, for example +1 202 555 0143."
    } else if digits.len() < 8 {
        "This number is too short. Check it."
    } else if digits.len() > 15 {
        "This number is too long. Check it."
    } else {
        return Ok(number);
    };
    Err(Problem::PhoneNumber(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_number_has_its_own_text() {
        for (typed, want) in [
            ("+12025550143", Ok("+12025550143")),
            (" +1 (202) 555-0143 ", Ok("+12025550143")),
            ("0049 151/123.45678", Ok("+4915112345678")),
            ("", Err("Enter your phone number")),
            (" - ", Err("Enter your phone number")),
            ("none", Err("only digits")),
            ("+1 202 555 0143 x2", Err("only digits")),
            ("+1202+5550143", Err("only digits")),
            ("+1202555\u{ff10}143", Err("only digits")),
            ("202 555 0143", Err("code of the country")),
            ("+0202 555 0143", Err("code of the country")),
            ("+1 202", Err("too short")),
            ("+", Err("too short")),
            ("+1234567890123456", Err("too long")),
        ] {
            match (number(typed), want) {
                (Ok(got), Ok(want)) => assert_eq!(got, want, "{typed:?}"),
                (Err(fault), Err(want)) => {
                    assert!(fault.to_string().contains(want), "{typed:?}: {fault}")
                }
                (got, want) => panic!("{typed:?}: {got:?}, not {want:?}"),
            }
        }
    }
}
