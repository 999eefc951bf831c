//! Policies and shortfalls as text.

use std::fmt::{self, Display};
use std::time::Duration;

use super::explanation::{Demand, Explanation, Verdict};
use super::{Clause, Policy, Reason, Requirement, Shortfall, Unmet};

impl Display for Policy {
    /// The policy in words, on one line: `mfa and (otp/sms or totp) within 10m`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clause() {
            Clause::Session => f.write_str("session"),
            Clause::Factor(factor) => factor.fmt(f),
            Clause::PhishingResistant => f.write_str("phishing_resistant"),
            Clause::Independent { needed: 2, .. } => f.write_str("mfa"),
            Clause::Independent { needed, .. } => write!(f, "independent({needed})"),
            Clause::SessionWithin(max_age) => write!(f, "session_within {}", Span(*max_age)),
            Clause::AllOf(clauses) => write_list(f, clauses, " and "),
            Clause::AnyOf(clauses) => write_list(f, clauses, " or "),
            Clause::AtLeast(needed, clauses) => {
                write!(f, "{needed} of (")?;
                write_list(f, clauses, ", ")?;
                f.write_str(")")
            }
            Clause::Within(max_age, inner) => write!(f, "{} within {}", Nested(inner), Span(*max_age)),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, clauses: &[Policy], separator: &str) -> fmt::Result {
    for (index, clause) in clauses.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        Nested(clause).fmt(f)?;
    }
    Ok(())
}

/// In parentheses where it is a list of several.
struct Nested<'a>(&'a Policy);

impl Display for Nested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.clause() {
            Clause::AllOf(clauses) | Clause::AnyOf(clauses) if clauses.len() > 1 => write!(f, "({})", self.0),
            _ => self.0.fmt(f),
        }
    }
}

const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "m")];

/// A list with something between.
pub(super) struct Joined<'a, T>(pub(super) &'a [T], pub(super) &'a str);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, item)| {
            f.write_str(if index > 0 { self.1 } else { "" })?;
            item.fmt(f)
        })
    }
}

/// A duration in the largest unit that leaves no rest: `10m`, `90s`, `12h`.
pub(super) struct Span(pub(super) Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if self.0.subsec_nanos() > 0 || seconds == 0 {
            return write!(f, "{}s", self.0.as_secs_f64());
        }
        let (size, unit) = UNITS.into_iter().find(|(size, _)| seconds.is_multiple_of(*size)).unwrap_or((1, "s"));
        write!(f, "{}{unit}", seconds / size)
    }
}

impl Display for Shortfall {
    /// What the user has to do, in one sentence without dates: `authenticate otp/sms again, totp or webauthn`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "authenticate {}", Remedy { of: &self.explanation(), nested: false })
    }
}

impl std::error::Error for Shortfall {}

/// What would make an unmet clause met, in words.
struct Remedy<'a> {
    of: &'a Explanation,
    nested: bool,
}

impl Display for Remedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clauses = self.of.clauses();
        let unmet: Vec<_> = clauses.iter().filter(|clause| !clause.is_met()).collect();
        let needed = match &self.of.demand {
            Demand::AllOf { .. } => unmet.len(),
            Demand::AnyOf { .. } => 1,
            Demand::AtLeast { needed, .. } => needed.saturating_sub(clauses.len() - unmet.len()),
            Demand::Requirement(requirement) => {
                let stale = matches!(self.of.verdict, Verdict::Unmet(Reason::Stale { .. }));
                return write!(f, "{}{}", Wanted(requirement), if stale { " again" } else { "" });
            }
        };
        let (several, word) = (unmet.len() > 1, if needed == 1 { "or" } else { "and" });
        f.write_str(if self.nested && several { "(" } else { "" })?;
        if needed > 1 && needed < unmet.len() {
            write!(f, "{needed} of ")?;
        }
        for (index, of) in unmet.iter().enumerate() {
            match unmet.len() - index {
                _ if index == 0 => {}
                1 => write!(f, " {word} ")?,
                _ => f.write_str(", ")?,
            }
            Remedy { of, nested: several || self.nested }.fmt(f)?;
        }
        f.write_str(if self.nested && several { ")" } else { "" })
    }
}

/// What a requirement asks the user for.
struct Wanted<'a>(&'a Requirement);

