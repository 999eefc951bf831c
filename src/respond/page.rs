//! A page for people, without scripts, styles or anything from another site.

use std::fmt::{self, Write as _};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};

use super::refusal::Refusal;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Sets the content type of a page, and the headers that protect its reader.
pub(super) fn add_headers(headers: &mut HeaderMap) {
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Returns a page, with a link to this address if there is one.
pub(super) fn body(refusal: &Refusal<'_>, sign_in: Option<&HeaderValue>) -> Bytes {
    let sign_in = sign_in.and_then(|address| address.to_str().ok());
    let mut page = String::with_capacity(512);
    // Writing to a string cannot fail.
    let _ = write!(page, "{}", Page { refusal, sign_in });
    page.into()
}

struct Page<'a> {
    refusal: &'a Refusal<'a>,
    sign_in: Option<&'a str>,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refusal = self.refusal;
        let title = Escaped(refusal.title);
        f.write_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")?;
        f.write_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")?;
        f.write_str("<meta name=\"color-scheme\" content=\"light dark\">\n")?;
        write!(f, "<title>{title}</title>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n")?;
        let mut detail = refusal.detail.chars();
        let first =
            detail.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default();
        writeln!(f, "<p>{}{}.</p>", Escaped(&first), Escaped(detail.as_str()))?;
        if refusal.removes_cookies {
            f.write_str("<p>Your browser has been asked to remove this site's cookies.</p>\n")?;
        }
        if let Some(address) = self.sign_in {
            writeln!(f, "<p><a href=\"{}\">Sign in again</a></p>", Escaped(address))?;
        }
        if let Some(seconds) = refusal.retry_after {
            writeln!(f, "<p>Try again in {seconds}&nbsp;s.</p>")?;
        }
        f.write_str("</main>\n</body>\n</html>\n")
    }
}

/// A text escaped for HTML, including quoted attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            _ => f.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::super::refusal::Challenge;
    use super::*;

    #[test]
    fn text_is_escaped() {
        let hostile = "\"'><script>alert(1)</script>&amp;\u{0}\u{202e}";
        assert_eq!(
            Escaped(hostile).to_string(),
            "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;\u{0}\u{202e}"
        );
        let refusal = Refusal {
            status: StatusCode::UNAUTHORIZED,
            challenge: Challenge::Bare,
            problem_type: "x",
            title: "A title",
            detail: format!("<b>{hostile}").into(),
            retry_after: Some(7),
            shortfall: None,
            request: None,
            scope: None,
            missing_scopes: Vec::new(),
            intent: None,
            resource_metadata: None,
            removes_cookies: false,
        };
        let page = String::from_utf8(body(&refusal, None).into()).unwrap();
        assert!(
            page.contains("<h1>A title</h1>\n<p>&lt;b&gt;&quot;&#39;&gt;&lt;script&gt;"),
            "{page}"
        );
        assert!(page.contains("<p>Try again in 7&nbsp;s.</p>"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    }
}
