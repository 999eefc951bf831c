//! The `Sessions` handle and its settings.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName};
use time::OffsetDateTime;

use super::authority::{SessionAuthority, SessionTokens};
use super::cookies::SessionCookies;
use super::exchange::Renewed;
use super::exchanges::Exchanges;
use super::set_cookies::SetCookies;
use super::successions::Successions;
use super::unfinished::Unfinished;
use crate::credentials::{CookieNames, CredentialSource};
use crate::moment::Moment;
use crate::session::Session;
use crate::token::Verifier;

/// A handle that renews sessions, adopts the tokens of a step-up, signs users out and clears
/// cookies. It is cheap to clone, and clones share what they know about sessions. The guide [a
/// session's life](crate::guide::sessions) shows how to use it.
///
/// A [`stytch::Project`](crate::stytch::Project) creates one, and guards share it:
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::testing::{TestIssuer, TestSessions};
/// use tower_step_up::{Policy, Sessions};
///
/// let issuer = TestIssuer::new();
/// let authority = TestSessions::new(&issuer); // in an application, Stytch's API
/// let sessions = issuer.sessions(authority).timeout(Duration::from_secs(2));
/// let guard = issuer.guard().renew_with(&sessions);
///
/// let account = guard.require(Policy::mfa());
/// assert!(account.sessions().is_some());
/// ```
///
/// Calls to the authority have these limits:
///
/// | what | limit |
/// | --- | --- |
/// | calls at a time for one session or one opaque token | 1 for any number of requests, unless [`confirmed_within`](crate::StepUpLayer::confirmed_within) demands a newer call |
/// | calls at a time, except for ending a session by its id | 64 for JWTs, and 64 for opaque tokens, which anyone can make up |
/// | cached results | the newest 4,096 of each kind, used as long as [`cache_for`](Self::cache_for) and [`confirmed_within`](crate::StepUpLayer::confirmed_within) allow; a client that makes up this many opaque tokens displaces the real ones |
/// | after a result that does not meet the policy | the guard asks again after 1 s, because a step-up elsewhere may have changed the session |
/// | after a failure without `Retry-After` | no call about the same session or token for 1 s; the earlier result stays in use |
/// | after `Retry-After` | the handle waits for that time, at least 1 s and at most 60 s; if the response was about a JWT, all calls wait, and otherwise only calls about opaque tokens; ending a session by its id is not delayed |
///
/// Calls need a tokio runtime. Without one, each call returns an error.
///
/// # Panics
///
/// Panics if it calls the authority on a runtime without a timer (`enable_time`).
#[derive(Clone)]
pub struct Sessions {
    pub(super) settings: Arc<Settings>,
    pub(super) exchanges: Arc<Exchanges>,
    pub(super) successions: Arc<Successions>,
    pub(super) unfinished: Arc<Unfinished>,
}

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) verifier: Verifier,
    /// The issuer whose sessions the authority keeps.
    pub(super) issuer: Box<str>,
    pub(super) authority: Arc<dyn SessionAuthority>,
    pub(super) cache_for: Duration,
    pub(super) timeout: Duration,
    max_renewable_age: Duration,
    sends_fresh_jwt: bool,
    pub(super) sources: Arc<[CredentialSource]>,
    cookies: SessionCookies,
}

/// The response header `Stytch-Session-JWT`. It carries the fresh JWT to a client that sent its
/// token in a header. See [`Sessions::send_fresh_jwt`].
pub const FRESH_JWT: HeaderName = HeaderName::from_static("stytch-session-jwt");

