//! What attackers can present to a policy.

use std::time::Duration;

use crate::factor::Factor;
use crate::policy::decision::holds_for;
use crate::policy::types::{Policy, distinct};
use crate::trust::{Compromises, TrustModel};

/// A policy and what there is to open it with.
pub(super) struct Attack<'a> {
    pub(super) policy: &'a Policy,
    /// Every factor that counts in an attack, those that the policy names first, and who presents
    /// it.
    pub(super) factors: Vec<(Factor, Compromises)>,
    /// And those that anyone can present and the policy does not name.
    others: Vec<Factor>,
}

/// Everything that is presented is proved now, in a session that began now.
const NOW: Option<Duration> = Some(Duration::ZERO);

impl<'a> Attack<'a> {
    pub(super) fn new(policy: &'a Policy, trust: &TrustModel) -> Self {
        let models = policy.trust_models();
        let of_its_own = models.iter().flat_map(TrustModel::changed).cloned();
        let named: Vec<_> = policy.named_factors().into_iter().chain(of_its_own).collect();
        let known = named.iter().chain(Factor::LISTED).chain(trust.changed()).cloned().collect();
        let rows = distinct(known).into_iter().map(|factor| (trust.row(&factor), factor));
        let (counted, others): (Vec<_>, Vec<_>) =
            rows.partition(|(row, factor)| !row.is_anyone() || named.contains(factor));
        let factors = counted.into_iter().map(|(row, factor)| (factor, row)).collect();
        Self { policy, factors, others: others.into_iter().map(|(_, factor)| factor).collect() }
    }

    /// Every factor there is.
    pub(super) fn known(&self) -> impl Iterator<Item = &Factor> {
        self.factors.iter().map(|(factor, _)| factor).chain(&self.others)
    }

    /// The minimal sets of compromises that open the policy: cold, or where a session says that
    /// everything was proved long ago.
    pub(super) fn minimal_sets(&self, hijacked: bool) -> Vec<Compromises> {
        let mut minimal: Vec<Compromises> = Vec::new();
        for set in Compromises::every_set() {
            let proofs = self.factors.iter().filter_map(|(factor, row)| match row.meets(set) {
                true => Some((factor, NOW)),
                false => hijacked.then_some((factor, None)),
            });
            if !minimal.iter().any(|smaller| smaller.is_within(set))
                && holds_for(self.policy, proofs, NOW)
            {
                minimal.push(set);
            }
        }
        minimal
    }

    /// A smallest choice of what these compromises present that opens the policy.
    pub(super) fn presented(&self, attacker: Compromises) -> Vec<Factor> {
        let presents =
            self.factors.iter().filter(|(_, row)| row.meets(attacker)).map(|(factor, _)| factor);
        let mut chosen: Vec<&Factor> = presents.collect();
        if let Some(single) = chosen.iter().find(|single| opens(self.policy, [**single])) {
            return vec![(*single).clone()];
        }
        for index in (0..chosen.len()).rev() {
            let without = || {
                chosen
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != index)
                    .map(|(_, factor)| *factor)
            };
            if opens(self.policy, without()) {
                chosen.remove(index);
            }
        }
        chosen.into_iter().cloned().collect()
    }
}

/// Whether a policy holds for whoever proved these factors now, in a session that began now.
pub(super) fn opens<'a>(policy: &Policy, factors: impl IntoIterator<Item = &'a Factor>) -> bool {
    holds_for(policy, factors.into_iter().map(|factor| (factor, NOW)), NOW)
}
