//! Reads the API's responses.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, response};
use serde::Deserialize;

use super::error::ApiError;
use crate::excerpt::printable;
use crate::headers::{exactly_one, has_content_type};
use crate::http_client::{FetchError, delta_seconds};
use crate::sessions::authority::{self, SessionTokens};

/// Returns the body of a response with status 200 and JSON content.
pub(super) fn json(
    head: &response::Parts,
    body: Result<Bytes, FetchError>,
) -> Result<Bytes, ApiError> {
    match (head.status, is_json(&head.headers)) {
        (StatusCode::OK, true) => Ok(body?),
        (StatusCode::OK, false) => {
            Err(ApiError::UnexpectedResponse("its content type is not JSON"))
        }
        // If the body cannot be read, report the status alone.
        (_, is_json) => Err(refusal(head, body.ok().filter(|_| is_json))),
    }
}

/// Returns both tokens, or an error if one is missing or cannot be a cookie value.
pub(super) fn tokens(json: &[u8]) -> Result<SessionTokens, ApiError> {
    #[derive(Deserialize)]
    struct Tokens {
        session_token: String,
        session_jwt: String,
    }
    // serde's own error would quote the tokens.
    let Tokens { session_token, session_jwt } = serde_json::from_slice(json)
        .map_err(|_| ApiError::UnexpectedResponse("it does not contain both tokens"))?;
    if !authority::can_be_a_cookie(&session_token) || !authority::can_be_a_cookie(&session_jwt) {
        return Err(ApiError::UnexpectedResponse("one of its tokens cannot be a cookie value"));
    }
    Ok(SessionTokens { session_token, session_jwt })
}

/// Checks that the response confirms the revocation. A 200 alone may come from another server.
pub(super) fn confirmation(json: &[u8]) -> Result<(), ApiError> {
    #[derive(Deserialize)]
    struct Confirmation {
        status_code: u16,
    }
    match serde_json::from_slice(json) {
        Ok(Confirmation { status_code: 200 }) => Ok(()),
        _ => Err(ApiError::UnexpectedResponse("it does not confirm the revocation")),
    }
}

/// Returns the ids of the sessions in a list. None may lack its id.
pub(super) fn session_ids(json: &[u8]) -> Result<Vec<String>, ApiError> {
    #[derive(Deserialize)]
    struct List {
        sessions: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        session_id: String,
    }
    let List { sessions } = serde_json::from_slice(json)
        .map_err(|_| ApiError::UnexpectedResponse("it does not list sessions with their ids"))?;
    Ok(sessions.into_iter().map(|session| session.session_id).collect())
}

fn refusal(head: &response::Parts, json: Option<Bytes>) -> ApiError {
    // `error_message` is not read, because it may contain anything.
    #[derive(Default, Deserialize)]
    struct ErrorObject {
        error_type: Option<String>,
        request_id: Option<String>,
    }
    let object =
        json.and_then(|json| serde_json::from_slice::<ErrorObject>(&json).ok()).unwrap_or_default();
    let may_pass =
        matches!(head.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    ApiError::Refused {
        status: head.status,
        error_type: object.error_type.map(|text| printable(&text)),
        request_id: object.request_id.map(|text| printable(&text)),
        retry_after: may_pass.then(|| retry_after(&head.headers)).flatten(),
    }
}

/// The greatest `Retry-After` that is respected. A greater one is reduced to this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let stated = delta_seconds(exactly_one(headers, header::RETRY_AFTER)?.to_str().ok()?)?;
    Some(stated.min(MAX_RETRY_AFTER))
}

