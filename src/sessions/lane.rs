//! The calls about one kind of token.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};
use tokio::sync::Semaphore;

use super::authority::AuthorityError;
use super::exchange::{Exchange, MIN_PAUSE};
use crate::lock::lock;

/// The calls about one kind of token, those that are under way and those that are remembered.
pub(super) struct Lane {
    pub(super) calls: Mutex<Calls>,
    pub(super) permits: Arc<Semaphore>,
    /// The authority wants to be left alone until then, by the verifier's clock.
    paused_until: Mutex<Duration>,
}

/// By the id of a session, or by the opaque token.
pub(super) type Calls = Cache<Box<str>, Exchange>;

const REMEMBERED: usize = 4_096;
const CALLS_AT_A_TIME: usize = 64;

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

/// A cache without places for what was asked often: answers that are over must not displace calls
/// that are under way.
fn first_in_first_out() -> Calls {
    let mut options = OptionsBuilder::new();
    options
        .estimated_items_capacity(REMEMBERED)
        .weight_capacity(REMEMBERED as u64)
        .hot_allocation(0.0);
    match options.build() {
        Ok(options) => Cache::with_options(
            options,
            UnitWeighter,
            DefaultHashBuilder::default(),
            Default::default(),
        ),
        // It cannot be: the options are complete.
        Err(_) => Cache::new(REMEMBERED),
    }
}
