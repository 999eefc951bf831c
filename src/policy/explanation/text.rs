//! Shortfalls as text.

use std::fmt::{self, Display};

use super::requirement::{Reason, Requirement};
use super::shortfall::{Shortfall, Unmet};
use super::types::{Demand, Explanation, Verdict};
use crate::factor::Assertion;

impl Display for Shortfall {
    /// Writes what the user has to do, in one sentence without dates: `authenticate with otp/sms
    /// again, totp or webauthn`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let explanation = self.explanation();
        let with = if needs_only_restart(explanation) { "" } else { "with " };
        write!(f, "authenticate {with}{}", Remedy { explanation, nested: false })
    }
}

impl std::error::Error for Shortfall {}

/// The authentication that would meet an unmet clause.
struct Remedy<'a> {
    explanation: &'a Explanation,
    nested: bool,
}

impl Display for Remedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clauses = self.explanation.clauses();
        let mut unmet: Vec<_> = clauses.iter().filter(|clause| !clause.is_met()).collect();
        // "in a new session" cannot stand between "with" and a factor.
        unmet.sort_by_key(|clause| needs_only_restart(clause));
        let needed = match &self.explanation.demand {
            Demand::AllOf { .. } => unmet.len(),
            Demand::AnyOf { .. } => 1,
            Demand::AtLeast { needed, .. } => needed.saturating_sub(clauses.len() - unmet.len()),
            Demand::Requirement(requirement) => {
                return match self.explanation.verdict {
                    Verdict::Unmet(reason) => Wanted(requirement, reason).fmt(f),
                    Verdict::Met { .. } | Verdict::NotMet => Ok(()),
                };
            }
        };
        let (several, word) = (unmet.len() > 1, if needed == 1 { "or" } else { "and" });
        f.write_str(if self.nested && several { "(" } else { "" })?;
        if needed > 1 && needed < unmet.len() {
            write!(f, "{needed} of ")?;
        }
        for (index, explanation) in unmet.iter().enumerate() {
            match unmet.len() - index {
                _ if index == 0 => {}
                1 => write!(f, " {word} ")?,
                _ => f.write_str(", ")?,
            }
            Remedy { explanation, nested: several || self.nested }.fmt(f)?;
        }
        f.write_str(if self.nested && several { ")" } else { "" })
    }
}

/// Returns whether a new session is all that an unmet clause calls for.
fn needs_only_restart(explanation: &Explanation) -> bool {
    match explanation.verdict {
        Verdict::Met { .. } => true,
        Verdict::NotMet => explanation.clauses().iter().all(needs_only_restart),
        Verdict::Unmet(reason) => matches!(reason, Reason::Restart { .. }),
    }
}

/// The factor or the new session that an unmet requirement calls for.
struct Wanted<'a>(&'a Requirement, Reason);

impl Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(requirement, reason) = self;
        match requirement {
            Requirement::SessionWithin if matches!(reason, Reason::Restart { .. }) => {
                f.write_str("in a new session")
            }
            Requirement::Session | Requirement::SessionWithin => f.write_str("any factor"),
            Requirement::Factor { factor } => factor.fmt(f),
            Requirement::Acr { value } => Assertion::acr(value).fmt(f),
            Requirement::Amr { name } => Assertion::amr(name).fmt(f),
            Requirement::PhishingResistant => f.write_str("a phishing-resistant factor"),
            Requirement::Independent { needed: 2, have: 1 } => {
                f.write_str("a second, independent factor")
            }
            Requirement::Independent { needed, have } => match needed.saturating_sub(*have) {
                1 => f.write_str("a further, independent factor"),
                missing => write!(f, "{missing} independent factors"),
            },
        }?;
        f.write_str(if matches!(reason, Reason::Stale { .. }) { " again" } else { "" })
    }
}

impl Display for Unmet {
    /// Writes `otp/sms`, or `otp/sms again` if it was proved too long ago.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Wanted(&self.requirement, self.reason).fmt(f)
    }
}
