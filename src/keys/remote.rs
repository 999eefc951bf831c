//! Keys that a server publishes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::Uri;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::schedule::{Decision, Limits, Schedule};
use super::{KeySet, KeySource, KeysUnavailable, Refresh};
use crate::clock::{Clock, SystemClock};
use crate::endpoint;
use crate::http_client::{self, Bounds, FetchError, HttpClient};

/// The keys that a server publishes as a JWKS document; a handle, cheap to clone.
///
/// Nothing is fetched before the first token comes, and nothing has to be awaited at start-up.
///
/// - However many requests wait, one task fetches. It is not part of any request, so a cancelled one harms nobody.
/// - A set that is 10 minutes old is fetched anew while requests go on with it. A token whose `kid` is not in the set
///   causes a fetch too, but not within 30 s of the last good one.
/// - A fetch takes at most 5 s and 1 MiB; redirects are not followed. After a failure comes a pause of 1 s, doubled by
///   each further failure up to 30 s.
/// - While the server is down, the last good set is used until it is 12 hours old. Where there is none, requests get 503.
///
/// Needs a tokio runtime with time and I/O once a token arrives; to construct it takes none.
#[derive(Clone)]
pub struct RemoteKeys {
    settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Settings {
    url: Uri,
    client: HttpClient,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    limits: Limits,
}

#[derive(Default)]
struct Shared {
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
    /// The last task that was begun, done or not.
    task: Option<AbortHandle>,
}

/// Where the outcome of a fetch appears, for everybody who waits for it.
type Announcement = watch::Receiver<Option<Outcome>>;
type Outcome = Result<(), KeysUnavailable>;

const BODY_BYTES: usize = 1 << 20;
const LEAST_RETRY_AFTER: Duration = Duration::from_secs(1);

impl RemoteKeys {
    /// Keys from this URL: HTTPS, or plain HTTP to this machine (`localhost`, `127.0.0.0/8`, `[::1]`).
    ///
    /// ```
    /// use tower_step_up::RemoteKeys;
    ///
    /// assert!(RemoteKeys::new("api stytch com").is_err()); // not a URL
    /// assert!(RemoteKeys::new("http://api.stytch.com/v1/sessions/jwks/x").is_err()); // anyone could answer
    /// assert!(RemoteKeys::new("https://api.stytch.com/v1/sessions/jwks/x").is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Where the URL cannot be read, or is plain HTTP to another machine.
    pub fn new(url: &str) -> Result<Self, RemoteKeysError> {
        let url: Uri = url.parse().map_err(|_| RemoteKeysError::InvalidUrl)?;
        if !endpoint::is_allowed(&url) {
            return Err(RemoteKeysError::InsecureUrl);
        }
        let client = HttpClient::new(&[]).map_err(|_| RemoteKeysError::InvalidRoots)?;
        let bounds = Bounds { time: Duration::from_secs(5), body_bytes: BODY_BYTES };
        let settings = Settings { url, client, clock: Arc::new(SystemClock), bounds, limits: Limits::default() };
        Ok(Self::with(settings))
    }

    /// Trusts these certificate authorities too, given in PEM, beside those of Mozilla's programme.
    ///
    /// # Errors
    ///
    /// Where the text holds no certificate that can be a root.
    pub fn trust_roots(self, pem: &[u8]) -> Result<Self, RemoteKeysError> {
        let roots = http_client::read_roots(pem).map_err(|_| RemoteKeysError::InvalidRoots)?;
        let client = HttpClient::new(&roots).map_err(|_| RemoteKeysError::InvalidRoots)?;
        Ok(Self::with(Settings { client, ..self.settings }))
    }

    /// Reads the schedule's time from this clock.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self::with(Settings { clock: Arc::new(clock), ..self.settings })
    }

    /// How long one fetch, and a request that waits for it, may take; 5 s by default.
    #[must_use]
    pub fn fetch_timeout(mut self, time: Duration) -> Self {
        self.settings.bounds.time = time;
        Self::with(self.settings)
    }

    /// The age at which a set is fetched anew in the background; 10 minutes by default.
    #[must_use]
    pub fn refresh_after(mut self, age: Duration) -> Self {
        self.settings.limits.refresh_after = age;
        Self::with(self.settings)
    }

    /// The age up to which the last good set is used while the server fails; 12 hours by default.
    #[must_use]
    pub fn usable_for(mut self, age: Duration) -> Self {
        self.settings.limits.usable_for = age;
        Self::with(self.settings)
    }

    /// The pause after a good fetch before an unknown `kid` may cause another; 30 s by default.
    #[must_use]
    pub fn cool_down(mut self, pause: Duration) -> Self {
        self.settings.limits.cool_down = pause;
        Self::with(self.settings)
    }

    /// Settings are made before the first use: what was fetched under others is left behind.
    fn with(settings: Settings) -> Self {
        Self { settings, shared: Arc::default() }
    }

