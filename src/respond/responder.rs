//! The trait of responders, and the default responder.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};

use super::refusal::{Challenge, Refusal};
use super::{bearer, grpc, problem};
use crate::intent::STEP_UP_INTENT;
use crate::rejection::Rejection;
use crate::{cache_control, headers};

/// Turns a [`Rejection`] into the guard's response.
///
/// A closure is a responder too, if the types of its arguments are written out. The default
/// responder is [`BearerChallenge`], and [`Negotiated`](crate::Negotiated) is for applications that
/// people use in a browser. Your own responder can fall back to either:
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
/// If the response has no `Cache-Control`, the guard forbids caches to store it. If an HTTP/1
/// request announces a body, the guard adds `Connection: close` to the response, because it does
/// not read that body.
pub trait Respond: Send + Sync + 'static {
    /// Returns the response to a refused request.
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
/// | two cookies of one name that differ, two `Authorization` or session-token headers, an unreadable Bearer token or JWT cookie | 400 | `error="invalid_request"` |
/// | invalid or expired token, or one from another issuer | 401 | `error="invalid_token"` |
/// | policy not met | 401 | `error="insufficient_user_authentication"`, and `acr_values` and `max_age` as in the [`AuthenticationRequest`](crate::policy::AuthenticationRequest), if there is one |
/// | policy met, but the token lacks [scopes](crate::StepUpLayer::require_scopes) | 403 | `error="insufficient_scope"` |
/// | keys or revocations unavailable | 503 with `Retry-After` | none |
/// | the session cannot be renewed or confirmed now | 503 with `Retry-After` | none |
/// | an action was [confirmed](crate::Once::confirm) already | 409 | none |
/// | no action can be confirmed now | 503 with `Retry-After` | none |
/// | a function of [`require_with`](crate::StepUpLayer::require_with) failed | 500 | none |
///
/// If the guard requires scopes, the challenge of each 401 and 403 has `scope` too. That of a 403 also
/// has `acr_values` and `max_age`, because the new token has to meet the policy too. If it guards a
/// [protected resource](crate::StepUpLayer::protected_resource), each challenge has
/// `resource_metadata`.
///
/// The module [`problem`](crate::problem) describes the body.
///
/// # gRPC
///
/// A request with the content type `application/grpc` or `application/grpc+…` gets a gRPC status
/// instead, in the headers of a response with the status 200 and without a body. The [gRPC
/// protocol][protocol] calls this *trailers-only*. Clients read the same `WWW-Authenticate` as
/// metadata. `Retry-After` is left out.
///
/// | status in the table above | `grpc-status` |
/// | --- | --- |
/// | 400 | 3 `INVALID_ARGUMENT` |
/// | 401 | 16 `UNAUTHENTICATED` |
/// | 403 | 7 `PERMISSION_DENIED` |
/// | 409 | 6 `ALREADY_EXISTS` |
/// | 500 | 13 `INTERNAL` |
/// | 503 | 14 `UNAVAILABLE`, with a [`RetryInfo`][details] that says when to try again |
///
/// `grpc-message` has the `detail` of the body, shortened to 256 bytes. `grpc-status-details-bin`
/// always has an [`ErrorInfo`][details] with the domain `tower-step-up`. Its `reason` is
/// `INSUFFICIENT_USER_AUTHENTICATION` if the policy is not met. Otherwise it is the name of a section
/// of [`problem`](crate::problem), such as `NO_CREDENTIALS`. If another token is needed, `metadata` has:
///
/// | key | value |
/// | --- | --- |
/// | `acr_values`, `max_age` | the parameters of the authentication request, if there is one |
/// | `scope` | the scopes that the route requires, if it requires any |
/// | `intent` | the id of the [intent](crate::intent), if the refusal is about one action; a 409 has it too |
///
/// If the policy is not met, it also has:
///
/// | key | value |
/// | --- | --- |
/// | `policy` | the policy's name, if it has one |
/// | `retryable` | `true` if `prompts` or the authentication request can meet the policy, otherwise `false` |
/// | `restart`, `enrol` | `true` as in the body of [`problem`](crate::problem#step-up-required) |
/// | `prompts` | the alternatives, separated by spaces: the factors or methods that are all needed, separated by commas |
/// | `truncated` | `true` if there may be further alternatives: `prompts` has at most 1,024 bytes, and no factor whose name contains a space or a comma |
///
/// A call of gRPC-Web has other content types, and gets the response of the first table. The guide
/// says [how to guard such calls](crate::guide::placing_the_guard#grpc).
///
/// [protocol]: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
/// [details]: https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerChallenge {
    realm: Box<str>,
    /// The headers of the most frequent refusal, that of a request without credentials. Other
    /// refusals change some of them.
    headers: HeaderMap,
}

