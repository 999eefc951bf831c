//! The factors that a policy needs in addition to those that a session proves, as sets of the
//! factors on offer.

use std::cmp::Reverse;
use std::slice;
use std::time::Duration;

use crate::factor::Factor;
use crate::moment::Moment;
use crate::policy::decision::{Facts, Until, ends_by_attacker, until};
use crate::policy::types::{Clause, Limit, Policy, tighter};
use crate::trust::Compromises;

/// The remaining demand of a policy. A set of offered factors is a bit set, in which the lowest bit
/// is the factor that was offered first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// One factor from each of these sets, proved no longer ago than the limit.
    Factors { of_each: Vec<u32>, limit: Limit },
    /// At least `needed` of these needs.
    AtLeast { needed: usize, needs: Vec<Need> },
}

/// The computation of a policy's need. For each clause, it runs the decision on the session's
/// proofs and on each factor on offer.
pub(super) struct NeedBuilder<'a> {
    /// The session's proofs.
    pub(super) facts: Facts<'a>,
    /// The factors on offer, as if they were proved now.
    pub(super) offered: &'a [(&'a Factor, Moment)],
    /// The instant at which the policy must still hold.
    pub(super) then: Moment,
    /// How often a clause, or one attacker of a clause, was checked against one proof.
    pub(super) steps: usize,
}

impl NeedBuilder<'_> {
    pub(super) fn need(&mut self, policy: &Policy, limit: Limit) -> Need {
        match policy.clause() {
            Clause::AllOf(clauses) => self.at_least(clauses.len(), clauses, limit),
            Clause::AnyOf(clauses) => self.at_least(1, clauses, limit),
            Clause::AtLeast(needed, clauses) => self.at_least(*needed, clauses, limit),
            Clause::Within(max_age, inner) => self.need(inner, Some(tighter(limit, *max_age))),
            Clause::Independent { needed, trust } => {
                let attackers = Compromises::sets_of(needed.saturating_sub(1)).len();
                self.factors(limit, attackers, |facts, then| {
                    ends_by_attacker(*needed, trust, facts, limit, |ends| reached_bits(ends, then))
                })
            }
            Clause::Session | Clause::Factor(_) | Clause::PhishingResistant => {
                self.factor(policy, limit, limit)
            }
            // The limit applies to the session. The clause also needs a factor, but of any age.
            Clause::SessionWithin(_) => self.factor(policy, limit, None),
        }
    }

    /// Returns the need of a clause that one factor meets. `limit` applies to the clause, and
    /// `factor_limit` to the factor's age.
    fn factor(&mut self, policy: &Policy, limit: Limit, factor_limit: Limit) -> Need {
        self.factors(factor_limit, 1, |facts, then| {
            reached_bits(&[until(policy, facts, limit)], then)
        })
    }

    /// Returns the need of a clause that consists of parts, each of which some single factor meets.
    /// It has at most `Compromises::LARGEST_FAMILY` parts. `met_by` returns a bit for each part
    /// that still holds at an instant.
    fn factors(
        &mut self,
        limit: Limit,
        parts: usize,
        met_by: impl Fn(&Facts<'_>, Moment) -> u64,
    ) -> Need {
        self.steps += parts * (self.facts.factors().len() + self.offered.len());
        let met = met_by(&self.facts, self.then);
        let mut met_by_each = [0; u32::BITS as usize];
        for (bits, factor) in met_by_each.iter_mut().zip(self.offered) {
            let alone = self.facts.with_factors(&[]).assuming(slice::from_ref(factor));
            *bits = met_by(&alone, self.then);
        }
        let factors_for = |part: usize| {
            let has_part = |bits: &u64| u32::from(bits >> part & 1 == 1);
            met_by_each.iter().rev().fold(0, |set, bits| set << 1 | has_part(bits))
        };
        let open = (0..parts).filter(|part| met >> part & 1 == 0);
        Need::Factors { of_each: minimal_sets(open.map(factors_for).collect()), limit }
    }

    fn at_least(&mut self, needed: usize, clauses: &[Policy], limit: Limit) -> Need {
        let needs: Vec<_> = clauses.iter().map(|clause| self.need(clause, limit)).collect();
        let met = needs.iter().filter(|need| need.is_met_by(0)).count();
        let needs: Vec<_> = needs
            .into_iter()
            .filter(|need| !need.is_met_by(0) && need.is_met_by(u32::MAX))
            .collect();
        Need::AtLeast { needed: needed.saturating_sub(met), needs }
    }
}

/// Returns one bit for each of these ends, set if the end is not before `then`.
fn reached_bits(ends: &[Until], then: Moment) -> u64 {
    ends.iter().rev().fold(0, |bits, end| bits << 1 | u64::from(end.reaches(then)))
}

/// Returns the sets that contain no other set. Any selection with a factor from each of these also
/// has one from every other set.
fn minimal_sets(mut sets: Vec<u32>) -> Vec<u32> {
    sets.sort_unstable_by_key(|set| (set.count_ones(), *set));
    if sets.len() < 2 {
        return sets;
    }
    let mut minimal: Vec<u32> = Vec::new();
    for set in sets {
        if !minimal.iter().any(|smaller| smaller & set == *smaller) {
            minimal.push(set);
        }
    }
    minimal
}

impl Need {
    /// Combines the needs in all readings of a session. A session that is not ambiguous has one
    /// reading. Without any reading, nothing is enough.
    pub(super) fn in_every_reading(mut needs: impl Iterator<Item = Self>) -> Self {
        let Some(first) = needs.next() else {
            return Self::AtLeast { needed: 1, needs: Vec::new() };
        };
        let mut others = Vec::new();
        for need in needs {
            if need != first && !others.contains(&need) {
                others.push(need);
            }
        }
        if others.is_empty() {
            return first;
        }
        others.push(first);
        Self::AtLeast { needed: others.len(), needs: others }
    }

    /// Returns whether the session meets the policy if these factors are proved now.
    pub(super) fn is_met_by(&self, set: u32) -> bool {
        match self {
            Self::Factors { of_each, .. } => of_each.iter().all(|one| one & set != 0),
            Self::AtLeast { needed, needs } => {
                needs.iter().filter(|need| need.is_met_by(set)).take(*needed).count() == *needed
            }
        }
    }

    /// Returns how old one factor of a set may be for the set to suffice, with the others proved
    /// now: [`Duration::MAX`] if any age will do, and `None` if the set does not suffice.
    pub(super) fn max_age(&self, factor: u32, set: u32) -> Option<Duration> {
        match self {
            Self::Factors { of_each, limit } => {
                let meets = |set: u32| of_each.iter().all(|one| one & set != 0);
                let held = || meets(set).then_some(limit.unwrap_or(Duration::MAX));
                if meets(set & !factor) { Some(Duration::MAX) } else { held() }
            }
            Self::AtLeast { needed, needs } => {
                let ages = needs.iter().map(|need| need.max_age(factor, set));
                let mut ages: Vec<_> = ages.map(Reverse).collect();
                ages.sort_unstable();
                match needed.checked_sub(1) {
                    None => Some(Duration::MAX),
                    Some(last) => ages.get(last).and_then(|age| age.0),
                }
            }
        }
    }

    /// Returns the maximum number of steps that checking a set takes. It is at most the policy's
    /// weight.
    pub(super) fn steps(&self) -> usize {
        match self {
            Self::Factors { of_each, .. } => of_each.len().max(1),
            Self::AtLeast { needs, .. } => 1 + needs.iter().map(Self::steps).sum::<usize>(),
        }
    }
}
