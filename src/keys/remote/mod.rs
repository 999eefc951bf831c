//! Keys that a server publishes.

mod discovery;
mod fetcher;
mod location;
mod progress;
mod schedule;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::discovery::DiscoverableIssuer;
use self::fetcher::{Fetcher, Settings};
use self::location::Location;
use self::schedule::Limits;
use super::{KeyHealth, KeySet, KeySetId, KeySource, Refresh};
use crate::clock::{Clock, SystemClock};
use crate::endpoint::{self, EndpointError};
use crate::http_client::{Bounds, HttpClient};

/// The keys that a server publishes as a JWKS document. This is a handle and cheap to clone.
///
/// [`new`](Self::new) takes the URL of the document, and [`discovered`](Self::discovered) takes an
/// OpenID Connect issuer that publishes the URL.
///
/// Nothing is fetched before the first token arrives or the application calls
/// [`warm_up`](crate::Verifier::warm_up), and nothing has to be awaited at start-up.
///
/// - One task fetches, however many requests wait. It is not part of any request, so a cancelled
///   request does not affect the others.
/// - A set that is 10 minutes old is fetched again in the background, while requests go on with the
///   old one. If the server sends a `max-age` (`Cache-Control`), that age applies instead, but at
///   least 1 minute and at most 1 hour. A token whose `kid` is not in the set also causes a fetch,
///   but not within 30 s of the last successful one.
/// - A fetch may take at most 5 s and return at most 1 MiB. Redirects are not followed. After a
///   failure there is a pause of 1 s, which each further failure doubles, up to 30 s.
/// - While the server is down, the last good set is used until it is 12 hours old. If there is no
///   such set, requests get 503.
///
/// Clones share the fetched keys. A handle with a changed setting is a separate source.
///
/// When a token arrives, this needs a tokio runtime with time and I/O (`enable_all`). Construction
/// needs no runtime. On a runtime without time, a request that waits for keys panics, like
/// everything in tokio that waits for time.
#[derive(Clone)]
pub struct RemoteKeys {
    settings: Arc<Settings>,
    fetcher: Arc<Fetcher>,
}

const BODY_BYTES: usize = 1 << 20;
/// No idle connection is kept, because minutes pass between two fetches.
const MAX_IDLE_CONNECTIONS: usize = 0;
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(3_600);

impl RemoteKeys {
    /// Creates a source that fetches from this URL. It must be HTTPS, or plain HTTP to this machine
    /// (`localhost`, `127.0.0.0/8`, `[::1]`).
    ///
    /// ```
    /// use tower_step_up::keys::RemoteKeys;
    ///
    /// assert!(RemoteKeys::new("api stytch com").is_err()); // not a URL
    /// assert!(RemoteKeys::new("http://api.stytch.com/v1/sessions/jwks/x").is_err()); // no TLS
    /// assert!(RemoteKeys::new("https://api.stytch.com/v1/sessions/jwks/x").is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, contains a user name, or is neither HTTPS nor plain
    /// HTTP to this machine.
    pub fn new(url: &str) -> Result<Self, EndpointError> {
        Self::from_location(Location::Url(endpoint::parse(url)?))
    }

    /// Creates a source that finds the key set of this issuer with [OpenID Connect Discovery 1.0],
    /// section 4.
    ///
    /// Each fetch first gets the issuer's discovery document, at the issuer's URL followed by
    /// `/.well-known/openid-configuration`. It then gets the key set from the document's
    /// `jwks_uri`. Both requests together have the [timeout](Self::timeout) of one fetch, and the
    /// document has the size limit of a key set. If either request fails, the fetch fails: the
    /// known keys stay in use, and the next attempt follows after the usual pause. The
    /// [health](crate::Verifier::health) states what failed.
    ///
    /// The document's `issuer` must equal this issuer byte for byte, including a slash at the end.
    /// The `jwks_uri` must be HTTPS, or plain HTTP to this machine. Algorithms are never taken from
    /// the document, because [each key pins its own](super::KeySet::from_jwks).
    ///
    /// ```
    /// use tower_step_up::keys::RemoteKeys;
    ///
    /// assert!(RemoteKeys::discovered("https://accounts.google.com").is_ok());
    /// assert!(RemoteKeys::discovered("http://accounts.google.com").is_err()); // no TLS
    /// assert!(RemoteKeys::discovered("https://accounts.google.com?a=b").is_err()); // a query
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the issuer is not a valid URL, has a query or a fragment, contains a
    /// user name, or is neither HTTPS nor plain HTTP to this machine.
    ///
    /// [OpenID Connect Discovery 1.0]: https://openid.net/specs/openid-connect-discovery-1_0.html
    pub fn discovered(issuer: &str) -> Result<Self, EndpointError> {
        Self::from_location(Location::Issuer(DiscoverableIssuer::parse(issuer)?))
    }

    fn from_location(location: Location) -> Result<Self, EndpointError> {
        let client = HttpClient::new(MAX_IDLE_CONNECTIONS)?;
        let bounds = Bounds { timeout: Duration::from_secs(5), body_bytes: BODY_BYTES };
        let limits = Limits::default();
        Ok(Self::of(Settings { location, client, clock: Arc::new(SystemClock), bounds, limits }))
    }

