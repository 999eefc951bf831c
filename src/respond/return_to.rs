//! Where to go back to, after signing in or stepping up.

use std::fmt;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

/// The longest, in bytes.
const LONGEST: usize = 1_024;
/// How often an address can be percent-encoded: one within the query of another is so once more.
const DEEPEST: usize = 8;
/// What is encoded where a request's address has it as it is. Of the characters of RFC 3986 that is `'`, since browsers
/// encode it in a query.
const TO_ENCODE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// What Unicode's compatibility forms turn into a slash or a backslash.
const LOOK_ALIKES: [&str; 3] = ["\u{ff0f}", "\u{ff3c}", "\u{fe68}"];

/// An address of this site to go back to: a path and perhaps a query, never a host, so that nobody who writes the link is
/// taken elsewhere (CWE-601).
///
/// A [`Negotiated`](crate::Negotiated) responder writes it into `return_to`; the page behind that reads it with
/// [`parse`](Self::parse), which accepts exactly what [`of`](Self::of) can write:
///
/// ```
/// use tower_step_up::ReturnTo;
///
/// assert_eq!(ReturnTo::parse("/account?tab=2")?.as_str(), "/account?tab=2");
/// for elsewhere in ["//evil.example", "/\\evil.example", "https://evil.example", "/%2f%2fevil.example", "/a%0d%0aSet-Cookie:x"] {
///     assert!(ReturnTo::parse(elsewhere).is_err());
///     assert_eq!(ReturnTo::parse(elsewhere).unwrap_or_default().as_str(), "/");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | what | rule |
/// | --- | --- |
/// | length | at most 1,024 bytes |
/// | beginning | one slash |
/// | characters | those of paths and queries in RFC 3986 but `'`; a percent sign with two hexadecimal digits |
/// | path | no empty segment but the last, none that is `.` or `..` |
/// | what is encoded in the path | no slash, backslash, dot segment or control character; none of the wide forms of slashes |
/// | what is encoded in the query | no control character |
/// | depth | what is encoded more than 8 times is refused; at each depth the rules hold |
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReturnTo(Box<str>);

/// Why a text is no address to go back to. It does not quote the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnToError(&'static str);

impl ReturnTo {
    /// Reads what is in a query's `return_to`, percent-decoded once, as a form's reader does it.
    ///
    /// # Errors
    ///
    /// Where a rule of the table is broken.
    pub fn parse(text: &str) -> Result<Self, ReturnToError> {
        if text.len() > LONGEST {
            return Err(ReturnToError("it is longer than 1,024 bytes"));
        }
        if !text.starts_with('/') || text.starts_with("//") {
            return Err(ReturnToError("it does not begin with one slash"));
        }
        if !text.bytes().all(is_allowed) {
            return Err(ReturnToError("it has a character that has to be encoded"));
        }
        if !text.split('%').skip(1).all(begins_with_two_digits) {
            return Err(ReturnToError("it has a percent sign without two hexadecimal digits"));
        }
        let (path, query) = split(text);
        check_path(path)?;
        each_depth(query, |_| Ok(()))?;
        Ok(Self(text.into()))
    }

    /// The path and query of a request's address. What a path or query cannot have as it is, such as `[` or `|`, is
    /// percent-encoded.
    ///
    /// # Errors
    ///
    /// Where a rule of the table is broken.
    pub fn of(uri: &Uri) -> Result<Self, ReturnToError> {
        Self::under("", uri)
    }

    /// The same for a path that lacks this prefix.
    pub(super) fn under(prefix: &str, uri: &Uri) -> Result<Self, ReturnToError> {
        let (path, query) = (full_path(prefix, uri.path()), uri.query());
        let text = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        if text.len() > LONGEST {
            return Err(ReturnToError("it is longer than 1,024 bytes"));
        }
        Self::parse(&utf8_percent_encode(&text, TO_ENCODE).to_string())
    }

    /// The path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn path(&self) -> &str {
        split(&self.0).0
    }

    pub(super) fn has_query(&self) -> bool {
        self.0.contains('?')
    }
}

/// The path of a request whose prefix axum's `nest` has taken away; the root of what is nested is the prefix alone.
pub(super) fn full_path(prefix: &str, path: &str) -> String {
    match path {
        "/" if !prefix.is_empty() => prefix.into(),
        path if path.starts_with('/') => format!("{prefix}{path}"),
        path => path.into(),
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

/// `pchar`, `/`, `?` and `%` (RFC 3986, sections 3.3 and 3.4), but `'`.
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
        if decoded.contains(&b'\\') || slashes(decoded) != slashes(path.as_bytes()) || has_look_alike(decoded) {
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

/// Decodes for as long as that changes something, and checks each form; control characters are in none.
fn each_depth(text: &str, check: impl Fn(&[u8]) -> Result<(), ReturnToError>) -> Result<(), ReturnToError> {
    let mut form = text.as_bytes().to_vec();
    for _ in 0..=DEEPEST {
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

impl Default for ReturnTo {
    /// The root, `/`.
    fn default() -> Self {
        Self("/".into())
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ReturnToError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an address of this site: {}", self.0)
    }
}

impl std::error::Error for ReturnToError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_accepted(text: &str) {
        assert_eq!(ReturnTo::parse(text).as_ref().map(ReturnTo::as_str), Ok(text));
    }

    #[track_caller]
    fn check_refused(text: &str, why: &'static str) {
        assert_eq!(ReturnTo::parse(text), Err(ReturnToError(why)), "{text:?}");
    }

    #[test]
    fn addresses_of_this_site() {
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
    fn everything_that_has_led_elsewhere() {
        const START: &str = "it does not begin with one slash";
        const CHARACTER: &str = "it has a character that has to be encoded";
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

    #[test]
    fn of_a_request_the_path_and_query_are_taken_and_never_the_host() {
        #[track_caller]
        fn check(uri: &str, want: Option<&str>) {
            let made = ReturnTo::of(&uri.parse().unwrap());
            assert_eq!(made.as_ref().ok().map(ReturnTo::as_str), want, "{uri}");
        }
        check("/account?tab=2", Some("/account?tab=2"));
        check("https://app.example/account?tab=2", Some("/account?tab=2"));
        check("https://app.example", Some("/"));
        check("https://app.example?x", Some("/?x"));
        check("/list?filter[name]=O'Brien|x", Some("/list?filter%5Bname%5D=O%27Brien%7Cx"));
        check("/caf\u{e9}?\u{e4}", Some("/caf%C3%A9?%C3%A4"));
        check("/a?x=\\", Some("/a?x=%5C"));
        check("/a\\b", None);
        check("//evil.example/", None);
        check("/a/../b", None);
        check("/%2f/", None);
        check("/a?x=%", None);
        check("*", None);
        check("app.example:443", None); // as CONNECT has it: a host alone
        check(&format!("/{}", "[".repeat(1_023)), None);
    }

    #[test]
    fn what_nest_took_away_is_put_back() {
        let under = |uri: &str| ReturnTo::under("/app", &uri.parse().unwrap()).map(|it| it.to_string());
        assert_eq!(under("/account?x"), Ok("/app/account?x".into()));
        assert_eq!(under("/"), Ok("/app".into()));
        assert_eq!(under("/?x"), Ok("/app?x".into()));
        assert_eq!(under("*"), Err(ReturnToError("it does not begin with one slash")));
        assert_eq!(under("//evil.example"), Err(ReturnToError("its path has an empty segment")));
    }
}
