//! Asking the authority, or finding a call that will do.

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

/// More than a call has, so that no caller leaves just before the call ends.
const MARGIN: Duration = Duration::from_millis(500);

/// How fresh an answer must be.
#[derive(Clone, Copy)]
pub(crate) struct Freshness {
    /// Whether it must bring tokens that can be used now.
    pub(crate) needs_tokens: bool,
    /// How long ago the authority may have been asked.
    pub(crate) confirmed_within: Option<Duration>,
}

impl Freshness {
    /// Demands that the authority was asked within this time too.
    pub(crate) fn within(self, time: Duration) -> Self {
        let confirmed_within = self.confirmed_within.map_or(time, |within| within.min(time));
        Self { confirmed_within: Some(confirmed_within), ..self }
    }
}

impl Sessions {
    /// Returns an answer that is known already.
    pub(crate) fn known(&self, presented: &Presented, freshness: Freshness) -> Option<Exchanged> {
        let calls = lock(&self.exchanges.lane(presented).calls);
        Some(self.find(&calls, presented, freshness)?.flight.outcome()?.exchanged)
    }

    /// Waits for a call that will do, or begins one. A caller that waits for a permit waits alone,
    /// and goes away without a trace. A call that ends with its runtime has said nothing, so there
    /// is a second try, once and within the same time.
    pub(crate) async fn ask(&self, presented: &Presented, freshness: Freshness) -> Exchanged {
        let runtime = Handle::try_current().map_err(AuthorityError::unavailable)?;
        let timeout = self.flight_timeout();
        let answer = tokio::time::timeout(timeout, async {
            match self.join_or_begin(presented, freshness, &runtime).await?.wait().await {
                Err(NoOutcome::Dropped) => {
                    self.join_or_begin(presented, freshness, &runtime).await?.wait().await
                }
                ended => ended,
            }
            .map_err(|no_outcome| match no_outcome {
                NoOutcome::TimedOut => AuthorityError::too_slow(timeout),
                NoOutcome::Dropped => AuthorityError::unavailable("the call was broken off"),
                NoOutcome::Panicked => AuthorityError::unavailable("the call panicked"),
            })
        });
        let ended = answer.await.unwrap_or_else(|_| Err(AuthorityError::too_slow(timeout)));
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

    /// Begins a call, unless another caller has begun one meanwhile.
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
        // A call that stands still is given up.
        before.iter().filter(|call| call.flight.is_overdue()).for_each(|call| call.flight.abort());
        let earlier =
            before.filter(|call| call.answers(presented)).and_then(Exchange::into_earlier);
        let presented = presented.clone();
        let exchange = Exchange { presented, began, flight: flight.clone(), earlier };
        calls.insert(exchange.presented.key().into(), exchange);
        Ok(flight)
    }

    /// The call itself. It keeps alive what it asks, but not what is remembered.
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

    /// Returns whether these tokens are still the last word: as far as is known the session was not
    /// revoked here meanwhile, and no step or sign-out has made them worthless.
    pub(crate) fn are_current(&self, renewed: &Arc<Renewed>) -> bool {
        if self.verifier().check_usable(&renewed.session, self.verifier().now()).is_err() {
            return false;
        }
        let calls = lock(&self.exchanges.lane(&renewed.presented).calls);
        let call = calls.peek(renewed.presented.key());
        call.is_some_and(|call| call.brought(|it| Arc::ptr_eq(it, renewed)))
    }

    /// Finds a call that will do: the newest, or the one before it while the newest has not said
    /// anything.
    fn find<'a>(
        &self,
        calls: &'a Calls,
        presented: &Presented,
        freshness: Freshness,
    ) -> Option<&'a Exchange> {
        let call = calls.peek(presented.key()).filter(|call| call.answers(presented))?;
        let earlier = call.earlier.as_deref().filter(|_| !call.has_said());
        earlier.into_iter().chain([call]).find(|call| self.serves(call, freshness))
    }

    fn serves(&self, call: &Exchange, freshness: Freshness) -> bool {
        let now = self.verifier().monotonic();
        let age = now.saturating_sub(call.began);
        let confirms = freshness.confirmed_within.is_none_or(|within| age <= within);
        let Settings { remember, verifier, .. } = &*self.settings;
        // Asked first, so that a call that ends in between does not look lost.
        let is_under_way = call.flight.is_under_way();
        match call.flight.outcome() {
            None => confirms && is_under_way,
            Some(Ended { exchanged, at }) => match exchanged {
                Ok(renewed) if freshness.needs_tokens => {
                    let is_young = verifier.check_times(&renewed.session, verifier.now()).is_ok();
                    confirms && age <= *remember && is_young
                }
                Ok(_) => confirms,
                Err(AuthorityError::UnknownSession) => age <= *remember,
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
        let answer = tokio::time::timeout(self.timeout, self.authenticate(presented)).await;
        let exchanged = answer.unwrap_or_else(|_| Err(AuthorityError::too_slow(self.timeout)));
        if let Err(error @ AuthorityError::Unavailable { cause, .. }) = &exchanged {
            tracing::warn!(reason = %cause, pause = ?error.pause(), "the authority could not be asked about a session");
        }
        exchanged.map(Arc::new)
    }

    async fn authenticate(&self, presented: Presented) -> Result<Renewed, AuthorityError> {
        let tokens = self.authority.authenticate(presented.token()).await?;
        if !authority::can_be_a_session_token(&tokens.session_token) {
            let reason = "its session token is too long or cannot stand in a cookie";
            return Err(AuthorityError::unavailable(reason));
        }
        let refused = |error: &dyn Display| {
            AuthorityError::unavailable(format!("its fresh JWT is refused: {error}"))
        };
        let genuine = self.verifier.verify_genuine(&tokens.session_jwt).await;
        let session = genuine.map_err(|error| refused(&error))?.session;
        let times = self.verifier.check_times(&session, self.verifier.now());
        times.map_err(|error| refused(&error))?;
        // The reader of the answer checks the user of a JWT beside an opaque token.
        if !presented.is_opaque() && !presented.is_about(&session) {
            return Err(AuthorityError::unavailable("it is another user's session"));
        }
        Ok(Renewed { presented, session, tokens })
    }
}
