//! Findings as text.

use std::fmt::{self, Display};

use super::finding::{Finding, Severity};
use crate::policy::words::{Joined, Span};
use crate::trust::Compromise;

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
            Self::IssuersWord { assertions } => {
                write!(
                    f,
                    "the issuer's word is enough: the audit does not know which factors {} takes",
                    Joined(assertions, " and ")
                )
            }
            Self::OneCompromise { compromise, factors } => {
                write!(
                    f,
                    "one compromise is enough: an attacker with the {compromise} can present {}",
                    Joined(factors, " and ")
                )
            }
            Self::OneFactor { compromises } => {
                write!(
                    f,
                    "one factor is enough: an attacker who holds {} has it",
                    Joined(compromises, " or ")
                )
            }
            Self::HijackerPresentsPassword { compromises } => {
                write_hijackers(f, compromises, &"the password")
            }
            Self::HijackerPresentsFirstFactor { factor, compromises } => {
                write_hijackers(f, compromises, factor)
            }
            Self::StepUpOpenToAnyone { factors } => {
                write!(
                    f,
                    "in a hijacked session it is open to anyone: the trust model lets anyone \
                     present {}",
                    Joined(factors, " and ")
                )
            }
            Self::StepUpByFirstFactor { compromises } => {
                write!(
                    f,
                    "the step-up asks for no second factor: {} alone meets it",
                    Joined(compromises, " or ")
                )
            }
            Self::StepUpByRecoveryCode => f.write_str(
                "a recovery code alone meets the step-up, but recovery codes are meant for a lost \
                 device",
            ),
            Self::SessionLimitMetByAnyone { factor } => {
                write!(
                    f,
                    "a factor that anyone can present, such as {factor}, meets the `within` around \
                     `session`"
                )
            }
            Self::WayAround { clause } => {
                write!(f, "any session can meet {clause:?}, a way around the clauses beside it")
            }
            Self::UnmeetableClause { clause } => {
                write!(f, "nothing can meet one of the alternatives: {clause:?}")
            }
            Self::RedundantClause { clause, other } => {
                write!(
                    f,
                    "an alternative is redundant: every session that meets {clause:?} also meets \
                     {other:?}"
                )
            }
            Self::OverlappingClauses { factor, meets, needed } => {
                write!(
                    f,
                    "clauses overlap: {factor} alone meets {meets} of them, and {needed} have to hold"
                )
            }
            Self::ZeroLimit => f.write_str(
                "a limit of zero: only a proof dated at this very instant meets it, or one dated \
                 later but within the leeway",
            ),
            Self::ShortLimit { max_age } => {
                write!(
                    f,
                    "a limit of {} is too short for a person to prove a factor and return",
                    Span(*max_age)
                )
            }
            Self::LongLimit { max_age } => {
                write!(
                    f,
                    "a limit of {} is long: at AAL2, NIST SP 800-63B-4 asks for reauthentication \
                     within 24h",
                    Span(*max_age)
                )
            }
            Self::OnlySms => {
                f.write_str("it cannot be met without otp/sms, which NIST SP 800-63B-4 restricts")
            }
            Self::OnlyPhoneNumber { factors } => {
                write!(
                    f,
                    "it cannot be met without {}, a code that arrives at the phone number",
                    Joined(factors, " or ")
                )
            }
            Self::NotPhishingResistant => f.write_str("it accepts no phishing-resistant factor"),
        }
    }
}

/// Writes the compromises that are enough to meet the step-up in a hijacked session, and the first
/// factor that an attacker can also present with them.
fn write_hijackers(
    f: &mut fmt::Formatter<'_>,
    compromises: &[Compromise],
    first_factor: &dyn Display,
) -> fmt::Result {
    write!(
        f,
        "in a hijacked session {} alone is enough to meet it, and also lets an attacker present \
         {first_factor}",
        Joined(compromises, " or ")
    )
}
