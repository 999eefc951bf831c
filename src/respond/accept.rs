//! The header `Accept` (RFC 9110, section 12.5.1), read only as far as needed to choose between a
//! page and JSON.

use http::{HeaderMap, header};

const HTML: [&[u8]; 2] = [b"text/html", b"application/xhtml+xml"];
const JSON: [&[u8]; 4] =
    [b"application/problem+json", b"application/json", b"application/*", b"*/*"];

/// Returns whether `Accept` names HTML with a weight above 0 that is at least the weight of JSON.
///
/// All lines count. If a type appears more than once, its highest weight counts. An element whose
/// weight cannot be read is ignored. A comma ends an element, even inside quotes.
pub(super) fn prefers_html(headers: &HeaderMap) -> bool {
    let (mut html, mut json) = (0, 0);
    let lines = headers.get_all(header::ACCEPT).into_iter();
    for element in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
        let Some((range, weight)) = read(element) else { continue };
        let is = |name: &&[u8]| range.eq_ignore_ascii_case(name);
        if HTML.iter().any(is) {
            html = weight.max(html);
        } else if JSON.iter().any(is) {
            json = weight.max(json);
        }
    }
    html > 0 && html >= json
}

/// Returns a media range and its weight in thousandths, or `None` if the weight cannot be read.
fn read(element: &[u8]) -> Option<(&[u8], u16)> {
    let mut parts = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let range = parts.next()?;
    let weight = parts.find_map(|parameter| match parameter {
        [b'q' | b'Q', b'=', value @ ..] => Some(thousandths(value)),
        _ => None,
    });
    Some((range, weight.unwrap_or(Some(1_000))?))
}

/// Reads a `qvalue` (RFC 9110, section 12.4.2) as thousandths.
fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', fraction @ ..] if fraction.len() <= 3 => (whole, fraction),
        _ => return None,
    };
    let digits = fraction.iter().chain(b"000").take(3);
    let sum = digits.into_iter().try_fold(u16::from(whole - b'0'), |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0'))
    });
    sum.filter(|sum| *sum <= 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&[u8]], want: bool) {
        let lines =
            lines.iter().map(|line| (header::ACCEPT, http::HeaderValue::from_bytes(line).unwrap()));
        let headers: HeaderMap = lines.collect();
        assert_eq!(prefers_html(&headers), want, "{headers:?}");
    }

    #[test]
    fn html_must_be_named_with_at_least_the_weight_of_json() {
        check(&[], false);
        check(&[b""], false);
        check(&[b"*/*"], false);
        check(&[b"text/*"], false);
        check(&[b"text/html"], true);
        check(&[b"TEXT/HTML ; Q=0.1"], true);
        check(&[b"application/xhtml+xml"], true);
        check(&[b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], true);
        check(&[b"text/html, */*"], true);
        check(&[b"text/html;q=0.5, */*"], false);
        check(&[b"text/html;q=0.5, application/*;q=0.6"], false);
        check(&[b"application/json, text/plain, */*"], false);
        check(&[b"application/json, text/html"], true);
        check(&[b"application/json, text/html;q=0.999"], false);
        check(&[b"application/problem+json;q=0.3, text/html;q=0.2"], false);
        check(&[b"application/json;q=0, text/html;q=0.001"], true);
        check(&[b"text/html;q=0"], false);
        check(&[b"text/html;q=0.000"], false);
        check(&[b"text/html;level=1;q=0.4, application/json;q=0.4"], true);
        check(&[b"text/html;q=0.2, text/html;q=0.9, application/json;q=0.5"], true);
        check(&[b"text/htmlx"], false);
        check(&[b"text/html/"], false);
        check(&[b"application/json", b"text/html"], true);
        check(&[b"application/json", b"text/html;q=0.1"], false);
    }

    #[test]
    fn malformed_values_are_ignored() {
        for weight in [
            "q=2", "q=1.001", "q=-1", "q=", "q=.5", "q=0.1234", "q=0,5", "q=1e0", "q=0.5x",
            "q=\"1\"", "q=NaN",
        ] {
            check(&[format!("text/html;{weight}").as_bytes()], false);
        }
        for weight in ["q=1", "q=1.", "q=1.000", "q=0.1", "q = 1", "p=2", "q", ";;", "q=1;q=0"] {
            check(&[format!("text/html;{weight}").as_bytes()], true);
        }
        check(&[b"\xff\xfe, text/html\xff"], false);
        check(&[b"\xff\xfe,,, ; ,=, text/html"], true);
        check(&[&b",".repeat(1 << 20)], false);
        check(&[&[&b"a/b;q=0.5,".repeat(1 << 16)[..], b"text/html"].concat()], true);
        check(&[&[&b"text/html"[..], &b";a=b".repeat(1 << 18)[..]].concat()], true);
    }
}