const DEFAULT_CACHE_TIME: Duration = Duration::from_secs(30);
const MAX_CACHE_TIME: Duration = Duration::from_secs(300);
const DEFAULT_MAX_RENEWABLE_AGE: Duration = Duration::from_secs(24 * 3_600);
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
const MIN_TIMEOUT: Duration = Duration::from_millis(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

impl Settings {
    /// Returns whether the authority keeps the sessions of this session's issuer.
    pub(super) fn keeps(&self, session: &Session) -> bool {
        *self.issuer == *session.issuer()
    }
}

impl Sessions {
    /// Creates a handle for the sessions that this verifier accepts and this authority keeps. By
    /// default it caches a result for 30 s and waits up to 5 s for one.
    ///
    /// If the verifier [accepts several issuers](Verifier::any_of), the authority keeps the sessions
    /// of the first one, unless [`issuer`](Self::issuer) names another. It is never asked about the
    /// sessions of the others: guards do not renew them, and a sign-out revokes them in the
    /// verifier's store only.
    #[must_use]
    pub fn new(verifier: Verifier, authority: impl SessionAuthority) -> Self {
        let issuer = verifier.issuers().next().unwrap_or_default().into();
        let settings = Settings {
            verifier,
            issuer,
            authority: Arc::new(authority),
            cache_for: DEFAULT_CACHE_TIME,
            timeout: DEFAULT_TIMEOUT,
            max_renewable_age: DEFAULT_MAX_RENEWABLE_AGE,
            sends_fresh_jwt: false,
            sources: CredentialSource::defaults().into(),
            cookies: SessionCookies::default(),
        };
        Self {
            settings: Arc::new(settings),
            exchanges: Arc::default(),
            successions: Arc::default(),
            unfinished: Arc::default(),
        }
    }

    /// Sets the issuer whose sessions the authority keeps, by its [name](Session::issuer) or by
    /// another `iss` that the verifier accepts for it.
    ///
    /// # Panics
    ///
    /// Panics if the verifier does not accept this issuer. The authority would never be asked.
    #[must_use]
    #[track_caller]
    pub fn issuer(self, name: &str) -> Self {
        let known: Option<Box<str>> = self.verifier().name_of_issuer(name).map(Into::into);
        assert!(known.is_some(), "the verifier of the sessions does not accept the issuer {name}");
        self.with(|settings| settings.issuer = known.unwrap_or_default())
    }

    /// Returns whether the authority keeps this session.
    pub(crate) fn keeps(&self, session: &Session) -> bool {
        self.settings.keeps(session)
    }

    /// Sets how long a renewal is reused, and how long a session that the authority does not know
    /// stays refused. The default is 30 s, and the maximum is 5 minutes. Fresh tokens are not used
    /// after they have expired.
    #[must_use]
    pub fn cache_for(self, duration: Duration) -> Self {
        self.with(|settings| settings.cache_for = duration.min(MAX_CACHE_TIME))
    }

    /// Sets how long a call may take, including the verification of its result. The default is 5 s,
    /// and the limits are 10 ms and 60 s.
    #[must_use]
    pub fn timeout(self, duration: Duration) -> Self {
        self.with(|settings| settings.timeout = duration.clamp(MIN_TIMEOUT, MAX_TIMEOUT))
    }

    /// Sets how long after it was issued a JWT can be renewed; 24 hours by default. Guards refuse
    /// an older JWT, for example one from an old log. If the JWT is in a cookie, and the request
    /// also has a cookie with an opaque token of the same user, the guard exchanges that token
    /// instead. Otherwise the user must sign in again.
    #[must_use]
    pub fn max_renewable_age(self, duration: Duration) -> Self {
        self.with(|settings| settings.max_renewable_age = duration)
    }

    /// Sends the fresh JWT in the response header [`FRESH_JWT`] to a client that sent a token in a
    /// header. A script of another origin can read it only if the CORS layer exposes the header.
    #[must_use]
    pub fn send_fresh_jwt(self) -> Self {
        self.with(|settings| settings.sends_fresh_jwt = true)
    }

    /// Sets the attributes of the cookies that carry a session's tokens.
    #[must_use]
    pub fn cookies(self, cookies: SessionCookies) -> Self {
        self.with(|settings| settings.cookies = cookies)
    }

    /// Sets the places where requests carry tokens. The default is [`CredentialSource::defaults`].
    /// If several places are cookies, a renewal and [`adopt`](Self::adopt) set only the first
    /// cookie for the JWT and the first for the opaque token, and [`sign_out`](Self::sign_out)
    /// clears these two. Guards that renew with this handle read the same places, unless they have
    /// their own [`credentials`](crate::StepUpLayer::credentials).
    #[must_use]
    pub fn credentials(self, sources: impl IntoIterator<Item = CredentialSource>) -> Self {
        self.with(|settings| settings.sources = sources.into_iter().collect())
    }

    /// Returns the verifier of the sessions' tokens.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.settings.verifier
    }

    /// Clears both cookies but ends no session. Use it when the session cannot be verified or does
    /// not matter, for example in a [responder](crate::StepUpLayer::respond_with).
    pub fn clear_cookies(&self, request: &HeaderMap) -> SetCookies {
        self.settings.cookies.clear(CookieNames::of(&self.settings.sources), request)
    }

    pub(crate) fn sources(&self) -> Arc<[CredentialSource]> {
        Arc::clone(&self.settings.sources)
    }

    /// Returns whether a client that sent a token in a header receives a fresh JWT.
    pub(crate) fn sends_fresh_jwt(&self) -> bool {
        self.settings.sends_fresh_jwt
    }

    /// Returns whether the JWT of this session is young enough to be renewed.
    pub(crate) fn can_renew(&self, session: &Session, now: OffsetDateTime) -> bool {
        let age = Moment::from(now).since(session.token_issued_at().into());
        age <= self.settings.max_renewable_age
    }

    /// Returns the cookies with both tokens. They last as long as the session.
    pub(super) fn set_cookies(
        &self,
        tokens: &SessionTokens,
        session: &Session,
        request: &HeaderMap,
    ) -> SetCookies {
        self.cookies_with(tokens, Some(&tokens.session_token), session, request)
    }

    /// Returns the cookies with the tokens of a renewal. The session token lives as long as the
    /// session, and an expired JWT alone must not obtain it. So the cookies include it only if the
    /// request presents it, or if the client exchanged an opaque token.
    pub(crate) fn renewed_cookies(&self, renewed: &Renewed, request: &HeaderMap) -> SetCookies {
        let Renewed { tokens, session, presented } = renewed;
        let token = Some(&*tokens.session_token).filter(|token| {
            let mut sources = self.settings.sources.iter().filter(|source| source.is_opaque());
            presented.is_opaque() || sources.any(|it| it.presents(request, token.as_bytes()))
        });
        self.cookies_with(tokens, token, session, request)
    }

    fn cookies_with(
        &self,
        tokens: &SessionTokens,
        session_token: Option<&str>,
        session: &Session,
        request: &HeaderMap,
    ) -> SetCookies {
        let max_age = session.stated_end().map(|end| end - self.verifier().now());
        let names = CookieNames::of(&self.settings.sources);
        self.settings.cookies.set(names, &tokens.session_jwt, session_token, max_age, request)
    }

    /// Changes the settings. Everything else stays shared with the handles that this one was cloned
    /// from, so a step-up or a sign-out through one of them takes effect in all of them.
    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("verifier", &self.settings.verifier)
            .field("cache_for", &self.settings.cache_for)
            .field("timeout", &self.settings.timeout)
            .finish_non_exhaustive()
    }
}
