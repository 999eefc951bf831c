//! Leaf clauses.

use crate::factor::Factor;
use crate::policy::types::{Clause, Limit, Policy, tighter};

/// Visits each leaf clause with the tightest limit that applies to it, including its own.
pub(super) fn visit_leaves(
    policy: &Policy,
    limit: Limit,
    visitor: &mut impl FnMut(&Clause, Limit),
) {
    let limit = match policy.clause() {
        Clause::Within(max_age, _) | Clause::SessionWithin(max_age) => {
            Some(tighter(limit, *max_age))
        }
        _ => limit,
    };
    if policy.clauses().is_empty() {
        visitor(policy.clause(), limit);
    }
    policy.clauses().iter().for_each(|clause| visit_leaves(clause, limit, visitor));
}

/// Returns whether `of_kind` holds for some leaf clause and the limit that applies to it.
pub(super) fn any_leaf(policy: &Policy, of_kind: impl Fn(&Clause, Limit) -> bool) -> bool {
    let mut any = false;
    visit_leaves(policy, None, &mut |leaf, limit| any |= of_kind(leaf, limit));
    any
}

/// Returns whether a leaf clause asks for factors of which this is one. `session` asks for none.
pub(super) fn takes(leaf: &Clause, factor: &Factor) -> bool {
    match leaf {
        Clause::PhishingResistant => factor.is_phishing_resistant(),
        Clause::Factor(named) => named == factor,
        Clause::Independent { trust, .. } => trust.presentable_by(factor).is_some(),
        _ => false,
    }
}

/// Returns whether any session that is young enough meets a clause, whatever its factors.
pub(super) fn any_session_meets(clause: &Policy) -> bool {
    match clause.clause() {
        Clause::Session | Clause::SessionWithin(_) => true,
        Clause::Within(_, inner) => any_session_meets(inner),
        Clause::AllOf(clauses) => clauses.iter().all(any_session_meets),
        Clause::AnyOf(clauses) => clauses.iter().any(any_session_meets),
        Clause::AtLeast(needed, clauses) => {
            clauses.iter().filter(|clause| any_session_meets(clause)).count() >= *needed
        }
        Clause::Factor(_) | Clause::PhishingResistant | Clause::Independent { .. } => false,
    }
}
