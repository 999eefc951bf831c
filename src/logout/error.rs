//! The reasons why a request to log somebody out is refused.

use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::cache_control;
use crate::headers;
use crate::keys::KeysUnavailable;
use crate::seconds::whole_seconds_up;
use crate::token::{LogoutFailure, LogoutTokenError, RevocationError};

/// The reason why [`BackChannelLogout`](super::BackChannelLogout) refused a request. Nobody was
/// signed out, except that a write to the store may still complete after
/// [`NotRecorded`](Self::NotRecorded).
///
/// A layer outside the service reads it from the response with [`LogoutError::of`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogoutError {
    /// The method is not POST.
    #[error("the method is not POST")]
    Method,
    /// `Content-Type` is not `application/x-www-form-urlencoded`.
    #[error("the content type is not application/x-www-form-urlencoded")]
    ContentType,
    /// The body is longer than 64 KiB.
    #[error("the body has more than {limit} bytes")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body broke off.
    #[error("the body broke off")]
    BodyInterrupted,
    /// The form does not have exactly one `logout_token`.
    #[error("the form has {count} members logout_token, and exactly one is expected")]
    TokenCount {
        /// How many it has.
        count: usize,
    },
    /// The logout token is not valid.
    #[error(transparent)]
    Token(LogoutTokenError),
    /// The keys that verify the token are unavailable.
    #[error(transparent)]
    KeysUnavailable(KeysUnavailable),
    /// The verifier's store did not record the revocation in time, so guards may still accept the
    /// session.
    #[error("the logout was not recorded")]
    NotRecorded(#[source] Arc<RevocationError>),
}

/// How long an issuer should wait if the store did not record a revocation.
const RETRY_AFTER_WRITE: Duration = Duration::from_secs(5);

impl LogoutError {
    /// Returns the error that the service attached to this response, or `None` if the service
    /// logged somebody out.
    #[must_use]
    pub fn of<B>(response: &Response<B>) -> Option<&Self> {
        response.extensions().get()
    }

    /// Returns the stable name of the reason, for logs and metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Method => "logout_wrong_method",
            Self::ContentType => "logout_wrong_content_type",
            Self::BodyTooLarge { .. } => "logout_body_too_large",
            Self::BodyInterrupted => "logout_body_interrupted",
            Self::TokenCount { .. } => "logout_token_count",
            Self::Token(error) => error.reason(),
            Self::KeysUnavailable(_) => "keys_unavailable",
            Self::NotRecorded(_) => "logout_not_recorded",
        }
    }

    /// Returns the status of this refusal.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType
            | Self::BodyInterrupted
            | Self::TokenCount { .. }
            | Self::Token(_) => StatusCode::BAD_REQUEST,
            Self::KeysUnavailable(_) | Self::NotRecorded(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::KeysUnavailable(unavailable) => Some(unavailable.retry_after),
            Self::NotRecorded(_) => Some(RETRY_AFTER_WRITE),
            _ => None,
        }
    }

    /// Returns the response (section 2.8). Its description is the reason's name, which contains
    /// nothing of the token.
    pub(super) fn into_response(self) -> Response<String> {
        let error = match self.status() {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            _ => "invalid_request",
        };
        let body = json!({"error": error, "error_description": self.reason()});
        let mut response = Response::new(body.to_string());
        *response.status_mut() = self.status();
        let all = response.headers_mut();
        headers::insert(all, CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if matches!(self, Self::Method) {
            headers::insert(all, ALLOW, HeaderValue::from_static("POST"));
        }
        if let Some(time) = self.retry_after() {
            headers::insert(all, RETRY_AFTER, whole_seconds_up(time).max(1).into());
        }
        cache_control::forbid_storing(all);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<LogoutFailure> for LogoutError {
    fn from(failure: LogoutFailure) -> Self {
        match failure {
            LogoutFailure::Refused(error) => Self::Token(error),
            LogoutFailure::KeysUnavailable(unavailable) => Self::KeysUnavailable(unavailable),
        }
    }
}

impl From<RevocationError> for LogoutError {
    fn from(error: RevocationError) -> Self {
        Self::NotRecorded(Arc::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_waits_for_at_least_as_long_as_the_keys_need() {
        let keys = |milliseconds| {
            LogoutError::KeysUnavailable(KeysUnavailable::after(Duration::from_millis(
                milliseconds,
            )))
        };
        for (why, want) in [
            (keys(0), Some("1")),
            (keys(1_000), Some("1")),
            (keys(1_001), Some("2")),
            (RevocationError::Full { max_entries: 1 }.into(), Some("5")),
            (LogoutError::Method, None),
        ] {
            let response = why.into_response();
            let got = response.headers().get(RETRY_AFTER).map(HeaderValue::as_bytes);
            assert_eq!(got, want.map(str::as_bytes), "{:?}", LogoutError::of(&response));
        }
    }
}
