//! The current set of keys, and the one fetch that may be under way.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use tokio::runtime::Handle;

use super::location::Location;
use super::progress::{Ended, Progress, UnderWay};
use super::schedule::{Limits, NextStep};
use crate::clock::Clock;
use crate::http_client::{Bounds, Fetched, HttpClient};
use crate::keys::{KeyHealth, KeySet, KeySetError, KeysUnavailable, Refresh};
use crate::lock::lock;
use crate::single_flight::{Flight, NoOutcome};

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) location: Location,
    pub(super) client: HttpClient,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bounds: Bounds,
    pub(super) limits: Limits,
}

#[derive(Default)]
pub(super) struct Fetcher {
    held: ArcSwapOption<Held>,
    progress: Mutex<Progress>,
}

struct Held {
    keys: Arc<KeySet>,
    /// The document of the set. If a fetch returns an equal document, the set is kept, and so are
    /// the cached tokens.
    document: Bytes,
    /// When the fetch of the set began.
    fetched_at: Duration,
    /// The age at which the set is fetched again.
    due: Duration,
}

/// The result of one attempt to refresh the keys.
enum Attempt {
    /// No fetch, because the last one succeeded recently. The known keys apply.
    CoolDown,
    /// No fetch is possible now. Another may begin after this pause.
    Unavailable(Duration),
    Fetch(Flight<Ended>),
}

impl Fetcher {
    /// Passes the set to `read` if there is one that may be used. If the set is due, this begins a
    /// fetch in the background.
    pub(super) fn with_current<T>(
        self: &Arc<Self>,
        settings: &Arc<Settings>,
        read: impl FnOnce(&Arc<KeySet>) -> T,
    ) -> Option<T> {
        let held = self.held.load();
        let held = held.as_ref()?;
        let now = settings.clock.monotonic();
        let age = now.saturating_sub(held.fetched_at);
        if age >= held.due {
            let mut progress = self.settled(&settings.limits);
            let is_due = progress.schedule.is_due(now, &settings.limits);
            if is_due && progress.under_way.is_none() {
                self.join_or_begin(&mut progress, settings, now);
            }
        }
        (age < settings.limits.usable_for).then(|| read(&held.keys))
    }

    pub(super) fn health(&self, settings: &Settings) -> KeyHealth {
        let now = settings.clock.monotonic();
        let held = self
            .held
            .load_full()
            .map(|held| (held.keys.len(), now.saturating_sub(held.fetched_at)));
        let usable = held.filter(|(_, age)| *age < settings.limits.usable_for);
        KeyHealth {
            keys: usable.map_or(0, |(keys, _)| keys),
            age: usable.map(|(_, age)| age),
            last_error: self.settled(&settings.limits).last_error.clone(),
        }
    }

    /// Waits for the fetch that is under way, or begins one if the schedule allows it. If the
    /// runtime of the fetch shuts down, the fetch has no result, and this tries once more.
    pub(super) fn refresh(self: &Arc<Self>, settings: &Arc<Settings>) -> Option<Refresh> {
        let first = match self.attempt(settings) {
            Attempt::CoolDown => return None,
            Attempt::Unavailable(rest) => return Some(Box::pin(ready(unavailable(rest)))),
            Attempt::Fetch(flight) => flight.wait(),
        };
        let (fetcher, settings) = (Arc::downgrade(self), Arc::clone(settings));
        Some(Box::pin(async move {
            let timeout = timeout(&settings);
            let ended = tokio::time::timeout(timeout, async move {
                let ended = first.await;
                if ended != Err(NoOutcome::Dropped) {
                    return ended;
                }
                match fetcher.upgrade().map(|fetcher| fetcher.attempt(&settings)) {
                    None => ended,
                    Some(Attempt::CoolDown) => Ok(Ok(())),
                    Some(Attempt::Unavailable(rest)) => Ok(unavailable(rest)),
                    Some(Attempt::Fetch(flight)) => flight.wait().await,
                }
            });
            ended.await.ok().and_then(Result::ok).unwrap_or_else(|| unavailable(Duration::ZERO))
        }))
    }