impl BearerChallenge {
    /// Creates a challenge for this realm (RFC 9110, section 11.5). `?` replaces each character
    /// that a quoted string of a header cannot contain.
    #[must_use]
    pub fn new(realm: &str) -> Self {
        let problem = HeaderValue::from_static("application/problem+json");
        // `response` clones this map and replaces a header in the clone. `HeaderMap` grows on such
        // an insert if it is full. This map has room for six headers, and with `with_capacity(3)`
        // it would be full.
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, problem);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::WWW_AUTHENTICATE, bearer::bare(realm));
        Self { realm: realm.into(), headers }
    }

    /// Returns the answer for a program: a gRPC status if it calls a gRPC method, and otherwise
    /// problem details.
    pub(super) fn for_program(&self, refusal: &Refusal<'_>, request: &Parts) -> Response<Bytes> {
        if grpc::is_call(&request.headers) {
            return grpc::trailers_only(self.response(refusal, Bytes::new()), refusal);
        }
        self.problem(refusal)
    }

    pub(super) fn problem(&self, refusal: &Refusal<'_>) -> Response<Bytes> {
        self.response(refusal, problem::body(refusal))
    }

    /// Returns a response with this body and with the status and headers of a [`Refusal`]. Its
    /// content type is `application/problem+json` until the caller replaces it.
    pub(super) fn response(&self, refusal: &Refusal<'_>, body: Bytes) -> Response<Bytes> {
        let mut response = Response::new(body);
        *response.status_mut() = refusal.status;
        let headers = response.headers_mut();
        headers.clone_from(&self.headers);
        let challenge = match refusal.challenge {
            Challenge::Bare if !refusal.adds_to_challenge() => return response,
            Challenge::None => None,
            Challenge::Bare => bearer::challenge(&self.realm, None, refusal),
            Challenge::Error(error) => bearer::challenge(&self.realm, Some(error), refusal),
        };
        match challenge {
            Some(challenge) => headers.insert(header::WWW_AUTHENTICATE, challenge),
            None => headers.remove(header::WWW_AUTHENTICATE),
        };
        if let Some(seconds) = refusal.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl Default for BearerChallenge {
    /// Returns a challenge for the realm `api`.
    fn default() -> Self {
        Self::new("api")
    }
}

impl Respond for BearerChallenge {
    fn respond(&self, why: &Rejection, request: &Parts) -> Response<Bytes> {
        self.for_program(&Refusal::of(why, request), request)
    }
}

/// Returns the responder's response, with the rejection attached for the layers outside the guard.
/// A response without `Cache-Control` gets `no-store`. A refusal of one action names its intent in a header,
/// whatever the responder wrote.
pub(crate) fn refuse(responder: &dyn Respond, why: Rejection, request: &Parts) -> Response<Bytes> {
    let mut response = responder.respond(&why, request);
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        cache_control::forbid_storing(response.headers_mut());
    }
    if let Some(intent) = why.intent().and_then(|intent| HeaderValue::from_str(intent).ok()) {
        headers::insert(response.headers_mut(), STEP_UP_INTENT, intent);
    }
    why.attach_to(&mut response);
    response
}
