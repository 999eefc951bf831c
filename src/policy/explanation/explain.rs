//! The explanation of a decision, computed clause by clause.

use std::time::Duration;

use time::OffsetDateTime;

use super::requirement::{Reason, Requirement};
use super::types::{Demand, Explanation, ProofAge, Verdict};
use crate::factor::Factor;
use crate::moment::Moment;
use crate::policy::decision::{Facts, Until, independent, nth_latest, until};
use crate::policy::types::{Clause, Limit, Policy, tighter};
use crate::session::Session;

impl Policy {
    /// Explains the decision on a session at an instant, clause by clause, whether the policy holds
    /// or not.
    #[must_use]
    pub fn explain(&self, session: &Session, now: OffsetDateTime) -> Explanation {
        let now = now.into();
        let facts = Facts::new(session, now);
        let freshest = facts.freshest();
        let explainer = Explainer { facts: facts.with_factors(&freshest), now };
        let (mut explanation, _) = explainer.explain(self, None);
        // The outermost `within` does not show the name of the clause inside it. The explanation
        // has a name only if the policy has one.
        if self.name().is_none() {
            explanation.name = None;
        }
        explanation
    }
}

struct Explainer<'a> {
    /// The freshest proof of each factor that counts.
    facts: Facts<'a>,
    now: Moment,
}

impl Explainer<'_> {
    /// Returns the explanation, and the instant until which the policy holds. For a list, both come
    /// from its clauses, so that each clause is evaluated only once.
    fn explain(&self, policy: &Policy, limit: Limit) -> (Explanation, Until) {
        let leaf = |requirement, proofs| {
            let until = until(policy, &self.facts, limit);
            (self.leaf(requirement, until, limit, proofs), until)
        };
        let (explanation, until) = match policy.clause() {
            Clause::Within(max_age, inner) => self.explain(inner, Some(tighter(limit, *max_age))),
            Clause::AllOf(clauses) => {
                self.list(clauses.len(), clauses, limit, |clauses| Demand::AllOf { clauses })
            }
            Clause::AnyOf(clauses) => {
                self.list(1, clauses, limit, |clauses| Demand::AnyOf { clauses })
            }
            Clause::AtLeast(needed, clauses) => self.list(*needed, clauses, limit, |clauses| {
                Demand::AtLeast { needed: *needed, clauses }
            }),
            Clause::Session => leaf(Requirement::Session, self.proofs(|_| true)),
            Clause::Factor(factor) => leaf(
                Requirement::Factor { factor: factor.clone() },
                self.proofs(|proved| proved == factor),
            ),
            Clause::PhishingResistant => {
                leaf(Requirement::PhishingResistant, self.proofs(Factor::is_phishing_resistant))
            }
            Clause::Independent { needed, trust } => {
                let reached = |fewer: &usize| {
                    independent(*fewer, trust, &self.facts, limit).reaches(self.now)
                };
                let have = (1..=*needed).take_while(reached).count();
                leaf(
                    Requirement::Independent { needed: *needed, have },
                    self.proofs(|proved| trust.presentable_by(proved).is_some()),
                )
            }
            Clause::SessionWithin(max_age) => {
                self.session_within(policy, limit, tighter(limit, *max_age))
            }
        };
        // Any other `within` shows the name of the clause inside it, unless it has its own.
        let name = policy.name().map(Into::into).or(explanation.name);
        (Explanation { name, ..explanation }, until)
    }

    fn list(
        &self,
        needed: usize,
        clauses: &[Policy],
        limit: Limit,
        demand: impl FnOnce(Vec<Explanation>) -> Demand,
    ) -> (Explanation, Until) {
        let clauses = clauses.iter().map(|clause| self.explain(clause, limit));
        let (clauses, mut ends): (Vec<_>, Vec<_>) = clauses.unzip();
        let until = nth_latest(needed, &mut ends);
        let verdict = self.met(until).unwrap_or(Verdict::NotMet);
        let demand = demand(clauses);
        (Explanation { name: None, demand, max_age: None, verdict, proofs: Vec::new() }, until)
    }

    fn leaf(
        &self,
        requirement: Requirement,
        until: Until,
        limit: Limit,
        proofs: Vec<ProofAge>,
    ) -> Explanation {
        let demand = Demand::Requirement(requirement);
        let verdict = self.met(until).unwrap_or_else(|| Verdict::Unmet(reason(until, limit)));
        Explanation { name: None, demand, max_age: limit, verdict, proofs }
    }

    fn session_within(
        &self,
        policy: &Policy,
        limit: Limit,
        max_age: Duration,
    ) -> (Explanation, Until) {
        let demand = Demand::Requirement(Requirement::SessionWithin);
        let end = until(policy, &self.facts, limit);
        let verdict = self.met(end).unwrap_or_else(|| {
            // A session that is young enough lacks only a proof, of any factor.
            let any = [(&Factor::Password, self.now)];
            let is_young = until(policy, &self.facts.assuming(&any), limit).reaches(self.now);
            let started_at = self.facts.started_at().and_then(Moment::date);
            let restart = Reason::Restart { started_at, max_age };
            Verdict::Unmet(if is_young { Reason::Missing } else { restart })
        });
        let max_age = Some(max_age);
        (Explanation { name: None, demand, max_age, verdict, proofs: Vec::new() }, end)
    }

    fn met(&self, until: Until) -> Option<Verdict> {
        until
            .reaches(self.now)
            .then(|| Verdict::Met { until: until.limit().and_then(Moment::date) })
    }

    /// Returns the freshest proof of each wanted factor, in the session's order.
    fn proofs(&self, wanted: impl Fn(&Factor) -> bool) -> Vec<ProofAge> {
        let wanted = self.facts.factors().iter().filter(|proof| wanted(proof.factor()));
        let proofs = wanted.map(|proof| ProofAge {
            factor: proof.factor().clone(),
            age: proof.date().moment().map(|proved| self.now.since(proved)),
            last_authenticated_at: proof.last_authenticated_at(),
        });
        proofs.collect()
    }
}

/// Returns why a clause is not met. If it held until an instant, that instant minus the maximum age
/// is the date of the proof.
fn reason(until: Until, limit: Limit) -> Reason {
    let since = until
        .limit()
        .zip(limit)
        .and_then(|(end, max_age)| Some((end.minus(max_age).date()?, max_age)));
    since.map_or(Reason::Missing, |(since, max_age)| Reason::Stale { since, max_age })
}
