//! The one place that decides what a client learns about a rejection.

use std::borrow::Cow;
use std::fmt::Write as _;

use http::StatusCode;
use http::request::Parts;

use super::route::RouteChallenge;
use crate::policy::{AuthenticationRequest, Shortfall};
use crate::rejection::Rejection;
use crate::resource;
use crate::token::{TimeError, TokenError};

/// The URL of a section of [`crate::problem`].
macro_rules! problem_type {
    ($section:literal) => {
        concat!("https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html#", $section)
    };
}

pub(super) struct Refusal<'a> {
    pub(super) status: StatusCode,
    pub(super) challenge: Challenge,
    /// The member `type` of the body.
    pub(super) problem_type: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: Cow<'static, str>,
    pub(super) retry_after: Option<u64>,
    pub(super) shortfall: Option<&'a Shortfall>,
    /// The request that the client can send to the issuer, if it needs another token and such a request
    /// would help.
    pub(super) request: Option<&'a AuthenticationRequest>,
    /// All scopes that the request needs, if a token with these scopes could be accepted.
    pub(super) scope: Option<&'a str>,
    /// Those of them that the token lacks.
    pub(super) missing_scopes: Vec<&'a str>,
    /// The id of the intent, if the refusal is about one action.
    pub(super) intent: Option<&'a str>,
    /// The address of the metadata of the protected resource.
    pub(super) resource_metadata: Option<&'a str>,
    /// Whether every request is refused like this until the browser removes its cookies.
    pub(super) removes_cookies: bool,
}

/// The kind of challenge in the header `WWW-Authenticate`.
pub(super) enum Challenge {
    /// No header, because other credentials would not help.
    None,
    /// A challenge without an error, because the request carries no credentials.
    Bare,
    /// A challenge with an error from RFC 6750, section 3.1, or RFC 9470, section 3.
    Error(&'static str),
}

impl<'a> Refusal<'a> {
    /// Returns the policy's smallest limit in whole seconds. Returns `None` if the policy limits no
    /// age, or if the limit is under one second. Rounding such a limit up would state an age that the
    /// policy refuses.
    pub(super) fn max_age(&self) -> Option<u64> {
        let max_age = self.shortfall?.policy().max_age()?;
        Some(max_age.as_secs()).filter(|seconds| *seconds > 0)
    }

    /// Returns whether the route adds parameters to the challenge.
    pub(super) fn adds_to_challenge(&self) -> bool {
        self.scope.is_some() || self.resource_metadata.is_some()
    }

    /// Returns the refusal of this request. Its guard has left what the route adds to challenges in
    /// the extensions.
    pub(super) fn of(why: &'a Rejection, request: &'a Parts) -> Self {
        let route = request.extensions.get::<RouteChallenge>();
        let scope = route.and_then(|route| route.scope.as_deref());
        let refusal = |challenge, problem_type, title, detail| Self {
            status: why.status(),
            challenge,
            problem_type,
            title,
            detail,
            retry_after: why.retry_after(),
            shortfall: None,
            request: None,
            scope: scope.filter(|_| why.status() == StatusCode::UNAUTHORIZED),
            missing_scopes: Vec::new(),
            intent: why.intent(),
            resource_metadata: route.and_then(|route| route.resource_metadata.as_deref()),
            removes_cookies: false,
        };
        let unavailable = |problem_type, title| {
            refusal(Challenge::None, problem_type, title, why.to_string().into())
        };
        match why {
            Rejection::NoCredentials => refusal(
                Challenge::Bare,
                problem_type!("no-credentials"),
                "Authentication required",
                "sign in".into(),
            ),
            Rejection::InvalidRequest(error) => Self {
                removes_cookies: error.is_about_cookies(),
                ..refusal(
                    Challenge::Error("invalid_request"),
                    problem_type!("invalid-request"),
                    "Invalid request",
                    error.to_string().into(),
                )
            },
            Rejection::InvalidToken(error) => refusal(
                Challenge::Error("invalid_token"),
                problem_type!("invalid-token"),
                "Invalid token",
                token_detail(error).into(),
            ),
            Rejection::StepUpRequired(shortfall) => Self {
                shortfall: Some(shortfall),
                request: shortfall.authentication_request(),
                missing_scopes: scope
                    .map(|scope| resource::missing(scope, shortfall.session()).collect())
                    .unwrap_or_default(),
                ..refusal(
                    Challenge::Error("insufficient_user_authentication"),
                    problem_type!("step-up-required"),
                    "Step-up authentication required",
                    step_up_detail(shortfall).into(),
                )
            },
            Rejection::InsufficientScope(lack) => Self {
                // The guards outside this one need their scopes in the next token too.
                scope: scope.or(Some(lack.required_text())),
                missing_scopes: lack.missing().collect(),
                request: lack.authentication_request().filter(|request| !request.is_empty()),
                ..refusal(
                    Challenge::Error("insufficient_scope"),
                    problem_type!("insufficient-scope"),
                    "Insufficient scope",
                    lack.to_string().into(),
                )
            },
            Rejection::KeysUnavailable(_) => {
                unavailable(problem_type!("keys-unavailable"), "Keys unavailable")
            }
            Rejection::AuthorityUnavailable { .. } => {
                unavailable(problem_type!("authority-unavailable"), "Session service unavailable")
            }
            Rejection::RevocationsUnavailable(_) => {
                unavailable(problem_type!("revocations-unavailable"), "Revocations unavailable")
            }
            Rejection::IntentUsed(_) => refusal(
                Challenge::None,
                problem_type!("intent-used"),
                "Action already confirmed",
                why.to_string().into(),
            ),
            Rejection::IntentsUnavailable(_) => refusal(
                Challenge::None,
                problem_type!("intents-unavailable"),
                "Confirmation unavailable",
                "the action cannot be confirmed now".into(),
            ),
            // The error may describe the server, so only the log shows it.
            Rejection::PolicyError(_) => refusal(
                Challenge::None,
                problem_type!("policy-error"),
                "Policy error",
                "the server cannot determine what this request requires".into(),
            ),
        }
    }
}

fn step_up_detail(shortfall: &Shortfall) -> String {
    if shortfall.prompts().needs_enrolment() {
        return "enrol a second factor".to_owned();
    }
    // Most texts fit. Writing to a string cannot fail.
    let mut text = String::with_capacity(64);
    let _ = write!(text, "{shortfall}");
    if shortfall.intent().is_some() {
        text += " for this action";
    }
    text
}

/// Returns what a client may learn about a refused token.
fn token_detail(error: &TokenError) -> &'static str {
    match error {
        TokenError::Time(TimeError::NotYetValid { .. }) => "the token is not valid yet",
        TokenError::Time(_) => "the token has expired",
        TokenError::Session(_) => "the session has ended",
        _ => "the token is invalid",
    }
}
