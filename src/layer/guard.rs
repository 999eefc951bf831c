//! The layer and its configuration.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::event;
use crate::credentials::CredentialSource;
use crate::factor::Factor;
use crate::policy::Policy;
#[cfg(feature = "documents")]
use crate::policy::{Policies, UnknownPolicy};
use crate::respond::{BearerChallenge, Respond};
use crate::session::Session;
use crate::sessions::Sessions;
use crate::token::Verifier;

/// A guard: a verifier plus a policy, as a [`tower_layer::Layer`]. One reference count to clone,
/// and not generic.
///
/// Guards are made from guards, and [`require`](Self::require) never weakens one:
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
    /// Whether `policy` was demanded, or stands for a guard that demands any session.
    demands: bool,
    pub(super) optional: bool,
    pub(super) sources: Arc<[CredentialSource]>,
    /// Whether `sources` was said of this guard.
    has_own_sources: bool,
    pub(super) offer: Option<Arc<Offer>>,
    pub(super) responder: Arc<dyn Respond>,
    pub(super) sessions: Option<Sessions>,
    /// How long ago the authority may have confirmed the session, if it has to.
    pub(super) confirmed_within: Option<Duration>,
}

/// What a session's user can be asked for.
pub(super) type Offer = dyn Fn(&Session) -> Vec<Factor> + Send + Sync;

