//! The calls to the authority that are in progress, and the cached results of earlier calls.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};
use tokio::sync::Semaphore;

use super::authority::{AuthorityError, PresentedToken};
use super::exchange::{Exchange, MIN_PAUSE, Presented};
use crate::lock::lock;

/// The calls that a handle and its clones make to their authority.
#[derive(Default)]
pub(super) struct Exchanges {
    jwts: Lane,
    /// Anyone can make up opaque tokens. In their own lane, they do not displace the JWTs.
    opaque: Lane,
}

/// The calls about one kind of token: those in progress, and those whose results are cached.
pub(super) struct Lane {
    pub(super) calls: Mutex<Calls>,
    pub(super) permits: Arc<Semaphore>,
    /// The instant, by the verifier's clock, until which the authority asked not to be called.
    paused_until: Mutex<Duration>,
}

/// Calls by session id, or by opaque token.
pub(super) type Calls = Cache<Box<str>, Exchange>;

const MAX_CACHED: usize = 4_096;
const CALLS_AT_A_TIME: usize = 64;

impl Exchanges {
    /// Removes what is cached for an opaque token, for example that it belongs to no live session.
    pub(super) fn forget_opaque(&self, session_token: &str) {
        lock(&self.opaque.calls).remove(session_token);
    }

    /// Removes what is cached for a session, by its id and by its opaque tokens, because a step-up
    /// or a sign-out has changed it.
    pub(super) fn forget_session(&self, session_id: &str) {
        lock(&self.jwts.calls).remove(session_id);
        // A call in progress may turn out to be about this session, so remove all of those too.
        lock(&self.opaque.calls).retain(|_, call| {
            let is_of_it = call.returned(|renewed| renewed.session.id() == session_id);
            !call.flight.is_under_way() && !is_of_it
        });
    }

    /// Removes what is cached for the sessions of a user. Calls in progress may turn out to be about
    /// one of them, so this removes those too.
    pub(super) fn forget_user(&self, user_id: &str) {
        for lane in [&self.jwts, &self.opaque] {
            lock(&lane.calls).retain(|_, call| {
                let is_of_them = call.returned(|renewed| renewed.session.user_id() == user_id);
                !call.flight.is_under_way() && !is_of_them
            });
        }
    }

    pub(super) fn lane(&self, presented: &Presented) -> &Lane {
        match presented {
            Presented::Session(_) => &self.jwts,
            Presented::Opaque { .. } => &self.opaque,
        }
    }

    pub(super) fn lane_of(&self, token: &PresentedToken) -> &Lane {
        match token {
            PresentedToken::SessionJwt(_) => &self.jwts,
            PresentedToken::SessionToken(_) => &self.opaque,
        }
    }

    /// Pauses calls until an instant. A pause that an opaque token caused does not apply to the
    /// JWTs.
    pub(super) fn pause(&self, until: Duration, opaque_only: bool) {
        self.opaque.pause(until);
        if !opaque_only {
            self.jwts.pause(until);
        }
    }
}

impl Lane {
    pub(super) fn check_pause(&self, now: Duration) -> Result<(), AuthorityError> {
        match lock(&self.paused_until).saturating_sub(now) {
            Duration::ZERO => Ok(()),
            rest => Err(AuthorityError::Unavailable {
                retry_after: Some(rest.max(MIN_PAUSE)),
                cause: Arc::from(Box::from("the authority asked for a pause (Retry-After)")),
            }),
        }
    }

    pub(super) fn pause(&self, until: Duration) {
        let mut paused_until = lock(&self.paused_until);
        *paused_until = until.max(*paused_until);
    }
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            calls: Mutex::new(first_in_first_out()),
            permits: Arc::new(Semaphore::new(CALLS_AT_A_TIME)),
            paused_until: Mutex::default(),
        }
    }
}

/// Creates a cache that evicts its oldest entries first. A cache that favours frequent keys would
/// keep finished calls and evict calls in progress.
pub(super) fn first_in_first_out<V>() -> Cache<Box<str>, V> {
    let mut options = OptionsBuilder::new();
    options
        .estimated_items_capacity(MAX_CACHED)
        .weight_capacity(MAX_CACHED as u64)
        .hot_allocation(0.0);
    match options.build() {
        Ok(options) => Cache::with_options(
            options,
            UnitWeighter,
            DefaultHashBuilder::default(),
            Default::default(),
        ),
        // Unreachable, because the options are complete.
        Err(_) => Cache::new(MAX_CACHED),
    }
}
