//! The set that is held, and the one fetch that may be under way.

use std::future::ready;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::Uri;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::schedule::{Decision, Limits, Schedule};
use crate::clock::Clock;
use crate::http_client::{Bounds, FetchError, Fetched, HttpClient};
use crate::keys::{KeyHealth, KeySet, KeySetId, KeysUnavailable, Refresh};

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) url: Uri,
    pub(super) client: HttpClient,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bounds: Bounds,
    pub(super) limits: Limits,
}

#[derive(Default)]
pub(super) struct Fetching {
    held: ArcSwapOption<Held>,
    progress: Mutex<Progress>,
}

struct Held {
    keys: Arc<KeySet>,
    /// As it came: of the same document the same set stays, and with it what is remembered of its
    /// keys.
    document: Bytes,
    /// When their fetch began.
    fetched_at: Duration,
    /// The age at which they are fetched anew.
    due: Duration,
}

#[derive(Default)]
struct Progress {
    schedule: Schedule,
    under_way: Option<UnderWay>,
    /// Why the last fetch failed, if it did.
    last_error: Option<String>,
    /// How many fetches have been begun.
    begun: u64,
}

struct UnderWay {
    number: u64,
    outcome: Announcement,
    /// In real time, as the bound of a fetch is, whatever clock the schedule goes by.
    since: Instant,
    task: Option<AbortHandle>,
}

/// Where the outcome of a fetch appears, for everybody who waits for it.
type Announcement = watch::Receiver<Option<Outcome>>;
type Outcome = Result<(), KeysUnavailable>;

impl Fetching {
    /// The set, where there is one that may be used. An old one is fetched anew behind the request.
    pub(super) fn current(self: &Arc<Self>, settings: &Settings) -> Option<Arc<KeySet>> {
        let held = self.held.load_full()?;
        let now = settings.clock.monotonic();
        let age = now.saturating_sub(held.fetched_at);
        if age >= held.due {
            let progress = self.progress();
            if progress.schedule.is_due(now, &settings.limits) {
                self.fetch(settings, progress, now);
            }
        }
        (age < settings.limits.usable_for).then(|| Arc::clone(&held.keys))
    }

    /// Which set that is.
    pub(super) fn current_id(self: &Arc<Self>, settings: &Settings) -> Option<KeySetId> {
        let held = self.held.load();
        let held = held.as_ref()?;
        let age = settings.clock.monotonic().saturating_sub(held.fetched_at);
        match age < held.due.min(settings.limits.usable_for) {
            true => Some(held.keys.id()),
            false => self.current(settings).map(|keys| keys.id()),
        }
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
            last_error: self.progress().last_error.clone(),
        }
    }

    /// Waits for the fetch that is under way, or for one that it begins if the schedule lets it.
    pub(super) fn refresh(self: &Arc<Self>, settings: &Settings) -> Option<Refresh> {
        let now = settings.clock.monotonic();
        let progress = self.progress();
        let decision = match &progress.under_way {
            Some(under_way) if !under_way.is_overdue(settings) => Decision::Fetch,
            _ => progress.schedule.decide(now, &settings.limits),
        };
        match decision {
            Decision::CoolDown => None,
            Decision::BackOff(rest) => Some(Box::pin(ready(unavailable(rest)))),
            Decision::Fetch => match self.fetch(settings, progress, now) {
                Some(outcome) => Some(Box::pin(wait_for(outcome, patience(settings)))),
                None => Some(Box::pin(ready(unavailable(KeysUnavailable::LEAST_RETRY_AFTER)))),
            },
        }
    }

    /// Joins the fetch that is under way or begins one. `None` outside a runtime.
    fn fetch(
        self: &Arc<Self>,
        settings: &Settings,
        mut progress: MutexGuard<'_, Progress>,
        now: Duration,
    ) -> Option<Announcement> {
        let runtime = Handle::try_current().ok()?;
        if let Some(under_way) =
            progress.under_way.as_ref().filter(|under_way| !under_way.is_overdue(settings))
        {
            return Some(under_way.outcome.clone());
        }
        let (announce, outcome) = watch::channel(None);
        progress.begun += 1;
        let number = progress.begun;
        let under_way =
            UnderWay { number, outcome: outcome.clone(), since: Instant::now(), task: None };
        let overdue = progress.under_way.replace(under_way);
        if overdue.is_some() {
            progress.last_error = Some("it stood still and was given up".into());
        }
        // A runtime that is shutting down drops the task at once, and its landing takes the lock.
        drop(progress);
        drop(overdue);
        let fetching = Arc::downgrade(self);
        let error = "it was broken off".into();
        let landing =
            Landing { fetching, settings: settings.clone(), number, announce, began: now, error };
        let task = runtime.spawn(landing.fetch()).abort_handle();
        if let Some(under_way) =
            self.progress().under_way.as_mut().filter(|under_way| under_way.number == number)
        {
            under_way.task = Some(task);
        }
        Some(outcome)
    }

    /// A poisoned lock is taken over: what it guards is valid at every step.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// A fetch bounds itself, but on the runtime of whoever asked first, which may stand still.
    fn is_overdue(&self, settings: &Settings) -> bool {
        self.since.elapsed() >= patience(settings)
    }
}

