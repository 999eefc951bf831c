//! Policies that depend on the request.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::request::Parts;

use super::{Guard, StepUpLayer, named};
use crate::policy::{IntoPolicy, ListError, Policy, PolicyError};

/// A function that returns a policy for a request.
pub(in crate::layer) type RequestPolicy =
    dyn Fn(&Parts) -> Result<Policy, Box<dyn Error + Send + Sync>> + Send + Sync;

impl StepUpLayer {
    /// Returns a guard that also demands the policy that this function returns for each request,
    /// for example one that depends on the method or on a policy file.
    ///
    /// ```
    /// use http::Method;
    /// use tower_step_up::{Policies, Policy, testing};
    ///
    /// let guard = testing::TestIssuer::new().guard();
    /// let documents = guard.require_with(|request| match request.method {
    ///     Method::GET | Method::HEAD => Policy::session(),
    ///     _ => Policy::mfa(), // every other method, also an unexpected one
    /// });
    ///
    /// // A function that can fail returns a `Result`.
    /// let policies = Policies::from_toml("policy.read = 'session'\npolicy.write = 'mfa'")?;
    /// let reports = guard.require_with(move |request| {
    ///     policies.get(if request.method == Method::GET { "read" } else { "write" }).cloned()
    /// });
    /// # Ok::<(), tower_step_up::policy::DocumentError>(())
    /// ```
    ///
    /// A request has to meet this policy in addition to those of [`require`](Self::require) and of
    /// other calls of `require_with`. The order of these calls does not matter. Like `require`,
    /// this undoes [`optional`](Self::optional), so call `optional` last. The [grant] is one of the
    /// combined policy, and [`Grant::policy`](crate::Grant::policy) returns it. It has the name of
    /// the last function's policy that has one, or else the name of the guard's
    /// [`policy`](Self::policy), which does not include the policies of functions.
    ///
    /// - If the function returns an error or panics, the guard refuses the request with
    ///   [`Rejection::PolicyError`](crate::Rejection::PolicyError) (500) and logs the error. It
    ///   does the same if the combined policy would have more than 1,024 clauses or 128 levels.
    /// - The function runs at most once for a request. It does not run if there are no credentials,
    ///   or if the token is not genuine. If the request has to wait for keys or for the authority,
    ///   the function runs before that, when the guard does not yet know whether the token is
    ///   genuine. If it is not, the client gets the refusal for the token, whatever the function
    ///   returned.
    /// - The function must not block. It sees the request as it reached the guard, with the headers
    ///   that may carry tokens marked as sensitive. Under axum's `nest`, the path lacks its prefix.
    /// - These policies are not [audited](Policy::audit), because they are not known when the guard
    ///   is built. Audit them in a test.
    /// - The guard evaluates the combined policy for each request, and does not cache the result
    ///   with the session. Build policies once, outside the function, and return clones.
    ///
    /// If each route has its own guard, a policy cannot be assigned to the wrong path. Use that
    /// where you can. A function that looks at the path has to agree with the router about the
    /// spellings of a path, so let it demand the strictest policy for a path that it does not know.
    ///
    /// [grant]: crate::Grant
    #[must_use]
    pub fn require_with<P: IntoPolicy>(
        &self,
        policy: impl Fn(&Parts) -> P + Send + Sync + 'static,
    ) -> Self {
        self.with(|guard| {
            guard.request_policies.push(Arc::new(move |request| policy(request).into_policy()));
            guard.optional = false;
        })
    }
}

impl Guard {
    /// Returns the policy that this request has to meet: the guard's own and those of the
    /// functions.
    pub(in crate::layer) fn policy_for(&self, request: &Parts) -> Result<Policy, PolicyError> {
        let mut all = self.demands.then(|| self.policy.clone());
        for policy in &self.request_policies {
            let new = run(&**policy, request)?;
            all = Some(match all {
                Some(old) => try_both(&old, new).map_err(PolicyError::TooLarge)?,
                None => new,
            });
        }
        Ok(all.unwrap_or_else(|| self.policy.clone()))
    }
}

/// The function only reads the request, so a panic leaves nothing half changed in this crate.
fn run(policy: &RequestPolicy, request: &Parts) -> Result<Policy, PolicyError> {
    match catch_unwind(AssertUnwindSafe(|| policy(request))) {
        Ok(policy) => policy.map_err(|error| PolicyError::Failed(error.into())),
        Err(_) => Err(PolicyError::Panicked),
    }
}

fn try_both(old: &Policy, new: Policy) -> Result<Policy, ListError> {
    let name = new.name().or(old.name()).map(str::to_owned);
    old.clone().try_and(new).map(|both| named(both, name))
}
