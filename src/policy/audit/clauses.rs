//! Findings about clauses: those that nothing can meet, redundant ones, and ways around others.

use std::ptr;

use super::attack::Attack;
use super::finding::Finding;
use super::implies::{Implication, compare};
use super::leaves::any_session_meets;
use super::overlap;
use crate::policy::types::{Clause, Limit, Policy, tighter};

/// The maximum number of comparisons that the search for redundant alternatives makes.
const MAX_COMPARISONS: usize = 2_000;

pub(super) fn findings(attack: &Attack<'_>) -> Vec<Finding> {
    if !attack.opens(attack.policy, &attack.known) {
        return vec![Finding::NeverSatisfiable];
    }
    let mut review = Review { attack, comparisons_left: MAX_COMPARISONS, findings: Vec::new() };
    review.clause(attack.policy, None);
    review.findings
}

struct Review<'a> {
    attack: &'a Attack<'a>,
    comparisons_left: usize,
    findings: Vec<Finding>,
}

impl Review<'_> {
    /// Reviews a clause that can be met. `limit` is the tightest limit around it.
    fn clause(&mut self, policy: &Policy, limit: Limit) {
        match policy.clause() {
            Clause::Within(max_age, inner) => self.clause(inner, Some(tighter(limit, *max_age))),
            Clause::AllOf(clauses) => {
                self.findings.extend(overlap::of_all(self.attack, clauses));
                clauses.iter().for_each(|clause| self.clause(clause, limit));
            }
            Clause::AnyOf(clauses) => self.alternatives(policy, 1, clauses, limit),
            Clause::AtLeast(needed, clauses) => self.alternatives(policy, *needed, clauses, limit),
            Clause::Session
            | Clause::SessionWithin(_)
            | Clause::Factor(_)
            | Clause::PhishingResistant
            | Clause::Independent { .. } => {}
        }
    }

    fn alternatives(&mut self, list: &Policy, needed: usize, clauses: &[Policy], limit: Limit) {
        let can_be_met = |clause: &&Policy| self.attack.opens(clause, &self.attack.known);
        let (can, cannot): (Vec<_>, Vec<_>) = clauses.iter().partition(can_be_met);
        let unmeetable = |clause: &Policy| Finding::UnmeetableClause { clause: clause.to_string() };
        self.findings.extend(cannot.into_iter().map(unmeetable));
        if needed > 1 {
            self.findings.extend(overlap::of_several(self.attack, needed, clauses));
        } else if !self.ways_around(list, &can) {
            self.redundant_clauses(&can, limit);
        }
        can.into_iter().for_each(|clause| self.clause(clause, limit));
    }

    /// Reports the alternatives that any session meets, if some single factor meets the whole
    /// policy only because of them. Returns whether it reported any.
    fn ways_around(&mut self, list: &Policy, clauses: &[&Policy]) -> bool {
        let (ways, others): (Vec<_>, Vec<_>) =
            clauses.iter().copied().partition(|clause| any_session_meets(clause));
        if ways.is_empty() || others.is_empty() {
            return false;
        }
        let others = Policy::unbounded(Clause::AnyOf(others.into_iter().cloned().collect()));
        let narrowed = replaced(self.attack.policy, list, &others);
        let gets_around = self.attack.factors.iter().any(|(factor, _)| {
            self.attack.opens(self.attack.policy, [factor])
                && !self.attack.opens(&narrowed, [factor])
        });
        if gets_around {
            let way = |clause: &Policy| Finding::WayAround { clause: clause.to_string() };
            self.findings.extend(ways.into_iter().map(way));
        }
        gets_around
    }

    /// Reports alternatives that imply another one. If two imply each other, it reports the later
    /// one.
    fn redundant_clauses(&mut self, clauses: &[&Policy], limit: Limit) {
        for (index, clause) in clauses.iter().enumerate() {
            let other = clauses.iter().enumerate().find(|(place, other)| {
                *place != index
                    && self.implies(clause, other, limit)
                    && (*place < index || !self.implies(other, clause, limit))
            });
            if let Some((_, other)) = other {
                let (clause, other) = (clause.to_string(), other.to_string());
                self.findings.push(Finding::RedundantClause { clause, other });
            }
        }
    }

    /// Returns whether `one` is found to imply `other` within the comparisons that are left.
    fn implies(&mut self, one: &Policy, other: &Policy, limit: Limit) -> bool {
        let limited = |policy: &Policy| match limit {
            Some(max_age) => policy.clone().within(max_age),
            None => policy.clone(),
        };
        let (found, comparisons) = compare(&limited(one), &limited(other), self.comparisons_left);
        // An implication that needs no search counts as one comparison.
        self.comparisons_left = self.comparisons_left.saturating_sub(comparisons.max(1));
        found == Implication::Holds
    }
}

/// Returns the policy with the clause `old` replaced by `new`.
fn replaced(policy: &Policy, old: &Policy, new: &Policy) -> Policy {
    if ptr::eq(policy.clause(), old.clause()) {
        return new.clone();
    }
    let all = |clauses: &[Policy]| clauses.iter().map(|it| replaced(it, old, new)).collect();
    Policy::unbounded(match policy.clause() {
        Clause::AllOf(clauses) => Clause::AllOf(all(clauses)),
        Clause::AnyOf(clauses) => Clause::AnyOf(all(clauses)),
        Clause::AtLeast(needed, clauses) => Clause::AtLeast(*needed, all(clauses)),
        Clause::Within(max_age, inner) => Clause::Within(*max_age, replaced(inner, old, new)),
        Clause::Session
        | Clause::SessionWithin(_)
        | Clause::Factor(_)
        | Clause::PhishingResistant
        | Clause::Independent { .. } => return policy.clone(),
    })
}
