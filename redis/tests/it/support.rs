//! Helpers that several test modules share.

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;
use tower_step_up::testing::{self, FixedClock, SessionBuilder, TestIssuer};
use tower_step_up::token::{RevocationError, Revocations, Revoked};
use tower_step_up::{Clock, Factor, Session, StepUpLayer, Verifier};
use tower_step_up_redis::{Connect, RedisRevocations, Settings, StreamId};

/// The name of the issuer that test issuers have by default.
pub(crate) const ISSUER: &str = "stytch.com/project-test-00000000-0000-4000-8000-000000000000";
pub(crate) const KEY: &str = "tower-step-up:revocations";

/// How long anything may take. No test asserts a shorter time, because the machine may be slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Returns the one issuer that all tests share, because generating an RSA key takes a long time.
pub(crate) fn issuer() -> &'static TestIssuer {
    static ISSUER: OnceLock<TestIssuer> = OnceLock::new();
    ISSUER.get_or_init(TestIssuer::new)
}

/// Returns a session that began a minute ago. Each session has a different user.
pub(crate) fn session(id: &str) -> SessionBuilder {
    testing::session()
        .id(id)
        .user(&format!("user-of-{id}"))
        .started_ago(seconds(60))
        .proved(Factor::Password)
}

/// Returns the revocation of the session with this id.
pub(crate) fn revoked(id: &str) -> Revoked {
    Revoked::session(ISSUER, id)
}

/// One instance of a service: its replica and its guarded routes.
pub(crate) struct Instance {
    pub(crate) revocations: RedisRevocations,
    pub(crate) clock: FixedClock,
    issuer: TestIssuer,
    routes: Router,
}

impl Instance {
    /// Starts an instance whose writes have two seconds.
    pub(crate) fn start(server: impl Connect) -> Self {
        Self::start_with(server, Settings::new(), FixedClock::new())
    }

    pub(crate) fn start_with(server: impl Connect, settings: Settings, clock: FixedClock) -> Self {
        let settings = settings.clock(clock.clone());
        let revocations = RedisRevocations::start_with(server, settings);
        let issuer = issuer().clone().clock(clock.clone());
        let verifier = issuer.verifier().revocations(revocations.clone());
        Self { revocations, clock, issuer, routes: routes(&verifier) }
    }

    /// Starts an instance and waits until it is ready.
    pub(crate) async fn ready(server: impl Connect) -> Self {
        let instance = Self::start(server);
        within(instance.revocations.ready()).await;
        instance
    }

    /// Revokes a session now.
    pub(crate) async fn revoke(&self, id: &str) -> Result<StreamId, RevocationError> {
        within(self.revocations.write(revoked(id), self.clock.now())).await
    }

    /// Revokes sessions at once, and waits until all are in the stream.
    pub(crate) async fn revoke_all(&self, ids: &[String]) {
        let mut writes = JoinSet::new();
        for id in ids {
            writes.spawn(self.revocations.write(revoked(id), self.clock.now()));
        }
        // On a slow machine some may take longer than a write may, and are written nevertheless.
        within(writes.join_all()).await;
        self.has_written().await;
    }

    /// Returns whether the replica says that the session is revoked.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.refuses(&session(id).build())
    }

    /// Returns whether the replica is complete and says that this session is revoked.
    pub(crate) fn refuses(&self, session: &Session) -> bool {
        self.revocations.is_revoked(session) == Ok(true)
    }

    /// Waits until a read has failed, and returns the reason.
    pub(crate) async fn read_error(&self) -> String {
        eventually("an error", || self.revocations.health().read_error.is_some()).await;
        self.revocations.health().read_error.unwrap()
    }

    /// Waits until the replica knows that these sessions are revoked.
    pub(crate) async fn learns<S: AsRef<str>>(&self, ids: impl IntoIterator<Item = S>) {
        for id in ids {
            eventually(id.as_ref(), || self.knows(id.as_ref())).await;
        }
    }

    /// Returns a new token of this session.
    pub(crate) fn token(&self, id: &str) -> String {
        self.issuer.mint(&session(id))
    }

    /// Returns the status of the response of a route to a new token of this session, and its
    /// `Retry-After`.
    pub(crate) async fn get(&self, path: &str, id: &str) -> (u16, Option<String>) {
        respond(&self.routes, path, &self.token(id)).await
    }

    /// Returns the status of the response of a route to a new token of this session.
    pub(crate) async fn status(&self, path: &str, id: &str) -> u16 {
        self.get(path, id).await.0
    }

    /// Returns the status of the response of a route to this token.
    pub(crate) async fn status_of_token(&self, path: &str, token: &str) -> u16 {
        respond(&self.routes, path, token).await.0
    }

    /// Returns the age of the replica, or `None` if it is not complete.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.revocations.health().age
    }

    pub(crate) fn unwritten(&self) -> usize {
        self.revocations.health().unwritten
    }

    /// Waits until the replica is current.
    pub(crate) async fn is_current(&self) {
        eventually("current", || self.age().is_some_and(|age| age < seconds(2))).await;
    }

    /// Waits until every revocation of this instance is in the stream.
    pub(crate) async fn has_written(&self) {
        eventually("written", || self.unwritten() == 0).await;
    }
}

/// Returns guarded routes: `/` with the default limit of 30 s, `/news` without a limit.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(verifier: &Verifier) -> Router<S> {
    let guard = StepUpLayer::new(verifier.clone());
    let news = guard.max_replica_age(Duration::MAX);
    Router::new()
        .route("/", get(|| async { "granted" }).layer(guard))
        .route("/news", get(|| async { "granted" }).layer(news))
}

/// Returns the status of a response and its `Retry-After`.
pub(crate) async fn respond(routes: &Router, path: &str, token: &str) -> (u16, Option<String>) {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    let request = request.body(Body::empty()).unwrap();
    let response = within(routes.clone().oneshot(request)).await.unwrap();
    let retry_after = response.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), retry_after)
}

/// Waits for a future that must not hang.
#[track_caller]
pub(crate) fn within<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(PATIENCE, future).await {
            Ok(output) => output,
            Err(_) => panic!("{caller}: nothing happened within {PATIENCE:?}"),
        }
    }
}

/// Waits until something is true, and returns how long it took.
#[track_caller]
pub(crate) fn eventually(what: &str, is_true: impl Fn() -> bool) -> impl Future<Output = Duration> {
    let caller = std::panic::Location::caller();
    async move {
        let start = Instant::now();
        while !is_true() {
            assert!(start.elapsed() < PATIENCE, "{caller}: not within {PATIENCE:?}: {what}");
            sleep(Duration::from_millis(2)).await;
        }
        start.elapsed()
    }
}

/// Prints how long something took, for the table of outages in the guide. With `--nocapture`, the
/// test program shows it.
pub(crate) fn report(what: &str, time: Duration) {
    println!("measured: {what}: {time:?}");
}

/// Returns a server at this address.
pub(crate) fn server(url: &str) -> tower_step_up_redis::Server {
    tower_step_up_redis::Server::new(url).unwrap()
}
