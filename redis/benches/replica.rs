//! What shared revocations cost: `cargo bench -p tower-step-up-redis`
//!
//! It prints how soon a revocation is in force at another instance, what a request costs with as many
//! revocations in the replica, what a million revocations take, and how long the calls for one
//! action take. It starts a `redis-server` of its
//! own. With `--test` it does the same with few revocations.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing benchmark should panic at once"
)]
#![expect(dead_code, reason = "the tests use more of the server")]

#[path = "../tests/it/server.rs"]
mod server;

use std::convert::Infallible;
use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use time::OffsetDateTime;
use tower_layer::Layer;
use tower_service::Service;
use tower_step_up::intent::{Intent, IntentStore};
use tower_step_up::testing::{self, NOW, TestIssuer};
use tower_step_up::token::{LocalRevocations, Revocations, Revoked};
use tower_step_up::{Factor, Policy, StepUpLayer};
use tower_step_up_redis::{RedisIntents, RedisRevocations, Server, Settings};

use self::server::Redis;

#[tokio::main]
async fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let (writes, many) = if is_test { (100, 1_000) } else { (10_000, 1_000_000) };
    let Some(redis) = Redis::start().await else { return };
    // The first, because later the process has memory that it used before.
    memory(many);
    propagation(&redis, writes).await;
    requests(&redis, many).await;
    replay(&redis, many).await;
    intents(&redis, writes).await;
}

fn start(redis: &Redis, key: &str) -> RedisRevocations {
    let settings = Settings::new().key(key).max_entries(2_000_000);
    RedisRevocations::start_with(Server::new(&redis.url()).unwrap(), settings)
}

fn session(place: usize) -> Revoked {
    Revoked::session("stytch.com/project-test-1", &format!("session-test-{place:036}"))
}

/// One write at a time, from the call to the moment when another instance refuses the session.
async fn propagation(redis: &Redis, writes: usize) {
    let (one, other) = (start(redis, "propagation"), start(redis, "propagation"));
    one.ready().await;
    other.ready().await;
    let mut times = Vec::new();
    for place in 0..writes {
        let began = Instant::now();
        let id = one.write(session(place), OffsetDateTime::now_utc()).await.unwrap();
        other.wait_for(&id).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let (median, worst) = (times[writes / 2], times[writes - 1]);
    println!(
        "in force at another instance, {writes} writes: median {median:.0?}, worst {worst:.1?}"
    );
}

#[derive(Clone)]
struct Handler;

impl Service<Request<Bytes>> for Handler {
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Bytes>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Bytes>) -> Self::Future {
        std::future::ready(Ok(Response::default()))
    }
}

/// A repeated request with a store in memory that is empty, and with shared stores.
async fn requests(redis: &Redis, many: usize) {
    let issuer = TestIssuer::new();
    let token = issuer.mint(&testing::session().proved(Factor::Password).proved(Factor::Totp));
    let bearer = format!("Bearer {token}");
    let guarded = |revocations: Arc<dyn Revocations>| {
        let verifier = issuer.verifier().revocations(revocations);
        StepUpLayer::new(verifier).require(Policy::mfa()).layer(Handler)
    };
    let local = guarded(Arc::new(LocalRevocations::new()));
    let mut rows = vec![("in memory, empty".to_owned(), local)];
    for count in [0, 1_000, many] {
        let shared = start(redis, &format!("requests:{count}"));
        shared.ready().await;
        let mut writes = tokio::task::JoinSet::new();
        for place in 0..count {
            writes.spawn(shared.write(session(place), OffsetDateTime::now_utc()));
        }
        // A write that takes longer than its timeout holds in the replica too.
        while writes.join_next().await.is_some() {}
        assert_eq!(shared.health().entries, count);
        rows.push((format!("shared, {count} revocations"), guarded(Arc::new(shared))));
    }
    let mut fastest = vec![Duration::MAX; rows.len()];
    for _ in 0..200 {
        for ((_, service), fastest) in rows.iter_mut().zip(&mut fastest) {
            let began = Instant::now();
            for _ in 0..1_000 {
                let request = Request::get("/").header("authorization", &bearer);
                let request = black_box(request.body(Bytes::new()).unwrap());
                let mut answer = std::pin::pin!(service.call(request));
                let answer = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                let is_granted = |answer: Result<Response<_>, _>| answer.unwrap().status() == 200;
                assert!(matches!(answer.map(is_granted), Poll::Ready(true)));
            }
            *fastest = began.elapsed().min(*fastest);
        }
    }
    for ((name, _), time) in rows.iter().zip(&fastest) {
        let ratio = time.as_secs_f64() / fastest[0].as_secs_f64();
        println!("a repeated request, {name}: {:?}, ratio {ratio:.2}", *time / 1_000);
    }
}

