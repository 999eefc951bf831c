//! What it takes to open a policy.

use std::fmt::{self, Display};

use serde::{Serialize, Serializer};

use super::attack::Attack;
use super::finding::{Finding, Severity};
use super::review;
use crate::factor::Factor;
use crate::policy::types::Policy;
use crate::policy::words::Joined;
use crate::trust::{Compromise, Compromises, TrustModel};

/// What it takes to open a policy, and what a reviewer should know of it. [`Display`] writes a line
/// for each part.
///
/// An attacker who holds some compromises can present every factor that the trust model says they
/// present, whenever and as often as they like. What *anyone* can present counts here only where
/// the policy names it.
///
/// ```
/// use tower_step_up::policy::Severity;
/// use tower_step_up::{Compromise, Factor, Policy};
///
/// let weak = Policy::all_of([Factor::Password, Factor::OtpEmail]);
/// let audit = weak.audit();
/// assert!(audit.cold.contains(&vec![Compromise::Mailbox]));
/// assert_eq!(audit.severity(), Some(Severity::Warning));
/// assert_eq!(
///     audit.findings[0].to_string(),
///     "one compromise opens it: the mailbox presents password and otp/email"
/// );
///
/// assert!(Policy::mfa().audit().findings.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// The minimal sets of compromises that open the policy *cold*: their holder signs in anew.
    /// There is none if nothing opens it, and the empty set if anyone can.
    pub cold: Vec<Vec<Compromise>>,
    /// The minimal sets of compromises that open it where the attacker also holds a live, young
    /// session, in which every factor that the policy or the trust model names was proved long ago.
    /// The empty set where the session is enough.
    pub hijacked: Vec<Vec<Compromise>>,
    /// The findings, warnings first. As JSON each has its `severity` too.
    #[serde(serialize_with = "with_severity")]
    pub findings: Vec<Finding>,
}

fn with_severity<S: Serializer>(findings: &[Finding], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Rated<'a> {
        severity: Severity,
        #[serde(flatten)]
        finding: &'a Finding,
    }
    serializer
        .collect_seq(findings.iter().map(|finding| Rated { severity: finding.severity(), finding }))
}

impl Audit {
    /// The findings that are warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity() == Severity::Warning)
    }

    /// The highest severity among the findings; `None` if there are no findings.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }
}

impl Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cold: {}", Sets(&self.cold, "anyone"))?;
        writeln!(f, "hijacked: {}", Sets(&self.hijacked, "the session alone"))?;
        self.findings
            .iter()
            .try_for_each(|finding| writeln!(f, "{}: {finding}", finding.severity()))
    }
}

struct Sets<'a>(&'a [Vec<Compromise>], &'a str);

impl Display for Sets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("nothing opens it"),
            [set] if set.is_empty() => f.write_str(self.1),
            sets => {
                Joined(&sets.iter().map(|set| Joined(set, " + ")).collect::<Vec<_>>(), ", ").fmt(f)
            }
        }
    }
}

impl Policy {
    /// Returns what it takes to open the policy, under the trust model that it was [put
    /// under](Self::with_trust_model), by default the default one. If its clauses have several
    /// models, an attacker can present a factor that any of them lets them present.
    #[must_use]
    pub fn audit(&self) -> Audit {
        let merged = self.trust_models().into_iter().reduce(|merged, model| merged.merged(&model));
        self.audit_with_trust_model(&merged.unwrap_or_default())
    }

    /// Returns what it takes to open the policy if attackers can present what this trust model
    /// says. It does not change what the policy itself takes for independent.
    #[must_use]
    pub fn audit_with_trust_model(&self, trust: &TrustModel) -> Audit {
        let attack = Attack::new(self, trust);
        let cold = attack.minimal_sets(false);
        let hijacked = attack.minimal_sets(true);
        let findings = review::findings(&attack, &cold, &hijacked, trust.row(&Factor::Password));
        let members =
            |sets: Vec<Compromises>| sets.into_iter().map(|set| set.members().collect()).collect();
        Audit { cold: members(cold), hijacked: members(hijacked), findings }
    }
}
