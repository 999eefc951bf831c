//! Reads response bodies, up to a limit and without a content encoding.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::{FetchError, IDENTITY};
use crate::excerpt::Excerpt;

/// Copies the body into one buffer. If it kept the frames instead, frames of one byte each would
/// take a hundred times the memory of their content.
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Incoming,
    limit: usize,
) -> Result<Bytes, FetchError> {
    check_encoding(headers)?;
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| FetchError::Interrupted)?.into_data() else { continue };
        if bytes.len().saturating_add(data.len()) > limit {
            return Err(FetchError::TooLarge(limit));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

/// Checks that a body is not compressed (RFC 9110, section 8.4). Otherwise a compressed body would
/// only look malformed.
fn check_encoding(headers: &HeaderMap) -> Result<(), FetchError> {
    let is_plain = |value: &HeaderValue| {
        let codings = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings
            .into_iter()
            .all(|coding| coding.is_empty() || coding.eq_ignore_ascii_case(IDENTITY.as_bytes()))
    };
    match headers.get_all(header::CONTENT_ENCODING).into_iter().find(|value| !is_plain(value)) {
        None => Ok(()),
        Some(value) => {
            let text: String = value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
            Err(FetchError::Encoded(Excerpt::of(Some(&text))))
        }
    }
}
