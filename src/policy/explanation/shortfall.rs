//! The reasons why a policy did not hold.

use std::fmt::Display;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use time::OffsetDateTime;

use super::prompts::Prompts;
use super::request::AuthenticationRequest;
use super::requirement::{Reason, Requirement};
use super::tree::UnmetInOneLine;
use super::types::{Demand, Explanation, Verdict};
use crate::factor::Factor;
use crate::policy::decision::Grant;
use crate::policy::types::Policy;
use crate::session::Session;

/// The reasons why a session did not meet a policy at an instant. Cheap to clone.
///
/// It computes its [explanation](Self::explanation), its [unmet requirements](Self::unmet) and its
/// [prompts](Self::prompts) when they are first requested, and keeps them. Clones share them.
///
/// [`Display`](std::fmt::Display) writes what the user has to do, in one sentence without dates or
/// ids.
///
/// ```
/// use tower_step_up::policy::{Reason, Requirement};
/// use tower_step_up::{Factor, Policy, testing};
///
/// let session = testing::session().proved(Factor::Password).build();
/// let shortfall = Policy::mfa().evaluate(&session, testing::NOW).unwrap_err();
/// let unmet = shortfall.unmet();
/// assert_eq!(unmet[0].requirement, Requirement::Independent { needed: 2, have: 1 });
/// assert_eq!(unmet[0].reason, Reason::Missing);
/// assert_eq!(shortfall.to_string(), "authenticate with a second, independent factor");
/// ```
#[derive(Clone, Debug)]
pub struct Shortfall(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    session: Session,
    /// The session with only the proofs that count. If the proofs are for one action, these are the
    /// ones that were made after its intent.
    judged: Session,
    /// The id of the intent, if the proofs are for one action.
    intent: Option<Box<str>>,
    policy: Policy,
    at: OffsetDateTime,
    /// The factors that the user can be asked for, if the application configured them.
    pub(super) offered: Option<Box<[Factor]>>,
    /// The policies of the guards outside, which a new session has to meet too.
    pub(super) outer: Box<[Policy]>,
    explanation: OnceLock<Explanation>,
    unmet: OnceLock<Vec<Unmet>>,
    pub(super) prompts: OnceLock<Prompts>,
    pub(super) request: OnceLock<Option<AuthenticationRequest>>,
}

/// A requirement that was not met. [`problem`](crate::problem) describes its members in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unmet {
    /// The requirement.
    #[serde(flatten)]
    pub requirement: Requirement,
    /// The reason why it is not met.
    #[serde(flatten)]
    pub reason: Reason,
}

impl Unmet {
    pub(crate) fn of(requirement: &Requirement, reason: Reason) -> Self {
        Self { requirement: requirement.clone(), reason }
    }
}

impl Inner {
    fn new(session: Session, policy: Policy, at: OffsetDateTime) -> Self {
        let (explanation, unmet) = (OnceLock::new(), OnceLock::new());
        let (prompts, request) = (OnceLock::new(), OnceLock::new());
        let (judged, intent) = (session.clone(), None);
        let (offered, outer) = (None, Box::default());
        Self {
            session,
            judged,
            intent,
            policy,
            at,
            offered,
            outer,
            explanation,
            unmet,
            prompts,
            request,
        }
    }

    /// Returns a copy without what has been computed.
    fn anew(&self) -> Self {
        Self {
            judged: self.judged.clone(),
            intent: self.intent.clone(),
            offered: self.offered.clone(),
            outer: self.outer.clone(),
            ..Self::new(self.session.clone(), self.policy.clone(), self.at)
        }
    }
}

impl Shortfall {
    pub(in crate::policy) fn new(session: Session, policy: Policy, at: OffsetDateTime) -> Self {
        Self(Arc::new(Inner::new(session, policy, at)))
    }

    /// Returns the shortfall of a session whose proofs were not made after the intent with this id.
    pub(crate) fn of_intent(
        intent: &str,
        after: OffsetDateTime,
        session: Session,
        policy: Policy,
        at: OffsetDateTime,
    ) -> Self {
        let (judged, intent) = (session.with_proofs_after(after.into()), Some(intent.into()));
        Self(Arc::new(Inner { judged, intent, ..Inner::new(session, policy, at) }))
    }

    /// Returns the same shortfall for a user who can be asked for these factors.
    #[must_use]
    pub(crate) fn offering(self, offered: Vec<Factor>) -> Self {
        Self(Arc::new(Inner { offered: Some(offered.into()), ..self.0.anew() }))
    }

    /// Returns the same shortfall behind the guards that have given this grant. A new token of its
    /// issuer has to meet their policies too, as far as they look at tokens of this issuer.
    #[must_use]
    pub(crate) fn inside(self, outer: &Grant) -> Self {
        let outer = outer.of_issuer(self.session().issuer());
        let outer = outer.map(|grant| grant.policy().clone()).collect();
        Self(Arc::new(Inner { outer, ..self.0.anew() }))
    }

