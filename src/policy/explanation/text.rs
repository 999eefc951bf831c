//! Shortfalls as text.

use std::fmt::{self, Display};

use super::requirement::{Reason, Requirement};
use super::shortfall::{Shortfall, Unmet};
use super::types::{Demand, Explanation, Verdict};

impl Display for Shortfall {
    /// Writes what the user has to do, in one sentence without dates: `authenticate otp/sms again,
    /// totp or webauthn`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "authenticate {}", Remedy { explanation: self.explanation(), nested: false })
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
        let unmet: Vec<_> = clauses.iter().filter(|clause| !clause.is_met()).collect();
        let needed = match &self.explanation.demand {
            Demand::AllOf { .. } => unmet.len(),
            Demand::AnyOf { .. } => 1,
            Demand::AtLeast { needed, .. } => needed.saturating_sub(clauses.len() - unmet.len()),
            Demand::Requirement(requirement) => {
                let stale =
                    matches!(self.explanation.verdict, Verdict::Unmet(Reason::Stale { .. }));
                return write!(f, "{}{}", Wanted(requirement), if stale { " again" } else { "" });
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

/// The factor that a requirement calls for.
struct Wanted<'a>(&'a Requirement);

impl Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Requirement::Session => f.write_str("any factor"),
            Requirement::Factor { factor } => factor.fmt(f),
            Requirement::PhishingResistant => f.write_str("a phishing-resistant factor"),
            Requirement::Independent { needed: 2, have: 1 } => {
                f.write_str("a second, independent factor")
            }
            Requirement::Independent { needed, have } => match needed.saturating_sub(*have) {
                1 => f.write_str("a further, independent factor"),
                missing => write!(f, "{missing} independent factors"),
            },
            Requirement::SessionWithin => f.write_str("in a new session"),
        }
    }
}

impl Display for Unmet {
    /// Writes `otp/sms`, or `otp/sms again` if it was proved too long ago.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stale = matches!(self.reason, Reason::Stale { .. });
        write!(f, "{}{}", Wanted(&self.requirement), if stale { " again" } else { "" })
    }
}
