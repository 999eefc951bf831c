//! The set that is held, and the one fetch that may be under way.

use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::Uri;
use rustls::pki_types::CertificateDer;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::schedule::{Decision, Limits, Schedule};
use crate::clock::Clock;
use crate::http_client::{Bounds, FetchError, HttpClient};
use crate::keys::{KeySet, KeysUnavailable, Refresh};

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) url: Uri,
    pub(super) client: HttpClient,
    /// What the client trusts beside its own.
    pub(super) roots: Vec<CertificateDer<'static>>,
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
    /// When their fetch began.
    fetched_at: Duration,
}

#[derive(Default)]
struct Progress {
    schedule: Schedule,
    under_way: Option<Announcement>,
    /// The last task that was seen under way, done or not.
    task: Option<AbortHandle>,
}

/// Where the outcome of a fetch appears, for everybody who waits for it.
type Announcement = watch::Receiver<Option<Outcome>>;
type Outcome = Result<(), KeysUnavailable>;

const LEAST_RETRY_AFTER: Duration = Duration::from_secs(1);

impl Fetching {
    /// The set, where there is one that may be used. An old one is fetched anew behind the request.
    pub(super) fn current(self: &Arc<Self>, settings: &Settings) -> Option<Arc<KeySet>> {
        let held = self.held.load_full()?;
        let now = settings.clock.monotonic();
        let age = now.saturating_sub(held.fetched_at);
        if age >= settings.limits.refresh_after {
            let progress = self.progress();
            if progress.schedule.is_due(now, &settings.limits) {
                self.fetch(settings, progress, now);
            }
        }
        (age < settings.limits.usable_for).then(|| Arc::clone(&held.keys))
    }

    /// Waits for the fetch that is under way, or for one that it begins if the schedule lets it.
    pub(super) fn refresh(self: &Arc<Self>, settings: &Settings) -> Option<Refresh> {
        let now = settings.clock.monotonic();
        let progress = self.progress();
        let decision = match progress.under_way {
            Some(_) => Decision::Fetch,
            None => progress.schedule.decide(now, &settings.limits),
        };
        match decision {
            Decision::CoolDown => None,
            Decision::BackOff(rest) => Some(Box::pin(ready(unavailable(rest)))),
            Decision::Fetch => match self.fetch(settings, progress, now) {
                Some(outcome) => Some(Box::pin(wait_for(outcome, settings.bounds.time))),
                None => Some(Box::pin(ready(unavailable(LEAST_RETRY_AFTER)))),
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
        if let Some(outcome) = &progress.under_way {
            return Some(outcome.clone());
        }
        let runtime = Handle::try_current().ok()?;
        let (announce, outcome) = watch::channel(None);
        progress.under_way = Some(outcome.clone());
        // A runtime that is shutting down drops the task at once, and its landing takes the lock.
        drop(progress);
        let landing = Landing { fetching: Arc::downgrade(self), settings: settings.clone(), announce, began: now };
        let task = runtime.spawn(landing.fetch());
        let mut progress = self.progress();
        if progress.under_way.as_ref().is_some_and(|under_way| under_way.same_channel(&outcome)) {
            progress.task = Some(task.abort_handle());
        }
        drop(progress);
        Some(outcome)
    }

    /// A poisoned lock is taken over: what it guards is valid at every step.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        let progress = self.progress.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &progress.task {
            task.abort();
        }
    }
}

/// The fetch bounds itself, but on the runtime of whoever asked first, which may stand still. A little more time than the
/// fetch has, so that where it does land, nobody has left before.
async fn wait_for(mut outcome: Announcement, fetch_time: Duration) -> Outcome {
    let patience = fetch_time.saturating_add(fetch_time / 8);
    match tokio::time::timeout(patience, outcome.wait_for(Option::is_some)).await {
        Ok(Ok(landed)) => landed.unwrap_or(Ok(())),
        Ok(Err(_)) | Err(_) => unavailable(LEAST_RETRY_AFTER),
    }
}

fn unavailable(rest: Duration) -> Outcome {
    Err(KeysUnavailable { retry_after: rest.max(LEAST_RETRY_AFTER) })
}

/// The end of a fetch, whatever end it is: where the task is dropped or panics, it lands as a failure.
struct Landing {
    /// Weak, so that a fetch does not keep alive what nobody asks any more.
    fetching: Weak<Fetching>,
    settings: Settings,
    announce: watch::Sender<Option<Outcome>>,
    began: Duration,
}

impl Landing {
    async fn fetch(self) {
        let Settings { client, url, bounds, .. } = &self.settings;
        let document = client.get(url, "application/json", *bounds).await;
        match read(document) {
            Ok(keys) => self.settle(keys),
            // And the drop settles it.
            Err(reason) => tracing::warn!(%url, reason, "keys could not be fetched"),
        }
    }

    fn settle(&self, keys: KeySet) {
        let Some(fetching) = self.fetching.upgrade() else { return };
        tracing::debug!(url = %self.settings.url, keys = keys.len(), "keys fetched");
        fetching.held.store(Some(Arc::new(Held { keys: Arc::new(keys), fetched_at: self.began })));
        let mut progress = fetching.progress();
        progress.schedule.succeeded(self.began);
        progress.under_way = None;
        self.announce.send_replace(Some(Ok(())));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if self.announce.borrow().is_some() {
            return;
        }
        let Some(fetching) = self.fetching.upgrade() else { return };
        let mut progress = fetching.progress();
        let rest = progress.schedule.failed(self.settings.clock.monotonic(), &self.settings.limits);
        progress.under_way = None;
        self.announce.send_replace(Some(unavailable(rest)));
    }
}

fn read(document: Result<Bytes, FetchError>) -> Result<KeySet, String> {
    let document = document.map_err(|error| error.to_string())?;
    KeySet::from_jwks(&document).map_err(|error| error.to_string())
}
