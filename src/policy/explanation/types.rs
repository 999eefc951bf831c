//! Explanations of decisions, clause by clause.

use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::requirement::{Reason, Requirement};
use crate::factor::Factor;
use crate::seconds::whole_seconds;

/// The explanation of a decision, clause by clause, with the proofs. [`Display`](std::fmt::Display)
/// writes it as a short indented tree, and serde as nested objects.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::{Factor, Policy, testing};
///
/// let policy = Policy::mfa()
///     .and(Policy::factor(Factor::OtpSms).within(Duration::from_secs(600)))
///     .named("transfer");
/// let session = testing::session()
///     .proved(Factor::Password)
///     .proved_ago(Factor::OtpSms, Duration::from_secs(900))
///     .build();
/// assert_eq!(
///     policy.explain(&session, testing::NOW).to_string(),
///     "\
/// transfer: all of: not met
///   mfa: met by password (now), otp/sms (15m ago)
///   otp/sms within 10m: stale, otp/sms (15m ago)
/// "
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The name of the clause, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// The demand of the clause.
    #[serde(flatten)]
    pub demand: Demand,
    /// The maximum age that the clause accepts: the tightest `within` around it, or the limit of
    /// `session_within` if that is tighter. `None` if any age will do, and for lists of clauses.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub max_age: Option<Duration>,
    /// Whether the clause is met.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The freshest certain proof of each factor that matters to the clause, whatever its age. In
    /// JSON, this is the member `evidence`.
    #[serde(rename = "evidence", skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<ProofAge>,
    /// The ambiguous statements of the token that may matter to the clause. In JSON, this is the
    /// member `not_said`. It is empty for Stytch's tokens.
    #[serde(rename = "not_said", skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Ambiguity>,
}

/// The demand of a clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "clause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Demand {
    /// All of these clauses.
    AllOf {
        /// The clauses.
        clauses: Vec<Explanation>,
    },
    /// At least one of these clauses.
    AnyOf {
        /// The clauses.
        clauses: Vec<Explanation>,
    },
    /// At least `needed` of these clauses.
    AtLeast {
        /// The number of clauses that must be met.
        needed: usize,
        /// The clauses.
        clauses: Vec<Explanation>,
    },
    /// The requirement of a clause that contains no other clauses.
    #[serde(untagged)]
    Requirement(Requirement),
}

/// Whether a clause is met. In JSON, an unmet requirement has a `reason` instead of a `verdict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The clause is met.
    Met {
        /// The last instant at which it is met. `None` if it does not end with time.
        #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        until: Option<OffsetDateTime>,
    },
    /// The clause is not met, because of the clauses in it.
    NotMet,
    /// The requirement is not met. The JSON leaves out the maximum age, because the explanation has
    /// it.
    #[serde(untagged, serialize_with = "without_max_age")]
    Unmet(Reason),
}

/// A proof that matters to a clause, and its age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProofAge {
    /// The factor that was proved.
    pub factor: Factor,
    /// The proof's age at the instant of the decision, never below zero. `None` if the token has no
    /// date.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub age: Option<Duration>,
    /// When the factor was proved. `None` if the token has no date.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub last_authenticated_at: Option<OffsetDateTime>,
}

/// A statement of the token that can mean several things, such as the name `otp` in `amr`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ambiguity {
    /// The name that the token uses.
    pub name: Box<str>,
    /// The possible meanings of the name: the factors of each alternative.
    pub alternatives: Vec<Vec<Factor>>,
    /// The alternative in the reading that decided.
    pub decided_as: Vec<Factor>,
}

impl Explanation {
    pub(super) fn new(demand: Demand, max_age: Option<Duration>, verdict: Verdict) -> Self {
        let (proofs, choices) = (Vec::new(), Vec::new());
        Self { name: None, demand, max_age, verdict, proofs, choices }
    }

    /// Returns whether the clause is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        matches!(self.verdict, Verdict::Met { .. })
    }

    /// Returns the clauses inside this one. A requirement has none.
    #[must_use]
    pub fn clauses(&self) -> &[Self] {
        match &self.demand {
            Demand::AllOf { clauses }
            | Demand::AnyOf { clauses }
            | Demand::AtLeast { clauses, .. } => clauses,
            Demand::Requirement(_) => &[],
        }
    }
}

fn without_max_age<S: Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(tag = "reason", rename_all = "snake_case")]
    enum Short {
        Missing,
        Stale {
            #[serde(with = "time::serde::rfc3339")]
            last_authenticated_at: OffsetDateTime,
        },
        Restart {
            #[serde(
                with = "time::serde::rfc3339::option",
                skip_serializing_if = "Option::is_none"
            )]
            started_at: Option<OffsetDateTime>,
        },
    }
    match *reason {
        Reason::Missing => Short::Missing,
        Reason::Stale { since, .. } => Short::Stale { last_authenticated_at: since },
        Reason::Restart { started_at, .. } => Short::Restart { started_at },
    }
    .serialize(serializer)
}