fn is_json(headers: &HeaderMap) -> bool {
    has_content_type(headers, "application/json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn head(status: u16, headers: &[(header::HeaderName, &'static str)]) -> response::Parts {
        let mut response = http::Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().append(name, HeaderValue::from_static(value));
        }
        response.into_parts().0
    }

    #[test]
    fn a_response_has_one_json_content_type() {
        let is_json = |values: &[&'static str]| {
            let headers: Vec<_> =
                values.iter().map(|value| (header::CONTENT_TYPE, *value)).collect();
            is_json(&head(200, &headers).headers)
        };
        for (values, want) in [
            (&["application/json"][..], true),
            (&["Application/JSON ; charset=utf-8"], true),
            (&[], false),
            (&[""], false),
            (&["text/html"], false),
            (&["application/jsonp"], false),
            (&["application/json, text/html"], false),
            (&["text/plain; a=application/json"], false),
            (&["application/json", "application/json"], false),
        ] {
            assert_eq!(is_json(values), want, "{values:?}");
        }
    }

    #[test]
    fn both_tokens_must_be_valid_cookie_values() {
        #[track_caller]
        fn check(json: &str, want: Result<(), &'static str>) {
            let got = tokens(json.as_bytes()).map(drop);
            assert_eq!(got, want.map_err(ApiError::UnexpectedResponse), "{json}");
        }
        let lacking = Err("it does not contain both tokens");
        let impossible = Err("one of its tokens cannot be a cookie value");
        check(
            r#"{"session_token":"aZ09-_=","session_jwt":"e.y.J","user":{"emails":[]},"status_code":200}"#,
            Ok(()),
        );
        check("", lacking);
        check("{}", lacking);
        check("[]", lacking);
        check("<html>", lacking);
        check(r#"{"session_token":"a"}"#, lacking);
        check(r#"{"session_jwt":"a"}"#, lacking);
        check(r#"{"session_token":null,"session_jwt":"a"}"#, lacking);
        check(r#"{"session_token":"a","session_jwt":7}"#, lacking);
        check(r#"{"session_token":["a"],"session_jwt":"a"}"#, lacking);
        check(r#"{"session_token":"a","session_jwt":"a","session_jwt":"b"}"#, lacking);
        check(r#"{"session_token":"a","session_jwt":"a"} {}"#, lacking);
        check(r#"{"session_token":"","session_jwt":"a"}"#, impossible);
        check(r#"{"session_token":"a","session_jwt":""}"#, impossible);
        for unfit in [
            "a b",
            "a;b",
            "a,b",
            "ä",
            "a\\u0000b",
            "a\\r\\nb",
            "a\\\"b",
            "a\\\\b",
            &"a".repeat(authority::MAX_TOKEN_LENGTH + 1),
        ] {
            check(&format!(r#"{{"session_token":"{unfit}","session_jwt":"a"}}"#), impossible);
            check(&format!(r#"{{"session_token":"a","session_jwt":"{unfit}"}}"#), impossible);
        }
        check(
            &format!(
                r#"{{"session_token":"a","session_jwt":"{}"}}"#,
                "a".repeat(authority::MAX_TOKEN_LENGTH)
            ),
            Ok(()),
        );
    }

    #[test]
    fn a_confirmation_has_status_code_200() {
        for (json, want) in [
            (r#"{"status_code":200,"request_id":"request-id-test-1"}"#, true),
            (r#"{"status_code":500}"#, false),
            (r#"{"status_code":"200"}"#, false),
            (r#"{"request_id":"request-id-test-1"}"#, false),
            ("{}", false),
            ("", false),
            ("<html>", false),
        ] {
            assert_eq!(confirmation(json.as_bytes()).is_ok(), want, "{json}");
        }
    }

    #[test]
    fn each_session_of_a_list_has_an_id() {
        let unreadable = Err("it does not list sessions with their ids");
        for (json, want) in [
            (r#"{"sessions":[{"session_id":"a","roles":[]},{"session_id":"b"}]}"#, Ok(2)),
            (r#"{"sessions":[]}"#, Ok(0)),
            (r#"{"sessions":[{"session_id":"a"},{}]}"#, unreadable),
            (r#"{"sessions":[{"session_id":7}]}"#, unreadable),
            (r#"{"sessions":null}"#, unreadable),
            (r#"{"sessions":{}}"#, unreadable),
            ("{}", unreadable),
            ("[]", unreadable),
            ("<html>", unreadable),
        ] {
            let got = session_ids(json.as_bytes()).map(|ids| ids.len());
            assert_eq!(got, want.map_err(ApiError::UnexpectedResponse), "{json}");
        }
    }

    #[test]
    fn retry_after_is_in_whole_seconds_and_bounded() {
        #[track_caller]
        fn check(status: u16, values: &[&'static str], want: Option<u64>) {
            let headers: Vec<_> =
                values.iter().map(|value| (header::RETRY_AFTER, *value)).collect();
            let error = refusal(&head(status, &headers), None);
            assert_eq!(error.retry_after(), want.map(Duration::from_secs), "{status} {values:?}");
        }
        check(429, &["7"], Some(7));
        check(503, &["0"], Some(0));
        check(503, &["86400"], Some(3_600));
        check(429, &[], None);
        check(429, &[""], None);
        check(429, &["-7"], None);
        check(429, &["+7"], None);
        check(429, &["7.5"], None);
        check(429, &["7", "7"], None);
        check(429, &["99999999999999999999"], None);
        check(503, &["Fri, 31 Dec 1999 23:59:59 GMT"], None);
        check(500, &["7"], None);
        check(401, &["7"], None);
    }

    #[test]
    fn texts_from_the_api_are_shortened_and_made_printable() {
        let json = format!(
            r#"{{"error_type":"a\u001b[31m\nb{}","request_id":"é","error_message":"secret"}}"#,
            "x".repeat(500)
        );
        let error = refusal(&head(400, &[]), Some(json.into()));
        assert_eq!(error.request_id(), Some(r"\u{e9}"));
        let (error_type, shown) = (error.error_type().unwrap(), error.to_string());
        assert!(
            error_type.starts_with(r"a\u{1b}[31m\nb") && error_type.len() < 100,
            "{error_type}"
        );
        assert!(
            shown.chars().all(|c| c.is_ascii_graphic() || c == ' ') && !shown.contains("secret"),
            "{shown}"
        );
    }
}
