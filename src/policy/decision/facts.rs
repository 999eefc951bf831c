//! The proofs of a session.

use std::borrow::Cow;

use super::end::Until;
use crate::factor::{AuthenticationFactor, Dated, Factor};
use crate::moment::Moment;
use crate::policy::types::Limit;
use crate::session::Session;

/// The proofs of a session that count at an instant.
#[derive(Clone, Copy)]
pub(in crate::policy) struct Facts<'a> {
    factors: &'a [AuthenticationFactor],
    started_at: Option<Moment>,
    /// Further factors that the user is supposed to have proved, and when.
    supposed: &'a [(&'a Factor, Moment)],
    /// The instant and the leeway: nothing dated later counts.
    latest: Moment,
}

impl<'a> Facts<'a> {
    #[inline]
    pub(in crate::policy) fn new(session: &'a Session, now: Moment) -> Self {
        let (factors, started_at) = (session.factors(), session.start());
        Self { factors, started_at, supposed: &[], latest: now.plus(session.leeway()) }
    }

    /// Only these proofs, in a session that began then.
    pub(super) fn made_up(
        started_at: Option<Moment>,
        supposed: &'a [(&'a Factor, Moment)],
        latest: Moment,
    ) -> Self {
        Self { factors: &[], started_at, supposed, latest }
    }

    /// The facts if the user had proved these factors too.
    pub(in crate::policy) fn supposing(self, supposed: &'a [(&'a Factor, Moment)]) -> Self {
        Self { supposed, ..self }
    }

    /// The facts if the session had begun then.
    pub(in crate::policy) fn started(self, at: Moment) -> Self {
        Self { started_at: Some(at), ..self }
    }

    /// With these proofs in place of the session's.
    pub(in crate::policy) fn with_factors(self, factors: &'a [AuthenticationFactor]) -> Self {
        Self { factors, ..self }
    }

    /// Returns the freshest proof of each factor that counts, in the order of the session. It is as
    /// good as all of them.
    pub(in crate::policy) fn freshest(&self) -> Cow<'a, [AuthenticationFactor]> {
        // Usually there are few, and none has to go.
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
        self.proof_until(proof.dated(), None) > Until::NEVER
    }

    fn freshest_of_many(&self) -> Vec<AuthenticationFactor> {
        let proofs = self.factors.iter().enumerate();
        let mut proofs: Vec<_> = proofs.filter(|(_, proof)| self.counts(proof)).collect();
        proofs.sort_by(|(_, one), (_, other)| one.factor().cmp(other.factor()));
        proofs.dedup_by(|(_, next), (_, first)| {
            let is_same = next.factor() == first.factor();
            if is_same && next.dated().moment() > first.dated().moment() {
                *first = *next;
            }
            is_same
        });
        proofs.sort_unstable_by_key(|(place, _)| *place);
        proofs.into_iter().map(|(_, proof)| proof.clone()).collect()
    }

    /// Until when the freshest of the wanted factors is fresh enough.
    #[inline]
    pub(super) fn until(&self, limit: Limit, wanted: impl Fn(&Factor) -> bool) -> Until {
        let wanted = self.dated().filter(|(factor, _)| wanted(factor));
        wanted.map(|(_, dated)| self.proof_until(dated, limit)).max().unwrap_or(Until::NEVER)
    }

    /// Every proof, and until when it is fresh enough.
    #[inline]
    pub(super) fn proofs(&self, limit: Limit) -> impl Iterator<Item = (&Factor, Until)> {
        self.dated().map(move |(factor, dated)| (factor, self.proof_until(dated, limit)))
    }

    #[inline]
    fn dated(&self) -> impl Iterator<Item = (&Factor, Dated)> {
        let proved = self.factors.iter().map(|proof| (proof.factor(), proof.dated()));
        let supposed = self.supposed.iter().map(|(factor, moment)| (*factor, Dated::At(*moment)));
        proved.chain(supposed)
    }

    #[inline]
    fn proof_until(&self, dated: Dated, limit: Limit) -> Until {
        match dated {
            Dated::At(moment) if moment <= self.latest => Until::after(moment, limit),
            Dated::Absent if limit.is_none() => Until::FOREVER,
            Dated::At(_) | Dated::Absent | Dated::Unreadable => Until::NEVER,
        }
    }

    pub(in crate::policy) fn factors(&self) -> &'a [AuthenticationFactor] {
        self.factors
    }

    pub(in crate::policy) fn started_at(&self) -> Option<Moment> {
        self.started_at
    }

    /// Until when the session is young enough. One without a proof that counts is none, however
    /// young.
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
