//! The facts about a session that a decision uses.

use std::borrow::Cow;

use super::end::Until;
use crate::factor::{AuthenticationFactor, Factor, ProofDate};
use crate::moment::Moment;
use crate::policy::types::Limit;
use crate::session::Session;

/// A session's proofs and its start, for a decision at one instant.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Facts<'a> {
    factors: &'a [AuthenticationFactor],
    started_at: Option<Moment>,
    /// Further factors that the user is assumed to have proved, and when.
    assumed: &'a [(&'a Factor, Moment)],
    /// The instant of the decision plus the leeway. Anything dated later does not count.
    latest: Moment,
}

impl<'a> Facts<'a> {
    /// Returns the facts that are certain. [`Readings`](super::Readings) has the others.
    #[inline]
    pub(in crate::policy) fn new(session: &'a Session, now: Moment) -> Self {
        let (factors, started_at) = (session.proofs(), session.start());
        Self { factors, started_at, assumed: &[], latest: now.plus(session.leeway()) }
    }

    /// Returns facts with only these proofs, in a session that began at `started_at`.
    pub(super) fn hypothetical(
        started_at: Option<Moment>,
        assumed: &'a [(&'a Factor, Moment)],
        latest: Moment,
    ) -> Self {
        Self { factors: &[], started_at, assumed, latest }
    }

    /// Returns the facts as if the user had also proved these factors.
    pub(in crate::policy) fn assuming(self, assumed: &'a [(&'a Factor, Moment)]) -> Self {
        Self { assumed, ..self }
    }

    /// Returns the facts as if the session had begun at this instant.
    pub(in crate::policy) fn starting_at(self, at: Moment) -> Self {
        Self { started_at: Some(at), ..self }
    }

    /// Returns the facts with these proofs instead of the session's.
    pub(in crate::policy) fn with_factors<'b>(
        self,
        factors: &'b [AuthenticationFactor],
    ) -> Facts<'b>
    where
        'a: 'b,
    {
        Facts { factors, ..self }
    }

    /// Returns the latest date with which a proof counts.
    pub(in crate::policy) fn latest(&self) -> Moment {
        self.latest
    }

    /// Returns, for each factor, the freshest proof that counts, in the session's order. A decision
    /// from these proofs is the same as one from all of them.
    pub(in crate::policy) fn freshest(&self) -> Cow<'a, [AuthenticationFactor]> {
        // Usually a session has few proofs, and none has to be removed.
        const FEW: usize = 8;
        let is_first = |place, factor: &Factor| {
            self.factors.iter().position(|proof| proof.factor() == factor) == Some(place)
        };
        let mut proofs = self.factors.iter().enumerate();
        let all_are_wanted = self.factors.len() <= FEW
            && proofs.all(|(place, proof)| self.counts(proof) && is_first(place, proof.factor()));
        if all_are_wanted { self.factors.into() } else { self.freshest_of_many().into() }
    }

    fn counts(&self, proof: &AuthenticationFactor) -> bool {
        self.proof_until(proof.date(), None) > Until::NEVER
    }

    fn freshest_of_many(&self) -> Vec<AuthenticationFactor> {
        let proofs = self.factors.iter().enumerate();
        let mut proofs: Vec<_> = proofs.filter(|(_, proof)| self.counts(proof)).collect();
        proofs.sort_by(|(_, one), (_, other)| one.factor().cmp(other.factor()));
        proofs.dedup_by(|(_, next), (_, first)| {
            let is_same = next.factor() == first.factor();
            if is_same && next.date().moment() > first.date().moment() {
                *first = *next;
            }
            is_same
        });
        proofs.sort_unstable_by_key(|(place, _)| *place);
        proofs.into_iter().map(|(_, proof)| proof.clone()).collect()
    }

    /// Returns the instant until which the freshest of the wanted factors is fresh enough.
    #[inline]
    pub(super) fn until(&self, limit: Limit, wanted: impl Fn(&Factor) -> bool) -> Until {
        let mut latest = Until::NEVER;
        for proof in self.factors {
            if wanted(proof.factor()) {
                latest = latest.max(self.proof_until(proof.date(), limit));
            }
        }
        for (factor, moment) in self.assumed {
            if wanted(factor) {
                latest = latest.max(self.proof_until(ProofDate::At(*moment), limit));
            }
        }
        latest
    }

    /// Returns the factor of each proof, and the instant until which the proof is fresh enough.
    #[inline]
    pub(super) fn proofs(&self, limit: Limit) -> impl Iterator<Item = (&Factor, Until)> {
        self.proof_dates().map(move |(factor, date)| (factor, self.proof_until(date, limit)))
    }

    #[inline]
    fn proof_dates(&self) -> impl Iterator<Item = (&Factor, ProofDate)> {
        let proved = self.factors.iter().map(|proof| (proof.factor(), proof.date()));
        let assumed = self.assumed.iter().map(|(factor, moment)| (*factor, ProofDate::At(*moment)));
        proved.chain(assumed)
    }

    #[inline]
    fn proof_until(&self, date: ProofDate, limit: Limit) -> Until {
        match date {
            ProofDate::At(moment) if moment <= self.latest => Until::after(moment, limit),
            ProofDate::Absent if limit.is_none() => Until::FOREVER,
            ProofDate::At(_) | ProofDate::Absent | ProofDate::Unreadable => Until::NEVER,
        }
    }

    pub(in crate::policy) fn factors(&self) -> &'a [AuthenticationFactor] {
        self.factors
    }

    pub(in crate::policy) fn started_at(&self) -> Option<Moment> {
        self.started_at
    }

    /// Returns the instant until which the session is young enough. A session without a proof that
    /// counts does not qualify, whatever its age.
    pub(super) fn session_until(&self, limit: Limit) -> Until {
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
