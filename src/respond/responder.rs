//! Responders, and the default one.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, header};

use super::answer::{Answer, Challenge};
use super::{bearer, problem};
use crate::cache_control;
use crate::rejection::Rejection;

/// Turns a [`Rejection`] into a response: what a guard answers in place of the service behind it.
///
/// Closures do it too, with the types of their arguments written out. The default is
/// [`BearerChallenge`], and [`Negotiated`](crate::Negotiated) is for applications in browsers.
/// One's own can fall back to either:
///
/// ```
/// use bytes::Bytes;
/// use http::request::Parts;
/// use http::{Response, StatusCode};
/// use tower_step_up::{BearerChallenge, Policy, Rejection, Respond, testing};
///
/// let guard = testing::TestIssuer::new().guard().require(Policy::mfa()).respond_with(
///     |why: &Rejection, request: &Parts| match why {
///         Rejection::StepUpRequired(_) if request.uri.path().starts_with("/pages/") => {
///             let mut page = Response::new(Bytes::from_static(
///                 b"<a href=/second-factor>One more step</a>",
///             ));
///             *page.status_mut() = StatusCode::FORBIDDEN;
///             page
///         }
///         _ => BearerChallenge::default().respond(why, request),
///     },
/// );
/// ```
///
/// Whatever the responder, the guard forbids caches to store a response that has no
/// `Cache-Control`. To a request over HTTP/1 that announces a body it adds `Connection: close`,
/// since the body is left unread.
pub trait Respond: Send + Sync + 'static {
    /// The response to a request that was refused.
    fn respond(&self, why: &Rejection, request: &Parts) -> Response<Bytes>;
}

impl<F> Respond for F
where
    F: Fn(&Rejection, &Parts) -> Response<Bytes> + Send + Sync + 'static,
{
    fn respond(&self, why: &Rejection, request: &Parts) -> Response<Bytes> {
        self(why, request)
    }
}

/// The default responder: a Bearer challenge (RFC 6750 and 9470) and a body of problem details (RFC
/// 9457).
///
/// | situation | status | `WWW-Authenticate` |
/// | --- | --- | --- |
/// | no credentials | 401 | `Bearer realm="…"` |
/// | two cookies of one name that differ, two `Authorization` headers, unreadable header | 400 | `error="invalid_request"` |
/// | invalid, expired or foreign token | 401 | `error="invalid_token"` |
/// | policy not met | 401 | `error="insufficient_user_authentication"`, `max_age` if the policy limits an age |
/// | keys unavailable | 503 with `Retry-After` | none |
/// | the session cannot be renewed or confirmed now | 503 with `Retry-After` | none |
///
/// The body is described in [`problem`](crate::problem).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerChallenge {
    realm: Box<str>,
    /// The challenge without an error, since requests without credentials are those that come in
    /// floods.
    bare: HeaderValue,
}

impl BearerChallenge {
    /// A challenge for this realm (RFC 9110, section 11.5). Characters that cannot stand in a
    /// header's quoted string are replaced by `?`.
    #[must_use]
    pub fn new(realm: &str) -> Self {
        Self { realm: realm.into(), bare: bearer::bare(realm) }
    }

    pub(super) fn problem(&self, answer: &Answer<'_>) -> Response<Bytes> {
        self.response(
            answer,
            HeaderValue::from_static("application/problem+json"),
            problem::body(answer),
        )
    }

    /// A body of some kind under the status and the headers of an answer.
    pub(super) fn response(
        &self,
        answer: &Answer<'_>,
        content_type: HeaderValue,
        body: Bytes,
    ) -> Response<Bytes> {
        let mut response = Response::new(body);
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        headers.reserve(4);
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let challenge = match answer.challenge {
            Challenge::None => None,
            Challenge::Bare => Some(self.bare.clone()),
            Challenge::Error(error) => bearer::challenge(&self.realm, error, answer),
        };
        if let Some(challenge) = challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = answer.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl Default for BearerChallenge {
    /// The realm `api`.
    fn default() -> Self {
        Self::new("api")
    }
}

impl Respond for BearerChallenge {
    fn respond(&self, why: &Rejection, _request: &Parts) -> Response<Bytes> {
        self.problem(&Answer::to(why))
    }
}

/// The response of a responder, with what every refusal has: its reason in the extensions, and no
/// store.
pub(crate) fn refuse(responder: &dyn Respond, why: Rejection, request: &Parts) -> Response<Bytes> {
    let mut response = responder.respond(&why, request);
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        cache_control::forbid_storing(response.headers_mut());
    }
    response.extensions_mut().insert(why);
    response
}