/// When the source goes, or a fetch that is overdue is given up.
impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn wait_for(mut outcome: Announcement, patience: Duration) -> Outcome {
    match tokio::time::timeout(patience, outcome.wait_for(Option::is_some)).await {
        Ok(Ok(landed)) => landed.unwrap_or(Ok(())),
        Ok(Err(_)) | Err(_) => unavailable(KeysUnavailable::LEAST_RETRY_AFTER),
    }
}

/// A little more time than a fetch has, so that where it does land, nobody has left before.
fn patience(settings: &Settings) -> Duration {
    settings.bounds.time.saturating_add(settings.bounds.time / 8)
}

fn unavailable(rest: Duration) -> Outcome {
    Err(KeysUnavailable { retry_after: rest.max(KeysUnavailable::LEAST_RETRY_AFTER) })
}

/// The end of a fetch, whatever end it is: where the task is dropped or panics, it lands as a
/// failure.
struct Landing {
    /// Weak, so that a fetch does not keep alive what nobody asks any more.
    fetching: Weak<Fetching>,
    settings: Settings,
    number: u64,
    announce: watch::Sender<Option<Outcome>>,
    began: Duration,
    /// What it failed of, if it did.
    error: String,
}

impl Landing {
    async fn fetch(mut self) {
        let Settings { client, url, bounds, .. } = &self.settings;
        let answer = client.get(url, "application/json", *bounds).await;
        match self.read(answer) {
            Ok(held) => self.settle(held),
            Err(reason) => {
                tracing::warn!(%url, reason, "keys could not be fetched");
                // And the drop settles it.
                self.error = reason;
            }
        }
    }

    fn read(&self, answer: Result<Fetched, FetchError>) -> Result<Held, String> {
        let Fetched { body: document, max_age } = answer.map_err(|error| error.to_string())?;
        let held = self.fetching.upgrade().and_then(|fetching| fetching.held.load_full());
        let keys = match held.filter(|held| held.document == document) {
            Some(held) => Arc::clone(&held.keys),
            None => Arc::new(KeySet::from_jwks(&document).map_err(|error| error.to_string())?),
        };
        Ok(Held {
            keys,
            document,
            fetched_at: self.began,
            due: self.settings.limits.refresh_at(max_age),
        })
    }

    fn settle(&self, held: Held) {
        let Some(fetching) = self.fetching.upgrade() else { return };
        let mut progress = fetching.progress();
        if progress.end(self.number) {
            tracing::debug!(url = %self.settings.url, keys = held.keys.len(), "keys fetched");
            progress.schedule.succeeded(self.began, held.due);
            progress.last_error = None;
            fetching.held.store(Some(Arc::new(held)));
        }
        self.announce.send_replace(Some(Ok(())));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if self.announce.borrow().is_some() {
            return;
        }
        let Some(fetching) = self.fetching.upgrade() else { return };
        let now = self.settings.clock.monotonic();
        let mut progress = fetching.progress();
        let rest = match progress.end(self.number) {
            true => {
                progress.last_error = Some(mem::take(&mut self.error));
                progress.schedule.failed(now, &self.settings.limits)
            }
            false => KeysUnavailable::LEAST_RETRY_AFTER,
        };
        self.announce.send_replace(Some(unavailable(rest)));
    }
}

impl Progress {
    /// Ends the fetch of this number, unless it has been given up and another is under way.
    fn end(&mut self, number: u64) -> bool {
        let is_own = self.under_way.as_ref().is_some_and(|under_way| under_way.number == number);
        if is_own && let Some(mut under_way) = self.under_way.take() {
            // It ends by itself.
            under_way.task = None;
        }
        is_own
    }
}