    fn attempt(self: &Arc<Self>, settings: &Arc<Settings>) -> Attempt {
        let now = settings.clock.monotonic();
        let mut progress = self.settled(&settings.limits);
        let next = match progress.under_way {
            Some(_) => NextStep::Fetch,
            None => progress.schedule.decide(now, &settings.limits),
        };
        match next {
            NextStep::CoolDown => Attempt::CoolDown,
            NextStep::BackOff(rest) => Attempt::Unavailable(rest),
            NextStep::Fetch => match self.join_or_begin(&mut progress, settings, now) {
                Some(flight) => Attempt::Fetch(flight),
                None => Attempt::Unavailable(Duration::ZERO),
            },
        }
    }

    /// Joins the fetch that is under way, or begins one. Returns `None` outside a runtime.
    fn join_or_begin(
        self: &Arc<Self>,
        progress: &mut Progress,
        settings: &Arc<Settings>,
        now: Duration,
    ) -> Option<Flight<Ended>> {
        let runtime = Handle::try_current().ok()?;
        let under_way = progress.under_way.get_or_insert_with(|| {
            progress.begun += 1;
            let fetch = Fetch {
                fetcher: Arc::downgrade(self),
                settings: Arc::clone(settings),
                number: progress.begun,
                began: now,
            };
            let flight = Flight::begin(&runtime, timeout(settings), fetch.run());
            UnderWay { began: now, flight }
        });
        Some(under_way.flight.clone())
    }

    fn read(&self, response: Fetched, fetch: &Fetch) -> Result<Held, KeySetError> {
        let Fetched { body: document, max_age } = response;
        let held = self.held.load_full().filter(|held| held.document == document);
        let keys = match held {
            Some(held) => Arc::clone(&held.keys),
            None => Arc::new(KeySet::from_jwks(&document)?),
        };
        let due = fetch.settings.limits.refresh_at(max_age);
        Ok(Held { keys, document, fetched_at: fetch.began, due })
    }

    /// Records the result of a fetch, unless the fetch has been given up.
    fn end(&self, fetch: &Fetch, result: Result<Held, String>) -> Ended {
        let now = fetch.settings.clock.monotonic();
        let mut progress = lock(&self.progress);
        if progress.begun != fetch.number || progress.under_way.take().is_none() {
            return unavailable(Duration::ZERO);
        }
        match result {
            Ok(held) => {
                progress.schedule.succeeded(held.fetched_at, held.due);
                progress.last_error = None;
                self.held.store(Some(Arc::new(held)));
                Ok(())
            }
            Err(reason) => {
                progress.last_error = Some(reason);
                unavailable(progress.schedule.failed(now, &fetch.settings.limits))
            }
        }
    }

    /// Locks the progress of fetching. If the fetch under way can no longer end, this records that
    /// it failed.
    fn settled(&self, limits: &Limits) -> MutexGuard<'_, Progress> {
        let mut progress = lock(&self.progress);
        progress.settle(limits);
        progress
    }
}

/// Aborts the fetch under way, so that no fetch outlives the last handle to its source. For the
/// same reason, fetches and their callers have only weak references to this.
impl Drop for Fetcher {
    fn drop(&mut self) {
        if let Some(UnderWay { flight, .. }) = &lock(&self.progress).under_way {
            flight.abort();
        }
    }
}

/// A fetch that runs in its own task.
struct Fetch {
    fetcher: Weak<Fetcher>,
    settings: Arc<Settings>,
    number: u64,
    began: Duration,
}

impl Fetch {
    async fn run(self) -> Ended {
        let Settings { location, client, bounds, .. } = &*self.settings;
        let fetched = location.fetch(client, *bounds).await;
        let Some(fetcher) = self.fetcher.upgrade() else { return unavailable(Duration::ZERO) };
        let result = fetched.and_then(|(key_set_url, response)| {
            fetcher.read(response, &self).map_err(|error| key_set_url.explain(error))
        });
        let url = location.shown_url();
        match &result {
            Ok(held) => tracing::debug!(%url, keys = held.keys.len(), "keys fetched"),
            Err(reason) => tracing::warn!(%url, reason, "keys could not be fetched"),
        }
        fetcher.end(&self, result)
    }
}

/// Returns how long callers wait for a fetch. This is a little longer than the fetch's own timeout,
/// so that no caller leaves before the fetch ends.
fn timeout(settings: &Settings) -> Duration {
    settings.bounds.timeout.saturating_add(settings.bounds.timeout / 8)
}

fn unavailable(rest: Duration) -> Ended {
    Err(KeysUnavailable::after(rest))
}
