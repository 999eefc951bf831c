//! The part of the configuration that is about proofs for one action.

use std::sync::Arc;

use super::super::event;
use super::super::once::{OnceError, OnceSettings, check};
use super::{StepUpLayer, both};
use crate::intent::Intents;
use crate::policy::Policy;

impl StepUpLayer {
    /// Returns a guard whose handlers can ask for a proof for one action, with
    /// [`Once::confirm`](crate::Once::confirm). The policy is what the user has to prove for it.
    ///
    /// ```
    /// use tower_step_up::intent::LocalIntents;
    /// use tower_step_up::{Factor, Intents, Policy, testing};
    ///
    /// # fn main() -> Result<(), tower_step_up::layer::OnceError> {
    /// let guard = testing::TestIssuer::new().guard().require(Policy::mfa());
    /// let intents = Intents::new(LocalIntents::new());
    /// let code = Policy::any_of([Factor::OtpSms, Factor::Totp]).named("transfer");
    /// let transfer = guard.once(&intents, code)?;
    ///
    /// let error = guard.once(&intents, Policy::acr("gold")).unwrap_err();
    /// assert!(error.to_string().contains("never state acr:gold for certain"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The policy does not change what the guard itself demands of a request, which is what
    /// [`require`](Self::require) says. It counts in `confirm` only, and there only on proofs that were
    /// made for the action. A proof without a date never counts.
    ///
    /// If this is set twice, both policies are demanded and the last handle counts. If guards are nested,
    /// the innermost one that has `once` counts. Like `require`, this undoes [`optional`](Self::optional)
    /// and logs each warning of the policy's [audit](Policy::audit).
    ///
    /// # Errors
    ///
    /// Returns [`OnceError`] if the tokens of one of the guard's issuers state no time for what the policy
    /// demands, or state times in whole minutes as Clerk's do, or cannot meet the policy.
    ///
    /// # Panics
    ///
    /// Panics as [`require`](Self::require) does.
    #[track_caller]
    pub fn once(&self, intents: &Intents, policy: impl Into<Policy>) -> Result<Self, OnceError> {
        let policy = policy.into();
        let policy = match &self.guard.once {
            Some(once) => both(&once.policy, policy),
            None => policy,
        };
        check(self.verifier(), &policy)?;
        event::warn_of_weakness(&policy);
        Ok(self.with(|guard| {
            guard.once = Some(Arc::new(OnceSettings { intents: intents.clone(), policy }));
            guard.optional = false;
        }))
    }
}
