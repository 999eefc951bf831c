//! The rules for an address to return to.

use percent_encoding::percent_decode;

use super::ReturnToError;

/// The greatest length of an address, in bytes.
const MAX_LENGTH: usize = 1_024;
/// How many times an address may be percent-encoded. An address in the query of another one is
/// encoded once more.
const MAX_DEPTH: usize = 8;
/// The characters that Unicode's compatibility normalization turns into a slash or a backslash.
const LOOK_ALIKES: [&str; 3] = ["\u{ff0f}", "\u{ff3c}", "\u{fe68}"];

/// Checks the rules of the table in the documentation of `ReturnTo`.
pub(super) fn check(text: &str) -> Result<(), ReturnToError> {
    check_length(text)?;
    if !text.starts_with('/') || text.starts_with("//") {
        return Err(ReturnToError("it does not begin with a single slash"));
    }
    if !text.bytes().all(is_allowed) {
        return Err(ReturnToError("it has a character that must be percent-encoded"));
    }
    if !text.split('%').skip(1).all(begins_with_two_digits) {
        return Err(ReturnToError("it has a percent sign without two hexadecimal digits"));
    }
    let (path, query) = split(text);
    check_path(path)?;
    each_depth(query, |_| Ok(()))
}

pub(super) fn check_length(text: &str) -> Result<(), ReturnToError> {
    if text.len() > MAX_LENGTH {
        Err(ReturnToError("it is longer than 1,024 bytes"))
    } else {
        Ok(())
    }
}

pub(super) fn split(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

/// Returns whether an address can contain this byte: `pchar`, `/`, `?` and `%` (RFC 3986, sections
/// 3.3 and 3.4), except `'`.
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?%".contains(&byte)
}

fn begins_with_two_digits(text: &str) -> bool {
    matches!(text.as_bytes(), [first, second, ..] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit())
}

fn check_path(path: &str) -> Result<(), ReturnToError> {
    let slashes = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'/').count();
    if path.contains("//") {
        return Err(ReturnToError("its path has an empty segment"));
    }
    each_depth(path, |decoded| {
        if decoded.contains(&b'\\')
            || slashes(decoded) != slashes(path.as_bytes())
            || has_look_alike(decoded)
        {
            return Err(ReturnToError("its path has an encoded slash or backslash"));
        }
        if decoded.split(|byte| *byte == b'/').any(|segment| matches!(segment, b"." | b"..")) {
            return Err(ReturnToError("its path has a dot segment"));
        }
        Ok(())
    })
}

fn has_look_alike(decoded: &[u8]) -> bool {
    let text = String::from_utf8_lossy(decoded);
    LOOK_ALIKES.iter().any(|it| text.contains(it))
}

