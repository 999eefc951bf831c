//! A decision, clause by clause.

use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::requirement::{Reason, Requirement};
use crate::factor::Factor;
use crate::seconds::whole_seconds;

/// How a policy fared, clause by clause, with the proofs. [`Display`](std::fmt::Display) writes
/// it as a short indented tree; serde as nested objects.
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
    /// The oldest age that the clause accepts, by the tightest enclosing `within`; `None` if any
    /// age will do.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub max_age: Option<Duration>,
    /// Whether it is met.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The freshest proof of each factor that bears on the clause, whatever its age. As JSON it is
    /// the member `evidence`.
    #[serde(rename = "evidence", skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<ProofAge>,
}

/// The demand of a clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "clause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Demand {
    /// Every one of these.
    AllOf {
        /// The clauses.
        clauses: Vec<Explanation>,
    },
    /// One of these.
    AnyOf {
        /// The clauses.
        clauses: Vec<Explanation>,
    },
    /// So many of these.
    AtLeast {
        /// How many.
        needed: usize,
        /// The clauses.
        clauses: Vec<Explanation>,
    },
    /// Something of the session itself.
    #[serde(untagged)]
    Requirement(Requirement),
}

/// Whether a clause is met. As JSON an unmet clause about the session has a `reason` in place of a
/// `verdict`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It is.
    Met {
        /// The last instant at which it is, if an age is limited.
        #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        until: Option<OffsetDateTime>,
    },
    /// It is not, because of the clauses in it.
    NotMet,
    /// It is not. As JSON without the age allowed, which the explanation has.
    #[serde(untagged, serialize_with = "without_max_age")]
    Unmet(Reason),
}

/// A proof that bears on a clause, and its age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProofAge {
    /// The factor that was proved.
    pub factor: Factor,
    /// How old it was at the instant of the decision, not below zero; `None` if the token has no
    /// date.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_seconds")]
    pub age: Option<Duration>,
    /// When it was proved; `None` if the token has no date.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub last_authenticated_at: Option<OffsetDateTime>,
}

impl Explanation {
    /// Whether the clause is met.
    #[must_use]
    pub fn is_met(&self) -> bool {
        matches!(self.verdict, Verdict::Met { .. })
    }

    /// The clauses in it; none where it is about the session itself.
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
