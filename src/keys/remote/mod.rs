//! Keys that a server publishes.

mod fetching;
mod progress;
mod schedule;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::fetching::{Fetching, Settings};
use self::schedule::Limits;
use super::{KeyHealth, KeySet, KeySetId, KeySource, Refresh};
use crate::clock::{Clock, SystemClock};
use crate::endpoint::{self, EndpointError};
use crate::http_client::{Bounds, HttpClient};

/// The keys that a server publishes as a JWKS document; a handle, cheap to clone.
///
/// Nothing is fetched before the first token comes or somebody asks for a
/// [warm-up](crate::Verifier::warm_up), and nothing has to be awaited at start-up.
///
/// - However many requests wait, one task fetches. It is not part of any request, so a cancelled
///   one harms nobody.
/// - A set that is 10 minutes old is fetched anew while requests go on with it; where the server
///   states a `max-age` (`Cache-Control`), at that age, but not before 1 minute and not after 1
///   hour. A token whose `kid` is not in the set causes a fetch too, but not within 30 s of the
///   last good one.
/// - A fetch takes at most 5 s and 1 MiB; redirects are not followed. After a failure comes a pause
///   of 1 s, doubled by each further failure up to 30 s.
/// - While the server is down, the last good set is used until it is 12 hours old. Where there is
///   none, requests get 503.
///
/// Clones share what was fetched. Whoever changes a setting has a source of their own.
///
/// Needs a tokio runtime with time and I/O (`enable_all`) once a token arrives; to construct it
/// takes none. On a runtime without them a request that waits for keys panics, as everything in
/// tokio that waits for time does.
#[derive(Clone)]
pub struct RemoteKeys {
    settings: Arc<Settings>,
    fetching: Arc<Fetching>,
}

const BODY_BYTES: usize = 1 << 20;
/// Minutes pass between two fetches.
const KEPT_CONNECTIONS: usize = 0;
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(3_600);

impl RemoteKeys {
    /// Keys from this URL: HTTPS, or plain HTTP to this machine (`localhost`, `127.0.0.0/8`,
    /// `[::1]`).
    ///
    /// ```
    /// use tower_step_up::keys::RemoteKeys;
    ///
    /// assert!(RemoteKeys::new("api stytch com").is_err()); // not a URL
    /// assert!(RemoteKeys::new("http://api.stytch.com/v1/sessions/jwks/x").is_err()); // anyone could answer
    /// assert!(RemoteKeys::new("https://api.stytch.com/v1/sessions/jwks/x").is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the URL cannot be read, or is plain HTTP to another machine.
    pub fn new(url: &str) -> Result<Self, EndpointError> {
        let url = endpoint::parse(url)?;
        let client = HttpClient::new(KEPT_CONNECTIONS)?;
        let bounds = Bounds { timeout: Duration::from_secs(5), body_bytes: BODY_BYTES };
        let limits = Limits::default();
        Ok(Self::of(Settings { url, client, clock: Arc::new(SystemClock), bounds, limits }))
    }

    /// Trusts these certificate authorities too, given in PEM, beside those of Mozilla's programme.
    ///
    /// # Errors
    ///
    /// Returns [`EndpointError::InvalidRoots`] if the text holds no certificate, and
    /// [`EndpointError::InvalidRoot`] if one of them cannot be a root.
    pub fn trust_roots(self, pem: &[u8]) -> Result<Self, EndpointError> {
        let client = self.settings.client.trusting(pem)?;
        Ok(self.with(|settings| settings.client = client))
    }

    /// Fetches through the HTTP proxy that the environment names now: the first of `HTTPS_PROXY`,
    /// `https_proxy`, `ALL_PROXY` and `all_proxy` that is set, except to the hosts of `NO_PROXY` or
    /// `no_proxy`. If none is set, keys are fetched without one.
    ///
    /// Without this call the environment has no say: it must not redirect a process unasked to
    /// where keys come from and secrets go. With it, TLS is still between this process and the
    /// server, so a proxy learns the server's name and no more. A server on this machine is never
    /// reached through a proxy. If a proxy answers in the server's place, as some companies' do,
    /// trust its [roots](Self::trust_roots) too; it can then make up keys.
    ///
    /// # Errors
    ///
    /// Returns [`EndpointError::InvalidProxy`] if the variable does not hold the address of a proxy
    /// (`http://host:port`, `http://user:password@host:port`, or the same with `https`).
    pub fn proxy_from_env(self) -> Result<Self, EndpointError> {
        let client = self.settings.client.with_proxy_from_env()?;
        Ok(self.with(|settings| settings.client = client))
    }

    /// Fetches from this URL, with the same settings.
    pub(crate) fn at(self, url: &str) -> Result<Self, EndpointError> {
        let url = endpoint::parse(url)?;
        Ok(self.with(|settings| settings.url = url))
    }

    /// Reads the schedule's time from this clock.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    /// Sets how long one fetch, and a request that waits for it, may take; 5 s by default. If the
    /// runtime that began the fetch stands still, requests on others wait an eighth longer. Then
    /// the fetch is given up, and the next request begins another.
    #[must_use]
    pub fn timeout(self, duration: Duration) -> Self {
        self.with(|settings| settings.bounds.timeout = duration)
    }

    /// The age at which a set is fetched anew in the background where the server states none; 10
    /// minutes by default, at least 1 s.
    #[must_use]
    pub fn refresh_after(self, age: Duration) -> Self {
        self.with(|settings| settings.limits.refresh_after = age.max(MIN_PAUSE))
    }

    /// The pause after a failed fetch, and the most that it is doubled to by further ones; 1 s and
    /// 30 s by default, at least 1 s and at most 1 hour.
    #[must_use]
    pub fn backoff(self, first: Duration, longest: Duration) -> Self {
        self.with(|settings| {
            settings.limits.backoff = first.clamp(MIN_PAUSE, MAX_PAUSE);
            settings.limits.longest_backoff = longest.clamp(MIN_PAUSE, MAX_PAUSE);
        })
    }

    /// The age, from the beginning of its fetch, up to which the last good set is used while the
    /// server fails; 12 hours by default, at least 1 s. Not less than a fetch may take, or a slow
    /// one arrives too old to be used.
    #[must_use]
    pub fn usable_for(self, age: Duration) -> Self {
        self.with(|settings| settings.limits.usable_for = age.max(MIN_PAUSE))
    }

    /// The pause after a good fetch before an unknown `kid` may cause another; 30 s by default, at
    /// least 1 s, since anyone can make up a `kid`.
    #[must_use]
    pub fn cool_down(self, pause: Duration) -> Self {
        self.with(|settings| settings.limits.cool_down = pause.max(MIN_PAUSE))
    }

    /// With other settings it is another source: what the old one has fetched stays with it and its
    /// clones.
    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Arc::unwrap_or_clone(self.settings);
        change(&mut settings);
        Self::of(settings)
    }

    fn of(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), fetching: Arc::default() }
    }
}

impl KeySource for RemoteKeys {
    fn current(&self) -> Option<Arc<KeySet>> {
        self.fetching.with_current(&self.settings, Arc::clone)
    }

    fn current_id(&self) -> Option<KeySetId> {
        self.fetching.with_current(&self.settings, |keys| keys.id())
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        self.fetching.refresh(&self.settings)
    }

    fn health(&self) -> KeyHealth {
        self.fetching.health(&self.settings)
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.settings.shown_url();
        f.debug_struct("RemoteKeys").field("url", &format_args!("{url}")).finish_non_exhaustive()
    }
}
