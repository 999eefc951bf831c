//! Where to go back to, after signing in or stepping up.

mod rules;

use std::fmt;
use std::str::FromStr;

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What is encoded where a request's address has it as it is: what RFC 3986 does not have in paths
/// and queries, and `'`, which browsers encode in a query.
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

/// An address of this site to go back to: a path and perhaps a query, never a host, so that nobody
/// who writes the link is taken elsewhere (CWE-601).
///
/// A [`Negotiated`](crate::Negotiated) responder writes it into `return_to`; the page behind that
/// reads it with [`parse`](Self::parse), which accepts exactly what [`of`](Self::of) can write:
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
/// | what | rule |
/// | --- | --- |
/// | length | at most 1,024 bytes |
/// | beginning | one slash |
/// | characters | those of paths and queries in RFC 3986 but `'`; a percent sign with two hexadecimal digits |
/// | path | no empty segment but the last, none that is `.` or `..` |
/// | what is encoded in the path | no slash, backslash, dot segment or control character; none of the wide forms of slashes |
/// | what is encoded in the query | no control character |
/// | depth | what is encoded more than 8 times is refused; at each depth the rules hold |
///
/// It is an address and no HTML: in a page it has to be escaped like any text, since an address may
/// have `&`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReturnTo(Box<str>);

/// Why a text is no address to go back to. It does not quote the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address of this site: {0}")]
pub struct ReturnToError(&'static str);

impl ReturnTo {
    /// Reads what is in a query's `return_to`, percent-decoded once, as a form's reader does it.
    ///
    /// # Errors
    ///
    /// Returns an error if a rule of the table is broken.
    pub fn parse(text: &str) -> Result<Self, ReturnToError> {
        rules::check(text)?;
        Ok(Self(text.into()))
    }

    /// The path and query of a request's address. What a path or query cannot have as it is, such
    /// as `[` or `|`, is percent-encoded.
    ///
    /// # Errors
    ///
    /// Returns an error if a rule of the table is broken.
    pub fn of(uri: &Uri) -> Result<Self, ReturnToError> {
        Self::under("", uri)
    }

    /// The same for a path that lacks this prefix.
    pub(super) fn under(prefix: &str, uri: &Uri) -> Result<Self, ReturnToError> {
        let (path, query) = (full_path(prefix, uri.path()), uri.query());
        let text = query.map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
        rules::check_length(&text)?;
        Self::parse(&utf8_percent_encode(&text, TO_ENCODE).to_string())
    }

    /// The path and query.
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

/// The path of a request whose prefix axum's `nest` has taken away; the root of what is nested is
/// the prefix alone.
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let under =
            |uri: &str| ReturnTo::under("/app", &uri.parse().unwrap()).map(|it| it.to_string());
        assert_eq!(under("/account?x"), Ok("/app/account?x".into()));
        assert_eq!(under("/"), Ok("/app".into()));
        assert_eq!(under("/?x"), Ok("/app?x".into()));
        assert_eq!(under("*"), Err(ReturnToError("it does not begin with one slash")));
        assert_eq!(under("//evil.example"), Err(ReturnToError("its path has an empty segment")));
    }
}
