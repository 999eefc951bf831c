//! Clauses that are literally the same in two policies.

use std::ptr;

use crate::policy::types::{Clause, Policy};

/// Returns whether two policies are the same apart from their names.
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

/// Returns `other` without the clauses that `policy` has too. The rest is the part that `policy`
/// does not obviously imply.
///
/// Returns `None` if `policy` has every clause that `other` asks for, or if every alternative of
/// `policy` is one of `other` too.
pub(super) fn remainder(policy: &Policy, other: &Policy) -> Option<Policy> {
    let has = |clauses: &[&Policy], clause: &Policy| clauses.iter().any(|it| same(it, clause));
    let alternatives = alternatives(other);
    if self::alternatives(policy).iter().all(|one| has(&alternatives, one)) {
        return None;
    }
    let demands = demands(policy);
    let mut rest = self::demands(other);
    let count = rest.len();
    rest.retain(|clause| !has(&demands, clause));
    match rest.len() {
        0 => None,
        left if left == count => Some(other.clone()),
        _ => Some(Policy::unbounded(Clause::AllOf(rest.into_iter().cloned().collect()))),
    }
}

/// Returns the clauses that all have to hold. For an `all_of` these are its clauses, with nested
/// `all_of`s flattened. Otherwise it is the policy itself.
fn demands(policy: &Policy) -> Vec<&Policy> {
    match policy.clause() {
        Clause::AllOf(clauses) => clauses.iter().flat_map(demands).collect(),
        _ => vec![policy],
    }
}

/// Returns the clauses of which one has to hold. For an `any_of` these are its clauses, with nested
/// `any_of`s flattened. Otherwise it is the policy itself.
fn alternatives(policy: &Policy) -> Vec<&Policy> {
    match policy.clause() {
        Clause::AnyOf(clauses) => clauses.iter().flat_map(alternatives).collect(),
        _ => vec![policy],
    }
}
