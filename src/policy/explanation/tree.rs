//! Explanations as indented trees with one clause per line, and their unmet clauses in one line.

use std::fmt::{self, Display};

use super::requirement::{Reason, Requirement};
use super::types::{Ambiguity, Demand, Explanation, Verdict};
use crate::factor::Assertion;
use crate::policy::words::{
    Age, Independent, Joined, PHISHING_RESISTANT, SESSION, SESSION_WITHIN, Span, indent,
};

impl Display for Explanation {
    /// Writes one clause per line, indented by its depth.
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
    write_clause(f, explanation)?;
    writeln!(f)?;
    explanation.clauses().iter().try_for_each(|clause| write_explanation(f, clause, depth + 1))
}

/// The unmet requirements of an explanation in one line: `password: missing; otp/sms within 10m:
/// stale, otp/sms (11m ago)`.
pub(super) struct UnmetInOneLine<'a>(pub(super) &'a Explanation);

impl Display for UnmetInOneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_unmet(f, self.0, &mut "")
    }
}

fn write_unmet(
    f: &mut fmt::Formatter<'_>,
    explanation: &Explanation,
    separator: &mut &'static str,
) -> fmt::Result {
    if let Verdict::Unmet(_) = explanation.verdict {
        f.write_str(separator)?;
        *separator = "; ";
        return write_clause(f, explanation);
    }
    let mut clauses = explanation.clauses().iter().filter(|clause| !clause.is_met());
    clauses.try_for_each(|clause| write_unmet(f, clause, separator))
}

fn write_clause(f: &mut fmt::Formatter<'_>, explanation: &Explanation) -> fmt::Result {
    match &explanation.demand {
        Demand::AllOf { .. } => f.write_str("all of")?,
        Demand::AnyOf { .. } => f.write_str("any of")?,
        Demand::AtLeast { needed, .. } => write!(f, "{needed} of")?,
        Demand::Requirement(requirement) => match requirement {
            Requirement::Session => f.write_str(SESSION)?,
            Requirement::Factor { factor } => factor.fmt(f)?,
            Requirement::Acr { value } => Assertion::acr(value).fmt(f)?,
            Requirement::Amr { name } => Assertion::amr(name).fmt(f)?,
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
    for (index, choice) in explanation.choices.iter().enumerate() {
        let is_first = index == 0 && explanation.proofs.is_empty();
        f.write_str(if is_first && explanation.is_met() { " by " } else { ", " })?;
        write_choice(f, choice)?;
    }
    Ok(())
}

/// Writes an ambiguous statement: `otp (totp, otp/sms or otp/email: not said)`.
fn write_choice(f: &mut fmt::Formatter<'_>, choice: &Ambiguity) -> fmt::Result {
    write!(f, "{} (", choice.name.escape_default())?;
    let last = choice.alternatives.len().saturating_sub(1);
    for (index, alternative) in choice.alternatives.iter().enumerate() {
        f.write_str(match index {
            0 => "",
            _ if index == last => " or ",
            _ => ", ",
        })?;
        match &**alternative {
            [] => f.write_str("nothing")?,
            factors => Joined(factors, " + ").fmt(f)?,
        }
    }
    f.write_str(": not said)")
}
