//! The layer and its configuration.

mod once;
mod replica;
mod request_policy;
mod resource;
mod scopes;
mod sessions;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::request_policy::RequestPolicy;
use super::event;
use super::once::OnceSettings;
use crate::credentials::CredentialSource;
use crate::factor::Factor;
#[cfg(feature = "documents")]
use crate::policy::{Policies, UnknownPolicy};
use crate::policy::{Policy, Shortfall};
use crate::respond::{BearerChallenge, Respond, RouteChallenge};
use crate::session::Session;
use crate::sessions::Sessions;
use crate::token::Verifier;

/// A guard: a [`tower_layer::Layer`] that verifies the token of a request and lets the request
/// through if its session meets a policy. The type has no type parameters, and cloning it only
/// increments a reference count.
///
/// Create one guard, and derive each route's guard from it. [`require`](Self::require) never makes
/// a guard weaker:
///
/// ```
/// use tower_step_up::{Factor, Policy, testing};
///
/// let guard = testing::TestIssuer::new().guard(); // demands any session
/// let account = guard.require(Policy::mfa().named("account")); // demands MFA
/// let admin = account.require(Policy::phishing_resistant().named("admin")); // demands both
/// assert_eq!(admin.policy().to_string(), "mfa and phishing_resistant");
/// assert_eq!(admin.policy().name(), Some("admin"));
/// ```
#[derive(Clone)]
pub struct StepUpLayer {
    pub(super) guard: Arc<Guard>,
}

#[derive(Clone)]
pub(super) struct Guard {
    pub(super) verifier: Verifier,
    pub(super) policy: Policy,
    /// Whether `require` has set `policy`. If not, `policy` is `Policy::session()`.
    demands: bool,
    /// The functions of `require_with`, whose policies are demanded in addition.
    pub(super) request_policies: Vec<Arc<RequestPolicy>>,
    pub(super) optional: bool,
    pub(super) sources: Arc<[CredentialSource]>,
    /// Whether `credentials` has set `sources`.
    has_own_sources: bool,
    offer: Option<Arc<Offer>>,
    pub(super) responder: Arc<dyn Respond>,
    /// What it adds to each challenge. Its scopes are those that the guard requires.
    pub(super) challenge: RouteChallenge,
    pub(super) sessions: Option<Sessions>,
    /// The maximum age of the authority's confirmation, or `None` if none is required.
    pub(super) confirmed_within: Option<Duration>,
    /// The settings of `once`, for proofs for one action.
    pub(super) once: Option<Arc<OnceSettings>>,
    /// The maximum age of the replica of the revocations.
    max_replica_age: Duration,
}

const DEFAULT_MAX_REPLICA_AGE: Duration = Duration::from_secs(30);

/// The function that returns the factors that a session's user can be asked for.
type Offer = dyn Fn(&Session) -> Vec<Factor> + Send + Sync;

