//! Errors of the session API.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::http_client::FetchError;
use crate::sessions::AuthorityError;

/// The reason why the API returned no usable response. It contains neither the secret nor a token.
/// Text that it quotes from the API is printable and short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The API responded with a status other than 200. Redirects are not followed. `error_type` and
    /// `request_id` are set if the response was JSON and had them.
    #[error(fmt = refused)]
    Refused {
        /// The status of the response.
        status: StatusCode,
        /// The `error_type` of the response, such as `session_not_found`.
        error_type: Option<Box<str>>,
        /// The `request_id` of the response, for Stytch's support.
        request_id: Option<Box<str>>,
        /// The `Retry-After` of a 429 or 503, at most 1 hour. A date is ignored.
        retry_after: Option<Duration>,
    },
    /// The API responded with 200, but not with what was expected.
    #[error("unexpected response from the API: {0}")]
    UnexpectedResponse(&'static str),
    /// No connection, no trusted certificate, or not an HTTP response. The text lists the causes,
    /// outermost first.
    #[error("the API cannot be reached: {0}")]
    Unreachable(Box<str>),
    /// No complete response came within this time.
    #[error("no complete response from the API within {0:?}")]
    TimedOut(Duration),
    /// The response body had more than this many bytes.
    #[error("the response from the API has more than {0} bytes")]
    TooLarge(usize),
    /// The response broke off.
    #[error("the response from the API broke off")]
    Interrupted,
}

impl ApiError {
    /// Returns the status of the response if it was not 200.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns the `error_type` of the response, such as `session_not_found`.
    #[must_use]
    pub fn error_type(&self) -> Option<&str> {
        match self {
            Self::Refused { error_type, .. } => error_type.as_deref(),
            _ => None,
        }
    }

    /// Returns the `request_id` of the response.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused { request_id, .. } => request_id.as_deref(),
            _ => None,
        }
    }

    /// Returns how long the API asked to wait before the next call. This is at most 1 hour, and
    /// only from a 429 or 503.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns whether the session has ended, was revoked, or never existed.
    pub(super) fn is_of_an_ended_session(&self) -> bool {
        self.has_error_type(&["session_not_found"])
    }

    /// Returns whether the token belongs to no live session. That includes a token that the API
    /// cannot read.
    ///
    /// Only these error types count. A status alone may come from another server, and an
    /// application with a wrong secret must not sign out every user.
    pub(super) fn is_of_no_session(&self) -> bool {
        self.has_error_type(&[
            "session_not_found",
            "invalid_session_token",
            "unable_to_parse_session_jwt",
        ])
    }

    /// Returns whether the user, or the member, does not exist.
    pub(super) fn is_of_no_user(&self) -> bool {
        self.has_error_type(&["user_not_found", "member_not_found"])
    }

    fn has_error_type(&self, error_types: &[&str]) -> bool {
        self.status().is_some_and(|status| status.is_client_error())
            && self.error_type().is_some_and(|error_type| error_types.contains(&error_type))
    }

    /// Returns the error of an authority that was asked about a token.
    pub(super) fn into_authority_error(self) -> AuthorityError {
        match self.is_of_no_session() {
            true => AuthorityError::UnknownSession,
            false => self.into_unavailable(),
        }
    }

    pub(super) fn into_unavailable(self) -> AuthorityError {
        AuthorityError::Unavailable {
            retry_after: self.retry_after(),
            cause: std::sync::Arc::new(self),
        }
    }
}

impl From<FetchError> for ApiError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Unreachable(causes) => Self::Unreachable(causes.into()),
            FetchError::TimedOut(limit) => Self::TimedOut(limit),
            FetchError::Status(status) => {
                Self::Refused { status, error_type: None, request_id: None, retry_after: None }
            }
            FetchError::TooLarge(limit) => Self::TooLarge(limit),
            FetchError::Encoded(_) => Self::UnexpectedResponse("its content is compressed"),
            FetchError::Interrupted => Self::Interrupted,
        }
    }
}

fn refused(
    status: &StatusCode,
    error_type: &Option<Box<str>>,
    request_id: &Option<Box<str>>,
    _: &Option<Duration>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "the API responded with {}", status.as_u16())?;
    if let Some(error_type) = error_type {
        write!(f, " {error_type}")?;
    }
    match request_id {
        Some(request_id) => write!(f, " ({request_id})"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_specific_client_errors_mean_that_there_is_no_session() {
        #[track_caller]
        fn check(status: u16, error_type: Option<&str>, want: (bool, bool)) {
            let error = ApiError::Refused {
                status: StatusCode::from_u16(status).unwrap(),
                error_type: error_type.map(Into::into),
                request_id: None,
                retry_after: None,
            };
            let got = (error.is_of_no_session(), error.is_of_an_ended_session());
            assert_eq!(got, want, "(no session, ended session) of {status} {error_type:?}");
        }
        check(404, Some("session_not_found"), (true, true));
        check(400, Some("session_not_found"), (true, true));
        check(400, Some("unable_to_parse_session_jwt"), (true, false));
        check(400, Some("invalid_session_token"), (true, false));
        check(400, Some("invalid_session_id"), (false, false));
        check(400, Some("jwt_invalid_audience"), (false, false));
        check(400, Some("no_session_arguments"), (false, false));
        check(400, Some("invalid_project_id_authentication"), (false, false));
        check(401, Some("unauthorized_credentials"), (false, false));
        check(401, None, (false, false));
        check(403, Some("organization_suspended"), (false, false));
        check(404, None, (false, false));
        check(404, Some("route_not_found"), (false, false));
        check(404, Some("project_not_found"), (false, false));
        check(429, Some("too_many_requests"), (false, false));
        check(200, Some("session_not_found"), (false, false));
        check(302, Some("session_not_found"), (false, false));
        check(500, Some("session_not_found"), (false, false));
        check(503, Some("server_unavailable"), (false, false));
    }

    #[test]
    fn an_error_reads_as_a_sentence() {
        let refused = |error_type: Option<&str>, request_id: Option<&str>| ApiError::Refused {
            status: StatusCode::NOT_FOUND,
            error_type: error_type.map(Into::into),
            request_id: request_id.map(Into::into),
            retry_after: None,
        };
        for (error, want) in [
            (
                refused(Some("session_not_found"), Some("request-id-test-1")),
                "the API responded with 404 session_not_found (request-id-test-1)",
            ),
            (refused(None, None), "the API responded with 404"),
            (
                ApiError::UnexpectedResponse("its content type is not JSON"),
                "unexpected response from the API: its content type is not JSON",
            ),
            (
                ApiError::TimedOut(Duration::from_secs(5)),
                "no complete response from the API within 5s",
            ),
        ] {
            assert_eq!(error.to_string(), want);
        }
    }
}