    /// Returns the factors that the user can be asked for.
    ///
    /// These are the factors that the guard is configured to
    /// [offer](crate::StepUpLayer::offer_factors). By default they are the factors that the policy
    /// names. `session` and `session_within` add the password, email links, every kind of code,
    /// passkeys, device biometrics and crypto wallets. `mfa` and `independent` add the same factors,
    /// without those that the trust model lets anyone present. The default never includes impersonation,
    /// imported sessions or exchanged tokens, because no user can be asked for those.
    ///
    /// An issuer other than Stytch is asked only for what its
    /// [`StepUpBy`](crate::profile::StepUpBy) lists: for the methods that may prove one of these
    /// factors, or for all of them if the guard is not configured.
    #[must_use]
    pub fn offered(&self) -> Vec<Factor> {
        self.0.offered.as_ref().map_or_else(|| self.policy().askable(), |offered| offered.to_vec())
    }

    /// Returns the session that did not meet the policy.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.0.session
    }

    /// Returns the session with only the proofs that count.
    pub(super) fn judged(&self) -> &Session {
        &self.0.judged
    }

    /// Returns the id of the [intent](crate::intent) if the proofs have to be made for one action, and
    /// otherwise `None`. With an intent, only proofs that were made after it count, and all others
    /// are missing.
    #[must_use]
    pub fn intent(&self) -> Option<&str> {
        self.0.intent.as_deref()
    }

    /// Returns the policy that was not met.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Returns the instant of the decision.
    #[must_use]
    pub fn at(&self) -> OffsetDateTime {
        self.0.at
    }

    /// Returns the explanation of the decision, clause by clause.
    #[must_use]
    pub fn explanation(&self) -> &Explanation {
        self.0.explanation.get_or_init(|| self.policy().explain(self.judged(), self.at()))
    }

    /// Returns every requirement that is not met, in the policy's order. For an unmet
    /// [`any_of`](Policy::any_of) or [`at_least`](Policy::at_least), it lists all the unmet
    /// alternatives, although not all of them are needed.
    #[must_use]
    pub fn unmet(&self) -> &[Unmet] {
        self.0.unmet.get_or_init(|| {
            let mut unmet = Vec::new();
            collect_unmet(self.explanation(), &mut unmet);
            unmet
        })
    }

    /// Returns the unmet clauses in one line for an operator, each with its limit and its proofs.
    pub(crate) fn unmet_in_one_line(&self) -> impl Display {
        UnmetInOneLine(self.explanation())
    }
}

fn collect_unmet(explanation: &Explanation, unmet: &mut Vec<Unmet>) {
    match (&explanation.demand, explanation.verdict) {
        (_, Verdict::Met { .. }) => {}
        (Demand::Requirement(requirement), Verdict::Unmet(reason)) => {
            unmet.push(Unmet::of(requirement, reason));
        }
        _ => explanation.clauses().iter().for_each(|clause| collect_unmet(clause, unmet)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn shortfall() -> Shortfall {
        let session = testing::session().proved(Factor::Password).build();
        Policy::mfa().evaluate(&session, testing::NOW).expect_err("one factor")
    }

    fn computed(shortfall: &Shortfall) -> [bool; 3] {
        let inner = &shortfall.0;
        let [explanation, unmet] = [inner.explanation.get().is_some(), inner.unmet.get().is_some()];
        [explanation, unmet, inner.prompts.get().is_some()]
    }

    #[test]
    fn nothing_is_computed_before_it_is_requested() {
        let shortfall = shortfall().offering(vec![Factor::Totp]);
        let _ = (shortfall.offered(), shortfall.policy(), shortfall.session(), shortfall.at());
        assert_eq!(computed(&shortfall), [false, false, false]);
        let _ = shortfall.to_string();
        assert_eq!(computed(&shortfall), [true, false, false]);
        let _ = shortfall.prompts_for(&[Factor::OtpSms]);
        let _ = shortfall.unmet();
        assert_eq!(computed(&shortfall), [true, true, false]);
        let _ = shortfall.prompts();
        assert_eq!(computed(&shortfall), [true, true, true]);
    }

    #[test]
    fn clones_share_computed_results() {
        let one = shortfall();
        let other = one.clone();
        let _ = (other.unmet(), other.prompts());
        assert_eq!(computed(&one), [true, true, true]);
        assert!(std::ptr::eq(one.explanation(), other.explanation()));
        assert!(std::ptr::eq(one.unmet(), other.unmet()));
        assert!(std::ptr::eq(one.prompts(), other.prompts()));
    }
}
