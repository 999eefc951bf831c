//! The result of an audit.

use std::fmt::{self, Display};

use serde::{Serialize, Serializer};

use super::attack::Attack;
use super::finding::{Finding, Severity};
use super::review;
use crate::policy::types::Policy;
use crate::policy::words::Joined;
use crate::trust::{Compromise, Compromises, TrustModel};

/// The sets of compromises with which an attacker can meet a policy, and the findings for a
/// reviewer. [`Display`] writes a line for each part.
///
/// A *compromise* is one thing that an attacker takes over, such as the mailbox. The trust model
/// states which factors it lets the attacker present, at any time and any number of times. A factor
/// that *anyone* can present counts here only if the policy names it, or counts it for independence
/// under its own trust model.
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
///     "one compromise is enough: an attacker with the mailbox can present password and otp/email"
/// );
///
/// assert!(Policy::mfa().audit().findings.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// The minimal sets of compromises with which a *cold* attacker, who signs in anew, meets the
    /// policy. The list is empty if nothing meets it. If anyone can meet it, the only set is the
    /// empty one.
    pub cold: Vec<Vec<Compromise>>,
    /// The minimal sets of compromises with which an attacker who also holds a *hijacked* session
    /// meets the policy. The session is live and young, and every factor was proved in it long ago.
    /// The *step-up* is what the policy still asks for. If the session alone is enough, the only
    /// set is the empty one.
    pub hijacked: Vec<Vec<Compromise>>,
    /// The findings, warnings first. In JSON, each also has its `severity`.
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
    /// Returns the findings that are warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity() == Severity::Warning)
    }

    /// Returns the highest severity among the findings, or `None` if there are none.
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
            [] => f.write_str("nothing meets it"),
            [set] if set.is_empty() => f.write_str(self.1),
            sets => {
                Joined(&sets.iter().map(|set| Joined(set, " + ")).collect::<Vec<_>>(), ", ").fmt(f)
            }
        }
    }
}

impl Policy {
    /// Audits the policy under its own trust model. This is the default one, unless
    /// [`with_trust_model`](Self::with_trust_model) has set another. If its clauses have several
    /// models, attackers can present every factor that any of these models lets them present.
    ///
    /// The work is bounded. Let f be the number of factors that matter: those that the policy
    /// names, and about ten that each stand for a group of other factors which the trust models
    /// treat alike. An audit evaluates the whole policy at most 300 + 20 f times, and each clause
    /// at most 3 f + 3 times, most of these with a single factor. It makes at most 2,000
    /// comparisons to find redundant alternatives, so it may miss a [`Finding::RedundantClause`] in
    /// a policy with dozens of alternatives.
    #[must_use]
    pub fn audit(&self) -> Audit {
        let merged = self.trust_models().into_iter().reduce(|merged, model| merged.merged(&model));
        self.audit_with_trust_model(&merged.unwrap_or_default())
    }

    /// Audits the policy for attackers who can present the factors that this trust model lets them
    /// present. The policy itself still decides under its own model which factors are independent.
    #[must_use]
    pub fn audit_with_trust_model(&self, trust: &TrustModel) -> Audit {
        let attack = Attack::new(self, trust);
        let (cold, hijacked) = (attack.cold(), attack.hijacked());
        let findings = review::findings(&attack, &cold, &hijacked);
        let members =
            |sets: Vec<Compromises>| sets.into_iter().map(|set| set.members().collect()).collect();
        Audit { cold: members(cold), hijacked: members(hijacked), findings }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::factor::Factor;

    #[test]
    fn the_work_of_an_audit_is_bounded_as_stated() {
        let limited = |policy: Policy, seconds| policy.within(Duration::from_secs(seconds));
        let fours = || (0..64).map(|seconds| limited(Policy::independent(4), seconds));
        let sessions = || (0..64).map(|seconds| limited(Policy::session(), seconds));
        let listed = || Factor::LISTED.iter().cloned().map(Policy::factor);
        let any = |clauses: Vec<Policy>| Policy::try_any_of(clauses).expect("a valid list");
        let of_16 = |clauses: Vec<Policy>| Policy::try_at_least(16, clauses).expect("a valid list");
        let all = |clauses: Vec<Policy>| Policy::try_all_of(clauses).expect("a valid list");
        let deep = (0..32).fold(Policy::independent(4), |inner, seconds| {
            any(vec![inner, limited(Policy::session(), seconds), Policy::independent(8)])
        });
        let policies = [
            Policy::session(),
            Policy::mfa(),
            Policy::independent(4),
            of_16(fours().collect()),
            all(fours().collect()),
            any(fours().collect()),
            any(sessions().collect()),
            any(sessions().take(32).chain(listed().take(32)).collect()),
            of_16(listed().collect()),
            all(listed().collect()),
            all(vec![of_16(fours().collect()), any(listed().collect()), any(sessions().collect())]),
            of_16((0..16).map(|_| all(listed().collect())).collect()),
            deep,
        ];
        for policy in policies {
            let trust = TrustModel::default();
            let attack = Attack::new(&policy, &trust);
            let (cold, hijacked) = (attack.cold(), attack.hijacked());
            let _ = review::findings(&attack, &cold, &hijacked);
            let (factors, mut clauses) = (attack.factors.len(), 0);
            policy.visit(&mut |_| clauses += 1);
            let others = factors - policy.named_factors().len();
            assert!(others <= 10, "too many factors that {policy} does not name: {others}");
            let evaluations = attack.evaluations.get();
            let most = 300 + 20 * factors + clauses * (3 * factors + 3);
            assert!(evaluations <= most, "{evaluations} evaluations of {policy}, limit {most}");
        }
    }
}
