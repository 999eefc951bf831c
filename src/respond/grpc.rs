//! Answers to refused gRPC calls: a status in the headers and no body, which the protocol calls
//! *trailers-only*.

mod details;
mod error_info;
mod messages;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::refusal::Refusal;
use crate::headers::exactly_one;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

const GRPC: &[u8] = b"application/grpc";

/// The most bytes of a message. Many clients refuse headers of more than 8 KB, and percent-encoding
/// can make a message three times as long.
const MAX_MESSAGE: usize = 256;

/// The ASCII characters that are percent-encoded in a message: all but `%x20-%x24` and
/// `%x26-%x7E`.
const TO_ENCODE: &AsciiSet = &CONTROLS.add(b'%');

/// Returns whether the request is a gRPC call, by its content type. Calls of gRPC-Web are not: they
/// have other content types, and another form of the answer.
pub(super) fn is_call(headers: &HeaderMap) -> bool {
    let Some(value) = exactly_one(headers, CONTENT_TYPE) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let Some((name, format)) = essence.trim_ascii().split_at_checked(GRPC.len()) else {
        return false;
    };
    name.eq_ignore_ascii_case(GRPC) && matches!(format, [] | [b'+', ..])
}

/// Turns the HTTP answer to a refusal into one for a gRPC client. The challenge stays: a client
/// reads it as metadata.
pub(super) fn trailers_only(
    mut response: Response<Bytes>,
    refusal: &Refusal<'_>,
) -> Response<Bytes> {
    let code = code(refusal.status);
    let message = beginning(&refusal.detail);
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = Bytes::new();
    let headers = response.headers_mut();
    // `RetryInfo` says it.
    headers.remove(RETRY_AFTER);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(STATUS, code.into());
    // Both values are visible ASCII and spaces, so no header is left out.
    let encoded = utf8_percent_encode(message, TO_ENCODE).to_string();
    if let Ok(message) = HeaderValue::try_from(encoded) {
        headers.insert(MESSAGE, message);
    }
    let details = details::of(code.into(), message, refusal);
    if let Ok(details) =
        HeaderValue::try_from(base64_simd::STANDARD_NO_PAD.encode_to_string(details))
    {
        headers.insert(DETAILS, details);
    }
    response
}

/// Returns as much of a text as a message may have.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_MESSAGE)).unwrap_or_default()
}

/// Returns the code of `google.rpc.Code` for the status of an HTTP refusal.
fn code(status: StatusCode) -> u16 {
    match status {
        StatusCode::BAD_REQUEST => 3,          // INVALID_ARGUMENT
        StatusCode::CONFLICT => 6,             // ALREADY_EXISTS
        StatusCode::FORBIDDEN => 7,            // PERMISSION_DENIED
        StatusCode::SERVICE_UNAVAILABLE => 14, // UNAVAILABLE
        StatusCode::UNAUTHORIZED => 16,        // UNAUTHENTICATED
        _ => 13,                               // INTERNAL
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;

    use super::*;
    use crate::factor::Factor;
    use crate::policy::Policy;
    use crate::rejection::Rejection;
    use crate::respond::negotiated::Negotiated;
    use crate::respond::{BearerChallenge, Respond};
    use crate::testing;

    fn with(content_types: &[&str]) -> Request<()> {
        let types = content_types.iter();
        let request = types.fold(Request::post("/bank.Bank/Transfer"), |request, value| {
            request.header(CONTENT_TYPE, *value)
        });
        request.body(()).unwrap()
    }

    #[test]
    fn the_content_type_decides_and_a_closure_that_delegates_answers_alike() {
        let delegating =
            |why: &Rejection, request: &Parts| BearerChallenge::default().respond(why, request);
        let responders: [Box<dyn Respond>; 3] = [
            Box::new(BearerChallenge::default()),
            Box::new(Negotiated::new().sign_in("/sign-in").unwrap()),
            Box::new(delegating),
        ];
        for (content_types, is_grpc) in [
            (&["application/grpc"][..], true),
            (&["application/grpc+proto"], true),
            (&["application/grpc+json"], true),
            (&["APPLICATION/gRPC"], true),
            (&["application/grpc;x=y"], true),
            (&[" application/grpc+proto ; x=y"], true),
            (&["application/grpc-web"], false),
            (&["application/grpc-web+proto"], false),
            (&["application/grpc-web-text+proto"], false),
            (&["application/grpcx"], false),
            (&["application/grp"], false),
            (&["application/json"], false),
            (&["text/plain; application/grpc"], false),
            (&["application/grpc, application/json"], false),
            (&["application/grpc", "application/grpc"], false),
            (&[""], false),
            (&[], false),
        ] {
            let (request, ()) = with(content_types).into_parts();
            for responder in &responders {
                let response = responder.respond(&Rejection::NoCredentials, &request);
                let (status, content_type) = if is_grpc {
                    (StatusCode::OK, "application/grpc")
                } else {
                    (StatusCode::UNAUTHORIZED, "application/problem+json")
                };
                assert_eq!(response.status(), status, "{content_types:?}");
                assert_eq!(response.headers()[CONTENT_TYPE], content_type, "{content_types:?}");
                assert_eq!(response.headers().contains_key(STATUS), is_grpc, "{content_types:?}");
                assert_eq!(response.body().is_empty(), is_grpc, "{content_types:?}");
            }
        }
    }

    #[test]
    fn a_message_is_percent_encoded() {
        let encoded = |text| utf8_percent_encode(text, TO_ENCODE).to_string();
        assert_eq!(
            encoded(" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"),
            " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
        );
        assert_eq!(encoded("100%\r\n\0\u{7f}\u{e4}\u{20ac}"), "100%25%0D%0A%00%7F%C3%A4%E2%82%AC");
        assert_eq!(beginning(&"\u{20ac}".repeat(200)), "\u{20ac}".repeat(85));
    }

    #[test]
    fn headers_stay_small_and_no_text_adds_one() {
        let text = "\r\ngrpc-status: 0\u{e4}\"\\%";
        let hostile = (0..16).map(|number| Factor::from_pair(&text.repeat(9), &number.to_string()));
        let policy = Policy::try_any_of(hostile).unwrap().named(&"p".repeat(64));
        let shortfall = policy.evaluate(&testing::session().build(), testing::NOW).unwrap_err();
        let realm = "\"\r\n\u{e4}".repeat(1_000);
        let (request, ()) = with(&["application/grpc"]).into_parts();
        let response =
            BearerChallenge::new(&realm).respond(&Rejection::StepUpRequired(shortfall), &request);
        let headers = response.headers();
        assert_eq!(headers.len(), 6, "{headers:?}");
        assert_eq!(headers[STATUS], "16");
        let is_text = |byte: &u8| matches!(byte, b' '..=b'~');
        assert!(headers.values().all(|value| value.as_bytes().iter().all(is_text)), "{headers:?}");
        // As HTTP/2 counts them (RFC 9113, section 6.5.2).
        let length: usize =
            headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        assert!(length < 6_000, "{length}");
    }
}
