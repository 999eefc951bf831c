//! Calls the authority, or finds an earlier call whose result is fresh enough.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;

use super::authority::{self, AuthorityError};
use super::exchange::{Ended, Exchange, Exchanged, Presented, Renewed};
use super::exchanges::Calls;
use super::handle::{Sessions, Settings};
use crate::lock::lock;
use crate::single_flight::{Flight, NoOutcome};

/// The time that a caller waits beyond the call's own timeout, so that it does not give up just
/// before the call ends.
const MARGIN: Duration = Duration::from_millis(500);

/// How fresh a result must be.
#[derive(Clone, Copy)]
pub(crate) struct Freshness {
    /// Whether it must include tokens that can be used now.
    pub(crate) needs_tokens: bool,
    /// The maximum age of the result, counted from the beginning of the call, if it is limited.
    pub(crate) confirmed_within: Option<Duration>,
}

impl Freshness {
    /// Also requires that the authority was asked within this time.
    pub(crate) fn within(self, time: Duration) -> Self {
        let confirmed_within = self.confirmed_within.map_or(time, |within| within.min(time));
        Self { confirmed_within: Some(confirmed_within), ..self }
    }
}

impl Sessions {
    /// Returns a cached result that is fresh enough.
    pub(crate) fn known(&self, presented: &Presented, freshness: Freshness) -> Option<Exchanged> {
        let calls = lock(&self.exchanges.lane(presented).calls);
        Some(self.find(&calls, presented, freshness)?.flight.outcome()?.exchanged)
    }

    /// Joins a call whose result is fresh enough, or begins one, and waits for the result.
    ///
    /// A caller that waits for a permit has not begun a call, so it can be dropped without effect.
    /// If the call is dropped with its runtime, the caller tries once more, within the same
    /// timeout.
    pub(crate) async fn ask(&self, presented: &Presented, freshness: Freshness) -> Exchanged {
        let runtime = Handle::try_current().map_err(AuthorityError::unavailable)?;
        let timeout = self.flight_timeout();
        let result = tokio::time::timeout(timeout, async {
            match self.join_or_begin(presented, freshness, &runtime).await?.wait().await {
                Err(NoOutcome::Dropped) => {
                    self.join_or_begin(presented, freshness, &runtime).await?.wait().await
                }
                ended => ended,
            }
            .map_err(|no_outcome| match no_outcome {
                NoOutcome::TimedOut => AuthorityError::too_slow(timeout),
                NoOutcome::Dropped => AuthorityError::unavailable("the call was cancelled"),
                NoOutcome::Panicked => AuthorityError::unavailable("the call panicked"),
            })
        });
        let ended = result.await.unwrap_or_else(|_| Err(AuthorityError::too_slow(timeout)));
        ended.and_then(|ended| ended.exchanged)
    }

    async fn join_or_begin(
        &self,
        presented: &Presented,
        freshness: Freshness,
        runtime: &Handle,
    ) -> Result<Flight<Ended>, AuthorityError> {
        let lane = self.exchanges.lane(presented);
        let found =
            self.find(&lock(&lane.calls), presented, freshness).map(|call| call.flight.clone());
        match found {
            Some(flight) => Ok(flight),
            None => {
                let permit = Arc::clone(&lane.permits).acquire_owned().await;
                let permit = permit.map_err(AuthorityError::unavailable)?;
                self.begin(presented, freshness, permit, runtime)
            }
        }
    }

    /// Begins a call, unless another caller has begun one in the meantime.
    fn begin(
        &self,
        presented: &Presented,
        freshness: Freshness,
        permit: OwnedSemaphorePermit,
        runtime: &Handle,
    ) -> Result<Flight<Ended>, AuthorityError> {
        let lane = self.exchanges.lane(presented);
        let began = self.verifier().monotonic();
        let mut calls = lock(&lane.calls);
        if let Some(call) = self.find(&calls, presented, freshness) {
            return Ok(call.flight.clone());
        }
        lane.check_pause(began)?;
        let call = self.call(presented.clone(), permit);
        let flight = Flight::begin(runtime, self.flight_timeout(), call);
        let before = calls.remove(presented.key()).map(|(_, call)| call);
        // Cancel a call that has exceeded its timeout.
        before.iter().filter(|call| call.flight.is_overdue()).for_each(|call| call.flight.abort());
        let earlier =
            before.filter(|call| call.applies_to(presented)).and_then(Exchange::into_earlier);
        let presented = presented.clone();
        let exchange = Exchange { presented, began, flight: flight.clone(), earlier };
        calls.insert(exchange.presented.key().into(), exchange);
        Ok(flight)
    }

