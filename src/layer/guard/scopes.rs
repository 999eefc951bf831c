//! The scopes that a guard requires.

use super::super::event;
use super::StepUpLayer;
use crate::resource;

impl StepUpLayer {
    /// Returns a guard that also requires the token to have these scopes
    /// ([`Session::scopes`](crate::Session::scopes)). Scopes are compared exactly.
    ///
    /// ```
    /// use tower_step_up::Policy;
    /// use tower_step_up::issuers::oidc;
    /// use tower_step_up::testing::TestIssuer;
    ///
    /// # fn main() -> Result<(), tower_step_up::issuers::IssuerError> {
    /// let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com")
    ///     .acr_values(["gold"]);
    /// let guard = TestIssuer::standing_in_for(issuer)?.guard();
    /// let transfer = guard.require(Policy::acr("gold")).require_scopes(["payments:write"]);
    /// assert!(transfer.findings().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The scopes of several calls, and of the guards outside this one, are required together. The
    /// order of `require`, [`require_with`](Self::require_with) and this method does not matter.
    /// Like them, this method undoes [`optional`](Self::optional), so call `optional` last.
    ///
    /// A scope says what the client may do, and the policy how the user signed in. A request has to
    /// meet both, and a refusal says at once what is missing:
    ///
    /// - If the session meets the policy, the guard refuses the request with
    ///   [`Rejection::InsufficientScope`](crate::Rejection::InsufficientScope) (403, RFC 6750,
    ///   section 3.1).
    /// - If the session does not meet the policy, the answer is the step-up (401).
    ///
    /// The challenge of each 401 and 403 has `scope`, which lists all required scopes in the order
    /// of the calls. A client that asks for these loses none that the request needs.
    ///
    /// Like [`require`](Self::require), this method logs an error if tokens of an issuer never have
    /// scopes ([`findings`](Self::findings)), like those of Stytch.
    ///
    /// # Panics
    ///
    /// Panics if the list is empty, or if a scope is empty or contains a character other than those of
    /// RFC 6749, section 3.3, such as a space. This is a bug in the program, and it shows when the
    /// guard is built.
    #[must_use]
    #[track_caller]
    pub fn require_scopes<S: AsRef<str>>(&self, scopes: impl IntoIterator<Item = S>) -> Self {
        let new: Vec<S> = scopes.into_iter().collect();
        assert!(!new.is_empty(), "require_scopes: no scope is given, expected at least one");
        for scope in new.iter().map(AsRef::as_ref) {
            assert!(
                resource::is_scope(scope),
                "require_scopes: {scope:?} is not a scope, expected visible ASCII without quotes, \
                 backslashes and spaces"
            );
        }
        let guard = self.with(|guard| {
            let all = self.scopes().chain(new.iter().map(AsRef::as_ref));
            guard.challenge.scope = Some(resource::joined(all));
            guard.optional = false;
        });
        event::report_findings(guard.policy(), &guard.scope_findings());
        guard
    }

    /// Returns the scopes that the guard requires, in the order of the calls.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.guard.challenge.scope.iter().flat_map(|scopes| scopes.split(' '))
    }
}
