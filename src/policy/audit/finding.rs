//! What an audit finds.

use std::time::Duration;

use serde::Serialize;

use crate::factor::Factor;
use crate::seconds::whole_seconds;
use crate::trust::Compromise;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Good to know: the policy does what it says.
    Remark,
    /// The policy gives less than it reads as, or cannot be met.
    Warning,
}

/// Something about a policy that a reviewer should know. [`Display`](std::fmt::Display) says it in
/// one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// Warning: nothing can meet it.
    NeverSatisfiable,
    /// Warning: it takes what the trust model lets anyone present, and nothing else.
    OpenToAnyone {
        /// What anyone presents to open it.
        factors: Vec<Factor>,
    },
    /// Warning: it asks for several factors, and one compromise presents them all.
    OneCompromise {
        /// Which.
        compromise: Compromise,
        /// What its holder presents to open it.
        factors: Vec<Factor>,
    },
    /// Remark: it asks for one factor, so one compromise opens it.
    OneFactor {
        /// Each of which alone opens it.
        compromises: Vec<Compromise>,
    },
    /// Warning: one compromise meets the step-up in a hijacked session and also presents the
    /// password, which the policy takes as a first factor, so that the step-up proves no second
    /// one.
    HijackerPresentsPassword {
        /// Each of which that is so.
        compromises: Vec<Compromise>,
    },
    /// Warning: the same of another first factor that the policy names: a link or a code by email,
    /// or a login with a provider.
    HijackerPresentsFirstFactor {
        /// The first factor.
        factor: Factor,
        /// The compromises. Each of them does.
        compromises: Vec<Compromise>,
    },
    /// Warning: the trust model lets anyone who holds the session present what the step-up takes.
    StepUpOpenToAnyone {
        /// What anyone presents to meet it.
        factors: Vec<Factor>,
    },
    /// Remark: the step-up asks for nothing beyond a first factor: one compromise meets it,
    /// presents the password or another first factor that the policy names, and opens the policy
    /// without a session too.
    StepUpByFirstFactor {
        /// Each of which that is so.
        compromises: Vec<Compromise>,
    },
    /// Remark: a recovery code alone meets the step-up.
    StepUpByRecoveryCode,
    /// Remark: a limit on [`session`](crate::Policy::session) is met by factors that anyone can
    /// present, such as this one.
    SessionLimitMetByAnyone {
        /// One of them.
        factor: Factor,
    },
    /// Warning: a clause beside alternatives that ask for more is met by any session that is young
    /// enough, so that the alternatives keep nobody out.
    WayAround {
        /// The clause as text.
        clause: String,
    },
    /// Warning: nothing can meet one of several alternatives.
    UnmeetableClause {
        /// The alternative as text.
        clause: String,
    },
    /// Remark: an alternative never decides, because every session that meets it meets another one
    /// beside it.
    IdleClause {
        /// The alternative as text.
        clause: String,
        /// The other one as text.
        beside: String,
    },
    /// Warning: one factor alone meets several clauses of an `at_least` or an `all_of`.
    OverlappingClauses {
        /// The factor.
        factor: Factor,
        /// How many of the clauses it meets.
        meets: usize,
        /// How many have to hold.
        needed: usize,
    },
    /// Warning: a limit of zero, which only what is dated now, or within the leeway ahead, meets.
    ZeroLimit,
    /// Warning: a limit above zero and below 30 seconds, which is too short for a person to prove a
    /// factor and return.
    ShortLimit {
        /// The shortest.
        #[serde(serialize_with = "whole_seconds")]
        max_age: Duration,
    },
    /// Remark: a limit that no tighter one overrules and that is longer than the 24 hours after
    /// which NIST SP 800-63B-4 has users authenticate again (AAL2).
    LongLimit {
        /// The longest.
        #[serde(serialize_with = "whole_seconds")]
        max_age: Duration,
    },
    /// Remark: it cannot be met without a code by SMS. NIST SP 800-63B-4 restricts them, OWASP ASVS
    /// 5 has none at level 3.
    OnlySms,
    /// Remark: it cannot be met without a code that arrives at the phone number.
    OnlyPhoneNumber {
        /// The codes that would do.
        factors: Vec<Factor>,
    },
    /// Remark: no clause of it takes a phishing-resistant factor.
    NotPhishingResistant,
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::NeverSatisfiable
            | Self::OpenToAnyone { .. }
            | Self::OneCompromise { .. }
            | Self::HijackerPresentsPassword { .. }
            | Self::HijackerPresentsFirstFactor { .. }
            | Self::StepUpOpenToAnyone { .. }
            | Self::WayAround { .. }
            | Self::UnmeetableClause { .. }
            | Self::OverlappingClauses { .. }
            | Self::ZeroLimit
            | Self::ShortLimit { .. } => Severity::Warning,
            Self::OneFactor { .. }
            | Self::StepUpByFirstFactor { .. }
            | Self::StepUpByRecoveryCode
            | Self::SessionLimitMetByAnyone { .. }
            | Self::IdleClause { .. }
            | Self::LongLimit { .. }
            | Self::OnlySms
            | Self::OnlyPhoneNumber { .. }
            | Self::NotPhishingResistant => Severity::Remark,
        }
    }
}