    /// Returns the future of the call. It keeps the settings alive, but not the cached results.
    fn call(
        &self,
        presented: Presented,
        permit: OwnedSemaphorePermit,
    ) -> impl Future<Output = Ended> + Send + use<> {
        let settings = Arc::clone(&self.settings);
        let exchanges = Arc::downgrade(&self.exchanges);
        async move {
            let is_opaque = presented.is_opaque();
            let exchanged = settings.exchange(presented).await;
            let at = settings.verifier.monotonic();
            let pause = exchanged.as_ref().err().and_then(AuthorityError::pause);
            if let Some((exchanges, pause)) = exchanges.upgrade().zip(pause) {
                exchanges.pause(at.saturating_add(pause), is_opaque);
            }
            drop(permit);
            Ended { exchanged, at }
        }
    }

    /// Returns whether the client should still receive these tokens. It should not if the session
    /// has ended or was revoked in the verifier's store, or if a step-up or a sign-out has made the
    /// tokens obsolete.
    pub(crate) fn are_current(&self, renewed: &Arc<Renewed>) -> bool {
        if self.verifier().check_usable(&renewed.session, self.verifier().now()).is_err() {
            return false;
        }
        let calls = lock(&self.exchanges.lane(&renewed.presented).calls);
        let call = calls.peek(renewed.presented.key());
        call.is_some_and(|call| call.returned(|it| Arc::ptr_eq(it, renewed)))
    }

    /// Finds a call whose result is fresh enough: the newest, or the one before it while the newest
    /// has no definite result.
    fn find<'a>(
        &self,
        calls: &'a Calls,
        presented: &Presented,
        freshness: Freshness,
    ) -> Option<&'a Exchange> {
        let call = calls.peek(presented.key()).filter(|call| call.applies_to(presented))?;
        let earlier = call.earlier.as_deref().filter(|_| !call.is_definite());
        earlier.into_iter().chain([call]).find(|call| self.serves(call, freshness))
    }

    fn serves(&self, call: &Exchange, freshness: Freshness) -> bool {
        let now = self.verifier().monotonic();
        let age = now.saturating_sub(call.began);
        let confirms = freshness.confirmed_within.is_none_or(|within| age <= within);
        let Settings { cache_for, verifier, .. } = &*self.settings;
        // Read this before the outcome. Otherwise a call that ends in between would look cancelled.
        let is_under_way = call.flight.is_under_way();
        match call.flight.outcome() {
            None => confirms && is_under_way,
            Some(Ended { exchanged, at }) => match exchanged {
                Ok(renewed) if freshness.needs_tokens => {
                    let is_young = verifier.check_times(&renewed.session, verifier.now()).is_ok();
                    confirms && age <= *cache_for && is_young
                }
                Ok(_) => confirms,
                Err(AuthorityError::UnknownSession) => age <= *cache_for,
                Err(error) => now.saturating_sub(at) < error.advised_wait(),
            },
        }
    }

    fn flight_timeout(&self) -> Duration {
        self.settings.timeout.saturating_add(MARGIN)
    }
}

impl Settings {
    /// Asks the authority for the session of a token, within the timeout.
    pub(super) async fn exchange(&self, presented: Presented) -> Exchanged {
        let result = tokio::time::timeout(self.timeout, self.authenticate(presented)).await;
        let exchanged = result.unwrap_or_else(|_| Err(AuthorityError::too_slow(self.timeout)));
        if let Err(error @ AuthorityError::Unavailable { cause, .. }) = &exchanged {
            tracing::warn!(reason = %cause, pause = ?error.pause(), "the authority gave no usable response about a session");
        }
        exchanged.map(Arc::new)
    }

    async fn authenticate(&self, presented: Presented) -> Result<Renewed, AuthorityError> {
        let tokens = self.authority.authenticate(presented.token()).await?;
        if !authority::can_be_a_session_token(&tokens.session_token) {
            let reason = "its session token is too long or cannot be a cookie value";
            return Err(AuthorityError::unavailable(reason));
        }
        let refused = |error: &dyn Display| {
            AuthorityError::unavailable(format!("its fresh JWT was not accepted: {error}"))
        };
        let genuine = self.verifier.verify_genuine(&tokens.session_jwt).await;
        let session = genuine.map_err(|error| refused(&error))?.session;
        let times = self.verifier.check_times(&session, self.verifier.now());
        times.map_err(|error| refused(&error))?;
        if !self.keeps(&session) {
            return Err(AuthorityError::unavailable("its session belongs to another issuer"));
        }
        // The guard checks the user if a JWT came with an opaque token.
        if !presented.is_opaque() && !presented.is_about(&session) {
            return Err(AuthorityError::unavailable("its session belongs to another user"));
        }
        Ok(Renewed { presented, session, tokens })
    }
}
