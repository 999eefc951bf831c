//! The explanation of a decision, computed clause by clause.

use std::time::Duration;

use time::OffsetDateTime;

use super::requirement::{Reason, Requirement};
use super::types::{Ambiguity, Demand, Explanation, ProofAge, Verdict};
use crate::factor::{AuthenticationFactor, Choice, Factor};
use crate::moment::Moment;
use crate::policy::decision::{Facts, Readings, Until, independent, nth_latest, until};
use crate::policy::types::{Clause, Limit, Policy, tighter};
use crate::session::Session;

impl Policy {
    /// Explains the decision on a session at an instant, clause by clause, whether the policy holds
    /// or not.
    ///
    /// If a token's statements are ambiguous, the policy has to hold in every reading of them. The
    /// explanation is then that of the reading in which it holds for the shortest time.
    #[must_use]
    pub fn explain(&self, session: &Session, now: OffsetDateTime) -> Explanation {
        let now = now.into();
        let facts = Facts::new(session, now);
        if session.choices().is_empty() {
            let freshest = facts.freshest();
            return self.explain_reading(facts.with_factors(&freshest), &freshest, Vec::new(), now);
        }
        let readings = Readings::of(session, facts.latest());
        let ends = readings.iter().map(|proofs| until(self, &facts.with_factors(&proofs), None));
        let deciding = ends.enumerate().min_by_key(|(_, end)| *end).map_or(0, |(index, _)| index);
        let proofs = readings.proofs(deciding);
        let (freshest, certain) = (
            facts.with_factors(&proofs).freshest().into_owned(),
            facts.with_factors(readings.certain()).freshest().into_owned(),
        );
        let choices = readings.chosen(deciding).collect();
        self.explain_reading(facts.with_factors(&freshest), &certain, choices, now)
    }

    /// Explains the decision in one reading, from the freshest proof of each factor that counts.
    fn explain_reading(
        &self,
        facts: Facts<'_>,
        certain: &[AuthenticationFactor],
        choices: Vec<Chosen<'_>>,
        now: Moment,
    ) -> Explanation {
        let explainer = Explainer { facts, certain, choices, now };
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
    /// The freshest proof of each factor that counts, in the deciding reading.
    facts: Facts<'a>,
    /// Those of them that are certain.
    certain: &'a [AuthenticationFactor],
    choices: Vec<Chosen<'a>>,
    now: Moment,
}

/// A choice, and its alternative in the deciding reading.
type Chosen<'a> = (&'a Choice, &'a [AuthenticationFactor]);

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
            Clause::Factor(factor) => {
                leaf(Requirement::of(factor), self.proofs(|proved| proved == factor))
            }
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
        (Explanation::new(demand, None, verdict), until)
    }

    fn leaf(
        &self,
        requirement: Requirement,
        until: Until,
        limit: Limit,
        (proofs, choices): (Vec<ProofAge>, Vec<Ambiguity>),
    ) -> Explanation {
        let demand = Demand::Requirement(requirement);
        let verdict = self.met(until).unwrap_or_else(|| Verdict::Unmet(reason(until, limit)));
        Explanation { proofs, choices, ..Explanation::new(demand, limit, verdict) }
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
        (Explanation::new(demand, Some(max_age), verdict), end)
    }

    fn met(&self, until: Until) -> Option<Verdict> {
        until
            .reaches(self.now)
            .then(|| Verdict::Met { until: until.limit().and_then(Moment::date) })
    }

    /// Returns the freshest certain proof of each wanted factor, in the session's order, and each
    /// ambiguous statement that may mean a wanted factor.
    fn proofs(&self, wanted: impl Fn(&Factor) -> bool) -> (Vec<ProofAge>, Vec<Ambiguity>) {
        let proofs = self.certain.iter().filter(|proof| wanted(proof.factor()));
        let proofs = proofs.map(|proof| ProofAge {
            factor: proof.factor().clone(),
            age: proof.date().moment().map(|proved| self.now.since(proved)),
            last_authenticated_at: proof.last_authenticated_at(),
        });
        let may_mean = |choice: &Choice| choice.proofs().any(|proof| wanted(proof.factor()));
        let choices = self.choices.iter().filter(|(choice, _)| may_mean(choice));
        let choices = choices.map(|(choice, decided)| Ambiguity {
            name: choice.name.clone(),
            alternatives: choice.alternatives.iter().map(|one| factors(one)).collect(),
            decided_as: factors(decided),
        });
        (proofs.collect(), choices.collect())
    }
}

/// Returns the factors of these proofs.
fn factors(proofs: &[AuthenticationFactor]) -> Vec<Factor> {
    proofs.iter().map(|proof| proof.factor().clone()).collect()
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
