//! What a clause demands of the session itself, and why it is not met.

use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use crate::factor::Factor;
use crate::seconds::whole_seconds;

/// What a clause demands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "requirement", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Requirement {
    /// Some factor, of whatever kind.
    Session,
    /// This factor.
    Factor {
        /// Which.
        factor: Factor,
    },
    /// A factor bound to the origin by cryptography.
    PhishingResistant,
    /// Factors that fewer than `needed` compromises could not all present; `have` is how many it
    /// takes as it is.
    Independent {
        /// As many as the policy demands.
        needed: usize,
        /// As many as the session has, at most `needed`.
        have: usize,
    },
    /// A session that began recently.
    SessionWithin,
}

/// Why a clause is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// It was not proved, or not with a date where an age is limited.
    Missing,
    /// It was proved too long ago.
    Stale {
        /// When it was last met.
        #[serde(rename = "last_authenticated_at", with = "time::serde::rfc3339")]
        since: OffsetDateTime,
        /// The age allowed.
        #[serde(serialize_with = "whole_seconds")]
        max_age: Duration,
    },
    /// The session itself is too old, or does not say how old it is: only a new one helps.
    Restart {
        /// When the session began, where the token says.
        #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
        started_at: Option<OffsetDateTime>,
        /// The age allowed.
        #[serde(serialize_with = "whole_seconds")]
        max_age: Duration,
    },
}
