//! How a policy fares with a session, worked out clause by clause.

use time::OffsetDateTime;

use super::requirement::{Reason, Requirement};
use super::types::{Demand, Evidence, Explanation, Verdict};
use crate::factor::Factor;
use crate::moment::Moment;
use crate::policy::decision::{Facts, Until, independent, until};
use crate::policy::types::{Clause, Limit, Policy, tighter};
use crate::session::Session;

impl Policy {
    /// How the policy fares with a session at an instant, clause by clause, whether it holds or
    /// not.
    #[must_use]
    pub fn explain(&self, session: &Session, now: OffsetDateTime) -> Explanation {
        let now = now.into();
        let facts = Facts::new(session, now);
        let freshest = facts.freshest();
        let explanation =
            Explainer { facts: facts.with_factors(&freshest), now }.explain(self, None);
        // Of a limited clause the name is lifted; the policy's own stays its own.
        Explanation { name: self.name().map(Into::into), ..explanation }
    }
}

struct Explainer<'a> {
    /// Of each factor the freshest proof that counts.
    facts: Facts<'a>,
    now: Moment,
}

impl Explainer<'_> {
    fn explain(&self, policy: &Policy, limit: Limit) -> Explanation {
        let list =
            |clauses: &[Policy]| clauses.iter().map(|clause| self.explain(clause, limit)).collect();
        let name = policy.name().map(Into::into);
        let until = until(policy, &self.facts, limit);
        let demand = match policy.clause() {
            Clause::Within(max_age, inner) => {
                let inner = self.explain(inner, Some(tighter(limit, *max_age)));
                return Explanation { name: name.or(inner.name), ..inner };
            }
            Clause::AllOf(clauses) => Demand::AllOf { clauses: list(clauses) },
            Clause::AnyOf(clauses) => Demand::AnyOf { clauses: list(clauses) },
            Clause::AtLeast(needed, clauses) => {
                Demand::AtLeast { needed: *needed, clauses: list(clauses) }
            }
            Clause::Session
            | Clause::Factor(_)
            | Clause::PhishingResistant
            | Clause::Independent { .. }
            | Clause::SessionWithin(_) => return self.explain_leaf(policy, name, limit, until),
        };
        let verdict = self.met(until).unwrap_or(Verdict::NotMet);
        Explanation { name, demand, max_age: None, verdict, evidence: Vec::new() }
    }

    fn explain_leaf(
        &self,
        policy: &Policy,
        name: Option<Box<str>>,
        limit: Limit,
        until: Until,
    ) -> Explanation {
        let (requirement, max_age, reason, evidence) = match policy.clause() {
            Clause::SessionWithin(own) => {
                let max_age = tighter(limit, *own);
                let reason = Reason::Restart {
                    started_at: self.facts.started_at().and_then(Moment::date),
                    max_age,
                };
                (Requirement::SessionWithin, Some(max_age), reason, Vec::new())
            }
            Clause::Factor(factor) => {
                let evidence = self.evidence(|proved| proved == factor);
                (
                    Requirement::Factor { factor: factor.clone() },
                    limit,
                    reason(until, limit),
                    evidence,
                )
            }
            Clause::PhishingResistant => {
                let evidence = self.evidence(Factor::is_phishing_resistant);
                (Requirement::PhishingResistant, limit, reason(until, limit), evidence)
            }
            Clause::Independent { needed, trust } => {
                let reached = |fewer: &usize| {
                    independent(*fewer, trust, &self.facts, limit).reaches(self.now)
                };
                let have = (1..=*needed).take_while(reached).count();
                let evidence = self.evidence(|proved| trust.presentable_by(proved).is_some());
                (
                    Requirement::Independent { needed: *needed, have },
                    limit,
                    reason(until, limit),
                    evidence,
                )
            }
            _ => (Requirement::Session, limit, reason(until, limit), self.evidence(|_| true)),
        };
        let verdict = self.met(until).unwrap_or(Verdict::Unmet(reason));
        Explanation { name, demand: Demand::Requirement(requirement), max_age, verdict, evidence }
    }

    fn met(&self, until: Until) -> Option<Verdict> {
        until
            .reaches(self.now)
            .then(|| Verdict::Met { until: until.limit().and_then(Moment::date) })
    }

    /// The freshest proof of each wanted factor, in the order of the session.
    fn evidence(&self, wanted: impl Fn(&Factor) -> bool) -> Vec<Evidence> {
        let wanted = self.facts.factors().iter().filter(|proof| wanted(proof.factor()));
        let evidence = wanted.map(|proof| Evidence {
            factor: proof.factor().clone(),
            age: proof.dated().moment().map(|proved| self.now.since(proved)),
            last_authenticated_at: proof.last_authenticated_at(),
        });
        evidence.collect()
    }
}

/// An instant that has passed is the last proof and the age allowed.
fn reason(until: Until, limit: Limit) -> Reason {
    let since = until
        .limit()
        .zip(limit)
        .and_then(|(end, max_age)| Some((end.minus(max_age).date()?, max_age)));
    since.map_or(Reason::Missing, |(since, max_age)| Reason::Stale { since, max_age })
}
