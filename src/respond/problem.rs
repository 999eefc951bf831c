//! Writing the bodies that [`crate::problem`] describes.

use std::sync::OnceLock;

use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::answer::{Answer, Challenge};
use crate::policy::{Prompt, Shortfall, Unmet};

const TYPES: &str = "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html";

#[derive(Serialize)]
struct Problem<'a> {
    r#type: Type,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(flatten)]
    unsatisfied: Option<Unsatisfied<'a>>,
}

/// The members about a shortfall.
#[derive(Serialize)]
struct Unsatisfied<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    unmet: &'a [Unmet],
    retryable: bool,
    #[serde(skip_serializing_if = "is_false")]
    restart: bool,
    prompts: &'a [Vec<Prompt>],
    #[serde(skip_serializing_if = "is_false")]
    truncated: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> Unsatisfied<'a> {
    fn new(shortfall: &'a Shortfall, max_age: Option<u64>) -> Self {
        let policy = shortfall.policy();
        let prompts = shortfall.prompts();
        Self {
            policy: policy.name(),
            max_age,
            unmet: shortfall.unmet(),
            retryable: prompts.is_retryable(),
            restart: prompts.needs_restart(),
            prompts: prompts.sets(),
            truncated: prompts.is_truncated(),
        }
    }
}

/// The address of a section of this documentation.
struct Type(&'static str);

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{TYPES}#{}", self.0))
    }
}

/// Of an answer without an error the body is always the same.
pub(super) fn body(answer: &Answer<'_>) -> Bytes {
    static BARE: OnceLock<Bytes> = OnceLock::new();
    match answer.challenge {
        Challenge::Bare => BARE.get_or_init(|| write(answer)).clone(),
        Challenge::None | Challenge::Error(_) => write(answer),
    }
}

fn write(answer: &Answer<'_>) -> Bytes {
    let problem = Problem {
        r#type: Type(answer.section),
        title: answer.title,
        status: answer.status.as_u16(),
        detail: &answer.detail,
        unsatisfied: answer
            .shortfall
            .map(|shortfall| Unsatisfied::new(shortfall, answer.max_age())),
    };
    // Every member is a string, a number, a date of four digits or a list of them, so writing
    // cannot fail.
    let mut body = Vec::with_capacity(if answer.shortfall.is_some() { 1_024 } else { 256 });
    let _ = serde_json::to_writer(&mut body, &problem);
    body.into()
}
