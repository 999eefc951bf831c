//! What it takes to open a policy.

use std::fmt::{self, Display};

use serde::Serialize;

use super::Policy;
use super::evaluate::{self, Facts};
use super::finding::{Finding, Level};
use super::review;
use super::text::Joined;
use super::walk::distinct;
use crate::factor::Factor;
use crate::moment::Moment;
use crate::trust::{Compromise, Compromises, TrustModel};

/// What it takes to open a policy, and what a reviewer should know of it. [`Display`] writes a line for each part.
///
/// An attacker who holds some compromises can present every factor that the trust model says they present, whenever and
/// as often as they like. What *anyone* can present counts here only where the policy names it.
///
/// ```
/// use tower_step_up::{Compromise, Factor, Level, Policy};
///
/// let weak = Policy::all_of([Factor::Password, Factor::OtpEmail]);
/// let audit = weak.audit();
/// assert!(audit.cold.contains(&vec![Compromise::Mailbox]));
/// assert_eq!(audit.level(), Some(Level::Warning));
/// assert_eq!(audit.findings[0].to_string(), "one compromise opens it: the mailbox presents password and otp/email");
///
/// assert!(Policy::mfa().audit().findings.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// The minimal sets of compromises that open the policy *cold*: their holder signs in anew. None where nothing opens
    /// it; the empty set where anyone does.
    pub cold: Vec<Vec<Compromise>>,
    /// The minimal sets of compromises that open it where the attacker also holds a live, young session, in which every
    /// factor that the policy or the trust model names was proved long ago. The empty set where the session is enough.
    pub hijacked: Vec<Vec<Compromise>>,
    /// What a reviewer should know.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// The highest level among the findings; `None` where there is none.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.findings.iter().map(Finding::level).max()
    }
}

impl Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cold: {}", Sets(&self.cold, "anyone"))?;
        writeln!(f, "hijacked: {}", Sets(&self.hijacked, "the session alone"))?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "{}: {finding}", finding.level()))
    }
}

struct Sets<'a>(&'a [Vec<Compromise>], &'a str);

impl Display for Sets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("nothing opens it"),
            [set] if set.is_empty() => f.write_str(self.1),
            sets => Joined(&sets.iter().map(|set| Joined(set, " + ")).collect::<Vec<_>>(), ", ").fmt(f),
        }
    }
}

impl Policy {
    /// What it takes to open the policy, under the trust model that its [`mfa`](Self::mfa) and
    /// [`independent`](Self::independent) have. Where they have several, whoever presents a factor in one of those
    /// presents it; where there is none of them, the default model counts.
    #[must_use]
    pub fn audit(&self) -> Audit {
        let models = self.trust_models();
        let merged = models.iter().skip(1).fold(models.first().cloned().unwrap_or_default(), TrustModel::merged);
        self.audit_under(&merged)
    }

    /// What it takes to open the policy where attackers can present what this trust model says. What the policy itself
    /// takes for independent stays as it is.
    #[must_use]
    pub fn audit_under(&self, trust: &TrustModel) -> Audit {
        let named = self.named_factors();
        let known = named.iter().chain(Factor::LISTED).chain(trust.changed()).cloned().collect();
        let mut factors: Vec<_> =
            distinct(known).into_iter().map(|factor| (factor.clone(), trust.row(&factor))).collect();
        factors.retain(|(factor, row)| !row.is_anyone() || named.contains(factor));
        let attack = Attack { policy: self, factors };
        let cold = attack.minimal_sets(None);
        let hijacked = attack.minimal_sets(Some(Moment::DISTANT_PAST));
        let findings = review::findings(&attack, &cold, &hijacked, trust.row(&Factor::Password));
        let members = |sets: Vec<Compromises>| sets.into_iter().map(|set| set.members().collect()).collect();
        Audit { cold: members(cold), hijacked: members(hijacked), findings }
    }
}

/// A policy and what there is to open it with.
pub(super) struct Attack<'a> {
    pub(super) policy: &'a Policy,
    /// Every factor there is, those that the policy names first, and who presents it.
    pub(super) factors: Vec<(Factor, Compromises)>,
}

/// Any instant would do.
const NOW: Moment = Moment::EPOCH;

impl Attack<'_> {
    /// The minimal sets of compromises that open the policy: cold, or where a session says that everything was proved
    /// long ago.
    fn minimal_sets(&self, otherwise: Option<Moment>) -> Vec<Compromises> {
        let mut minimal: Vec<Compromises> = Vec::new();
        for set in Compromises::every_set() {
            let opens = || {
                holds(
                    self.policy,
                    self.factors.iter().filter_map(|(factor, row)| {
                        let proved = if row.meets(set) { Some(NOW) } else { otherwise };
                        proved.map(|proved| (factor, proved))
                    }),
                )
            };
            if !minimal.iter().any(|smaller| smaller.is_within(set)) && opens() {
                minimal.push(set);
            }
        }
        minimal
    }

    /// A smallest choice of what these compromises present that opens the policy.
    pub(super) fn presented(&self, attacker: Compromises) -> Vec<Factor> {
        let presents = self.factors.iter().filter(|(_, row)| row.meets(attacker)).map(|(factor, _)| factor);
        let mut chosen: Vec<&Factor> = presents.collect();
        if let Some(single) = chosen.iter().find(|single| opens(self.policy, [**single])) {
            return vec![(*single).clone()];
        }
        for index in (0..chosen.len()).rev() {
            let without = || chosen.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, factor)| *factor);
            if opens(self.policy, without()) {
                chosen.remove(index);
            }
        }
        chosen.into_iter().cloned().collect()
    }
}

/// Whether a policy holds for whoever proved these factors now, in a session that began now.
pub(super) fn opens<'a>(policy: &Policy, factors: impl IntoIterator<Item = &'a Factor>) -> bool {
    holds(policy, factors.into_iter().map(|factor| (factor, NOW)))
}

fn holds<'a>(policy: &Policy, proofs: impl Iterator<Item = (&'a Factor, Moment)>) -> bool {
    let proofs: Vec<_> = proofs.collect();
    evaluate::until(policy, &Facts::supposed(&proofs, Some(NOW), NOW), None).reaches(NOW)
}
