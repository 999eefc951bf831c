//! Repeated requests with one token. The cache must not change any response.

use std::array;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use time::OffsetDateTime;
use tower::{Layer, service_fn};
use tower_step_up::keys::{KeySet, KeySetId, KeySource, Refresh};
use tower_step_up::testing::{self, NOW};
use tower_step_up::{Clock, Factor, Policy, StepUpLayer, Verifier};

use crate::support::{bearer, inner, issuer, seconds, send};

fn with(token: &str) -> Request<Full<Bytes>> {
    Request::get("/").header("authorization", bearer(token)).body(Full::default()).unwrap()
}

/// A clock that a test can set forward and back.
#[derive(Clone)]
struct Moved(Arc<Mutex<OffsetDateTime>>);

impl Clock for Moved {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[tokio::test]
async fn a_cached_token_is_checked_against_the_policys_limits_at_each_request() {
    let clock = Moved(Arc::new(Mutex::new(NOW)));
    let issuer = issuer().clone().clock(clock.clone());
    let session = testing::session()
        .proved_ago(Factor::Password, seconds(500))
        .proved_ago(Factor::OtpSms, seconds(400));
    let token = issuer.mint(&session);
    let account = issuer.guard().require(Policy::mfa());
    let within = |limit| account.require(Policy::factor(Factor::OtpSms).within(seconds(limit)));
    // A session has no room for the grants of this many guards. They all share one verifier.
    let services: [_; 5] = array::from_fn(|index| {
        within(420 + 20 * index as u64).layer(service_fn(inner::<Full<Bytes>>))
    });
    // At and after the limit of each guard, after all of the limits, and back to the beginning.
    let instants = [0, 20, 21, 40, 41, 60, 61, 80, 81, 100, 101, 200, 100, 21, 0];
    for after in instants {
        *clock.0.lock().unwrap() = NOW + seconds(after);
        for (index, service) in services.iter().enumerate() {
            let want = if after <= 20 + 20 * index as u64 { 200 } else { 401 };
            let response = send(service, with(&token)).await;
            assert_eq!(response.status, want, "guard {index} after {after} s: {}", response.body);
        }
    }
}

/// A key source whose keys can be replaced. It counts the calls of each method.
#[derive(Clone)]
struct Counted {
    keys: Arc<Mutex<Arc<KeySet>>>,
    sets: Arc<AtomicUsize>,
    ids: Arc<AtomicUsize>,
}

impl KeySource for Counted {
    fn current(&self) -> Option<Arc<KeySet>> {
        self.sets.fetch_add(1, Ordering::Relaxed);
        Some(Arc::clone(&self.keys.lock().unwrap()))
    }

    fn current_id(&self) -> Option<KeySetId> {
        self.ids.fetch_add(1, Ordering::Relaxed);
        Some(self.keys.lock().unwrap().id())
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
    }
}

#[tokio::test]
async fn only_a_token_that_is_new_under_the_current_keys_reads_them() {
    let read = || Arc::new(KeySet::from_jwks(issuer().jwks().as_bytes()).unwrap());
    let (sets, ids) = Default::default();
    let source = Counted { keys: Arc::new(Mutex::new(read())), sets, ids };
    let verifier = Verifier::new(source.clone(), [issuer().name()], issuer().audience());
    let guard = StepUpLayer::new(verifier.clock(testing::FixedClock::new()));
    let service = guard.layer(service_fn(inner::<Full<Bytes>>));
    let token = issuer().mint(&testing::session().proved(Factor::Password));
    let asked = async || {
        assert_eq!(send(&service, with(&token)).await.status, 200);
        [&source.sets, &source.ids].map(|count| count.swap(0, Ordering::Relaxed))
    };
    assert_eq!(asked().await, [1, 0]);
    assert_eq!(asked().await, [0, 1]);
    assert_eq!(asked().await, [0, 1]);
    *source.keys.lock().unwrap() = read();
    assert_eq!(asked().await, [1, 1]);
    assert_eq!(asked().await, [0, 1]);
}
