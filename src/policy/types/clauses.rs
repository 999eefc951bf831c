//! The clauses that policies are made of.

use std::time::Duration;

use super::policy::{Clause, Node, Policy};
use crate::factor::Factor;
use crate::trust::TrustModel;

impl Policy {
    /// Any session: some factor was proved.
    #[must_use]
    pub fn session() -> Self {
        Self::of(Clause::Session)
    }

    /// This factor was proved. The same as `Policy::from(factor)`.
    #[must_use]
    pub fn factor(factor: Factor) -> Self {
        Self::of(Clause::Factor(factor))
    }

    /// Multi-factor authentication: two factors that no single compromise could present both. The
    /// same as [`independent(2)`](Self::independent) under the default [`TrustModel`].
    ///
    /// A password and an email-based method are not such a pair: who reads the mailbox resets the
    /// password.
    ///
    /// ```
    /// use tower_step_up::{Factor, Policy, testing};
    ///
    /// let pair = |second| testing::session().proved(Factor::Password).proved(second).build();
    /// assert!(Policy::mfa().evaluate(&pair(Factor::OtpSms), testing::NOW).is_ok());
    /// assert!(Policy::mfa().evaluate(&pair(Factor::OtpEmail), testing::NOW).is_err());
    /// ```
    #[must_use]
    pub fn mfa() -> Self {
        Self::independent(2)
    }

    /// Factors that fewer than `needed` compromises could not all present. More than the model has
    /// compromises can never be met.
    ///
    /// # Panics
    ///
    /// Panics if `needed` is 0, which nothing could fail: an error in the program, found at
    /// construction.
    #[must_use]
    #[track_caller]
    pub fn independent(needed: usize) -> Self {
        assert!(needed > 0, "Policy::independent(0) would demand nothing");
        Self::of(Clause::Independent { needed, trust: TrustModel::default() })
    }

    /// A factor that is bound to the origin by cryptography, so that a look-alike site cannot use
    /// it: WebAuthn.
    #[must_use]
    pub fn phishing_resistant() -> Self {
        Self::of(Clause::PhishingResistant)
    }

    /// The session itself began at most `max_age` ago. Only a new session helps where it did not.
    #[must_use]
    pub fn session_within(max_age: Duration) -> Self {
        Self::of(Clause::SessionWithin(max_age))
    }

    /// Both hold.
    ///
    /// # Panics
    ///
    /// Panics if the policy would have [more than 1,024 clauses or 128 levels](crate::policy).
    #[must_use]
    #[track_caller]
    pub fn and(self, other: impl Into<Self>) -> Self {
        let mut clauses = match &*self.0 {
            Node { name: None, trust: None, clause: Clause::AllOf(clauses), .. } => clauses.clone(),
            _ => vec![self],
        };
        clauses.push(other.into());
        Self::of(Clause::AllOf(clauses))
    }

    /// One of the two holds.
    ///
    /// # Panics
    ///
    /// Panics if the policy would have [more than 1,024 clauses or 128 levels](crate::policy).
    #[must_use]
    #[track_caller]
    pub fn or(self, other: impl Into<Self>) -> Self {
        let mut clauses = match &*self.0 {
            Node { name: None, trust: None, clause: Clause::AnyOf(clauses), .. } => clauses.clone(),
            _ => vec![self],
        };
        clauses.push(other.into());
        Self::of(Clause::AnyOf(clauses))
    }

    /// The policy holds counting only what happened at most `max_age` ago. Nested, the tighter
    /// limit wins.
    ///
    /// Exactly `max_age` old is fresh. Zero is exact, not "always" and not "the default": only what
    /// is dated now, or within the leeway ahead, meets it.
    ///
    /// # Panics
    ///
    /// Panics if the policy would have [more than 1,024 clauses or 128 levels](crate::policy).
    #[must_use]
    #[track_caller]
    pub fn within(self, max_age: Duration) -> Self {
        Self::of(Clause::Within(max_age, self))
    }
}

impl From<Factor> for Policy {
    fn from(factor: Factor) -> Self {
        Self::factor(factor)
    }
}