/// The memory of the replica.
fn memory(many: usize) {
    let replica = LocalRevocations::new().max_entries(many);
    replica.keep_at_least("", Duration::from_secs(36 * 3_600));
    let before = resident();
    for place in 0..many {
        replica.record(&session(place), NOW, NOW).unwrap();
    }
    println!("{many} revocations in the replica: {:.0} MB", (resident() - before) / 1e6);
}

/// The memory of this process in bytes, or zero where Linux does not tell it.
fn resident() -> f64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or_default()
        * 4_096.0
}

/// The memory of the stream, and the time that an instance takes to read it.
async fn replay(redis: &Redis, many: usize) {
    let key = format!("requests:{many}");
    let length: usize = redis.run(&format!("XLEN {key}")).await;
    let bytes: usize = redis.run(&format!("MEMORY USAGE {key} SAMPLES 0")).await;
    let began = Instant::now();
    let instance = start(redis, &key);
    instance.ready().await;
    println!(
        "{length} entries in the stream: {:.0} MB, read in {:.1?}",
        bytes as f64 / 1e6,
        began.elapsed()
    );
}

/// The time that the confirmation of an action takes, one at a time, and the memory of its intent.
async fn intents(redis: &Redis, rounds: usize) {
    let store = RedisIntents::new(Server::new(&redis.url()).unwrap());
    let intents: Vec<Intent> = (0..rounds)
        .map(|place| {
            let issuer = "stytch.com/project-test-00000000-0000-4000-8000-000000000000";
            let record = serde_json::json!({
                "id": format!("{place:021}A"),
                "user": { "issuer": issuer, "id": format!("user-test-{place:036}"), "organization": null },
                "action": "HM26Vd3KAkeu2tz00peEiiEubh_HAid6SmKfy7tzduc",
                "created_at": "2026-01-01T12:00:00.123456789Z",
                "expires_at": "2026-01-01T12:10:00.123456789Z",
                "proofs_after": "2026-01-01T11:59:55.123456788Z",
            });
            serde_json::from_value(record).unwrap()
        })
        .collect();
    let mut times = Vec::new();
    for intent in &intents {
        let began = Instant::now();
        store.create(intent.clone()).await.unwrap();
        assert!(store.find(&intent.user, &intent.id).await.unwrap().is_some());
        assert!(store.consume(intent.clone()).await.unwrap());
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let (median, worst) = (times[rounds / 2], times[rounds - 1]);
    println!(
        "an intent is made, found and used, {rounds} times: median {median:.0?}, worst {worst:.1?}"
    );
    let keys: Vec<String> = redis.run("KEYS tower-step-up:intent:*").await;
    assert_eq!(keys.len(), rounds);
    let bytes: usize = redis.run(&format!("MEMORY USAGE {} SAMPLES 0", keys[0])).await;
    let one = &intents[0];
    for place in 0..31 {
        let mut more = one.clone();
        more.id = format!("{:021}A", rounds + place).parse().unwrap();
        store.create(more.clone()).await.unwrap();
        if place < 15 {
            assert!(store.consume(more).await.unwrap());
        }
    }
    let key = keys.iter().find(|key| key.ends_with(&one.user.id)).unwrap();
    let many: usize = redis.run(&format!("MEMORY USAGE {key} SAMPLES 0")).await;
    let entries: usize = redis.run(&format!("LLEN {key}")).await;
    println!("a user with 1 intent: {bytes} bytes, with {entries}: {many} bytes");
}
