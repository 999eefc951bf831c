//! The answers that clients of Ory Kratos read.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use serde::Serialize;

use super::{answer, forbidden};
use crate::endpoint::{EndpointError, parse_issuer};
use crate::factor::Factor;
use crate::policy::{Prompt, Reason, Shortfall, Unmet};
use crate::rejection::Rejection;
use crate::respond::redirect::pair;
use crate::respond::responder::{BearerChallenge, Respond};
use crate::respond::return_to::ReturnTo;

/// A responder for clients of Ory Kratos. If a session has to step up, the answer is the one that
/// Kratos itself gives. Ory's packages recognise it and open the page that it names.
///
/// ```
/// use http::Request;
/// use tower_step_up::issuers::oidc;
/// use tower_step_up::respond::OryStepUp;
/// use tower_step_up::testing::{self, TestIssuer};
/// use tower_step_up::{Policy, Rejection, Respond};
///
/// let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com")
///     .acr_values(["aal1", "aal2"]);
/// let session = TestIssuer::standing_in_for(issuer)?
///     .session_with(&serde_json::json!({"acr": "aal1"}));
/// let shortfall = Policy::acr("aal2").evaluate(&session, testing::NOW).unwrap_err();
///
/// let responder = OryStepUp::new("https://login.example.com", "https://shop.example.com")?;
/// let (request, ()) = Request::get("/orders?page=2").body(())?.into_parts();
/// let answer = responder.respond(&Rejection::StepUpRequired(shortfall), &request);
/// assert_eq!(answer.status(), 403);
/// let body: serde_json::Value = serde_json::from_slice(answer.body())?;
/// assert_eq!(body["error"]["id"], "session_aal2_required");
/// assert_eq!(
///     body["redirect_browser_to"],
///     "https://login.example.com/self-service/login/browser?aal=aal2\
///      &return_to=https%3A//shop.example.com/orders%3Fpage%3D2"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | the user has to | `error.id` | query |
/// | --- | --- | --- |
/// | prove a second factor | `session_aal2_required` | `aal=aal2` |
/// | prove a second factor, although another proof is too old or the session has another second factor | `session_aal2_required` | `aal=aal2&refresh=true` |
/// | prove a second factor again | `session_refresh_required` | `aal=aal2&refresh=true` |
/// | sign in again | `session_refresh_required` | `refresh=true` |
///
/// Without `refresh=true`, Kratos sends a session that has a second factor straight back.
///
/// `redirect_browser_to` is the address of Kratos' [login flow][login] with this query and
/// `return_to`: the application's address followed by the path and query of a GET request. For
/// another method, and for an address that [`ReturnTo`] does not accept, it is the application's
/// address. Kratos must be configured to allow it (`selfservice.allowed_return_urls`).
///
/// A password, a sign-in at another provider and the method `passkey` are first factors. Every
/// other factor counts as a second one. Kratos asks for one of the two at a time. If both are too
/// old, the client is refused twice, once for each.
///
/// The [`BearerChallenge`] answers every other refusal. It also answers a shortfall that neither
/// factors nor a new sign-in remedy.
///
/// The form is that of Kratos 26.2, in `session/manager.go`, `selfservice/flow/settings/error.go`
/// and `text/message_error.go`. `reason` is the `detail` of the challenge.
///
/// [login]: https://www.ory.sh/docs/kratos/self-service/flows/user-login
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OryStepUp {
    challenge: BearerChallenge,
    login: Box<str>,
    application: Box<str>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: OryError<'a>,
    redirect_browser_to: &'a str,
}

#[derive(Serialize)]
struct OryError<'a> {
    id: &'static str,
    code: u16,
    status: &'static str,
    reason: String,
    message: &'static str,
    details: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    redirect_browser_to: &'a str,
}

/// What Kratos has to ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Needs {
    /// A second factor.
    second: bool,
    /// A proof that the session does not have at all.
    missing: bool,
    /// A proof of a kind that Kratos does not ask for while the session has one.
    again: bool,
}