    /// Joins the fetch that is under way or begins one. `None` outside a runtime.
    fn fetch(&self, mut progress: MutexGuard<'_, Progress>, now: Duration) -> Option<Announcement> {
        if let Some(outcome) = &progress.under_way {
            return Some(outcome.clone());
        }
        let runtime = Handle::try_current().ok()?;
        let (announce, outcome) = watch::channel(None);
        progress.under_way = Some(outcome.clone());
        // A runtime that is shutting down drops the task at once, and its landing takes the lock.
        drop(progress);
        let settings = self.settings.clone();
        let landing =
            Landing { shared: Arc::downgrade(&self.shared), settings: settings.clone(), announce, began: now };
        let task = runtime.spawn(async move {
            let fetched = settings.client.get(&settings.url, "application/json", settings.bounds).await;
            landing.land(fetched);
        });
        self.shared.progress().task = Some(task.abort_handle());
        Some(outcome)
    }
}

impl KeySource for RemoteKeys {
    fn current(&self) -> Option<Arc<KeySet>> {
        let held = self.shared.held.load_full()?;
        let now = self.settings.clock.monotonic();
        let age = now.saturating_sub(held.fetched_at);
        if age >= self.settings.limits.refresh_after {
            let progress = self.shared.progress();
            if progress.schedule.is_due(now, &self.settings.limits) {
                self.fetch(progress, now);
            }
        }
        (age < self.settings.limits.usable_for).then(|| Arc::clone(&held.keys))
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        let now = self.settings.clock.monotonic();
        let progress = self.shared.progress();
        let decision = match progress.under_way {
            Some(_) => Decision::Fetch,
            None => progress.schedule.decide(now, &self.settings.limits),
        };
        match decision {
            Decision::CoolDown => None,
            Decision::BackOff(rest) => Some(Box::pin(std::future::ready(Err(unavailable(rest))))),
            Decision::Fetch => Some(Box::pin(wait_for(self.fetch(progress, now)))),
        }
    }
}

async fn wait_for(outcome: Option<Announcement>) -> Outcome {
    let Some(mut outcome) = outcome else {
        return Err(unavailable(LEAST_RETRY_AFTER));
    };
    match outcome.wait_for(Option::is_some).await {
        Ok(landed) => (*landed).unwrap_or(Ok(())),
        Err(_) => Err(unavailable(LEAST_RETRY_AFTER)),
    }
}

fn unavailable(rest: Duration) -> KeysUnavailable {
    KeysUnavailable { retry_after: rest.max(LEAST_RETRY_AFTER) }
}

/// The end of a fetch, whatever end it is: where the task is dropped or panics, it lands as a failure.
struct Landing {
    /// Weak, so that a fetch does not keep alive what nobody asks any more.
    shared: Weak<Shared>,
    settings: Settings,
    announce: watch::Sender<Option<Outcome>>,
    began: Duration,
}

impl Landing {
    fn land(self, fetched: Result<bytes::Bytes, FetchError>) {
        let keys = match fetched {
            Ok(document) => KeySet::from_jwks(&document).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match keys {
            Ok(keys) => self.settle(keys),
            Err(reason) => {
                tracing::warn!(url = %self.settings.url, reason, "keys could not be fetched");
            } // and the drop settles it as a failure
        }
    }

    fn settle(&self, keys: KeySet) {
        let Some(shared) = self.shared.upgrade() else { return };
        tracing::debug!(url = %self.settings.url, keys = keys.len(), "keys fetched");
        shared.held.store(Some(Arc::new(Held { keys: Arc::new(keys), fetched_at: self.began })));
        let mut progress = shared.progress();
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
        let Some(shared) = self.shared.upgrade() else { return };
        let mut progress = shared.progress();
        let rest = progress.schedule.failed(self.settings.clock.monotonic(), &self.settings.limits);
        progress.under_way = None;
        self.announce.send_replace(Some(Err(unavailable(rest))));
    }
}

impl Shared {
    /// A poisoned lock is taken over: what it guards is valid at every step.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let progress = self.progress.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &progress.task {
            task.abort();
        }
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys").field("url", &self.settings.url).finish_non_exhaustive()
    }
}

/// Why keys cannot be had from a server as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemoteKeysError {
    /// Not a URL.
    InvalidUrl,
    /// Neither HTTPS nor plain HTTP to this machine.
    InsecureUrl,
    /// Not certificates in PEM that can be trusted as roots.
    InvalidRoots,
}

impl fmt::Display for RemoteKeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidUrl => "not a URL: expected https://host/path",
            Self::InsecureUrl => "keys are fetched by https, or by http from this machine only",
            Self::InvalidRoots => "not certificates in PEM that can be trusted as roots",
        })
    }
}

impl std::error::Error for RemoteKeysError {}
