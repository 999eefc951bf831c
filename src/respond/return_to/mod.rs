//! The address to which a person returns after signing in or stepping up.

mod rules;

use std::fmt;
use std::str::FromStr;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// The characters of a request's address that are percent-encoded: those that RFC 3986 does not
/// allow in paths and queries, and `'`, which browsers encode in a query.
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

/// An address of this site to return to: a path and perhaps a query, never a host. An attacker who
/// crafts a link to the sign-in page cannot use it to send the user to another site (open redirect,
/// CWE-601).
///
/// A [`Negotiated`](crate::Negotiated) responder writes it into `return_to`. The page that it
/// redirects to reads it with [`parse`](Self::parse), which accepts exactly what [`of`](Self::of)
/// can write:
///
/// ```
/// use tower_step_up::ReturnTo;
///
/// assert_eq!(ReturnTo::parse("/account?tab=2")?.as_str(), "/account?tab=2");
/// assert_eq!("/account?tab=2".parse(), ReturnTo::parse("/account?tab=2"));
/// for elsewhere in [
///     "//evil.example",
///     "/\\evil.example",
///     "https://evil.example",
///     "/%2f%2fevil.example",
///     "/a%0d%0aSet-Cookie:x",
/// ] {
///     assert!(ReturnTo::parse(elsewhere).is_err());
///     assert_eq!(ReturnTo::parse(elsewhere).unwrap_or_default().as_str(), "/");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | part | rule |
/// | --- | --- |
/// | length | at most 1,024 bytes |
/// | beginning | exactly one slash |
/// | characters | those that RFC 3986 allows in paths and queries, except `'`; two hexadecimal digits after each percent sign |
/// | path | no empty segment except the last, and no segment `.` or `..` |
/// | percent-encoded in the path | no slash, backslash, dot segment or control character, and no Unicode look-alike of a slash or backslash |
/// | percent-encoded in the query | no control character |
/// | depth | encoded at most 8 times; the rules apply at every depth |
///
/// It is an address, not HTML. Escape it in a page like any other text, since it may contain `&`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReturnTo(Box<str>);

/// An error reading an address to return to. It does not quote the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address of this site: {0}")]
pub struct ReturnToError(&'static str);

impl ReturnTo {
    /// Reads the value of the parameter `return_to`, which the caller has percent-decoded once, as
    /// a form parser does.
    ///
    /// # Errors
    ///
    /// Returns [`ReturnToError`] if the text breaks a rule of the table.
    pub fn parse(text: &str) -> Result<Self, ReturnToError> {
        rules::check(text)?;
        Ok(Self(text.into()))
    }

    /// Returns the path and query of a request's address. Characters that a path or query cannot
    /// contain, such as `[` or `|`, are percent-encoded.
    ///
    /// # Errors
    ///
    /// Returns [`ReturnToError`] if the address breaks a rule of the table.
    pub fn of(uri: &Uri) -> Result<Self, ReturnToError> {
        Self::under("", uri)
    }

    /// Returns the same as [`of`](Self::of), with this prefix put before the path.
    pub(super) fn under(prefix: &str, uri: &Uri) -> Result<Self, ReturnToError> {
        let (path, query) = (full_path(prefix, uri.path()), uri.query());
        let text = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        rules::check_length(&text)?;
        Self::parse(&utf8_percent_encode(&text, TO_ENCODE).to_string())
    }

    /// Returns the path and query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn path(&self) -> &str {
        rules::split(&self.0).0
    }

    pub(super) fn has_query(&self) -> bool {
        self.0.contains('?')
    }
}

/// Returns the full path of a request whose prefix axum's `nest` has removed. For the root of the
/// nested router, this is the prefix alone.
pub(super) fn full_path(prefix: &str, path: &str) -> String {
    match path {
        "/" if !prefix.is_empty() => prefix.into(),
        path if path.starts_with('/') => format!("{prefix}{path}"),
        path => path.into(),
    }
}

/// Reads an address as [`parse`](ReturnTo::parse) does.
impl FromStr for ReturnTo {
    type Err = ReturnToError;

    fn from_str(text: &str) -> Result<Self, ReturnToError> {
        Self::parse(text)
    }
}

impl Default for ReturnTo {
    /// Returns the root, `/`.
    fn default() -> Self {
        Self("/".into())
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_and_query_of_a_request_are_used_but_not_its_host() {
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
        check("app.example:443", None); // a host alone, as in CONNECT
        check(&format!("/{}", "[".repeat(1_023)), None);
    }

    #[test]
    fn the_prefix_removed_by_nest_is_restored() {
        let under =
            |uri: &str| ReturnTo::under("/app", &uri.parse().unwrap()).map(|it| it.to_string());
        assert_eq!(under("/account?x"), Ok("/app/account?x".into()));
        assert_eq!(under("/"), Ok("/app".into()));
        assert_eq!(under("/?x"), Ok("/app?x".into()));
        assert_eq!(under("*"), Err(ReturnToError("it does not begin with a single slash")));
        assert_eq!(under("//evil.example"), Err(ReturnToError("its path has an empty segment")));
    }
}
