//! Helpers for header maps.

use http::header::{AsHeaderName, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

/// Returns the value of a header that appears exactly once.
pub(crate) fn exactly_one(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// Returns the header's value: `Some(None)` if the header is absent, and `None` if it appears more
/// than once.
pub(crate) fn at_most_one<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Option<Option<&'a HeaderValue>> {
    let is_not_repeated = || headers.get_all(name).iter().nth(1).is_none();
    (!any_repeats(headers) || is_not_repeated()).then(|| headers.get(name))
}

/// Returns whether there is exactly one `Content-Type`, and it is this media type, in any case and
/// with any parameters.
pub(crate) fn has_content_type(headers: &HeaderMap, media_type: &str) -> bool {
    let value = exactly_one(headers, CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}

/// Returns whether any header appears more than once. This is cheaper than a check of one header.
pub(crate) fn any_repeats(headers: &HeaderMap) -> bool {
    headers.len() > headers.keys_len()
}

// The map's own `insert` and `append` panic if the map is full, and a handler may have filled it.
// The functions below leave the header out instead. They ignore the error, because a full map is
// its only cause.

/// Sets a header if there is room for it.
pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let _ = headers.try_insert(name, value);
}

/// Adds a header if there is room for it.
pub(crate) fn append(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let _ = headers.try_append(name, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_header_is_not_returned() {
        let mut headers = HeaderMap::new();
        assert_eq!(exactly_one(&headers, "host"), None);
        headers.append("host", HeaderValue::from_static("a"));
        assert_eq!(exactly_one(&headers, "host"), Some(&HeaderValue::from_static("a")));
        headers.append("host", HeaderValue::from_static("a"));
        assert_eq!(exactly_one(&headers, "host"), None);
    }

    #[test]
    fn other_repeated_headers_do_not_matter() {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static("host");
        let value = HeaderValue::from_static("a");
        assert_eq!((any_repeats(&headers), at_most_one(&headers, &name)), (false, Some(None)));
        headers.append("accept", value.clone());
        headers.append(&name, value.clone());
        assert_eq!(
            (any_repeats(&headers), at_most_one(&headers, &name)),
            (false, Some(Some(&value)))
        );
        headers.append("accept", value.clone());
        assert_eq!(
            (any_repeats(&headers), at_most_one(&headers, &name)),
            (true, Some(Some(&value)))
        );
        headers.append(&name, value.clone());
        assert_eq!(at_most_one(&headers, &name), None);
    }

    #[test]
    fn a_full_map_does_not_change() {
        let mut headers = HeaderMap::new();
        let name = |number: usize| HeaderName::try_from(format!("x-{number}")).unwrap();
        let value = HeaderValue::from_static("a");
        let mut count = 0;
        while headers.try_insert(name(count), value.clone()).is_ok() {
            count += 1;
        }
        insert(&mut headers, name(count), value.clone());
        append(&mut headers, name(count), value);
        assert_eq!(headers.len(), count);
    }
}
