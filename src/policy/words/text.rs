//! Policies as text.

use std::fmt::{self, Display};

use super::measure::{Joined, Span};
use super::tree::write_policy;
use super::word::{Independent, PHISHING_RESISTANT, SESSION, SESSION_WITHIN};
use crate::policy::types::{Clause, Policy};

impl Display for Policy {
    /// Writes the policy on one line: `mfa and (otp/sms or totp) within 10m`. The alternate form
    /// (`{:#}`) is an indented tree with one clause per line, and it includes the names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return write_policy(f, self, 0);
        }
        match self.clause() {
            Clause::Session => f.write_str(SESSION),
            Clause::Factor(factor) => factor.fmt(f),
            Clause::PhishingResistant => f.write_str(PHISHING_RESISTANT),
            Clause::Independent { needed, .. } => Independent(*needed).fmt(f),
            Clause::SessionWithin(max_age) => write!(f, "{SESSION_WITHIN} {}", Span(*max_age)),
            Clause::AllOf(clauses) => write_list(f, clauses, " and "),
            Clause::AnyOf(clauses) => write_list(f, clauses, " or "),
            Clause::AtLeast(needed, clauses) => {
                write!(f, "{needed} of (")?;
                write_list(f, clauses, ", ")?;
                f.write_str(")")
            }
            Clause::Within(max_age, inner) => {
                write!(f, "{} within {}", Nested(inner), Span(*max_age))
            }
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, clauses: &[Policy], separator: &str) -> fmt::Result {
    Joined(&clauses.iter().map(Nested).collect::<Vec<_>>(), separator).fmt(f)
}

/// A clause inside another. It is in parentheses if it is a list of several clauses.
struct Nested<'a>(&'a Policy);

impl Display for Nested<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.clause() {
            Clause::AllOf(clauses) | Clause::AnyOf(clauses) if clauses.len() > 1 => {
                write!(f, "({})", self.0)
            }
            _ => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::factor::Factor;

    #[track_caller]
    fn check(policy: &Policy, want: &str) {
        assert_eq!(policy.to_string(), want);
    }

    #[test]
    fn a_policy_is_written_on_one_line() {
        let second = Policy::any_of([Factor::OtpSms, Factor::Totp]);
        check(&Policy::mfa(), "mfa");
        check(&Policy::independent(3), "independent(3)");
        check(
            &Policy::mfa().and(second.clone().within(Duration::from_secs(600))),
            "mfa and (otp/sms or totp) within 10m",
        );
        check(
            &Policy::mfa().and(second).within(Duration::from_secs(90)),
            "(mfa and (otp/sms or totp)) within 90s",
        );
        check(&Policy::session_within(Duration::from_secs(43_200)), "session_within 12h");
        check(&Policy::session().within(Duration::from_millis(1_500)), "session within 1.5s");
        check(&Policy::session().within(Duration::ZERO), "session within 0s");
        check(
            &Policy::at_least(2, [Factor::OtpSms, Factor::Totp, Factor::WebAuthn]),
            "2 of (otp/sms, totp, webauthn)",
        );
        check(&Policy::phishing_resistant().or(Policy::mfa()), "phishing_resistant or mfa");
    }

    #[test]
    fn a_policy_is_written_as_a_tree() {
        let minute = Duration::from_secs(60);
        let second = Policy::any_of([Factor::OtpSms, Factor::Totp]).named("second");
        let limited = second.within(10 * minute).within(20 * minute);
        let groups = Policy::at_least(1, [limited, Policy::session_within(720 * minute)]);
        let policy = Policy::mfa().within(60 * minute).and(groups).named("transfer");
        assert_eq!(
            format!("{policy:#}"),
            "\
transfer: all of
  mfa within 1h
  1 of
    second: any of within 10m
      otp/sms
      totp
    session_within 12h
"
        );
    }
}
