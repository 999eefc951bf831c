//! The answer that clients of Microsoft Entra ID read.

use bytes::Bytes;
use http::Response;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::request::Parts;
use serde::Serialize;

use super::answer;
use crate::policy::Shortfall;
use crate::rejection::Rejection;
use crate::respond::bearer::{self, Quoted};
use crate::respond::refusal::Refusal;
use crate::respond::responder::{BearerChallenge, Respond};

/// A responder for clients of Microsoft Entra ID. If a session has to step up, it answers with a
/// [claims challenge][format], which asks for an authentication context. Microsoft's libraries
/// decode it, ask Entra for a token with these claims, and call again.
///
/// ```
/// use http::Request;
/// use tower_step_up::issuers::oidc;
/// use tower_step_up::respond::EntraClaimsChallenge;
/// use tower_step_up::testing::{self, TestIssuer};
/// use tower_step_up::{Policy, Rejection, Respond};
///
/// // `c1` is an authentication context of the tenant.
/// let issuer = oidc::access_tokens("https://login.example.com", "api://bank").acr_values(["c1"]);
/// let test = TestIssuer::standing_in_for(issuer)?;
/// let session = test.session_with(&serde_json::json!({}));
/// let shortfall = Policy::acr("c1").evaluate(&session, testing::NOW).unwrap_err();
///
/// let (request, ()) = Request::post("/transfer").body(())?.into_parts();
/// let answer = EntraClaimsChallenge::new().respond(&Rejection::StepUpRequired(shortfall), &request);
/// assert_eq!(answer.status(), 401);
/// assert_eq!(
///     answer.headers()["www-authenticate"],
///     "Bearer realm=\"\", \
///      authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
///      error=\"insufficient_claims\", \
///      claims=\"eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19\""
/// );
///
/// let guard = test.guard().require(Policy::acr("c1")).respond_with(EntraClaimsChallenge::new());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `claims` is the base64 of `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`. Its value
/// is the first of the [authentication request's](crate::Shortfall::authentication_request)
/// `acr_values`, because Entra takes one. `scope` and `resource_metadata` follow if the
/// [guard](crate::StepUpLayer) adds them to its challenges. The body is that of the
/// [`BearerChallenge`].
///
/// Only clients that declare the capability `cp1` handle this challenge. If the API has the optional
/// claim `xms_cc`, Entra writes it into their tokens, as `"xms_cc": ["cp1"]`. This responder does not read that claim. If other
/// clients call the route too, choose the responder by
/// [`Shortfall::session`](crate::Shortfall::session).
///
/// The [`BearerChallenge`] answers every other refusal. It also answers a shortfall that a value of
/// `acr` does not remedy, or only together with a `max_age`, because a claims challenge cannot ask
/// for that.
///
/// [format]: https://learn.microsoft.com/entra/identity-platform/claims-challenge
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntraClaimsChallenge {
    challenge: BearerChallenge,
    authorization_uri: Box<str>,
}

#[derive(Serialize)]
struct Request<'a> {
    access_token: AccessToken<'a>,
}

#[derive(Serialize)]
struct AccessToken<'a> {
    acrs: Acrs<'a>,
}

#[derive(Serialize)]
struct Acrs<'a> {
    essential: bool,
    value: &'a str,
}

impl EntraClaimsChallenge {
    /// Creates a responder for clients of any tenant. Its challenges for other refusals are for the
    /// realm `api`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the challenge for other refusals.
    #[must_use]
    pub fn challenge(self, challenge: BearerChallenge) -> Self {
        Self { challenge, ..self }
    }

    /// Sets the address of the authorization endpoint, for one tenant or for a national cloud. `?`
    /// replaces each character that a quoted string of a header cannot contain.
    #[must_use]
    pub fn authorization_uri(self, uri: &str) -> Self {
        Self { authorization_uri: uri.into(), ..self }
    }

    /// Returns the challenge, with the parameters that the route adds to each.
    fn claims_challenge(
        &self,
        shortfall: &Shortfall,
        refusal: &Refusal<'_>,
    ) -> Option<HeaderValue> {
        let request = shortfall.authentication_request()?;
        if request.max_age.is_some() {
            return None;
        }
        let acrs = Acrs { essential: true, value: request.acr_values.first()? };
        let claims = serde_json::to_vec(&Request { access_token: AccessToken { acrs } }).ok()?;
        let uri = Quoted(&self.authorization_uri);
        let claims = base64_simd::STANDARD.encode_to_string(claims);
        let mut value = format!(
            "Bearer realm=\"\", authorization_uri={uri}, error=\"insufficient_claims\", \
             claims=\"{claims}\""
        );
        bearer::parameters_of_route(&mut value, refusal);
        HeaderValue::try_from(value).ok()
    }
}

impl Default for EntraClaimsChallenge {
    fn default() -> Self {
        let authorization_uri = "https://login.microsoftonline.com/common/oauth2/authorize".into();
        Self { challenge: BearerChallenge::default(), authorization_uri }
    }
}

impl Respond for EntraClaimsChallenge {
    fn respond(&self, why: &Rejection, request: &Parts) -> Response<Bytes> {
        answer(&self.challenge, why, request, |shortfall, refusal| {
            let mut response = self.challenge.problem(&refusal);
            if let Some(challenge) = self.claims_challenge(shortfall, &refusal) {
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            response
        })
    }
}
