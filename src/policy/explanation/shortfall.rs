//! Why a policy did not hold.

use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;

use super::requirement::{Reason, Requirement};
use super::types::{Demand, Explanation, Verdict};
use crate::factor::Factor;
use crate::policy::types::Policy;
use crate::session::Session;

/// Why a session did not meet a policy at an instant; cheap to clone. What is unmet is worked out
/// when asked for.
///
/// [`Display`](std::fmt::Display) says what the user has to do, in one sentence without dates or
/// ids.
///
/// ```
/// use tower_step_up::{Factor, Policy, Reason, Requirement, testing};
///
/// let session = testing::session().proved(Factor::Password).build();
/// let shortfall = Policy::mfa().evaluate(&session, testing::NOW).unwrap_err();
/// let unmet = shortfall.unmet();
/// assert_eq!(unmet[0].requirement, Requirement::Independent { needed: 2, have: 1 });
/// assert_eq!(unmet[0].reason, Reason::Missing);
/// assert_eq!(shortfall.to_string(), "authenticate a second, independent factor");
/// ```
#[derive(Clone, Debug)]
pub struct Shortfall {
    session: Session,
    policy: Policy,
    at: OffsetDateTime,
    /// What the user can be asked for, where the application has said.
    offered: Option<Arc<[Factor]>>,
}

/// One clause that was not met. As JSON it has the members that [`problem`](crate::problem)
/// describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unmet {
    /// What the clause demands.
    #[serde(flatten)]
    pub requirement: Requirement,
    /// Why it is not met.
    #[serde(flatten)]
    pub reason: Reason,
}

impl Shortfall {
    pub(in crate::policy) fn new(session: Session, policy: Policy, at: OffsetDateTime) -> Self {
        Self { session, policy, at, offered: None }
    }

    /// The same where these are the factors that the user can be asked for.
    #[must_use]
    pub(crate) fn offering(self, offered: Vec<Factor>) -> Self {
        Self { offered: Some(offered.into()), ..self }
    }

    /// What the user can be asked for: what the guard was told to
    /// [offer](crate::StepUpLayer::offer), else what the policy names, and for `mfa`, `independent`
    /// and `session` everything in the trust model but logins with a provider.
    #[must_use]
    pub fn offered(&self) -> Vec<Factor> {
        self.offered.as_ref().map_or_else(|| self.policy.askable(), |offered| offered.to_vec())
    }

    /// The session that fell short.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The policy that was not met.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The instant of the decision.
    #[must_use]
    pub fn at(&self) -> OffsetDateTime {
        self.at
    }

    /// Every clause that is not met, in the order of the policy. Of the alternatives of an unmet
    /// [`any_of`](Policy::any_of) any one would do, and all are listed.
    #[must_use]
    pub fn unmet(&self) -> Vec<Unmet> {
        let mut unmet = Vec::new();
        collect_unmet(&self.explanation(), &mut unmet);
        unmet
    }

    /// The decision, clause by clause.
    #[must_use]
    pub fn explanation(&self) -> Explanation {
        self.policy.explain(&self.session, self.at)
    }
}

fn collect_unmet(explanation: &Explanation, unmet: &mut Vec<Unmet>) {
    match (&explanation.demand, explanation.verdict) {
        (_, Verdict::Met { .. }) => {}
        (Demand::Requirement(requirement), Verdict::Unmet(reason)) => {
            unmet.push(Unmet { requirement: requirement.clone(), reason });
        }
        _ => explanation.clauses().iter().for_each(|clause| collect_unmet(clause, unmet)),
    }
}