impl StepUpLayer {
    /// A guard that demands a genuine session and nothing more, from the Authorization header or
    /// else the cookie `stytch_session_jwt`.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self {
            guard: Arc::new(Guard {
                verifier,
                policy: Policy::session(),
                demands: false,
                optional: false,
                sources: CredentialSource::defaults().into(),
                has_own_sources: false,
                offer: None,
                responder: Arc::new(BearerChallenge::default()),
                sessions: None,
                confirmed_within: None,
            }),
        }
    }

    /// A guard that demands this policy too.
    ///
    /// The first one demanded takes the place of *any session*. Each later one is demanded beside
    /// the old; the whole is named as the later one where that has a name, else as the old. What an
    /// [`optional`](Self::optional) guard let through is refused again: `optional` has to be said
    /// last.
    ///
    /// Where the policy asks for several factors and one compromise presents them all, or where
    /// anyone can meet it, a warning in the log says so: the policy is [audited](Policy::audit),
    /// which takes a tenth of a millisecond or so. Guards are made at start-up, not for each
    /// request.
    #[must_use]
    pub fn require(&self, policy: impl Into<Policy>) -> Self {
        let policy = policy.into();
        let guard = self.with(|guard| {
            guard.policy = if guard.demands { both(&guard.policy, policy) } else { policy };
            guard.demands = true;
            guard.optional = false;
        });
        event::warn_of_weakness(guard.policy());
        guard
    }

    /// A guard that demands the policy of this name too (feature `documents`); see
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
    /// assert_eq!(error.to_string(), "there is no policy \"acount\" among these: account");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if no policy has this name.
    #[cfg(feature = "documents")]
    pub fn require_named(&self, policies: &Policies, name: &str) -> Result<Self, UnknownPolicy> {
        Ok(self.require(policies.get(name)?.clone()))
    }

    /// Lets requests without credentials through, without a grant: handlers take `Option<Grant>`.
    ///
    /// Credentials that are present are judged in full, so an expired token or an empty cookie is
    /// refused. A public page that everybody can see answers
    /// [`Rejection::InvalidToken`](crate::Rejection::InvalidToken) with a
    /// [responder](Self::respond_with) that
    /// [clears the cookies](crate::Sessions::clear_cookies) and sends the browser back.
    #[must_use]
    pub fn optional(&self) -> Self {
        self.with(|guard| guard.optional = true)
    }

    /// Sets the responder for refused requests.
    #[must_use]
    pub fn respond_with(&self, responder: impl Respond) -> Self {
        self.with(|guard| guard.responder = Arc::new(responder))
    }

    /// Offers these factors in challenges: those that the application's users can enrol.
    #[must_use]
    pub fn offer_factors(&self, factors: impl IntoIterator<Item = Factor>) -> Self {
        let factors: Vec<_> = factors.into_iter().collect();
        self.offer_factors_with(move |_| factors.clone())
    }

    /// Offers in challenges the factors that this function returns for a session: those that its
    /// user has enrolled. The function runs once per refusal and must not block.
    #[must_use]
    pub fn offer_factors_with(
        &self,
        factors: impl Fn(&Session) -> Vec<Factor> + Send + Sync + 'static,
    ) -> Self {
        self.with(|guard| guard.offer = Some(Arc::new(factors)))
    }

    /// A guard that looks for tokens in these places, in this order. With none at all it finds no
    /// credentials in any request: each is refused, or where the guard is optional let through
    /// without a grant.
    ///
    /// To give the cookies other names, say so to the
    /// [project](crate::stytch::Project::session_jwt_cookie) or to the
    /// [handle](Sessions::credentials), which sets and clears them.
    ///
    /// # Panics
    ///
    /// Panics if the guard [renews sessions](Self::renew_with) and reads a cookie that the handle
    /// does not.
    #[must_use]
    #[track_caller]
    pub fn credentials(&self, sources: impl IntoIterator<Item = CredentialSource>) -> Self {
        let guard = self.with(|guard| {
            guard.sources = sources.into_iter().collect();
            guard.has_own_sources = true;
        });
        guard.check_cookies();
        guard
    }

    /// Sets where the guard looks for tokens if nobody says.
    pub(crate) fn default_credentials(
        &self,
        sources: impl IntoIterator<Item = CredentialSource>,
    ) -> Self {
        self.with(|guard| guard.sources = sources.into_iter().collect())
    }

    /// Renews sessions with this handle's authority, usually Stytch's API.
    ///
    /// The guard exchanges a genuine JWT that has expired, and an opaque session token if the
    /// request has no JWT, for the live session. A client that sent a cookie receives the fresh
    /// tokens as cookies with the response, unless the handler set one of them. A session that is
    /// not alive is refused, and its cookies stay: another tab may have set them just now. If the
    /// authority cannot be asked, the answer is 503; a JWT that has not expired is not affected.
    ///
    /// Guards that are made from this one share the handle, and what it remembers. Unless it has
    /// [`credentials`](Self::credentials) of its own, the guard reads the tokens where the handle
    /// [says](Sessions::credentials). The cookies that it sets are always the handle's.
    ///
    /// # Panics
    ///
    /// Panics if the handle has another verifier than the guard: they must be clones of one
    /// [`Verifier`], as those of one [`stytch::Project`](crate::stytch::Project) are. Panics too if
    /// the guard reads a cookie that the handle does not. In either case a session could go on
    /// after signing out.
    #[must_use]
    #[track_caller]
    pub fn renew_with(&self, sessions: &Sessions) -> Self {
        assert!(
            self.verifier().is_same_as(sessions.verifier()),
            "renew_with: the guard and the sessions must share one verifier"
        );
        let guard = self.with(|guard| {
            guard.sessions = Some(sessions.clone());
            if !guard.has_own_sources {
                guard.sources = sessions.sources();
            }
        });
        guard.check_cookies();
        guard
    }

    /// Demands that the authority has confirmed the session within this time, in this process.
    ///
    /// It is for the most sensitive routes: a session that was revoked elsewhere has a JWT that is
    /// valid for minutes more, and every other guard accepts it. A fresh JWT goes back as after a
    /// renewal. If the authority cannot be asked, the answer is 503. Of two times the shorter
    /// counts.
    ///
    /// # Panics
    ///
    /// Panics if the guard has no authority: call [`renew_with`](Self::renew_with) first.
    #[must_use]
    #[track_caller]
    pub fn confirmed_within(&self, time: Duration) -> Self {
        assert!(
            self.guard.sessions.is_some(),
            "renew_with comes before confirmed_within: nobody could confirm a session"
        );
        self.with(|guard| {
            guard.confirmed_within = guard.confirmed_within.into_iter().chain([time]).min();
        })
    }

    /// Returns the handle that the guard renews sessions with, if it renews them.
    #[must_use]
    pub fn sessions(&self) -> Option<&Sessions> {
        self.guard.sessions.as_ref()
    }

    /// What the guard demands.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.guard.policy
    }

    /// The verifier that makes sessions of tokens here.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.guard.verifier
    }

    #[track_caller]
    fn check_cookies(&self) {
        if let Some(sessions) = self.sessions() {
            let known = sessions.sources();
            let mut cookies = self.guard.sources.iter().filter(|source| source.is_cookie());
            assert!(
                cookies.all(|cookie| known.contains(cookie)),
                "the guard reads a cookie that its sessions do not: name it in Sessions::credentials"
            );
        }
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut Guard)) -> Self {
        let mut guard = Guard::clone(&self.guard);
        change(&mut guard);
        Self { guard: Arc::new(guard) }
    }
}

fn both(old: &Policy, new: Policy) -> Policy {
    let name = new.name().or(old.name()).map(str::to_owned);
    let both = old.clone().and(new);
    match name {
        Some(name) => both.named(&name),
        None => both,
    }
}

impl fmt::Debug for StepUpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepUpLayer")
            .field("policy", &self.guard.policy)
            .field("optional", &self.guard.optional)
            .field("verifier", &self.guard.verifier)
            .finish_non_exhaustive()
    }
}
