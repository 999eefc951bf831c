//! The proof for one action.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use time::OffsetDateTime;

use super::super::event::Confirmation;
use super::super::guard::Guard;
use super::OnceSettings;
use super::cause::Cause;
use super::mark::OnceMark;
use super::missing::MissingOnce;
use super::unconfirmed::Unconfirmed;
use crate::headers::exactly_one;
use crate::intent::{Action, Found, Intent, IntentId, IntentsUnavailable, STEP_UP_INTENT};
use crate::policy::{Grant, Policy, Shortfall};
use crate::rejection::Rejection;
use crate::session::Session;

/// The means to ask for a proof for one action, in a handler behind a guard with
/// [`once`](crate::StepUpLayer::once). With axum (feature `axum`), it is an extractor.
///
/// ```
/// use axum::{Form, Router, routing::post};
/// use serde::Deserialize;
/// use tower_step_up::intent::LocalIntents;
/// use tower_step_up::{Action, Factor, Intents, Once, Policy, Unconfirmed, testing};
///
/// #[derive(Deserialize)]
/// struct Transfer {
///     payee: String,
///     cents: u64,
///     intent: Option<String>,
/// }
///
/// async fn transfer(once: Once, Form(form): Form<Transfer>) -> Result<String, Unconfirmed> {
///     let action = Action::new("transfer").with("payee", &form.payee).with("cents", form.cents);
///     once.confirm(form.intent.as_deref(), &action).await?;
///     Ok(format!("{} cents for {}", form.cents, form.payee))
/// }
///
/// # fn main() -> Result<(), tower_step_up::layer::OnceError> {
/// let intents = Intents::new(LocalIntents::new());
/// let code = Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn]);
/// let guard = testing::TestIssuer::new().guard().once(&intents, code)?;
/// let app: Router = Router::new().route("/transfer", post(transfer).layer(guard));
/// # Ok(())
/// # }
/// ```
///
/// [The guide](crate::guide::one_action) shows the whole exchange.
#[derive(Clone)]
pub struct Once(Arc<Inner>);

struct Inner {
    guard: Arc<Guard>,
    settings: Arc<OnceSettings>,
    /// The grant of the guard that has `once`.
    grant: Grant,
    /// The grant of the innermost guard.
    innermost: Grant,
    /// The request as the guard saw it.
    request: Parts,
}

/// A refusal and its cause.
struct Refused {
    why: Rejection,
    cause: Cause,
    intent: Option<IntentId>,
}

impl Once {
    /// Returns the means from the parts of a request, for services that do not use axum.
    ///
    /// ```
    /// use http::request::Parts;
    /// use tower_step_up::{Action, Once, Unconfirmed, intent::IntentId, layer::MissingOnce};
    ///
    /// async fn delete_account(request: &Parts) -> Result<Result<IntentId, Unconfirmed>, MissingOnce> {
    ///     // The client names the intent in the header `Step-Up-Intent`.
    ///     Ok(Once::of(request)?.confirm(None, &Action::new("delete account")).await)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`MissingOnce`] if no guard with [`once`](crate::StepUpLayer::once) has granted the
    /// request. A line in the log states the method and the path.
    pub fn of(request: &Parts) -> Result<Self, MissingOnce> {
        let extensions = &request.extensions;
        let (Some(mark), Some(innermost)) = (extensions.get::<OnceMark>(), extensions.get()) else {
            return Err(MissingOnce::of(request).logged(request));
        };
        // The handler acts for the user of the innermost grant.
        if !Grant::session(innermost).is_of_same_user(mark.grant.session()) {
            return Err(MissingOnce::AnotherUser.logged(request));
        }
        let OnceMark { guard, settings, grant, uri } = mark.clone();
        let mut request = request.clone();
        request.uri = uri;
        let innermost = Grant::clone(innermost);
        Ok(Self(Arc::new(Inner { guard, settings, grant, innermost, request })))
    }

