//! What two policies have in common, to the letter.

use std::ptr;

use crate::policy::types::{Clause, Policy};

/// Whether two policies are the same but for names.
pub(super) fn same(one: &Policy, other: &Policy) -> bool {
    let all = |some: &[Policy], others: &[Policy]| {
        some.len() == others.len() && some.iter().zip(others).all(|(one, other)| same(one, other))
    };
    ptr::eq(one.clause(), other.clause())
        || match (one.clause(), other.clause()) {
            (Clause::AllOf(some), Clause::AllOf(others))
            | (Clause::AnyOf(some), Clause::AnyOf(others)) => all(some, others),
            (Clause::AtLeast(needed, some), Clause::AtLeast(of_others, others)) => {
                needed == of_others && all(some, others)
            }
            (Clause::Within(limit, one), Clause::Within(other_limit, other)) => {
                limit == other_limit && same(one, other)
            }
            (one, other) => one == other,
        }
}

/// Returns the part of `other` that `policy` does not obviously imply: `other` without the clauses
/// that `policy` has too. Returns `None` if `policy` has every clause that `other` asks for, or no
/// alternative that `other` lacks.
pub(super) fn remainder(policy: &Policy, other: &Policy) -> Option<Policy> {
    let has = |clauses: &[&Policy], clause: &Policy| clauses.iter().any(|it| same(it, clause));
    let alternatives = alternatives(other);
    if self::alternatives(policy).iter().all(|one| has(&alternatives, one)) {
        return None;
    }
    let demands = demands(policy);
    let mut rest = self::demands(other);
    let asked = rest.len();
    rest.retain(|clause| !has(&demands, clause));
    match rest.len() {
        0 => None,
        left if left == asked => Some(other.clone()),
        _ => Some(Policy::unbounded(Clause::AllOf(rest.into_iter().cloned().collect()))),
    }
}

/// The clauses that all have to hold: those of an `all_of` and of those in it, or the policy
/// itself.
fn demands(policy: &Policy) -> Vec<&Policy> {
    match policy.clause() {
        Clause::AllOf(clauses) => clauses.iter().flat_map(demands).collect(),
        _ => vec![policy],
    }
}

/// The clauses of which one has to hold: those of an `any_of` and of those in it, or the policy
/// itself.
fn alternatives(policy: &Policy) -> Vec<&Policy> {
    match policy.clause() {
        Clause::AnyOf(clauses) => clauses.iter().flat_map(alternatives).collect(),
        _ => vec![policy],
    }
}
