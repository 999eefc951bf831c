//! Requirements of clauses, and the reasons why they are not met.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::factor::Factor;
use crate::seconds::whole_seconds;

/// The requirement of a clause that contains no other clauses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "requirement", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Requirement {
    /// A factor of any kind.
    Session,
    /// This factor.
    Factor {
        /// The factor.
        factor: Factor,
    },
    /// The issuer's assertion of this authentication context class.
    Acr {
        /// The value of the claim.
        value: Box<str>,
    },
    /// The issuer's assertion of this method name.
    Amr {
        /// The name in the claim.
        name: Box<str>,
    },
    /// A factor that is cryptographically bound to the origin.
    PhishingResistant,
    /// Factors that an attacker can all present only with at least `needed`
    /// [compromises](crate::Compromise).
    Independent {
        /// The number of compromises that an attacker must need.
        needed: usize,
        /// The number that an attacker needs for the session's factors, at most `needed`.
        have: usize,
    },
    /// A session that began recently enough.
    SessionWithin,
}

impl Requirement {
    /// Returns the requirement of a clause that names a factor or an assertion.
    pub(super) fn of(factor: &Factor) -> Self {
        let Factor::Asserted(assertion) = factor else {
            return Self::Factor { factor: factor.clone() };
        };
        match (assertion.acr_value(), assertion.amr_name()) {
            (Some(value), _) => Self::Acr { value: value.into() },
            (None, Some(name)) => Self::Amr { name: name.into() },
            (None, None) => Self::Session,
        }
    }
}

/// The reason why a clause is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// No proof that counts meets the clause. In a clause that limits the age, a proof without a
    /// date does not count.
    Missing,
    /// The proof is too old.
    Stale {
        /// The date of the proof that is too old.
        #[serde(rename = "last_authenticated_at", with = "time::serde::rfc3339")]
        since: OffsetDateTime,
        /// The maximum age.
        #[serde(serialize_with = "whole_seconds")]
        max_age: Duration,
    },
    /// The session itself is too old, or its token states no usable start. Only a new session
    /// helps.
    Restart {
        /// When the session began, if the token states it.
        #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        started_at: Option<OffsetDateTime>,
        /// The maximum age.
        #[serde(serialize_with = "whole_seconds")]
        max_age: Duration,
    },
}
