//! The trust model of a policy.

use std::sync::Arc;

use super::policy::{Clause, Node, Policy};
use crate::trust::TrustModel;

impl Policy {
    /// Sets the trust model of the policy and of every policy inside it, replacing any models that
    /// were set before.
    ///
    /// The model decides which factors count as independent in [`mfa`](Self::mfa) and
    /// [`independent`](Self::independent), and which factors attackers can present in an
    /// [audit](Self::audit).
    ///
    /// ```
    /// use tower_step_up::{Factor, Policy, TrustModel, testing};
    ///
    /// let session = testing::session().proved(Factor::OtpSms).proved(Factor::Totp).build();
    /// assert!(Policy::mfa().evaluate(&session, testing::NOW).is_ok());
    /// let careful = Policy::mfa().with_trust_model(&TrustModel::default().unlocked_handset());
    /// assert!(careful.evaluate(&session, testing::NOW).is_err()); // both are on one handset
    /// ```
    #[must_use]
    pub fn with_trust_model(self, trust: &TrustModel) -> Self {
        let node = Node {
            name: self.0.name.clone(),
            trust: (*trust != TrustModel::default()).then(|| trust.clone()),
            extent: self.extent(),
            clause: self.clause().with_trust_model(trust),
        };
        Self(Arc::new(node))
    }
}

impl Clause {
    fn with_trust_model(&self, trust: &TrustModel) -> Self {
        let one = |policy: &Policy| {
            let node = Node {
                name: policy.0.name.clone(),
                trust: None,
                extent: policy.extent(),
                clause: policy.clause().with_trust_model(trust),
            };
            Policy(Arc::new(node))
        };
        let all = |clauses: &[Policy]| clauses.iter().map(one).collect();
        match self {
            Self::Independent { needed, .. } => {
                Self::Independent { needed: *needed, trust: trust.clone() }
            }
            Self::AllOf(clauses) => Self::AllOf(all(clauses)),
            Self::AnyOf(clauses) => Self::AnyOf(all(clauses)),
            Self::AtLeast(needed, clauses) => Self::AtLeast(*needed, all(clauses)),
            Self::Within(max_age, inner) => Self::Within(*max_age, one(inner)),
            Self::Session | Self::Factor(_) | Self::PhishingResistant | Self::SessionWithin(_) => {
                self.clone()
            }
        }
    }
}
