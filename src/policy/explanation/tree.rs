//! Explanations as indented trees, a line a clause.

use std::fmt::{self, Display};

use super::requirement::{Reason, Requirement};
use super::types::{Demand, Explanation, Verdict};
use crate::policy::words::{
    Age, Independent, PHISHING_RESISTANT, SESSION, SESSION_WITHIN, Span, indent,
};

impl Display for Explanation {
    /// A line a clause, indented by its depth.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_explanation(f, self, 0)
    }
}

fn write_explanation(
    f: &mut fmt::Formatter<'_>,
    explanation: &Explanation,
    depth: usize,
) -> fmt::Result {
    indent(f, depth, explanation.name.as_deref())?;
    match &explanation.demand {
        Demand::AllOf { .. } => f.write_str("all of")?,
        Demand::AnyOf { .. } => f.write_str("any of")?,
        Demand::AtLeast { needed, .. } => write!(f, "{needed} of")?,
        Demand::Requirement(requirement) => match requirement {
            Requirement::Session => f.write_str(SESSION)?,
            Requirement::Factor { factor } => factor.fmt(f)?,
            Requirement::PhishingResistant => f.write_str(PHISHING_RESISTANT)?,
            Requirement::Independent { needed, .. } => Independent(*needed).fmt(f)?,
            Requirement::SessionWithin => f.write_str(SESSION_WITHIN)?,
        },
    }
    if let Some(max_age) = explanation.max_age {
        let own = matches!(explanation.demand, Demand::Requirement(Requirement::SessionWithin));
        write!(f, "{} {}", if own { "" } else { " within" }, Span(max_age))?;
    }
    f.write_str(match explanation.verdict {
        Verdict::Met { .. } => ": met",
        Verdict::NotMet => ": not met",
        Verdict::Unmet(Reason::Missing) => ": missing",
        Verdict::Unmet(Reason::Stale { .. }) => ": stale",
        Verdict::Unmet(Reason::Restart { .. }) => ": restart",
    })?;
    for (index, proof) in explanation.proofs.iter().enumerate() {
        f.write_str(if index == 0 && explanation.is_met() { " by " } else { ", " })?;
        write!(f, "{} ({})", proof.factor, Age(proof.age))?;
    }
    writeln!(f)?;
    explanation.clauses().iter().try_for_each(|clause| write_explanation(f, clause, depth + 1))
}
