//! Reads one cookie (RFC 6265, section 5.4) from any number of Cookie headers, since HTTP/2 may
//! split them.

use http::{HeaderMap, header};

use super::CredentialError;

/// Returns the value of the cookie with this name. An empty value is a value too. Two cookies with
/// the same value count as one that was set twice.
pub(super) fn find<'a>(
    headers: &'a HeaderMap,
    name: &str,
) -> Result<Option<&'a [u8]>, CredentialError> {
    let mut found = None;
    for value in values(headers, name) {
        if found.replace(value).is_some_and(|other| other != value) {
            return Err(CredentialError::SeveralCookies);
        }
    }
    Ok(found)
}

/// Returns the values of all cookies with this name.
pub(super) fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    lines.flat_map(|line| pairs(line.as_bytes())).filter_map(|pair| value_of(pair, name.as_bytes()))
}

fn pairs(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b';', header).chain([header.len()]).map(move |end| {
        let pair = header.get(start..end).unwrap_or_default();
        start = end + 1;
        pair
    })
}

fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = pair.trim_ascii().strip_prefix(name)?.trim_ascii_start();
    rest.strip_prefix(b"=").map(<[u8]>::trim_ascii_start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(lines: &[&[u8]], want: Result<Option<&str>, CredentialError>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line).expect("a header value"));
        }
        assert_eq!(find(&headers, "jwt"), want.map(|value| value.map(str::as_bytes)), "{lines:?}");
    }

    #[test]
    fn a_cookie_is_found_at_any_position() {
        check(&[], Ok(None));
        check(&[b"jwt=a.b.c"], Ok(Some("a.b.c")));
        check(&[b"x=1; jwt=a; y=2"], Ok(Some("a")));
        check(&[b"x=1;jwt=a;"], Ok(Some("a")));
        check(&[b"x=1", b"jwt=a"], Ok(Some("a")));
        check(&[b" ; ;jwt = a ;"], Ok(Some("a")));
        check(&[b"jwt="], Ok(Some("")));
        check(&[b"jwt=a=b"], Ok(Some("a=b")));
    }

    #[test]
    fn cookies_with_other_names_are_ignored() {
        check(&[b"jwt2=a; xjwt=a; JWT=a; jwt; =a; jw=t"], Ok(None));
        check(&[b"x=jwt=a"], Ok(None));
        check(&[b"\xff\xfe=\xff; jwt=a"], Ok(Some("a")));
    }

    #[test]
    fn equal_duplicates_count_as_one_cookie() {
        check(&[b"jwt=a; jwt=a"], Ok(Some("a")));
        check(&[b"jwt=a", b"x=1; jwt = a", b"jwt=a"], Ok(Some("a")));
        check(&[b"jwt=; jwt="], Ok(Some("")));
    }

    #[test]
    fn different_duplicates_are_an_error() {
        check(&[b"jwt=a; jwt=b"], Err(CredentialError::SeveralCookies));
        check(&[b"jwt=a", b"jwt=b"], Err(CredentialError::SeveralCookies));
        check(&[b"jwt=a; jwt="], Err(CredentialError::SeveralCookies));
        check(&[b"jwt=a; jwt=a", b"jwt=b"], Err(CredentialError::SeveralCookies));
    }
}
