//! The decision. A policy and a session give one instant: until when the policy holds. It holds now
//! where that instant has not passed.

use std::collections::HashMap;
use std::time::Duration;

use super::list::LONGEST_LIST;
use super::{Clause, Policy};
use crate::factor::{AuthenticationFactor, Dated, Factor};
use crate::moment::Moment;
use crate::session::Session;
use crate::trust::{Compromises, TrustModel};

/// How long a clause holds, with the set of proofs that count now held fixed: never, until an
/// instant, or forever, in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Until(Moment);

impl Until {
    pub(super) const NEVER: Self = Self(Moment::FIRST);
    const FOREVER: Self = Self(Moment::LAST);

    /// Exactly at the limit still holds.
    pub(super) fn reaches(self, now: Moment) -> bool {
        self.0 >= now
    }

    /// The last instant; `None` where there is none to name.
    pub(super) fn limit(self) -> Option<Moment> {
        (self != Self::NEVER && self != Self::FOREVER).then_some(self.0)
    }

    /// `since` plus the age allowed.
    fn after(since: Moment, max_age: Limit) -> Self {
        max_age.map_or(Self::FOREVER, |limit| Self(since.plus(limit)))
    }
}

/// The tightest enclosing `within`.
pub(super) type Limit = Option<Duration>;

pub(super) fn tighter(limit: Limit, max_age: Duration) -> Duration {
    limit.map_or(max_age, |outer| outer.min(max_age))
}

pub(super) fn until(policy: &Policy, facts: &Facts<'_>, limit: Limit) -> Until {
    match policy.clause() {
        Clause::Session => facts.until(limit, |_| true),
        Clause::Factor(factor) => facts.until(limit, |proved| proved == factor),
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

/// The `needed`-th largest of the clauses' instants.
fn at_least(needed: usize, clauses: &[Policy], facts: &Facts<'_>, limit: Limit) -> Until {
    let mut room = [Until::NEVER; LONGEST_LIST];
    let Some(ends) = room.get_mut(..clauses.len()) else { return Until::NEVER };
    for (end, clause) in ends.iter_mut().zip(clauses) {
        *end = until(clause, facts, limit);
    }
    ends.sort_unstable();
    needed
        .checked_sub(1)
        .and_then(|larger| ends.iter().rev().nth(larger).copied())
        .unwrap_or(Until::NEVER)
}

/// Whatever fewer compromises than `needed` an attacker holds, some factor is beyond them: the
/// minimum over the attackers of the maximum over the factors, with the factors in the outer loop
/// so that each is looked up once.
pub(super) fn independent(
    needed: usize,
    trust: &TrustModel,
    facts: &Facts<'_>,
    limit: Limit,
) -> Until {
    let attackers = Compromises::sets_of(needed.saturating_sub(1));
    let mut beyond = [Until::NEVER; Compromises::LARGEST_FAMILY];
    for (factor, until) in facts.proofs(limit) {
        let row = trust.row(factor);
        for (end, attacker) in beyond.iter_mut().zip(attackers) {
            if !row.meets(*attacker) {
                *end = until.max(*end);
            }
        }
    }
    beyond.into_iter().zip(attackers).map(|(end, _)| end).min().unwrap_or(Until::NEVER)
}

/// Whether a policy holds for whoever proved these factors at most so long ago, in a session of
/// that age; `None` is longer ago than any limit reaches.
pub(super) fn holds_for<'a>(
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
    until(policy, &Facts { factors: &[], started_at, supposed: &proofs, latest: now }, None)
        .reaches(now)
}

/// What a session proves at an instant.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    factors: &'a [AuthenticationFactor],
    started_at: Option<Moment>,
    /// What the user is supposed to have proved besides, and when.
    supposed: &'a [(&'a Factor, Moment)],
    /// The instant and the leeway: nothing dated later counts.
    latest: Moment,
}

impl<'a> Facts<'a> {
    pub(super) fn new(session: &'a Session, now: Moment) -> Self {
        let (factors, started_at) = (session.factors(), session.start());
        Self { factors, started_at, supposed: &[], latest: now.plus(session.leeway()) }
    }

    /// Had the user proved these factors besides.
    pub(super) fn supposing(self, supposed: &'a [(&'a Factor, Moment)]) -> Self {
        Self { supposed, ..self }
    }

    /// Had the session begun then.
    pub(super) fn started(self, at: Moment) -> Self {
        Self { started_at: Some(at), ..self }
    }

    /// With these proofs in place of the session's.
    pub(super) fn with_factors(self, factors: &'a [AuthenticationFactor]) -> Self {
        Self { factors, ..self }
    }

    /// Of each factor the freshest proof that counts, in the order of the session: as good as all
    /// of them.
    pub(super) fn freshest(&self) -> Vec<AuthenticationFactor> {
        let mut freshest: HashMap<&Factor, usize> = HashMap::new();
        let mut proofs: Vec<AuthenticationFactor> = Vec::new();
        for proof in
            self.factors.iter().filter(|proof| self.proof_until(proof.dated(), None) > Until::NEVER)
        {
            match freshest.get(proof.factor()).and_then(|index| proofs.get_mut(*index)) {
                Some(known) if known.dated().moment() < proof.dated().moment() => {
                    *known = proof.clone()
                }
                Some(_) => {}
                None => {
                    freshest.insert(proof.factor(), proofs.len());
                    proofs.push(proof.clone());
                }
            }
        }
        proofs
    }

    /// Until when the freshest of the wanted factors is fresh enough.
    fn until(&self, limit: Limit, wanted: impl Fn(&Factor) -> bool) -> Until {
        let wanted = self.dated().filter(|(factor, _)| wanted(factor));
        wanted.map(|(_, dated)| self.proof_until(dated, limit)).max().unwrap_or(Until::NEVER)
    }

    /// Every proof, and until when it is fresh enough.
    fn proofs(&self, limit: Limit) -> impl Iterator<Item = (&Factor, Until)> {
        self.dated().map(move |(factor, dated)| (factor, self.proof_until(dated, limit)))
    }

    fn dated(&self) -> impl Iterator<Item = (&Factor, Dated)> {
        let proved = self.factors.iter().map(|proof| (proof.factor(), proof.dated()));
        let supposed = self.supposed.iter().map(|(factor, moment)| (*factor, Dated::At(*moment)));
        proved.chain(supposed)
    }

    fn proof_until(&self, dated: Dated, limit: Limit) -> Until {
        match dated {
            Dated::At(moment) if moment <= self.latest => Until::after(moment, limit),
            Dated::Absent if limit.is_none() => Until::FOREVER,
            Dated::At(_) | Dated::Absent | Dated::Unreadable => Until::NEVER,
        }
    }

    pub(super) fn factors(&self) -> &'a [AuthenticationFactor] {
        self.factors
    }

    pub(super) fn started_at(&self) -> Option<Moment> {
        self.started_at
    }

    /// Until when the session is young enough. One without a proof that counts is none, however
    /// young.
    fn session_until(&self, limit: Limit) -> Until {
        match self.started_at {
            Some(started_at)
                if started_at <= self.latest && self.until(None, |_| true) > Until::NEVER =>
            {
                Until::after(started_at, limit)
            }
            _ => Until::NEVER,
        }
    }
}
