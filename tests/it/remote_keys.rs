//! Keys over real HTTP on loopback, from servers that behave and servers that do not.

use std::future::{poll_fn, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::keys::{KeyHealth, KeySet, KeySource, KeysUnavailable, Refresh, RemoteKeys};
use tower_step_up::layer::StepUp;
use tower_step_up::testing::{FixedClock, NOW, TestIssuer};
use tower_step_up::{Factor, StepUpLayer, Verifier, VerifyError, stytch};

use crate::key_server::{Behaviour, KeyServer, misbehaviours, serve_over_tls, within_seconds};
use crate::support::{TestResponse, bearer, inner, issuer, proved, reason, seconds, send};

type Body = Full<Bytes>;

/// A guard, the server of its keys, and the clock that it uses.
struct Guarded {
    server: KeyServer,
    clock: FixedClock,
    guard: StepUpLayer,
}

impl Guarded {
    async fn start(behaviour: Behaviour) -> Self {
        Self::start_with(behaviour, seconds(5)).await
    }

    async fn start_with(behaviour: Behaviour, time_limit: Duration) -> Self {
        let server = KeyServer::start(behaviour).await;
        let clock = FixedClock::new();
        let keys = server.keys().clock(clock.clone()).timeout(time_limit);
        let verifier =
            Verifier::new(keys, [issuer().name()], issuer().audience()).clock(clock.clone());
        Self { server, clock, guard: StepUpLayer::new(verifier) }
    }

    /// Sends a request with a fresh token of this issuer.
    async fn send_of(&self, issuer: &TestIssuer) -> TestResponse {
        let token = issuer
            .clone()
            .clock(self.clock.clone())
            .mint(&proved(&[Factor::Password]).ends_in(seconds(100_000)));
        let request = Request::get("/")
            .header("authorization", bearer(&token))
            .body(Body::default())
            .unwrap();
        within_seconds(send(&self.guard.layer(service_fn(inner::<Body>)), request)).await
    }

    /// Waits until a background fetch has brought the keys into this state.
    async fn until(&self, landed: impl Fn(&KeyHealth) -> bool) {
        within_seconds(async {
            while !landed(&self.guard.verifier().health()) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    async fn status(&self) -> u16 {
        self.send_of(issuer()).await.status.as_u16()
    }
}

fn good() -> Behaviour {
    Behaviour::Serve(issuer().jwks().to_owned())
}

#[track_caller]
fn check_unavailable(response: &TestResponse, retry_after: &str) {
    assert_eq!((response.status.as_u16(), response.header("retry-after")), (503, retry_after));
    assert_eq!(
        (response.header("www-authenticate"), response.header("cache-control")),
        ("", "no-store")
    );
}

#[tokio::test]
async fn a_hundred_first_requests_at_once_cause_one_fetch() {
    let server = KeyServer::start(Behaviour::ServeHeldBack(issuer().jwks().to_owned())).await;
    let verifier = Verifier::new(server.keys(), [issuer().name()], issuer().audience())
        .clock(FixedClock::new());
    let service: StepUp<_> = StepUpLayer::new(verifier).layer(service_fn(inner::<Body>));
    let mut requests = JoinSet::new();
    for _ in 0..100 {
        let request = crate::support::request("/", &[Factor::Password]);
        requests.spawn(service.clone().oneshot(request));
    }
    server.until_requests(1).await;
    for _ in 0..200 {
        tokio::task::yield_now().await; // every request has been polled
    }
    server.release();
    let responses = within_seconds(requests.join_all()).await;
    assert!(responses.iter().all(|response| response.as_ref().unwrap().status() == 200));
    assert_eq!((responses.len(), server.requests()), (100, 1));
}

#[tokio::test]
async fn the_current_id_is_that_of_the_current_set() {
    let server = KeyServer::start(good()).await;
    let clock = FixedClock::new();
    let keys = Arc::new(server.keys().clock(clock.clone()).usable_for(seconds(1_200)));
    let ids = || {
        let id = keys.current().map(|keys| keys.id());
        // A verifier holds its source in an `Arc`, whose implementation of the trait must give the
        // same id.
        assert_eq!([keys.current_id(), KeySource::current_id(&*keys)], [id; 2]);
        id
    };
    assert_eq!(ids(), None);
    within_seconds(keys.refresh("a").unwrap()).await.unwrap();
    let first = ids();
    assert!(first.is_some());
    server.behave(Behaviour::Status(500));
    clock.advance(seconds(1_199));
    assert_eq!(ids(), first);
    clock.advance(seconds(1));
    assert_eq!(ids(), None);
}

/// A source whose keys arrive when a refresh is requested. `refreshed` is the result of that
/// request.
struct Arriving {
    before: Option<Arc<KeySet>>,
    after: Arc<KeySet>,
    have_arrived: AtomicBool,
    refreshed: fn() -> Option<Refresh>,
}

impl KeySource for Arriving {
    fn current(&self) -> Option<Arc<KeySet>> {
        match self.have_arrived.load(Ordering::SeqCst) {
            true => Some(Arc::clone(&self.after)),
            false => self.before.clone(),
        }
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        self.have_arrived.store(true, Ordering::SeqCst);
        (self.refreshed)()
    }
}

#[tokio::test]
async fn keys_that_arrive_between_the_lookup_and_the_refresh_are_used() {
    let (earlier, stranger) = (TestIssuer::new(), TestIssuer::new());
    let cooling_down: fn() -> Option<Refresh> = || None;
    let failing: fn() -> Option<Refresh> =
        || Some(Box::pin(ready(Err(KeysUnavailable { retry_after: seconds(1) }))));
    for before in [None, earlier.current()] {
        for (refreshed, of_a_stranger) in
            [(cooling_down, "token_unknown_key"), (failing, "keys_unavailable")]
        {
            let verifier = || {
                let (before, after) = (before.clone(), issuer().current().unwrap());
                let have_arrived = AtomicBool::new(false);
                let keys = Arriving { before, after, have_arrived, refreshed };
                Verifier::new(keys, [issuer().name()], issuer().audience()).clock(FixedClock::new())
            };
            assert_eq!(verifier().warm_up().await, Ok(()));
            for (issuer, want) in [(issuer(), "ok"), (&stranger, of_a_stranger)] {
                let token = issuer.mint(&proved(&[Factor::Password]));
                assert_eq!(reason(&verifier().verify(&token).await), want);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_cold_starts_under_load_refuse_nothing() {
    let server = KeyServer::start(good()).await;
    let token: Arc<str> = issuer().mint(&proved(&[Factor::Password])).into();
    for cold_start in 0..100 {
        let verifier = Verifier::new(server.keys(), [issuer().name()], issuer().audience())
            .clock(FixedClock::new());
        let mut requests = JoinSet::new();
        for _ in 0..400 {
            let (verifier, token) = (verifier.clone(), Arc::clone(&token));
            requests.spawn(async move { reason(&verifier.verify(&token).await) });
        }
        let responses = within_seconds(requests.join_all()).await;
        let refused: Vec<_> = responses.into_iter().filter(|reason| *reason != "ok").collect();
        assert!(refused.is_empty(), "{cold_start}: {refused:?}");
        assert_eq!(server.requests(), cold_start + 1);
    }
}

#[tokio::test]
async fn a_cancelled_first_request_does_not_affect_the_others() {
    let guarded = Guarded::start(Behaviour::ServeHeldBack(issuer().jwks().to_owned())).await;
    let service = guarded.guard.layer(service_fn(inner::<Body>));
    let first =
        tokio::spawn(service.clone().oneshot(crate::support::request("/", &[Factor::Password])));
    guarded.server.until_requests(1).await;
    let second = tokio::spawn(service.oneshot(crate::support::request("/", &[Factor::Password])));
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    guarded.server.release();
    assert_eq!(within_seconds(second).await.unwrap().unwrap().status(), 200);
    assert_eq!(guarded.server.requests(), 1);
}

#[tokio::test]
async fn without_keys_every_misbehaviour_is_a_503_until_the_server_behaves() {
    for behaviour in misbehaviours() {
        let guarded = Guarded::start_with(behaviour.clone(), seconds(1)).await;
        check_unavailable(&guarded.send_of(issuer()).await, "1");
        // The source backs off and does not ask the server again yet.
        assert_eq!((guarded.status().await, guarded.server.requests()), (503, 1), "{behaviour:?}");
        guarded.server.behave(good());
        guarded.clock.advance(seconds(1));
        assert_eq!((guarded.status().await, guarded.server.requests()), (200, 2), "{behaviour:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_a_503() {
    let keys = RemoteKeys::new("http://127.0.0.1:1/jwks").unwrap();
    let verifier =
        Verifier::new(keys, [issuer().name()], issuer().audience()).clock(FixedClock::new());
    let outcome =
        within_seconds(verifier.verify(&issuer().mint(&proved(&[Factor::Password])))).await;
    assert_eq!(reason(&outcome), "keys_unavailable");
}

#[tokio::test]
async fn with_keys_every_misbehaviour_leaves_the_last_good_ones() {
    for behaviour in misbehaviours() {
        let guarded = Guarded::start_with(good(), seconds(1)).await;
        assert_eq!(guarded.status().await, 200);
        guarded.server.behave(behaviour.clone());
        guarded.clock.advance(seconds(600));
        assert_eq!(guarded.status().await, 200, "{behaviour:?}"); // begins a background fetch
        guarded.server.until_requests(2).await;
        assert_eq!(guarded.status().await, 200, "{behaviour:?}");
        guarded.clock.advance(seconds(12 * 3_600 - 601));
        assert_eq!(guarded.status().await, 200, "{behaviour:?}");
        guarded.clock.advance(seconds(1));
        assert_eq!(guarded.status().await, 503, "{behaviour:?}");
        guarded.server.behave(good());
        guarded.clock.advance(seconds(30));
        assert_eq!(guarded.status().await, 200, "{behaviour:?}");
    }
}

#[tokio::test]
async fn the_pause_after_failures_grows_and_is_sent_to_clients() {
    let guarded = Guarded::start(Behaviour::Status(500)).await;
    for (fetches, pause) in
        [(1, "1"), (2, "2"), (3, "4"), (4, "8"), (5, "16"), (6, "30"), (7, "30")]
    {
        check_unavailable(&guarded.send_of(issuer()).await, pause);
        check_unavailable(&guarded.send_of(issuer()).await, pause);
        assert_eq!(guarded.server.requests(), fetches);
        guarded.clock.advance(seconds(pause.parse().unwrap()));
    }
}

#[tokio::test]
async fn an_old_set_is_fetched_again_in_the_background() {
    let guarded = Guarded::start(good()).await;
    assert_eq!(guarded.status().await, 200);
    guarded.clock.advance(seconds(599));
    assert_eq!((guarded.status().await, guarded.server.requests()), (200, 1));
    // While the response is held back, requests are granted and begin no second fetch.
    guarded.server.behave(Behaviour::ServeHeldBack(issuer().jwks().to_owned()));
    guarded.clock.advance(seconds(1));
    for _ in 0..10 {
        assert_eq!(guarded.status().await, 200);
    }
    guarded.server.until_requests(2).await;
    assert_eq!(guarded.server.requests(), 2);
    guarded.server.release();
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_per_cool_down() {
    let guarded = Guarded::start(good()).await;
    let next = TestIssuer::new();
    assert_eq!(guarded.status().await, 200);
    for _ in 0..50 {
        let response = guarded.send_of(&next).await;
        assert_eq!((response.status.as_u16(), guarded.server.requests()), (401, 1));
        assert!(response.header("www-authenticate").contains("invalid_token"));
    }
    guarded.clock.advance(seconds(30));
    assert_eq!((guarded.send_of(&next).await.status.as_u16(), guarded.server.requests()), (401, 2));
    assert_eq!((guarded.send_of(&next).await.status.as_u16(), guarded.server.requests()), (401, 2));
    assert_eq!((guarded.status().await, guarded.server.requests()), (200, 2));
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_is_dropped() {
    let guarded = Guarded::start(good()).await;
    let next = TestIssuer::new();
    assert_eq!(guarded.status().await, 200);
    guarded.server.behave(Behaviour::Serve(next.jwks().to_owned()));
    guarded.clock.advance(seconds(30));
    assert_eq!(guarded.send_of(&next).await.status, 200);
    assert_eq!((guarded.status().await, guarded.server.requests()), (401, 2));
}

#[tokio::test]
async fn known_keys_work_while_the_search_for_an_unknown_key_fails() {
    let guarded = Guarded::start(good()).await;
    assert_eq!(guarded.status().await, 200);
    guarded.server.behave(Behaviour::Status(500));
    guarded.clock.advance(seconds(30));
    // After a failed fetch, the guard cannot know that the key does not exist.
    check_unavailable(&guarded.send_of(&TestIssuer::new()).await, "1");
    check_unavailable(&guarded.send_of(&TestIssuer::new()).await, "1");
    assert_eq!((guarded.status().await, guarded.server.requests()), (200, 2));
}

#[tokio::test]
async fn after_a_warm_up_the_first_request_does_not_wait() {
    let guarded = Guarded::start(good()).await;
    within_seconds(guarded.guard.verifier().warm_up()).await.unwrap();
    within_seconds(guarded.guard.verifier().warm_up()).await.unwrap();
    assert_eq!(guarded.server.requests(), 1);
    guarded.server.behave(Behaviour::Silent);
    assert_eq!((guarded.status().await, guarded.server.requests()), (200, 1));

    let down = Guarded::start(Behaviour::Status(500)).await;
    assert_eq!(
        within_seconds(down.guard.verifier().warm_up()).await.unwrap_err().retry_after,
        seconds(1)
    );
    assert_eq!(
        within_seconds(down.guard.verifier().warm_up()).await.unwrap_err().retry_after,
        seconds(1)
    );
    assert_eq!(down.server.requests(), 1);
}

#[tokio::test]
async fn a_stated_max_age_counts_within_its_bounds() {
    for (stated, due) in [
        ("max-age=120", 120),
        ("max-age=5", 60),
        ("public, max-age=86400", 3_600),
        ("no-cache", 600),
    ] {
        let serve = || Behaviour::ServeFor(issuer().jwks().to_owned(), stated);
        let guarded = Guarded::start(serve()).await;
        assert_eq!(guarded.status().await, 200);
        guarded.clock.advance(seconds(due - 1));
        assert_eq!((guarded.status().await, guarded.server.requests()), (200, 1), "{stated}");
        guarded.clock.advance(seconds(1));
        assert_eq!(guarded.status().await, 200, "{stated}");
        guarded.server.until_requests(2).await;
    }
}

#[tokio::test]
async fn a_cached_token_begins_a_fetch_that_is_due_and_does_not_outlive_the_keys() {
    let server = KeyServer::start(good()).await;
    let clock = FixedClock::new();
    let keys =
        server.keys().clock(clock.clone()).refresh_after(seconds(60)).usable_for(seconds(120));
    let verifier = Verifier::new(keys, [issuer().name()], issuer().audience()).clock(clock.clone());
    let token = issuer().mint(&proved(&[Factor::Password]));
    let verify = async || reason(&within_seconds(verifier.verify(&token)).await);
    assert_eq!((verify().await, verify().await, server.requests()), ("ok", "ok", 1));
    server.behave(Behaviour::Status(500));
    clock.advance(seconds(60));
    assert_eq!(verify().await, "ok");
    server.until_requests(2).await;
    clock.advance(seconds(60));
    assert_eq!(verify().await, "keys_unavailable");
    server.behave(good());
    clock.advance(seconds(30));
    assert_eq!(verify().await, "ok");
}

#[tokio::test]
async fn the_same_document_is_the_same_set_however_often_it_is_fetched() {
    let guarded = Guarded::start(good()).await;
    let keys = guarded.server.keys().clock(guarded.clock.clone());
    let verifier = Verifier::new(keys.clone(), [issuer().name()], issuer().audience());
    within_seconds(verifier.warm_up()).await.unwrap();
    let first = keys.current().unwrap();
    for _ in 0..3 {
        guarded.clock.advance(seconds(30));
        assert!(within_seconds(keys.refresh("made up").unwrap()).await.is_ok());
        assert!(Arc::ptr_eq(&keys.current().unwrap(), &first));
    }
    assert_eq!((verifier.health().age, guarded.server.requests()), (Some(seconds(0)), 4));
    guarded.server.behave(Behaviour::Serve(format!("{} ", issuer().jwks())));
    guarded.clock.advance(seconds(30));
    assert!(within_seconds(keys.refresh("made up").unwrap()).await.is_ok());
    assert!(!Arc::ptr_eq(&keys.current().unwrap(), &first));
}

#[tokio::test]
async fn health_reports_the_number_of_keys_their_age_and_the_last_error() {
    let guarded = Guarded::start(good()).await;
    let health = || guarded.guard.verifier().health();
    assert_eq!(
        (health().keys, health().age, health().last_error, health().is_ready()),
        (0, None, None, false)
    );
    assert_eq!(guarded.server.requests(), 0);

    assert_eq!(guarded.status().await, 200);
    guarded.clock.advance(seconds(7));
    assert_eq!((health().keys, health().age, health().last_error), (1, Some(seconds(7)), None));

    guarded.server.behave(Behaviour::Status(500));
    guarded.clock.advance(seconds(593));
    assert_eq!(guarded.status().await, 200);
    guarded.until(|health| health.last_error.is_some()).await;
    assert_eq!(health().last_error.as_deref(), Some("the status is 500 instead of 200"));
    assert!(health().is_ready());

    guarded.clock.advance(seconds(12 * 3_600));
    assert_eq!((health().keys, health().age, health().is_ready()), (0, None, false));
    guarded.server.behave(good());
    assert_eq!(guarded.status().await, 200);
    assert_eq!((health().keys, health().age, health().last_error), (1, Some(seconds(0)), None));
}

#[tokio::test]
async fn a_compressed_document_is_named_as_the_cause() {
    for (encoding, want) in [
        ("gzip", Some("gzip")),
        ("BR", Some("BR")),
        ("identity, zstd", Some("identity, zstd")),
        ("\u{fc}", Some(r"\u{c3}\u{bc}")),
        ("identity", None),
        ("Identity , identity", None),
        ("", None),
    ] {
        let behaviour = Behaviour::ServeEncoded(issuer().jwks().to_owned(), encoding);
        let guarded = Guarded::start(behaviour).await;
        assert_eq!(guarded.status().await, if want.is_some() { 503 } else { 200 }, "{encoding}");
        let error = guarded.guard.verifier().health().last_error;
        let want = want.map(|encoding| {
            format!("the response has the content encoding \"{encoding}\", which was not requested")
        });
        assert_eq!(error, want);
    }
}

#[tokio::test]
async fn the_pauses_after_failures_can_be_set() {
    let server = KeyServer::start(Behaviour::Status(500)).await;
    let clock = FixedClock::new();
    let keys = server.keys().clock(clock.clone()).backoff(seconds(5), seconds(12));
    let verifier = Verifier::new(keys, [issuer().name()], issuer().audience()).clock(clock.clone());
    for pause in [5, 10, 12, 12] {
        assert_eq!(
            within_seconds(verifier.warm_up()).await.unwrap_err().retry_after,
            seconds(pause)
        );
        clock.advance(seconds(pause));
    }
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn ten_thousand_made_up_kids_cause_one_fetch_and_do_not_delay_known_keys() {
    let guarded = Guarded::start(good()).await;
    assert_eq!(guarded.status().await, 200);
    guarded.clock.advance(seconds(30));
    // The fetch that the first made-up kid causes is held back.
    guarded.server.behave(Behaviour::ServeHeldBack(issuer().jwks().to_owned()));
    let service = guarded.guard.layer(service_fn(inner::<Body>));
    let made_up = |number: usize| {
        let header = format!(r#"{{"alg":"RS256","kid":"made-up-{number}"}}"#);
        let token = format!("{}.e30.AAAA", crate::support::base64url(header.as_bytes()));
        Request::get("/").header("authorization", bearer(&token)).body(Body::default()).unwrap()
    };
    let mut flood = JoinSet::new();
    for number in 0..10_000 {
        flood.spawn(service.clone().oneshot(made_up(number)));
    }
    guarded.server.until_requests(2).await;
    let token = issuer().clone().clock(guarded.clock.clone()).mint(&proved(&[Factor::Password]));
    for _ in 0..100 {
        let known = Request::get("/")
            .header("authorization", bearer(&token))
            .body(Body::default())
            .unwrap();
        let mut response = std::pin::pin!(service.clone().oneshot(known));
        let answered = response.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(
            matches!(answered, Poll::Ready(Ok(response)) if response.status() == 200),
            "the request waited"
        );
    }
    guarded.server.release();
    let responses = within_seconds(flood.join_all()).await;
    assert!(responses.iter().all(|response| response.as_ref().unwrap().status() == 401));
    assert_eq!(guarded.server.requests(), 2);
    for number in 0..10_000 {
        let response = service.clone().oneshot(made_up(number)).await.unwrap();
        assert_eq!(response.status(), 401);
    }
    assert_eq!(guarded.server.requests(), 2);
}

#[tokio::test]
async fn a_rotation_refuses_no_valid_token_even_among_made_up_kids() {
    for flooded in [false, true] {
        let guarded = Guarded::start(good()).await;
        let next = TestIssuer::new();
        let documents = [issuer().jwks(), next.jwks()]
            .map(|text| serde_json::from_str::<serde_json::Value>(text).unwrap());
        let both = serde_json::json!({"keys": [documents[0]["keys"][0], documents[1]["keys"][0]]})
            .to_string();
        let stranger = TestIssuer::new();
        // The server adds the next key after 100 s. The issuer signs with it one cool-down later.
        for second in 0..200 {
            if second == 100 {
                guarded.server.behave(Behaviour::Serve(both.clone()));
            }
            if flooded {
                assert_eq!(guarded.send_of(&stranger).await.status, 401, "{second}");
            }
            let signer = if second >= 130 { &next } else { issuer() };
            assert_eq!(guarded.send_of(signer).await.status, 200, "{second}");
            guarded.clock.advance(seconds(1));
        }
        assert!(guarded.server.requests() <= 8, "{}", guarded.server.requests());
    }
}

#[tokio::test]
async fn known_keys_work_while_the_server_comes_and_goes() {
    let guarded = Guarded::start(good()).await;
    for hour in 0..24 {
        let down = hour % 2 == 0;
        assert_eq!(guarded.status().await, 200, "{hour}");
        guarded.server.behave(if down { Behaviour::CloseAtOnce } else { good() });
        guarded.clock.advance(seconds(3_600));
        assert_eq!(guarded.status().await, 200, "{hour}");
        guarded.until(|health| health.last_error.is_some() == down && health.age.is_some()).await;
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = KeyServer::start(good()).await;
    let guarded = Guarded::start(Behaviour::RedirectTo(target.url())).await;
    assert_eq!((guarded.status().await, guarded.server.requests(), target.requests()), (503, 1, 0));
}

#[tokio::test]
async fn a_projects_guard_fetches_from_the_projects_address() {
    let server = KeyServer::start(good()).await;
    let base = server.url().replace("/v1/sessions/jwks/project", "");
    let project = stytch::Project::new(issuer().audience())
        .and_then(|project| project.custom_domain(&base))
        .unwrap();
    let verifier = project.verifier().clock(FixedClock::new());
    let service = project.guard_with(verifier).layer(service_fn(inner::<Body>));
    let response =
        within_seconds(send(&service, crate::support::request("/", &[Factor::Password]))).await;
    assert_eq!((response.status.as_u16(), server.requests()), (200, 1));
}

#[tokio::test]
async fn no_fetch_outlives_the_last_handle() {
    let server = KeyServer::start(Behaviour::Silent).await;
    let keys = server.keys().timeout(Duration::from_secs(3_600));
    let refresh = keys.refresh("a");
    server.until_requests(1).await;
    drop(keys);
    server.until_hung_up().await;
    let outcome = within_seconds(refresh.unwrap()).await;
    assert!(outcome.is_err());
}

#[test]
fn a_fetch_lost_with_its_runtime_is_started_again_on_a_living_one() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    };
    let serving = runtime();
    let (first, second, third) = (runtime(), runtime(), runtime());
    let server = serving.block_on(KeyServer::start(Behaviour::Silent));
    let keys = server.keys().timeout(Duration::from_secs(3_600)).clock(FixedClock::new());
    let leader = first.block_on(async { keys.refresh("a") }).unwrap();
    serving.block_on(server.until_requests(1));
    let followers: Vec<_> = [&second, &third]
        .into_iter()
        .flat_map(|living| {
            let _inside = living.enter();
            (0..50).map(|_| tokio::spawn(keys.refresh("a").unwrap())).collect::<Vec<_>>()
        })
        .collect();
    server.behave(good());
    drop(first);
    assert!(third.block_on(within_seconds(leader)).is_ok());
    for follower in followers {
        assert!(third.block_on(within_seconds(follower)).unwrap().is_ok());
    }
    assert!(keys.current().is_some());
    // All of them together have begun only one more fetch.
    assert_eq!((server.requests(), keys.health().last_error), (2, None));
}

#[test]
fn a_fetch_lost_with_its_runtime_twice_fails_and_does_not_hang() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    };
    let (serving, living) = (runtime(), runtime());
    let server = serving.block_on(KeyServer::start(Behaviour::Silent));
    let keys = server.keys().timeout(Duration::from_secs(3_600)).clock(FixedClock::new());
    let begin = |requests| {
        let dying = runtime();
        assert!(dying.block_on(async { keys.refresh("a") }).is_some());
        serving.block_on(server.until_requests(requests));
        dying
    };
    let first = begin(1);
    let mut waiting = living.block_on(async { keys.refresh("a") }).unwrap();
    drop(first);
    let second = begin(2);
    // The waiting refresh notices the loss of the first fetch, and joins the second.
    living.block_on(poll_fn(|context| {
        assert!(waiting.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }));
    drop(second);
    assert!(living.block_on(within_seconds(waiting)).is_err());
    assert_eq!(keys.health().last_error.as_deref(), Some("the fetch was cancelled"));
    // The server is not at fault, so no pause follows.
    server.behave(good());
    assert!(living.block_on(async { within_seconds(keys.refresh("a").unwrap()).await }).is_ok());
    assert_eq!((server.requests(), keys.current().is_some()), (3, true));
}

#[test]
fn a_fetch_that_panics_is_a_failure_with_a_pause() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_time();
        builder
    };
    let (complete, without_io) =
        (runtime().enable_io().build().unwrap(), runtime().build().unwrap());
    let server = complete.block_on(KeyServer::start(good()));
    let clock = FixedClock::new();
    let keys = server.keys().clock(clock.clone());
    let first = without_io.block_on(async { keys.refresh("a") }).unwrap();
    assert!(complete.block_on(within_seconds(first)).is_err());
    assert_eq!(keys.health().last_error.as_deref(), Some("the fetch panicked"));
    let refresh = || complete.block_on(async { within_seconds(keys.refresh("a").unwrap()).await });
    assert!(refresh().is_err());
    assert_eq!(server.requests(), 0);
    clock.advance(seconds(1));
    assert!(refresh().is_ok());
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_stalled_runtime_delays_requests_no_longer_than_a_fetch_may_take() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let serving =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (still, other) = (runtime(), runtime());
    let server = serving.block_on(KeyServer::start(good()));
    let keys = server.keys().clock(FixedClock::new()).timeout(Duration::from_millis(300));
    // The task of this refresh is spawned on a runtime that never polls it again.
    let first = still.block_on(async { keys.refresh("a") });
    let refresh = || other.block_on(async { within_seconds(keys.refresh("a").unwrap()).await });
    assert!(first.is_some() && refresh().is_err());
    assert_eq!(keys.health().last_error.as_deref(), Some("the fetch stalled and was given up"));
    // The fetch that timed out is given up, and the next refresh begins a new one.
    assert!(refresh().is_ok() && keys.current().is_some());
    // The old fetch finishes after all, and changes nothing.
    still.block_on(async {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    });
    assert!(keys.current().is_some());
    assert!(
        other.block_on(async { keys.refresh("a") }).is_none(),
        "cooling down after a good fetch"
    );
}

#[test]
fn a_stalled_refresh_is_started_again() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let serving =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (still, other) = (runtime(), runtime());
    let server = serving.block_on(KeyServer::start(good()));
    let clock = FixedClock::new();
    let keys = server.keys().clock(clock.clone()).timeout(Duration::from_millis(300));
    other.block_on(async { within_seconds(keys.refresh("a").unwrap()).await }).unwrap();
    clock.advance(seconds(600));
    // This begins a fetch that is never polled.
    assert!(still.block_on(async { keys.current() }).is_some());
    // The first refresh for an unknown key waits for that fetch in vain.
    assert!(other.block_on(async { within_seconds(keys.refresh("b").unwrap()).await }).is_err());
    assert!(other.block_on(async { within_seconds(keys.refresh("b").unwrap()).await }).is_ok());
    assert_eq!(server.requests(), 2);
}

#[test]
fn outside_a_runtime_there_are_no_keys_and_no_panic() {
    let keys = RemoteKeys::new("http://127.0.0.1:1/jwks").unwrap();
    let mut refresh = keys.refresh("a").unwrap();
    let outcome = refresh.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(outcome, Poll::Ready(Err(_))), "{outcome:?}");
    let verifier = Verifier::new(keys, [issuer().name()], issuer().audience());
    let token = issuer().mint(&proved(&[Factor::Password]));
    assert!(matches!(verifier.verify_at(&token, NOW), Err(VerifyError::KeysUnavailable(_))));
}

#[test]
fn a_refresh_outside_a_runtime_does_not_join_a_pending_fetch() {
    let serving =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = serving.block_on(KeyServer::start(Behaviour::Silent));
    let keys = server.keys();
    let _under_way = serving.block_on(async { keys.refresh("a") });
    let mut refresh = keys.refresh("b").unwrap();
    let outcome = refresh.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(outcome, Poll::Ready(Err(_))), "{outcome:?}");
}

#[tokio::test]
async fn keys_come_over_https_from_a_trusted_root_only() {
    let (url, pem) = serve_over_tls(issuer().jwks().to_owned()).await;
    let verify = async |keys: RemoteKeys| {
        let verifier =
            Verifier::new(keys, [issuer().name()], issuer().audience()).clock(FixedClock::new());
        let token = issuer().mint(&proved(&[Factor::Password]));
        reason(&within_seconds(verifier.verify(&token)).await)
    };
    let untrusting = RemoteKeys::new(&format!("{url}/jwks")).unwrap();
    assert_eq!(verify(untrusting.clone()).await, "keys_unavailable");
    assert_eq!(verify(untrusting.trust_roots(pem.as_bytes()).unwrap()).await, "ok");
}
