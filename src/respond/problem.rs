//! The writer of the bodies that [`crate::problem`] describes.

use std::sync::OnceLock;

use bytes::Bytes;
use serde::Serialize;

use super::refusal::{Challenge, Refusal};
use crate::policy::{AuthenticationRequest, Prompt, Unmet};

#[derive(Serialize, Default)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    // Only a token that lacks scopes has these two.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing_scopes: &'a [&'a str],
    // Only a refusal of one action has this.
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<&'a str>,
    // Only a shortfall has the members below.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unmet: Option<&'a [Unmet]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retryable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication_request: Option<&'a AuthenticationRequest>,
    #[serde(skip_serializing_if = "is_false")]
    restart: bool,
    #[serde(skip_serializing_if = "is_false")]
    enrol: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompts: Option<&'a [Vec<Prompt>]>,
    #[serde(skip_serializing_if = "is_false")]
    truncated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> Problem<'a> {
    fn new(refusal: &'a Refusal<'_>) -> Self {
        let problem = Self {
            r#type: refusal.problem_type,
            title: refusal.title,
            status: refusal.status.as_u16(),
            detail: &refusal.detail,
            scope: refusal.scope,
            missing_scopes: &refusal.missing_scopes,
            intent: refusal.intent,
            authentication_request: refusal.request,
            ..Self::default()
        };
        let Some(shortfall) = refusal.shortfall else { return problem };
        let prompts = shortfall.prompts();
        Self {
            policy: shortfall.policy().name(),
            max_age: refusal.max_age(),
            unmet: Some(shortfall.unmet()),
            retryable: Some(prompts.is_retryable()),
            restart: prompts.needs_restart(),
            enrol: prompts.needs_enrolment(),
            prompts: Some(prompts.sets()),
            truncated: prompts.is_truncated(),
            ..problem
        }
    }
}

/// Returns the body. For a challenge without an error it is always the same, unless the route requires
/// scopes.
pub(super) fn body(refusal: &Refusal<'_>) -> Bytes {
    static BARE: OnceLock<Vec<u8>> = OnceLock::new();
    match refusal.challenge {
        // `from_static` needs no reference count. Threads would contend for one.
        Challenge::Bare if refusal.scope.is_none() => {
            Bytes::from_static(BARE.get_or_init(|| write(refusal)))
        }
        Challenge::Bare | Challenge::None | Challenge::Error(_) => write(refusal).into(),
    }
}

fn write(refusal: &Refusal<'_>) -> Vec<u8> {
    // Writing cannot fail: every value is a string, a number, a flag, a date whose year has four
    // digits, or a list or object of these.
    let mut body = Vec::with_capacity(if refusal.shortfall.is_some() { 1_024 } else { 256 });
    let _ = serde_json::to_writer(&mut body, &Problem::new(refusal));
    body
}
