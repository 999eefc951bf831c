//! What an audit finds.

use std::fmt::{self, Display};
use std::time::Duration;

use serde::Serialize;

use crate::factor::Factor;
use crate::policy::words::{Joined, Span};
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

/// Something about a policy that a reviewer should know. [`Display`] says it in one sentence.
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
    /// Remark: the step-up asks for nothing beyond a first factor: one compromise meets it,
    /// presents the password, and opens the policy without a session too.
    StepUpByFirstFactor {
        /// Each of which that is so.
        compromises: Vec<Compromise>,
    },
    /// Warning: one factor alone meets several clauses of an `at_least`, or every clause of an
    /// `all_of`.
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
            | Self::OverlappingClauses { .. }
            | Self::ZeroLimit => Severity::Warning,
            Self::OneFactor { .. }
            | Self::StepUpByFirstFactor { .. }
            | Self::LongLimit { .. }
            | Self::OnlySms
            | Self::NotPhishingResistant => Severity::Remark,
        }
    }
}

impl Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Remark => "remark",
            Self::Warning => "warning",
        })
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverSatisfiable => f.write_str("nothing can meet it"),
            Self::OpenToAnyone { factors } => {
                write!(
                    f,
                    "open to anyone: the trust model lets anyone present {}",
                    Joined(factors, " and ")
                )
            }
            Self::OneCompromise { compromise, factors } => {
                write!(
                    f,
                    "one compromise opens it: the {compromise} presents {}",
                    Joined(factors, " and ")
                )
            }
            Self::OneFactor { compromises } => {
                write!(
                    f,
                    "one factor is enough: whoever holds {} presents it",
                    Joined(compromises, " or ")
                )
            }
            Self::HijackerPresentsPassword { compromises } => {
                let each =
                    if compromises.len() > 1 { "each of which presents" } else { "which presents" };
                write!(
                    f,
                    "in a hijacked session it is met by {}, {each} the password too",
                    Joined(compromises, " or ")
                )
            }
            Self::StepUpByFirstFactor { compromises } => {
                write!(
                    f,
                    "the step-up asks for no second factor: it is met by {}",
                    Joined(compromises, " or ")
                )
            }
            Self::OverlappingClauses { factor, meets, needed } => {
                write!(
                    f,
                    "clauses overlap: {factor} alone meets {meets} of them, and {needed} have to hold"
                )
            }
            Self::ZeroLimit => f.write_str(
                "a limit of zero: met only by what is dated now, or within the leeway ahead",
            ),
            Self::LongLimit { max_age } => {
                write!(
                    f,
                    "a limit of {}; NIST SP 800-63B-4 asks for authentication again within 24h",
                    Span(*max_age)
                )
            }
            Self::OnlySms => {
                f.write_str("it cannot be met without otp/sms, which NIST SP 800-63B-4 restricts")
            }
            Self::NotPhishingResistant => f.write_str("it takes no phishing-resistant factor"),
        }
    }
}
