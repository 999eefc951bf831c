//! The factors that attackers can present to a policy.

use std::cell::Cell;
use std::collections::HashSet;
use std::time::Duration;

use crate::factor::Factor;
use crate::policy::decision::holds_with_ages;
use crate::policy::types::{Policy, distinct};
use crate::trust::{Compromises, TrustModel};

/// A policy, and the factors that an attacker can present to meet it.
pub(super) struct Attack<'a> {
    pub(super) policy: &'a Policy,
    /// The trust model of the attackers.
    pub(super) trust: &'a TrustModel,
    /// The factors that matter, each with the compromises that let an attacker present it. These
    /// are the factors that the policy names, and one representative of each group of other factors
    /// that the trust models treat alike.
    pub(super) factors: Vec<(Factor, Compromises)>,
    /// A factor that anyone can present and that no clause asks for. It meets only `session` and
    /// `session_within`.
    pub(super) other: Factor,
    /// Every listed factor, and those that the policy names or a trust model changes.
    pub(super) known: Vec<Factor>,
    /// The number of evaluations so far. A test checks that it is bounded.
    pub(super) evaluations: Cell<usize>,
}

/// The age of a proof that is made now, and of a session that begins now.
const NOW: Option<Duration> = Some(Duration::ZERO);
/// An age above every limit.
const LONG_AGO: Option<Duration> = None;

impl<'a> Attack<'a> {
    pub(super) fn new(policy: &'a Policy, trust: &'a TrustModel) -> Self {
        let (models, deciding) = (policy.trust_models(), policy.deciding_trust_models());
        let named = policy.named_factors();
        let changed = models.iter().chain([trust]).flat_map(TrustModel::changed);
        let known = named.iter().chain(Factor::LISTED).chain(changed);
        let known = distinct(known.cloned().collect());

        let named: HashSet<_> = named.into_iter().collect();
        let own_rows = |factor: &Factor| -> Vec<_> {
            deciding.iter().map(|model| model.row(factor)).collect()
        };
        let takes = |factor: &Factor| {
            named.contains(factor) || own_rows(factor).iter().any(|row| !row.is_anyone())
        };
        let mut seen = Vec::new();
        let mut counts = |factor: &Factor| {
            let looks = (trust.row(factor), own_rows(factor));
            let new = !seen.contains(&looks);
            if new && !named.contains(factor) {
                seen.push(looks);
            }
            named.contains(factor) || new && (!trust.row(factor).is_anyone() || takes(factor))
        };
        let counted = known.iter().filter(|factor| counts(factor));
        let factors = counted.map(|factor| (factor.clone(), trust.row(factor))).collect();
        let is_other = |factor: &&Factor| trust.row(factor).is_anyone() && !takes(factor);
        let other = [Factor::Impersonated].iter().chain(&known).find(is_other);
        let other =
            other.cloned().unwrap_or_else(|| unknown_factor(|factor| known.contains(factor)));
        Self { policy, trust, factors, other, known, evaluations: Cell::new(0) }
    }

    /// Returns whether a clause holds for an attacker who proves these factors now, in a session
    /// that began now.
    pub(super) fn opens<'f>(
        &self,
        clause: &Policy,
        factors: impl IntoIterator<Item = &'f Factor>,
    ) -> bool {
        self.holds(clause, factors.into_iter().map(|factor| (factor, NOW)))
    }

    /// Returns whether the policy holds for an attacker who proves these factors now, in a young
    /// session in which every factor was proved long ago.
    pub(super) fn hijacker_opens<'f>(&self, factors: impl IntoIterator<Item = &'f Factor>) -> bool {
        self.hijacker_opens_after(LONG_AGO, factors)
    }

    /// Does the same as [`hijacker_opens`](Self::hijacker_opens), but for earlier proofs of this
    /// age.
    pub(super) fn hijacker_opens_after<'f>(
        &self,
        age: Option<Duration>,
        factors: impl IntoIterator<Item = &'f Factor>,
    ) -> bool {
        let fresh = factors.into_iter().map(|factor| (factor, NOW));
        let counted = self.factors.iter().map(|(factor, _)| factor);
        let once = counted.chain([&self.other]).map(|factor| (factor, age));
        self.holds(self.policy, fresh.chain(once))
    }

    fn holds<'f>(
        &self,
        clause: &Policy,
        proofs: impl Iterator<Item = (&'f Factor, Option<Duration>)>,
    ) -> bool {
        self.evaluations.update(|evaluations| evaluations + 1);
        holds_with_ages(clause, proofs, NOW)
    }

    /// Returns the minimal sets of compromises with which an attacker without a session meets the
    /// policy.
    pub(super) fn cold(&self) -> Vec<Compromises> {
        minimal_sets(|set| self.opens(self.policy, self.presented_by(set)))
    }

    /// Returns the minimal sets of compromises with which an attacker meets the policy in a
    /// hijacked session.
    pub(super) fn hijacked(&self) -> Vec<Compromises> {
        minimal_sets(|set| self.hijacker_opens(self.presented_by(set)))
    }

    /// Returns the factors that an attacker with these compromises can prove now.
    pub(super) fn presented_by(&self, attacker: Compromises) -> impl Iterator<Item = &Factor> {
        let presented = self.factors.iter().filter(move |(_, row)| row.is_presentable_by(attacker));
        presented.map(|(factor, _)| factor)
    }

    /// Returns a minimal list of factors with which anyone opens something. It has an assertion only if
    /// nothing else would do.
    pub(super) fn presented_by_anyone(&self, opens: impl Fn(&[&Factor]) -> bool) -> Vec<Factor> {
        let all: Vec<_> = self.presented_by(Compromises::default()).collect();
        let real: Vec<_> = all.iter().copied().filter(|factor| !factor.is_assertion()).collect();
        let is_enough = real.len() == all.len() || opens(&real);
        minimal_factors(if is_enough { real } else { all }, opens)
    }
}

fn minimal_sets(opens: impl Fn(Compromises) -> bool) -> Vec<Compromises> {
    let mut minimal: Vec<Compromises> = Vec::new();
    for set in Compromises::every_set() {
        if !minimal.iter().any(|smaller| smaller.is_within(set)) && opens(set) {
            minimal.push(set);
        }
    }
    minimal
}

/// Returns a minimal subset of `chosen` for which `opens` is true: a single factor if one is
/// enough.
pub(super) fn minimal_factors<'f>(
    mut chosen: Vec<&'f Factor>,
    opens: impl Fn(&[&'f Factor]) -> bool,
) -> Vec<Factor> {
    if let Some(single) = chosen.iter().find(|single| opens(&[single])) {
        return vec![(*single).clone()];
    }
    for index in (0..chosen.len()).rev() {
        let mut without = chosen.clone();
        without.remove(index);
        if opens(&without) {
            chosen = without;
        }
    }
    chosen.into_iter().cloned().collect()
}

/// Returns an unlisted factor that is not known.
pub(super) fn unknown_factor(is_known: impl Fn(&Factor) -> bool) -> Factor {
    let mut number = 1;
    loop {
        let factor = Factor::from_pair("unlisted", &format!("factor_{number}"));
        if !is_known(&factor) {
            return factor;
        }
        number += 1;
    }
}