impl OryStepUp {
    /// Creates a responder for the Kratos with this public address, and for the application whose
    /// pages begin with the other one. Its challenges for other refusals are for the realm `api`.
    ///
    /// # Errors
    ///
    /// Returns [`EndpointError`] if an address is not an `https` URL, or an `http` URL of this
    /// machine, without a query, a fragment and a user name.
    pub fn new(kratos: &str, application: &str) -> Result<Self, EndpointError> {
        let [kratos, application] =
            [kratos, application].map(|url| parse_issuer(url).map(|_| url.trim_end_matches('/')));
        let login = format!("{}/self-service/login/browser", kratos?).into();
        Ok(Self { challenge: BearerChallenge::default(), login, application: application?.into() })
    }

    /// Sets the challenge for other refusals.
    #[must_use]
    pub fn challenge(self, challenge: BearerChallenge) -> Self {
        Self { challenge, ..self }
    }

    fn form(&self, shortfall: &Shortfall, request: &Parts) -> Option<Response<Bytes>> {
        let needs = Needs::of(shortfall)?;
        let (id, message) = match needs.second && needs.missing {
            true => (
                "session_aal2_required",
                "Session does not fulfill the requested Authenticator Assurance Level",
            ),
            false => ("session_refresh_required", "The requested action was forbidden"),
        };
        let redirect_browser_to = &self.address(needs, request);
        let details = Details { redirect_browser_to };
        let (status, reason) = ("Forbidden", shortfall.to_string());
        let error = OryError { id, code: 403, status, reason, message, details };
        Some(forbidden(&Body { error, redirect_browser_to }))
    }

    /// Returns the address of the login flow.
    fn address(&self, needs: Needs, request: &Parts) -> String {
        let query = match (needs.second, needs.again) {
            (true, true) => "aal=aal2&refresh=true",
            (true, false) => "aal=aal2",
            (false, _) => "refresh=true",
        };
        let is_page = matches!(request.method, Method::GET | Method::HEAD);
        let own = is_page.then(|| ReturnTo::of(&request.uri).ok()).flatten().unwrap_or_default();
        let return_to = format!("{}{own}", self.application);
        format!("{}?{query}{}", self.login, pair("return_to", &return_to))
    }
}

impl Respond for OryStepUp {
    fn respond(&self, why: &Rejection, request: &Parts) -> Response<Bytes> {
        answer(&self.challenge, why, request, |shortfall, refusal| {
            self.form(shortfall, request).unwrap_or_else(|| self.challenge.problem(&refusal))
        })
    }
}

impl Needs {
    /// Returns what the smallest set of prompts or the authentication request asks for, or `None`
    /// if neither would help.
    fn of(shortfall: &Shortfall) -> Option<Self> {
        if let Some(set) = shortfall.prompts().sets().first() {
            let is_stale = |prompt: &Prompt| prompt.last_authenticated_at.is_some();
            let mut proved = shortfall.session().factors().iter();
            return Some(Self {
                second: set.iter().any(asks_for_second),
                missing: !set.iter().all(is_stale),
                again: set.iter().any(is_stale) || proved.any(|proof| is_second(proof.factor())),
            });
        }
        let request = shortfall.authentication_request()?;
        let is_stale = |unmet: &Unmet| matches!(unmet.reason, Reason::Stale { .. });
        Some(Self {
            second: !request.acr_values.is_empty(),
            missing: !shortfall.unmet().iter().all(is_stale),
            again: request.max_age.is_some(),
        })
    }
}

fn asks_for_second(prompt: &Prompt) -> bool {
    prompt.method.as_deref() != Some("passkey") && is_second(&prompt.factor)
}

fn is_second(factor: &Factor) -> bool {
    let is_federated = |name: &str| name.starts_with("oauth/") || name.starts_with("sso/");
    match factor {
        Factor::Password | Factor::Federated => false,
        factor => !is_federated(&factor.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passkey_is_a_first_factor_only_by_its_own_name() {
        for (factor, method, second) in [
            (Factor::Password, Some("password"), false),
            (Factor::Federated, Some("oidc"), false),
            (Factor::SsoSaml, Some("saml"), false),
            (Factor::OAuthGoogle, None, false),
            (Factor::WebAuthn, Some("passkey"), false),
            (Factor::WebAuthn, Some("webauthn"), true),
            (Factor::WebAuthn, None, true),
            (Factor::Totp, Some("totp"), true),
            (Factor::OtpSms, Some("code"), true),
        ] {
            let method = method.map(Box::from);
            let prompt = Prompt { factor, method, last_authenticated_at: None, max_age: None };
            assert_eq!(asks_for_second(&prompt), second, "{prompt:?}");
        }
    }
}
