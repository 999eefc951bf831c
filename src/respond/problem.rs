//! The bodies of refusals: problem details (RFC 9457).
//!
//! Every body has `type`, `title`, `status` and `detail`. The `type` is the address of one of the sections below.
//!
//! # No credentials
//!
//! 401. The request carries no session token where the guard looks for one.
//!
//! # Invalid request
//!
//! 400. The request carries several session tokens, or an Authorization header that cannot be read.
//!
//! # Invalid token
//!
//! 401. The session token broke a rule. Only that it has expired, or its session has ended, is told; the log says more.
//!
//! # Step-up required
//!
//! 401. The session is genuine and does not meet the policy.
//!
//! ```json
//! {
//!   "type": "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html#step-up-required",
//!   "title": "Step-up authentication required",
//!   "status": 401,
//!   "detail": "authenticate otp/sms again, totp or webauthn",
//!   "policy": "transfer",
//!   "max_age": 600,
//!   "unmet": [
//!     {"requirement": "factor", "factor": "otp/sms", "reason": "stale", "max_age": 600,
//!      "last_authenticated_at": "2026-01-01T11:00:00Z"},
//!     {"requirement": "factor", "factor": "totp", "reason": "missing"}
//!   ]
//! }
//! ```
//!
//! | member | what it is |
//! | --- | --- |
//! | `policy` | the policy's name, where it has one |
//! | `max_age` | the smallest `within` of the policy in whole seconds, where it has one |
//! | `unmet` | every clause that is not met; of the alternatives of an unmet `any_of` any one would do |
//! | `requirement` | `session`, `factor`, `phishing_resistant`, `independent` or `session_within` |
//! | `factor` | of the requirement `factor`: which |
//! | `needed`, `have` | of `independent`: how many compromises it must take, and takes, to present every factor |
//! | `reason` | `missing`, `stale`, or `restart` where only a new session helps |
//! | `last_authenticated_at` | of `stale`: when the clause was last met |
//! | `started_at` | of `restart`: when the session began, where the token says |
//! | `max_age` of a clause | of `stale` and `restart`: the age allowed in whole seconds |
//!
//! Clients should ignore members that they do not know: a list of `prompts` will join these.
//!
//! # Keys unavailable
//!
//! 503 with `Retry-After`. The keys that tokens are verified with cannot be had now.

use bytes::Bytes;
use serde::Serialize;
use time::OffsetDateTime;

use super::bearer;
use crate::factor::Factor;
use crate::policy::{Reason, Requirement, Shortfall, Unmet};
use crate::rejection::Rejection;

const TYPES: &str = "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html";

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(flatten)]
    step_up: Option<StepUp<'a>>,
}

#[derive(Serialize)]
struct StepUp<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    unmet: Vec<Clause<'a>>,
}

#[derive(Serialize)]
struct Clause<'a> {
    #[serde(flatten)]
    requirement: Demand<'a>,
    #[serde(flatten)]
    reason: Why,
}

#[derive(Serialize)]
#[serde(tag = "requirement", rename_all = "snake_case")]
enum Demand<'a> {
    Session,
    Factor { factor: &'a Factor },
    PhishingResistant,
    Independent { needed: usize, have: usize },
    SessionWithin,
}

#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
enum Why {
    Missing,
    Stale {
        max_age: u64,
        #[serde(with = "time::serde::rfc3339")]
        last_authenticated_at: OffsetDateTime,
    },
    Restart {
        max_age: u64,
        #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        started_at: Option<OffsetDateTime>,
    },
}

pub(super) fn body(why: &Rejection) -> Bytes {
    let (anchor, title, detail) = match why {
        Rejection::NoCredentials => ("no-credentials", "Authentication required", "sign in".to_owned()),
        Rejection::InvalidRequest(error) => ("invalid-request", "Ambiguous credentials", error.to_string()),
        Rejection::InvalidToken(error) => {
            ("invalid-token", "Invalid session token", bearer::describe(error).to_owned())
        }
        Rejection::StepUpRequired(shortfall) => {
            ("step-up-required", "Step-up authentication required", shortfall.to_string())
        }
        Rejection::KeysUnavailable(error) => ("keys-unavailable", "Keys unavailable", error.to_string()),
    };
    let unmet = match why {
        Rejection::StepUpRequired(shortfall) => Some((shortfall, shortfall.unmet())),
        _ => None,
    };
    let problem = Problem {
        r#type: format!("{TYPES}#{anchor}"),
        title,
        status: why.status().as_u16(),
        detail,
        step_up: unmet.as_ref().map(|(shortfall, unmet)| StepUp::new(shortfall, unmet)),
    };
    // Every member is a string, a number or a list of them, so writing cannot fail.
    serde_json::to_vec(&problem).unwrap_or_default().into()
}

impl<'a> StepUp<'a> {
    fn new(shortfall: &'a Shortfall, unmet: &'a [Unmet]) -> Self {
        let policy = shortfall.policy();
        Self {
            policy: policy.name(),
            max_age: policy.max_age().map(|max_age| max_age.as_secs()),
            unmet: unmet.iter().map(Clause::new).collect(),
        }
    }
}

impl<'a> Clause<'a> {
    fn new(unmet: &'a Unmet) -> Self {
        let requirement = match &unmet.requirement {
            Requirement::Session => Demand::Session,
            Requirement::Factor(factor) => Demand::Factor { factor },
            Requirement::PhishingResistant => Demand::PhishingResistant,
            Requirement::Independent { needed, have } => Demand::Independent { needed: *needed, have: *have },
            Requirement::SessionWithin => Demand::SessionWithin,
        };
        let reason = match unmet.reason {
            Reason::Missing => Why::Missing,
            Reason::Stale { since, max_age } => Why::Stale { max_age: max_age.as_secs(), last_authenticated_at: since },
            Reason::Restart { started_at, max_age } => Why::Restart { max_age: max_age.as_secs(), started_at },
        };
        Self { requirement, reason }
    }
}
