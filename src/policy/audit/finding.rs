//! The findings of an audit.

use std::time::Duration;

use serde::Serialize;

use crate::factor::Factor;
use crate::seconds::whole_seconds;
use crate::trust::Compromise;

/// The importance of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Severity {
    /// Good to know: the policy does what it says.
    Remark,
    /// The policy is weaker than it looks, or part of it cannot be met.
    Warning,
}

/// Something about a policy that a reviewer should know. [`Display`](std::fmt::Display) writes it
/// as one sentence.
///
/// A *compromise* is one thing that an attacker takes over, such as the mailbox. The *step-up* is
/// what the policy asks for in a *hijacked* session, as [`Audit`](super::Audit) describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// Warning: nothing can meet the policy.
    NeverSatisfiable,
    /// Warning: anyone can meet the policy, because the trust model lets anyone present factors
    /// that are enough.
    OpenToAnyone {
        /// The factors that anyone can present to meet it.
        factors: Vec<Factor>,
    },
    /// Remark: the policy relies on the issuer's word, an `acr` or `amr`. Anyone who can make the
    /// issuer assert it meets the policy. The audit does not know which factors that takes.
    IssuersWord {
        /// The assertions.
        assertions: Vec<Factor>,
    },
    /// Warning: the policy asks for several factors, and one compromise lets an attacker present
    /// them all.
    OneCompromise {
        /// The compromise.
        compromise: Compromise,
        /// The factors that an attacker with this compromise presents to meet the policy.
        factors: Vec<Factor>,
    },
    /// Remark: the policy asks for one factor, so an attacker with one compromise meets it.
    OneFactor {
        /// The compromises, each of which alone is enough.
        compromises: Vec<Compromise>,
    },
    /// Warning: one compromise is enough to meet the step-up, and also lets an attacker present the
    /// password. The policy accepts the password as a first factor, so the step-up proves no second
    /// one.
    HijackerPresentsPassword {
        /// The compromises, each of which alone is enough.
        compromises: Vec<Compromise>,
    },
    /// Warning: one compromise is enough to meet the step-up, and also lets an attacker present
    /// another first factor that the policy names. This is a link or a code by email, or a login
    /// with a provider.
    HijackerPresentsFirstFactor {
        /// The first factor.
        factor: Factor,
        /// The compromises, each of which alone is enough.
        compromises: Vec<Compromise>,
    },
    /// Warning: anyone who holds the session can meet the step-up, because the trust model lets
    /// anyone present factors that are enough.
    StepUpOpenToAnyone {
        /// The factors that anyone can present to meet it.
        factors: Vec<Factor>,
    },
    /// Remark: the step-up asks for nothing beyond a first factor. One compromise lets an attacker
    /// present the password or another first factor that the policy names. It is enough to meet the
    /// step-up, and also the policy without a session.
    StepUpByFirstFactor {
        /// The compromises, each of which alone is enough.
        compromises: Vec<Compromise>,
    },
    /// Remark: a recovery code alone meets the step-up.
    StepUpByRecoveryCode,
    /// Remark: factors that anyone can present meet a limit on [`session`](crate::Policy::session).
    SessionLimitMetByAnyone {
        /// One of these factors.
        factor: Factor,
    },
    /// Warning: any session that is young enough meets one of several alternatives. The others ask
    /// for more, but keep nobody out.
    WayAround {
        /// The clause as text.
        clause: String,
    },
    /// Warning: nothing can meet one of several alternatives.
    UnmeetableClause {
        /// The alternative as text.
        clause: String,
    },
    /// Remark: an alternative is redundant, because every session that meets it also meets another
    /// alternative in the same list.
    RedundantClause {
        /// The redundant alternative as text.
        clause: String,
        /// The other alternative as text.
        other: String,
    },
    /// Warning: one factor alone meets several clauses of an `at_least` or an `all_of`.
    OverlappingClauses {
        /// The factor.
        factor: Factor,
        /// The number of clauses that it meets.
        meets: usize,
        /// The number of clauses that have to hold.
        needed: usize,
    },
    /// Warning: a limit of zero. Only a proof dated at this very instant meets it, or one dated
    /// later but within the leeway.
    ZeroLimit,
    /// Warning: a limit above zero and below 30 seconds, which is too short for a person to prove a
    /// factor and return.
    ShortLimit {
        /// The shortest such limit.
        #[serde(serialize_with = "whole_seconds")]
        max_age: Duration,
    },
    /// Remark: a limit of more than 24 hours, with no tighter limit that overrides it. At AAL2,
    /// NIST SP 800-63B-4 has users authenticate again within 24 hours.
    LongLimit {
        /// The longest such limit.
        #[serde(serialize_with = "whole_seconds")]
        max_age: Duration,
    },
    /// Remark: the policy cannot be met without a code by SMS. NIST SP 800-63B-4 restricts such
    /// codes, and OWASP ASVS 5 does not allow them at level 3.
    OnlySms,
    /// Remark: the policy cannot be met without a code that arrives at the phone number.
    OnlyPhoneNumber {
        /// The codes, any one of which is enough.
        factors: Vec<Factor>,
    },
    /// Remark: no clause accepts a phishing-resistant factor.
    NotPhishingResistant,
}

impl Finding {
    /// Returns the finding that the issuer's word is enough, if an assertion is among the factors
    /// that anyone can present.
    pub(super) fn issuers_word(factors: &[Factor]) -> Option<Self> {
        let assertions = factors.iter().filter(|factor| factor.is_assertion());
        let assertions: Vec<_> = assertions.cloned().collect();
        (!assertions.is_empty()).then_some(Self::IssuersWord { assertions })
    }

    /// Returns the severity of the finding.
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
            Self::IssuersWord { .. }
            | Self::OneFactor { .. }
            | Self::StepUpByFirstFactor { .. }
            | Self::StepUpByRecoveryCode
            | Self::SessionLimitMetByAnyone { .. }
            | Self::RedundantClause { .. }
            | Self::LongLimit { .. }
            | Self::OnlySms
            | Self::OnlyPhoneNumber { .. }
            | Self::NotPhishingResistant => Severity::Remark,
        }
    }
}