impl Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Requirement::Session => f.write_str("any factor"),
            Requirement::Factor { factor } => factor.fmt(f),
            Requirement::PhishingResistant => f.write_str("a phishing-resistant factor"),
            Requirement::Independent { needed: 2, have: 1 } => f.write_str("a second, independent factor"),
            Requirement::Independent { needed, have } => match needed.saturating_sub(*have) {
                1 => f.write_str("a further, independent factor"),
                missing => write!(f, "{missing} independent factors"),
            },
            Requirement::SessionWithin => f.write_str("in a new session"),
        }
    }
}

impl Display for Explanation {
    /// A line a clause, indented by its depth.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_tree(f, self, 0)
    }
}

fn write_tree(f: &mut fmt::Formatter<'_>, explanation: &Explanation, depth: usize) -> fmt::Result {
    write!(f, "{:width$}", "", width = 2 * depth)?;
    if let Some(name) = &explanation.name {
        write!(f, "{name}: ")?;
    }
    match &explanation.demand {
        Demand::AllOf { .. } => f.write_str("all of")?,
        Demand::AnyOf { .. } => f.write_str("any of")?,
        Demand::AtLeast { needed, .. } => write!(f, "{needed} of")?,
        Demand::Requirement(Requirement::Session) => f.write_str("session")?,
        Demand::Requirement(Requirement::Factor { factor }) => factor.fmt(f)?,
        Demand::Requirement(Requirement::PhishingResistant) => f.write_str("phishing_resistant")?,
        Demand::Requirement(Requirement::Independent { needed: 2, .. }) => f.write_str("mfa")?,
        Demand::Requirement(Requirement::Independent { needed, .. }) => write!(f, "independent({needed})")?,
        Demand::Requirement(Requirement::SessionWithin) => f.write_str("session")?,
    }
    if let Some(max_age) = explanation.max_age {
        write!(f, " within {}", Span(max_age))?;
    }
    f.write_str(match explanation.verdict {
        Verdict::Met { .. } if explanation.evidence.is_empty() => ": met",
        Verdict::Met { .. } => ": met by ",
        Verdict::NotMet => ": not met",
        Verdict::Unmet(Reason::Missing) if explanation.evidence.is_empty() => ": missing",
        Verdict::Unmet(Reason::Missing) => ": missing, ",
        Verdict::Unmet(Reason::Stale { .. }) => ": stale, ",
        Verdict::Unmet(Reason::Restart { .. }) => ": restart",
    })?;
    for (index, proof) in explanation.evidence.iter().enumerate() {
        f.write_str(if index > 0 { ", " } else { "" })?;
        write!(f, "{} ({})", proof.factor, Age(proof.age))?;
    }
    writeln!(f)?;
    explanation.clauses().iter().try_for_each(|clause| write_tree(f, clause, depth + 1))
}

/// An age in its largest unit, rounded down: `15m ago`.
struct Age(Option<Duration>);

impl Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.map(|age| age.as_secs()) {
            None => f.write_str("undated"),
            Some(0) => f.write_str("now"),
            Some(seconds) => {
                let (size, unit) = UNITS.into_iter().find(|(size, _)| seconds >= *size).unwrap_or((1, "s"));
                write!(f, "{}{unit} ago", seconds / size)
            }
        }
    }
}

impl Display for Unmet {
    /// `otp/sms`, or where it was proved too long ago `otp/sms again`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stale = matches!(self.reason, Reason::Stale { .. });
        write!(f, "{}{}", Wanted(&self.requirement), if stale { " again" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::factor::Factor;

    #[track_caller]
    fn check(policy: &Policy, want: &str) {
        assert_eq!(policy.to_string(), want);
    }

    #[test]
    fn a_policy_in_words() {
        let second = Policy::any_of([Factor::OtpSms, Factor::Totp]);
        check(&Policy::mfa(), "mfa");
        check(&Policy::independent(3), "independent(3)");
        check(
            &Policy::mfa().and(second.clone().within(Duration::from_secs(600))),
            "mfa and (otp/sms or totp) within 10m",
        );
        check(&Policy::mfa().and(second).within(Duration::from_secs(90)), "(mfa and (otp/sms or totp)) within 90s");
        check(&Policy::session_within(Duration::from_secs(43_200)), "session_within 12h");
        check(&Policy::session().within(Duration::from_millis(1_500)), "session within 1.5s");
        check(&Policy::session().within(Duration::ZERO), "session within 0s");
        check(&Policy::at_least(2, [Factor::OtpSms, Factor::Totp, Factor::WebAuthn]), "2 of (otp/sms, totp, webauthn)");
        check(&Policy::phishing_resistant().or(Policy::mfa()), "phishing_resistant or mfa");
    }
}