impl StepUpLayer {
    /// Creates a guard that demands a genuine session and nothing more. It reads the token from the
    /// Authorization header, or else from the cookie `stytch_session_jwt`.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self {
            guard: Arc::new(Guard {
                verifier,
                policy: Policy::session(),
                demands: false,
                request_policies: Vec::new(),
                optional: false,
                sources: CredentialSource::defaults().into(),
                has_own_sources: false,
                offer: None,
                responder: Arc::new(BearerChallenge::default()),
                challenge: RouteChallenge::default(),
                sessions: None,
                confirmed_within: None,
                once: None,
                max_replica_age: DEFAULT_MAX_REPLICA_AGE,
            }),
        }
    }

    /// Returns a guard that demands this policy too.
    ///
    /// The first policy replaces *any session*. Each later one is demanded in addition. The
    /// combined policy has the later one's name, or the earlier one's if the later one has none.
    /// `require` undoes [`optional`](Self::optional), so call `optional` last.
    ///
    /// `require` [audits](Policy::audit) the resulting policy and logs each warning, for example
    /// that a single compromise lets an attacker present several of the factors that the policy
    /// asks for, or that a limit is too short for a person to meet. A *compromise* is one thing
    /// that an attacker takes over, such as the mailbox or the phone. The audit takes about a tenth
    /// of a millisecond. Make guards at start-up, not for each request.
    ///
    /// It also logs an error if no token of an issuer can meet the policy
    /// ([`findings`](Self::findings)).
    ///
    /// # Panics
    ///
    /// Panics if the policies together would have [more than 1,024 clauses or 128
    /// levels](crate::policy). This is a bug in the program, and it shows when the guard is built.
    #[must_use]
    #[track_caller]
    pub fn require(&self, policy: impl Into<Policy>) -> Self {
        let policy = policy.into();
        let guard = self.with(|guard| {
            guard.policy = if guard.demands { both(&guard.policy, policy) } else { policy };
            guard.demands = true;
            guard.optional = false;
        });
        event::warn_of_weakness(guard.policy());
        event::report_findings(guard.policy(), &guard.policy_findings());
        guard
    }

    /// Returns a guard that demands the policy of this name too (feature `documents`). See
    /// [`require`](Self::require).
    ///
    /// ```
    /// use tower_step_up::{Policies, testing};
    ///
    /// let policies = Policies::from_toml("[policy.account]\nrequire = \"mfa\"")?;
    /// let guard = testing::TestIssuer::new().guard();
    /// let account = guard.require_named(&policies, "account")?;
    /// assert_eq!(account.policy().name(), Some("account"));
    ///
    /// let error = guard.require_named(&policies, "acount").unwrap_err();
    /// assert_eq!(error.to_string(), "unknown policy \"acount\": expected one of account");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`UnknownPolicy`] if no policy has this name.
    ///
    /// # Panics
    ///
    /// Panics as [`require`](Self::require) does.
    #[cfg(feature = "documents")]
    #[track_caller]
    pub fn require_named(&self, policies: &Policies, name: &str) -> Result<Self, UnknownPolicy> {
        Ok(self.require(policies.get(name)?.clone()))
    }

    /// Lets requests without credentials through, without a grant. Handlers take `Option<Grant>`.
    ///
    /// Credentials that are present are checked in full, so the guard refuses an expired token or
    /// an empty cookie. For a page that everyone can see, set a [responder](Self::respond_with)
    /// that [clears the cookies](crate::Sessions::clear_cookies) and redirects the browser to the
    /// same page if the reason is [`Rejection::InvalidToken`](crate::Rejection::InvalidToken).
    #[must_use]
    pub fn optional(&self) -> Self {
        self.with(|guard| guard.optional = true)
    }

    /// Sets the responder for refused requests.
    #[must_use]
    pub fn respond_with(&self, responder: impl Respond) -> Self {
        self.with(|guard| guard.responder = Arc::new(responder))
    }

    /// Sets the factors that challenges offer: those that the application's users can enrol.
    #[must_use]
    pub fn offer_factors(&self, factors: impl IntoIterator<Item = Factor>) -> Self {
        let factors: Vec<_> = factors.into_iter().collect();
        self.offer_factors_with(move |_| factors.clone())
    }

    /// Sets a function that returns the factors that a challenge offers: those that the session's
    /// user has enrolled. It runs whenever a session does not meet the policy, and it must not
    /// block.
    #[must_use]
    pub fn offer_factors_with(
        &self,
        factors: impl Fn(&Session) -> Vec<Factor> + Send + Sync + 'static,
    ) -> Self {
        self.with(|guard| guard.offer = Some(Arc::new(factors)))
    }

    /// Returns the policy that the guard demands for every request, without the policies that
    /// [`require_with`](Self::require_with) adds.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.guard.policy
    }

    /// Returns the verifier that turns tokens into sessions for this guard.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.guard.verifier
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut Guard)) -> Self {
        let mut guard = Guard::clone(&self.guard);
        change(&mut guard);
        Self { guard: Arc::new(guard) }
    }
}

impl Guard {
    /// Returns a shortfall for a user who can be asked for the factors that the guard offers.
    pub(super) fn offered(&self, shortfall: Shortfall) -> Shortfall {
        match &self.offer {
            Some(offer) => {
                let offered = offer(shortfall.session());
                shortfall.offering(offered)
            }
            None => shortfall,
        }
    }
}

fn both(old: &Policy, new: Policy) -> Policy {
    let name = new.name().or(old.name()).map(str::to_owned);
    named(old.clone().and(new), name)
}

fn named(policy: Policy, name: Option<String>) -> Policy {
    match name {
        Some(name) => policy.named(&name),
        None => policy,
    }
}

impl fmt::Debug for StepUpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepUpLayer")
            .field("policy", &self.guard.policy)
            .field("request_policies", &self.guard.request_policies.len())
            .field("scopes", &self.guard.challenge.scope)
            .field("once", &self.guard.once.as_ref().map(|once| &once.policy))
            .field("optional", &self.guard.optional)
            .field("verifier", &self.guard.verifier)
            .finish_non_exhaustive()
    }
}