    /// Returns the grant of the guard.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.0.grant
    }

    /// Confirms an action: returns `Ok` if the user has made the proofs for it, once. The value is the id
    /// of the intent that was used. Keep it with the record of the action.
    ///
    /// `intent` is the id that the client got with the challenge, from a member of the body or a field
    /// of the form. If it is `None` or empty, the request header
    /// [`Step-Up-Intent`](crate::intent::STEP_UP_INTENT) counts.
    ///
    /// Call this after every other check, such as that of the balance, and directly before the action. The
    /// intent is used when this returns `Ok`. If the action then fails, the user has to prove it anew.
    ///
    /// # Errors
    ///
    /// Returns [`Unconfirmed`], whose [response](Unconfirmed::respond) the handler returns:
    ///
    /// | situation | response |
    /// | --- | --- |
    /// | no intent is named, or it is unknown, of another user or expired | the challenge, with a new intent |
    /// | the intent is for another action | the challenge, with a new intent |
    /// | a proof is missing, or is not newer than the intent | the challenge, with the same intent |
    /// | the action was confirmed with this intent already | 409 |
    /// | the session was revoked or has expired since the guard checked it, or no longer meets its policy | 401 |
    /// | the store is full or does not respond, or the guard cannot tell whether the session was revoked | 503 with `Retry-After` |
    pub async fn confirm(
        &self,
        intent: Option<&str>,
        action: &Action,
    ) -> Result<IntentId, Unconfirmed> {
        let is_named = |id: &&str| !id.is_empty();
        let named = intent.filter(is_named).or_else(|| self.intent_in_header().filter(is_named));
        let confirmation = |intent| Confirmation {
            policy: self.policy(),
            session: self.session(),
            action,
            intent,
        };
        match self.decide(named, action).await {
            Ok(intent) => {
                confirmation(Some(&intent.id)).record();
                Ok(intent.id)
            }
            Err(Refused { why, cause, intent }) => {
                confirmation(intent.as_ref()).record_refusal(&why, cause.name());
                let responder = Arc::clone(&self.0.guard.responder);
                Err(Unconfirmed::new(why, cause, responder, &self.0.request))
            }
        }
    }

    async fn decide(&self, named: Option<&str>, action: &Action) -> Result<Intent, Refused> {
        let Some(named) = named else { return Err(self.ask_anew(Cause::NoIntent, action).await) };
        let found = match named.parse() {
            Ok(id) => self.find(&id).await?,
            Err(_) => None,
        };
        let Some(found) = found else { return Err(self.ask_anew(Cause::Unknown, action).await) };
        let now = self.now();
        let intent = match found {
            Found::Open { intent, .. } | Found::Used(intent) if !intent.is_for(action) => {
                return Err(self.ask_anew(Cause::OtherAction, action).await);
            }
            Found::Used(intent) => return Err(Refused::used(intent.id)),
            Found::Open { intent, .. } if intent.expires_at <= now => {
                return Err(self.ask_anew(Cause::Expired, action).await);
            }
            // Proofs that have confirmed another action do not count again.
            Found::Open { intent, spent } => {
                let proofs_after = spent.max(Some(intent.proofs_after));
                Intent { proofs_after: proofs_after.unwrap_or(intent.proofs_after), ..intent }
            }
        };
        if !self.policy().holds_on_proofs_after(self.session(), intent.proofs_after, now) {
            return Err(self.ask(Cause::NotProved, &intent, now));
        }
        // The handler may have taken long, for example to read a body.
        if let Err(why) = self.check_session(now) {
            return Err(Refused { why, cause: Cause::Session, intent: Some(intent.id) });
        }
        let is_consumed =
            self.0.settings.intents.consume(intent.clone(), self.session(), now).await;
        if is_consumed.map_err(|error| Refused::unavailable(error, Some(intent.id.clone())))? {
            return Ok(intent);
        }
        // Another request has used this intent, or another one of the user.
        match self.find(&intent.id).await? {
            Some(Found::Used(intent)) => Err(Refused::used(intent.id)),
            _ => Err(self.ask_anew(Cause::Unknown, action).await),
        }
    }

    async fn find(&self, id: &IntentId) -> Result<Option<Found>, Refused> {
        let found = self.0.settings.intents.find(self.session(), id).await;
        found.map_err(|error| Refused::unavailable(error, Some(id.clone())))
    }

    /// Asks for proofs with a new intent.
    async fn ask_anew(&self, cause: Cause, action: &Action) -> Refused {
        let now = self.now();
        match self.0.settings.intents.create(self.session(), action, now).await {
            Ok(intent) => self.ask(cause, &intent, now),
            Err(error) => Refused::unavailable(error, None),
        }
    }

    /// Asks for the proofs that an intent needs.
    fn ask(&self, cause: Cause, intent: &Intent, now: OffsetDateTime) -> Refused {
        let (id, after) = (intent.id.as_str(), intent.proofs_after);
        let (session, policy) = (self.session().clone(), self.policy().clone());
        let shortfall = Shortfall::of_intent(id, after, session, policy, now);
        let shortfall = self.0.guard.offered(shortfall).inside(&self.0.innermost);
        let why = Rejection::StepUpRequired(shortfall);
        Refused { why, cause, intent: Some(intent.id.clone()) }
    }

    /// Checks again what the guards have checked.
    fn check_session(&self, now: OffsetDateTime) -> Result<(), Rejection> {
        let Inner { guard, grant, innermost, .. } = &*self.0;
        guard.check_replica().map_err(Rejection::RevocationsUnavailable)?;
        guard.verifier.check_usable(self.session(), now)?;
        for grant in [grant, innermost] {
            let evaluated = grant.policy().evaluate(grant.session(), now);
            evaluated.map_err(|shortfall| Rejection::StepUpRequired(guard.offered(shortfall)))?;
        }
        Ok(())
    }

    fn intent_in_header(&self) -> Option<&str> {
        exactly_one(&self.0.request.headers, STEP_UP_INTENT)?.to_str().ok()
    }

    fn session(&self) -> &Session {
        self.0.grant.session()
    }

    fn policy(&self) -> &Policy {
        &self.0.settings.policy
    }

    fn now(&self) -> OffsetDateTime {
        self.0.guard.verifier.now()
    }
}

impl Refused {
    fn used(intent: IntentId) -> Self {
        Self {
            why: Rejection::IntentUsed(intent.clone()),
            cause: Cause::Used,
            intent: Some(intent),
        }
    }

    fn unavailable(error: IntentsUnavailable, intent: Option<IntentId>) -> Self {
        Self { why: Rejection::IntentsUnavailable(error), cause: Cause::Unavailable, intent }
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once")
            .field("policy", self.policy())
            .field("session", self.session())
            .finish_non_exhaustive()
    }
}