    /// Trusts these certificate authorities (PEM) in addition to those of Mozilla's root program.
    ///
    /// # Errors
    ///
    /// Returns [`EndpointError::InvalidRoots`] if the text contains no certificate, and
    /// [`EndpointError::InvalidRoot`] if one of them cannot be a root.
    pub fn trust_roots(self, pem: &[u8]) -> Result<Self, EndpointError> {
        let client = self.settings.client.trusting(pem)?;
        Ok(self.with(|settings| settings.client = client))
    }

    /// Fetches through the HTTP proxy that the environment names now. This is the first of
    /// `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy` that is set. The hosts of
    /// `NO_PROXY` or `no_proxy` are reached without it. If none of the four is set, keys are
    /// fetched without a proxy.
    ///
    /// Without this call the environment is ignored. It must not silently change where keys come
    /// from and where secrets go. With this call, TLS still runs between this process and the
    /// server, so a proxy learns only the server's name. A server on this machine is never reached
    /// through a proxy. Some companies' proxies respond in the server's place. To use one, trust
    /// its [roots](Self::trust_roots) too. Such a proxy can make up keys.
    ///
    /// # Errors
    ///
    /// Returns [`EndpointError::InvalidProxy`] if the variable does not hold the address of a proxy
    /// (`host`, `host:port`, `http://host:port`, `http://user:password@host:port`, or the same with
    /// `https`), or if a variable is not Unicode.
    pub fn proxy_from_env(self) -> Result<Self, EndpointError> {
        let client = self.settings.client.with_proxy_from_env()?;
        Ok(self.with(|settings| settings.client = client))
    }

    /// Fetches from this URL, with the same settings.
    pub(crate) fn at(self, url: &str) -> Result<Self, EndpointError> {
        let url = endpoint::parse(url)?;
        Ok(self.with(|settings| settings.location = Location::Url(url)))
    }

    /// Reads the schedule's time from this clock.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        self.with(|settings| settings.clock = Arc::new(clock))
    }

    /// Sets how long one fetch, and a request that waits for it, may take. The default is 5 s. If
    /// the runtime that began the fetch stalls, requests on other runtimes wait an eighth longer.
    /// Then the fetch is given up, and the next request begins another.
    #[must_use]
    pub fn timeout(self, duration: Duration) -> Self {
        self.with(|settings| settings.bounds.timeout = duration)
    }

    /// Sets the age at which a set is fetched again in the background if the server sends no
    /// `max-age`. The default is 10 minutes, and the minimum is 1 s.
    #[must_use]
    pub fn refresh_after(self, age: Duration) -> Self {
        self.with(|settings| settings.limits.refresh_after = age.max(MIN_PAUSE))
    }

    /// Sets the pause after a failed fetch, and the limit up to which further failures double it.
    /// The defaults are 1 s and 30 s. Both are at least 1 s and at most 1 hour.
    #[must_use]
    pub fn backoff(self, first: Duration, longest: Duration) -> Self {
        self.with(|settings| {
            settings.limits.backoff = first.clamp(MIN_PAUSE, MAX_PAUSE);
            settings.limits.longest_backoff = longest.clamp(MIN_PAUSE, MAX_PAUSE);
        })
    }

    /// Sets the age up to which the last good set is used while the server fails. The age counts
    /// from the beginning of the set's fetch. The default is 12 hours, and the minimum is 1 s. Set
    /// it to more than the [timeout](Self::timeout). Otherwise a slow fetch can return a set that
    /// is already too old.
    #[must_use]
    pub fn usable_for(self, age: Duration) -> Self {
        self.with(|settings| settings.limits.usable_for = age.max(MIN_PAUSE))
    }

    /// Sets the pause after a successful fetch before an unknown `kid` may cause another. The
    /// default is 30 s, and the minimum is 1 s, because anyone can make up a `kid`.
    #[must_use]
    pub fn cool_down(self, pause: Duration) -> Self {
        self.with(|settings| settings.limits.cool_down = pause.max(MIN_PAUSE))
    }

    /// Changes a setting. The result is a separate source. The keys that the old source has fetched
    /// stay with its clones.
    fn with(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Arc::unwrap_or_clone(self.settings);
        change(&mut settings);
        Self::of(settings)
    }

    fn of(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), fetcher: Arc::default() }
    }
}

impl KeySource for RemoteKeys {
    fn current(&self) -> Option<Arc<KeySet>> {
        self.fetcher.with_current(&self.settings, Arc::clone)
    }

    fn current_id(&self) -> Option<KeySetId> {
        self.fetcher.with_current(&self.settings, |keys| keys.id())
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        self.fetcher.refresh(&self.settings)
    }

    fn health(&self) -> KeyHealth {
        self.fetcher.health(&self.settings)
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.settings.location.shown_url();
        f.debug_struct("RemoteKeys").field("url", &format_args!("{url}")).finish_non_exhaustive()
    }
}
