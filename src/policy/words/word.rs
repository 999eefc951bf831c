//! The keywords of clauses in texts, trees and documents.

use std::fmt;

pub(in crate::policy) const SESSION: &str = "session";
pub(in crate::policy) const MFA: &str = "mfa";
pub(in crate::policy) const INDEPENDENT: &str = "independent";
pub(in crate::policy) const PHISHING_RESISTANT: &str = "phishing_resistant";
pub(in crate::policy) const SESSION_WITHIN: &str = "session_within";

/// The number of independent factors, written as `mfa` or `independent(3)`.
pub(crate) struct Independent(pub(crate) usize);

impl fmt::Display for Independent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            2 => f.write_str(MFA),
            needed => write!(f, "{INDEPENDENT}({needed})"),
        }
    }
}
