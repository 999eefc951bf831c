//! What attackers can present to a policy.

use crate::factor::Factor;
use crate::moment::Moment;
use crate::policy::Policy;
use crate::policy::evaluate::{self, Facts};
use crate::policy::walk::distinct;
use crate::trust::{Compromises, TrustModel};

/// A policy and what there is to open it with.
pub(super) struct Attack<'a> {
    pub(super) policy: &'a Policy,
    /// Every factor there is, those that the policy names first, and who presents it.
    pub(super) factors: Vec<(Factor, Compromises)>,
}

/// Any instant would do.
const NOW: Moment = Moment::EPOCH;

impl<'a> Attack<'a> {
    pub(super) fn new(policy: &'a Policy, trust: &TrustModel) -> Self {
        let named = policy.named_factors();
        let known = named.iter().chain(Factor::LISTED).chain(trust.changed()).cloned().collect();
        let rows = distinct(known).into_iter().map(|factor| (trust.row(&factor), factor));
        let factors = rows.filter(|(row, factor)| !row.is_anyone() || named.contains(factor));
        Self { policy, factors: factors.map(|(row, factor)| (factor, row)).collect() }
    }

    /// The minimal sets of compromises that open the policy: cold, or where a session says that everything was proved
    /// long ago.
    pub(super) fn minimal_sets(&self, otherwise: Option<Moment>) -> Vec<Compromises> {
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
