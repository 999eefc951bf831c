//! The decision. It computes the instant until which a policy holds for a session. The policy holds
//! now if that instant has not passed.

use std::time::Duration;

use super::end::Until;
use super::facts::Facts;
use super::readings::Readings;
use crate::factor::Factor;
use crate::moment::Moment;
use crate::policy::types::{Clause, Limit, MAX_LIST_LENGTH, Policy, tighter};
use crate::profile::Resolved;
use crate::session::Session;
use crate::trust::{Compromises, TrustModel};

/// Returns the instant until which a policy holds in every reading of a session.
#[inline]
pub(in crate::policy) fn until_in_every_reading(
    policy: &Policy,
    session: &Session,
    now: Moment,
) -> Until {
    let facts = Facts::new(session, now);
    if session.choices().is_empty() {
        return until(policy, &facts, None);
    }
    let readings = Readings::of(session, facts.latest());
    until_in_all(policy, &facts, &readings)
}

/// Returns the instant until which a policy would hold for a token that states this and was issued at
/// `now`.
pub(in crate::policy) fn until_with(policy: &Policy, evidence: &Resolved, now: Moment) -> Until {
    let started_at = evidence.started_at.map(Moment::from);
    let facts = Facts::hypothetical(started_at, &[], now);
    let readings = Readings::new(&evidence.proofs, &evidence.choices, now);
    until_in_all(policy, &facts, &readings)
}

/// Returns the earliest of the instants until which a policy holds in these readings.
fn until_in_all(policy: &Policy, facts: &Facts<'_>, readings: &Readings<'_>) -> Until {
    let ends = readings.iter().map(|proofs| until(policy, &facts.with_factors(&proofs), None));
    ends.min().unwrap_or(Until::NEVER)
}

pub(in crate::policy) fn until(policy: &Policy, facts: &Facts<'_>, limit: Limit) -> Until {
    match policy.clause() {
        Clause::Session => facts.until(limit, |_| true),
        Clause::Factor(factor) => facts.until(limit, |proved| proved.is(factor)),
        Clause::PhishingResistant => facts.until(limit, Factor::is_phishing_resistant),
        Clause::Independent { needed, trust } => independent(*needed, trust, facts, limit),
        Clause::SessionWithin(max_age) => facts.session_until(Some(tighter(limit, *max_age))),
        Clause::AllOf(clauses) => {
            clauses.iter().map(|it| until(it, facts, limit)).min().unwrap_or(Until::NEVER)
        }
        Clause::AnyOf(clauses) => {
            clauses.iter().map(|it| until(it, facts, limit)).max().unwrap_or(Until::NEVER)
        }
        Clause::AtLeast(needed, clauses) => at_least(*needed, clauses, facts, limit),
        Clause::Within(max_age, inner) => until(inner, facts, Some(tighter(limit, *max_age))),
    }
}

/// Returns the `needed`-th latest of the instants until which the clauses hold.
fn at_least(needed: usize, clauses: &[Policy], facts: &Facts<'_>, limit: Limit) -> Until {
    let mut buffer = [Until::NEVER; MAX_LIST_LENGTH];
    let Some(ends) = buffer.get_mut(..clauses.len()) else { return Until::NEVER };
    for (end, clause) in ends.iter_mut().zip(clauses) {
        *end = until(clause, facts, limit);
    }
    nth_latest(needed, ends)
}

/// Returns the `needed`-th latest of these instants.
pub(in crate::policy) fn nth_latest(needed: usize, ends: &mut [Until]) -> Until {
    ends.sort_unstable();
    needed
        .checked_sub(1)
        .and_then(|larger| ends.iter().rev().nth(larger).copied())
        .unwrap_or(Until::NEVER)
}

/// Returns the instant until which every attacker with fewer than `needed` compromises lacks some
/// factor: the minimum over the attackers of the maximum over the factors.
pub(in crate::policy) fn independent(
    needed: usize,
    trust: &TrustModel,
    facts: &Facts<'_>,
    limit: Limit,
) -> Until {
    let earliest = |ends: &[Until]| ends.iter().min().copied();
    ends_by_attacker(needed, trust, facts, limit, earliest).unwrap_or(Until::NEVER)
}

/// Calls `consume` with one instant for each attacker who holds `needed` − 1 compromises: the
/// instant until which that attacker lacks some factor. The outer loop runs over the factors, so
/// that each is looked up only once.
#[inline]
pub(in crate::policy) fn ends_by_attacker<T>(
    needed: usize,
    trust: &TrustModel,
    facts: &Facts<'_>,
    limit: Limit,
    consume: impl FnOnce(&[Until]) -> T,
) -> T {
    let attackers = Compromises::sets_of(needed.saturating_sub(1));
    let mut ends = [Until::NEVER; Compromises::LARGEST_FAMILY];
    for (factor, until) in facts.proofs(limit) {
        let row = trust.row(factor);
        for (end, attacker) in ends.iter_mut().zip(attackers) {
            if !row.is_presentable_by(*attacker) {
                *end = until.max(*end);
            }
        }
    }
    consume(ends.get(..attackers.len()).unwrap_or_default())
}

/// Returns whether factors of these ages meet the policy in a session of that age. `None` is older
/// than any limit allows.
pub(in crate::policy) fn holds_with_ages<'a>(
    policy: &Policy,
    proofs: impl Iterator<Item = (&'a Factor, Option<Duration>)>,
    session_age: Option<Duration>,
) -> bool {
    // Any instant would do.
    let now = Moment::EPOCH;
    let proofs: Vec<_> = proofs
        .map(|(factor, age)| (factor, age.map_or(Moment::DISTANT_PAST, |age| now.minus(age))))
        .collect();
    let started_at = session_age.map(|age| now.minus(age));
    until(policy, &Facts::hypothetical(started_at, &proofs, now), None).reaches(now)
}
