//! Ids, tokens and codes.

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// Returns `prefix-test-<uuid>`, the format of Stytch's ids in test projects.
pub(crate) fn id(prefix: &str) -> String {
    format!("{prefix}-test-{}", Uuid::new_v4())
}

/// Returns an opaque token of 256 bits, for a session or a magic link.
pub(crate) fn token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// Returns six decimal digits. All values are equally likely.
pub(crate) fn six_digits() -> String {
    // The largest multiple of a million in 32 bits. Values above it would favour low codes.
    const FAIR: u32 = u32::MAX - u32::MAX % 1_000_000;
    loop {
        let value = u32::from_be_bytes(bytes());
        if value < FAIR {
            return format!("{:06}", value % 1_000_000);
        }
    }
}

/// Returns three groups of four letters and digits, 60 bits in all, such as `k3vq-7m2a-xw5c`.
pub(crate) fn recovery_code() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut code = String::with_capacity(14);
    for (at, byte) in bytes::<12>().into_iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            code.push('-');
        }
        code.push(ALPHABET.get(usize::from(byte % 32)).map_or('a', |&letter| char::from(letter)));
    }
    code
}

pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // `Uuid` needs the operating system's randomness too, so the stand-in cannot go on without it.
    if rand::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_values_have_the_expected_formats() {
        assert_eq!(id("user").len(), "user-test-".len() + 36);
        assert_eq!(token().len(), 43);
        assert_ne!(token(), token());
        let code = six_digits();
        assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
        let code = recovery_code();
        assert!(code.len() == 14 && code.split('-').all(|group| group.len() == 4), "{code}");
    }
}
