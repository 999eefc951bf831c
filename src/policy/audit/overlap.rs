//! Lists that ask for several clauses, although one factor alone meets more than one of them.

use super::attack::Attack;
use super::finding::Finding;
use super::leaves::any_session_meets;
use crate::policy::types::{Clause, Limit, Policy, tighter};

/// Returns a finding if one factor alone meets more than one of these clauses, of which `needed`
/// have to hold. The finding names the factor that meets the most.
pub(super) fn of_several(
    attack: &Attack<'_>,
    needed: usize,
    clauses: &[Policy],
) -> Option<Finding> {
    let singles: Vec<_> = clauses.iter().map(|clause| singles(attack, clause)).collect();
    most_met(attack, &singles.iter().collect::<Vec<_>>(), needed)
}

/// Works like [`of_several`] for clauses that all have to hold. It ignores clauses that any session
/// meets.
///
/// A clause may ask for a fresher proof of factors that another clause accepts. Such a clause
/// counts only if one factor meets all clauses.
pub(super) fn of_all(attack: &Attack<'_>, clauses: &[Policy]) -> Option<Finding> {
    let telling = clauses.iter().filter(|clause| !any_session_meets(clause));
    let telling: Vec<_> = telling.map(|clause| (limit(clause), singles(attack, clause))).collect();
    let needed = telling.len();
    let all: Vec<_> = telling.iter().map(|(_, singles)| singles).collect();
    let by_all = most_met(attack, &all, needed);
    if let Some(Finding::OverlappingClauses { meets, .. }) = &by_all
        && *meets == needed
    {
        return by_all;
    }
    let refines = |(limit, singles): &(Limit, Singles), (looser, others): &(Limit, Singles)| {
        limit.is_some_and(|limit| looser.is_none_or(|looser| limit < looser))
            && (is_within(singles, others) || is_within(others, singles))
    };
    let apart = telling.iter().filter(|one| !telling.iter().any(|other| refines(one, other)));
    most_met(attack, &apart.map(|(_, singles)| singles).collect::<Vec<_>>(), needed)
}

/// For each factor of the attack, whether it alone meets the clause.
type Singles = Vec<bool>;

fn singles(attack: &Attack<'_>, clause: &Policy) -> Singles {
    attack.factors.iter().map(|(factor, _)| attack.opens(clause, [factor])).collect()
}

/// Returns whether some factor is in `singles`, and all factors in it are in `others` too.
fn is_within(singles: &Singles, others: &Singles) -> bool {
    singles.contains(&true) && singles.iter().zip(others).all(|(one, other)| !one || *other)
}

fn most_met(attack: &Attack<'_>, clauses: &[&Singles], needed: usize) -> Option<Finding> {
    let meets =
        |index: usize| clauses.iter().filter(|singles| singles.get(index) == Some(&true)).count();
    let counted = attack.factors.iter().enumerate().rev();
    let (meets, factor) = counted
        .map(|(index, (factor, _))| (meets(index), factor))
        .max_by_key(|(meets, _)| *meets)?;
    let several = meets >= 2 && needed >= 2;
    several.then(|| Finding::OverlappingClauses { factor: factor.clone(), meets, needed })
}

/// Returns the tightest of the outermost limits of a clause.
fn limit(clause: &Policy) -> Limit {
    let (mut limit, mut clause) = (None, clause);
    while let Clause::Within(max_age, inner) = clause.clause() {
        limit = Some(tighter(limit, *max_age));
        clause = inner;
    }
    limit
}
