//! The decision. A policy and a session give one instant: until when the policy holds. It holds now where that instant
//! has not passed.

use std::time::Duration;

use super::list::LONGEST_LIST;
use super::{Clause, Policy};
use crate::factor::{Dated, Factor};
use crate::moment::Moment;
use crate::session::Session;
use crate::trust::TrustModel;

/// How long a clause holds, with the set of proofs that count now held fixed. Ordered: never, then instants, then forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Until {
    Never,
    At(Moment),
    Forever,
}

impl Until {
    /// Exactly at the limit still holds.
    pub(super) fn reaches(self, now: Moment) -> bool {
        self >= Self::At(now)
    }

    /// `since` plus the age allowed; a limit beyond what can be counted is no limit.
    fn after(since: Moment, max_age: Option<Duration>) -> Self {
        max_age.and_then(|limit| since.checked_add(limit)).map_or(Self::Forever, Self::At)
    }
}

/// The tightest enclosing `within`.
pub(super) type Limit = Option<Duration>;

pub(super) fn tighter(limit: Limit, max_age: Duration) -> Limit {
    Some(limit.map_or(max_age, |outer| outer.min(max_age)))
}

pub(super) fn until(policy: &Policy, facts: &Facts<'_>, limit: Limit) -> Until {
    match policy.clause() {
        Clause::Session => facts.until(limit, |_| true),
        Clause::Factor(factor) => facts.until(limit, |proved| proved == factor),
        Clause::PhishingResistant => facts.until(limit, Factor::is_phishing_resistant),
        Clause::Independent { needed, trust } => independent(*needed, trust, facts, limit),
        Clause::SessionWithin(max_age) => facts.session_until(tighter(limit, *max_age)),
        Clause::AllOf(clauses) => clauses.iter().map(|it| until(it, facts, limit)).min().unwrap_or(Until::Never),
        Clause::AnyOf(clauses) => clauses.iter().map(|it| until(it, facts, limit)).max().unwrap_or(Until::Never),
        Clause::AtLeast(needed, clauses) => at_least(*needed, clauses, facts, limit),
        Clause::Within(max_age, inner) => until(inner, facts, tighter(limit, *max_age)),
    }
}

/// The `needed`-th largest of the clauses' instants.
fn at_least(needed: usize, clauses: &[Policy], facts: &Facts<'_>, limit: Limit) -> Until {
    let mut room = [Until::Never; LONGEST_LIST];
    let Some(ends) = room.get_mut(..clauses.len()) else { return Until::Never };
    for (end, clause) in ends.iter_mut().zip(clauses) {
        *end = until(clause, facts, limit);
    }
    ends.sort_unstable();
    needed.checked_sub(1).and_then(|larger| ends.iter().rev().nth(larger).copied()).unwrap_or(Until::Never)
}

/// Whatever fewer compromises than `needed` an attacker holds, some factor is beyond them: the minimum over the attackers
/// of the maximum over the factors, with the factors in the outer loop so that each is looked up once.
pub(super) fn independent(needed: usize, trust: &TrustModel, facts: &Facts<'_>, limit: Limit) -> Until {
    let attackers = || TrustModel::attackers(needed.saturating_sub(1));
    let mut beyond = [Until::Never; TrustModel::MOST_ATTACKERS];
    for (factor, until) in facts.proofs(limit) {
        let row = trust.row(factor);
        for (end, attacker) in beyond.iter_mut().zip(attackers()) {
            if !row.meets(attacker) {
                *end = until.max(*end);
            }
        }
    }
    beyond.into_iter().zip(attackers()).map(|(end, _)| end).min().unwrap_or(Until::Never)
}

/// What a session proves at an instant.
pub(super) struct Facts<'a> {
    session: &'a Session,
    started_at: Option<Moment>,
    /// What the user is supposed to have proved besides, and when.
    supposed: &'a [(&'a Factor, Moment)],
    /// The instant and the leeway: nothing dated later counts.
    latest: Moment,
}

impl<'a> Facts<'a> {
    pub(super) fn new(session: &'a Session, now: Moment) -> Self {
        Self::supposing(session, now, &[], None)
    }

    /// Had the user proved these factors besides, and the session begun then.
    pub(super) fn supposing(
        session: &'a Session,
        now: Moment,
        supposed: &'a [(&'a Factor, Moment)],
        started_at: Option<Moment>,
    ) -> Self {
        let started_at = started_at.or(session.started_at().map(Moment::from));
        Self { session, started_at, supposed, latest: now.saturating_add(session.leeway()) }
    }

    /// Until when the freshest of the wanted factors is fresh enough.
    fn until(&self, limit: Limit, wanted: impl Fn(&Factor) -> bool) -> Until {
        let proofs = self.proofs(limit).filter(|(factor, _)| wanted(factor));
        proofs.map(|(_, until)| until).max().unwrap_or(Until::Never)
    }

    /// Every proof, and until when it is fresh enough.
    fn proofs(&self, limit: Limit) -> impl Iterator<Item = (&Factor, Until)> {
        let proved = self.session.factors().iter().map(|proof| (proof.factor(), proof.dated()));
        let supposed = self.supposed.iter().map(|(factor, moment)| (*factor, Dated::At(*moment)));
        proved.chain(supposed).map(move |(factor, dated)| (factor, self.proof_until(dated, limit)))
    }

    fn proof_until(&self, dated: Dated, limit: Limit) -> Until {
        match dated {
            Dated::At(moment) if moment <= self.latest => Until::after(moment, limit),
            Dated::Absent if limit.is_none() => Until::Forever,
            Dated::At(_) | Dated::Absent | Dated::Unreadable => Until::Never,
        }
    }

    /// Every proof that counts where no age is limited, with its date.
    pub(super) fn countable(&self) -> impl Iterator<Item = (&Factor, Option<Moment>)> {
        let proofs = self.session.factors().iter();
        proofs.filter_map(|proof| match proof.dated() {
            Dated::At(moment) if moment <= self.latest => Some((proof.factor(), Some(moment))),
            Dated::Absent => Some((proof.factor(), None)),
            Dated::At(_) | Dated::Unreadable => None,
        })
    }

    pub(super) fn started_at(&self) -> Option<Moment> {
        self.started_at
    }

    fn session_until(&self, limit: Limit) -> Until {
        match self.started_at {
            Some(started_at) if started_at <= self.latest => Until::after(started_at, limit),
            _ => Until::Never,
        }
    }
}
