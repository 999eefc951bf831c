//! Single clauses, and the operators `and`, `or` and `within`.

use std::time::Duration;

use super::list::ListError;
use super::policy::{Clause, Node, Policy};
use crate::factor::{Assertion, Factor};
use crate::trust::TrustModel;

impl Policy {
    /// Requires a session with at least one proved factor of any kind. For issuers other than
    /// Stytch, it is enough that the token says that the user signed in.
    #[must_use]
    pub fn session() -> Self {
        Self::of(Clause::Session)
    }

    /// Requires this factor. The same as `Policy::from(factor)`.
    #[must_use]
    pub fn factor(factor: Factor) -> Self {
        Self::of(Clause::Factor(factor))
    }

    /// Requires that the issuer asserts this authentication context class (`acr`), or one that the
    /// issuer's configuration says [includes](crate::issuers::Issuer::acr_includes) it. The value
    /// matches exactly.
    ///
    /// It is the issuer's word, and it counts only if the [`Issuer`](crate::issuers::Issuer)
    /// declares the value. The token does not say when the class was reached. Combine the clause
    /// with `session().within(…)` to limit the age of the sign-in:
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_step_up::Policy;
    ///
    /// let fresh = Policy::session().within(Duration::from_secs(300));
    /// assert_eq!(Policy::acr("gold").and(fresh).to_string(), "acr:gold and session within 5m");
    /// ```
    #[must_use]
    pub fn acr(value: &str) -> Self {
        Self::factor(Factor::Asserted(Assertion::acr(value)))
    }

    /// Requires that the issuer asserts this method name (`amr`), such as `mfa`. The name matches
    /// exactly. It is the issuer's word, and it says nothing about which factors were used.
    #[must_use]
    pub fn amr(name: &str) -> Self {
        Self::factor(Factor::Asserted(Assertion::amr(name)))
    }

    /// Requires multi-factor authentication: an attacker who takes over any one thing, such as the
    /// mailbox or the phone number (a [`Compromise`](crate::Compromise)), cannot present all the
    /// factors that the user proved. The same as [`independent(2)`](Self::independent). The default
    /// [`TrustModel`] applies unless [`with_trust_model`](Self::with_trust_model) replaces it.
    ///
    /// A password and an email-based method do not meet it, because an attacker who reads the
    /// mailbox can reset the password.
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

    /// Requires that an attacker needs at least `needed` [compromises](crate::Compromise) to
    /// present all the factors that the user proved. No session can meet the policy if `needed`
    /// exceeds the number of compromises, which is seven.
    ///
    /// # Panics
    ///
    /// Panics if `needed` is 0, because the policy would demand nothing.
    #[must_use]
    #[track_caller]
    pub fn independent(needed: usize) -> Self {
        assert!(needed > 0, "Policy::independent(0) would demand nothing");
        Self::of(Clause::Independent { needed, trust: TrustModel::default() })
    }

    /// Requires a factor that is cryptographically bound to the origin, so that a look-alike site
    /// cannot use it. WebAuthn is the only such factor in a Stytch session. Other issuers may also
    /// state a [key that is resistant to phishing](Factor::PhishingResistantKey).
    #[must_use]
    pub fn phishing_resistant() -> Self {
        Self::of(Clause::PhishingResistant)
    }

    /// Requires that the session itself began at most `max_age` ago. If it began earlier, only a
    /// new session helps. A token that does not state when the session began never meets it. Like
    /// [`session`](Self::session), it also requires a proved factor, but of any age.
    #[must_use]
    pub fn session_within(max_age: Duration) -> Self {
        Self::of(Clause::SessionWithin(max_age))
    }

    /// Requires both policies.
    ///
    /// # Panics
    ///
    /// Panics if the policy would have [more than 1,024 clauses or 128 levels](crate::policy).
    #[must_use]
    #[track_caller]
    pub fn and(self, other: impl Into<Self>) -> Self {
        Self::of(self.all_of_both(other.into()))
    }

    /// Works like [`and`](Self::and), for policies that are known only at run time.
    pub(crate) fn try_and(self, other: Self) -> Result<Self, ListError> {
        Self::try_of(self.all_of_both(other))
    }

    fn all_of_both(self, other: Self) -> Clause {
        let mut clauses = match &*self.0 {
            Node { name: None, trust: None, clause: Clause::AllOf(clauses), .. } => clauses.clone(),
            _ => vec![self],
        };
        clauses.push(other);
        Clause::AllOf(clauses)
    }

    /// Requires at least one of the two policies.
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

    /// Limits ages: the policy has to hold on proofs that are at most `max_age` old. For
    /// [`session_within`](Self::session_within), the limit applies to the session's age. If limits
    /// are nested, the tightest applies.
    ///
    /// A proof that is exactly `max_age` old is fresh. A limit of zero means exactly zero, not
    /// "always" and not "the default". Only a proof dated at this very instant meets it, or one
    /// dated later but within the leeway.
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