/// Decodes a text until decoding no longer changes it, and checks it at each depth. No depth may
/// have control characters.
fn each_depth(
    text: &str,
    check: impl Fn(&[u8]) -> Result<(), ReturnToError>,
) -> Result<(), ReturnToError> {
    let mut form = text.as_bytes().to_vec();
    for _ in 0..=MAX_DEPTH {
        if form.iter().any(u8::is_ascii_control) {
            return Err(ReturnToError("it has an encoded control character"));
        }
        check(&form)?;
        let decoded: Vec<u8> = percent_decode(&form).collect();
        if decoded == form {
            return Ok(());
        }
        form = decoded;
    }
    Err(ReturnToError("it is encoded more than 8 times"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_accepted(text: &str) {
        assert_eq!(check(text), Ok(()), "{text:?}");
    }

    #[track_caller]
    fn check_refused(text: &str, why: &'static str) {
        assert_eq!(check(text), Err(ReturnToError(why)), "{text:?}");
    }

    #[test]
    fn addresses_of_this_site_are_accepted() {
        check_accepted("/");
        check_accepted("/account");
        check_accepted("/account/");
        check_accepted("/account?");
        check_accepted("/account?tab=2&x=a+b");
        check_accepted("/a/.../b..c/.d/e.");
        check_accepted("/@evil.example:80/a;b=c,d");
        check_accepted("/search?q=https://evil.example//../x?y");
        check_accepted("/search?q=https%3A%2F%2Fevil.example%5C");
        check_accepted("/step-up?return_to=/a%3Freturn_to%3D/b%253Fc%253D%25C3%25A4");
        check_accepted("/caf%C3%A9/100%25/%3F%23");
        check_accepted(&format!("/{}", "a".repeat(1_023)));
        check_accepted(&format!("/%{}41", "25".repeat(7)));
    }

    #[test]
    fn addresses_that_lead_elsewhere_are_refused() {
        const START: &str = "it does not begin with a single slash";
        const CHARACTER: &str = "it has a character that must be percent-encoded";
        const EMPTY: &str = "its path has an empty segment";
        const SLASH: &str = "its path has an encoded slash or backslash";
        const DOTS: &str = "its path has a dot segment";
        const CONTROL: &str = "it has an encoded control character";
        const PERCENT: &str = "it has a percent sign without two hexadecimal digits";
        for (text, why) in [
            ("", START),
            ("account", START),
            ("?tab=2", START),
            ("*", START),
            ("//evil.example", START),
            ("///evil.example", START),
            ("////evil.example", START),
            ("http://evil.example", START),
            ("https:evil.example", START),
            ("https:/evil.example", START),
            ("https:///evil.example", START),
            ("HTTPS://evil.example", START),
            ("javascript:alert(1)", START),
            ("data:text/html,x", START),
            ("\\evil.example", START),
            ("\\\\evil.example", START),
            ("\\/evil.example", START),
            (" //evil.example", START),
            ("\t//evil.example", START),
            ("\0//evil.example", START),
            ("\u{ff0f}\u{ff0f}evil.example", START),
            ("%2f%2fevil.example", START),
            ("@evil.example", START),
            (".evil.example", START),
            ("/\\evil.example", CHARACTER),
            ("/\t/evil.example", CHARACTER),
            ("/\tevil.example", CHARACTER),
            ("/\n/evil.example", CHARACTER),
            ("/\r\nSet-Cookie:x", CHARACTER),
            ("/\0/evil.example", CHARACTER),
            ("/ /evil.example", CHARACTER),
            ("/\u{7f}/evil.example", CHARACTER),
            ("/\u{ff0f}evil.example", CHARACTER),
            ("/\u{2028}evil.example", CHARACTER),
            ("/a#//evil.example", CHARACTER),
            ("/a?x=\\evil", CHARACTER),
            ("/a?x='", CHARACTER),
            ("/a?x=\"><script>", CHARACTER),
            ("/a//evil.example", EMPTY),
            ("/..//evil.example", EMPTY),
            ("/.//evil.example", EMPTY),
            ("/%2e%2e//evil.example", EMPTY),
            ("/;//evil.example", EMPTY),
            ("/../evil.example", DOTS),
            ("/./evil.example", DOTS),
            ("/a/..", DOTS),
            ("/a/.?x", DOTS),
            ("/%2e%2e/evil.example", DOTS),
            ("/.%2E/evil.example", DOTS),
            ("/%252e%252e/evil.example", DOTS),
            ("/%2f%2fevil.example", SLASH),
            ("/%2Fevil.example", SLASH),
            ("/%252fevil.example", SLASH),
            ("/%25252fevil.example", SLASH),
            ("/%25%32%66evil.example", SLASH),
            ("/%5cevil.example", SLASH),
            ("/%5C%5Cevil.example", SLASH),
            ("/%255cevil.example", SLASH),
            ("/a%2f..%2f", SLASH),
            ("/%ef%bc%8fevil.example", SLASH),
            ("/%EF%BC%BCevil.example", SLASH),
            ("/%ef%b9%a8evil.example", SLASH),
            ("/%0d%0aSet-Cookie:x", CONTROL),
            ("/%0a/evil.example", CONTROL),
            ("/%09/evil.example", CONTROL),
            ("/%250d%250aSet-Cookie:x", CONTROL),
            ("/%00", CONTROL),
            ("/%2500", CONTROL),
            ("/%7f", CONTROL),
            ("/a?x=%0d%0aSet-Cookie:x", CONTROL),
            ("/a?x=%25250a", CONTROL),
            ("/%", PERCENT),
            ("/%2", PERCENT),
            ("/%zz", PERCENT),
            ("/%%32%66", PERCENT),
            ("/a?x=%u002f", PERCENT),
        ] {
            check_refused(text, why);
        }
        check_refused(&format!("/{}", "a".repeat(1_024)), "it is longer than 1,024 bytes");
        check_refused(&format!("/%{}41", "25".repeat(8)), "it is encoded more than 8 times");
        check_refused(&format!("/%{}", "25".repeat(400)), "it is encoded more than 8 times");
    }
}
