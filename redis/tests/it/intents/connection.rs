//! The connection that the handles of a store share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::AsyncConnectionConfig;
use tokio::task::JoinSet;
use tower_step_up::intent::{Found, IntentStore};
use tower_step_up_redis::{Connect, RedisIntents, Server};

use super::{
    consume, consume_error, create, create_error, find, find_error, intent, intent_of, is_open,
    recovers, store, user,
};
use crate::proxy::Proxy;
use crate::server::{Redis, free_port};
use crate::support::{PATIENCE, eventually, server, within};

#[tokio::test]
async fn clones_share_one_connection_which_ends_with_the_last() {
    let Some(redis) = Redis::start().await else { return };
    let (connect, attempts) = counted(server(&redis.url()));
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let store = RedisIntents::new(connect).timeout(PATIENCE);
    let mut calls = JoinSet::new();
    for place in 0..100 {
        let (store, user) = (store.clone(), user(&place.to_string()));
        calls.spawn(async move {
            let intent = intent_of(&user, place, 0);
            create(&store, &intent).await;
            assert!(is_open(&store, &intent).await);
            assert!(consume(&store, &intent).await);
        });
    }
    assert_eq!(attempts.load(Ordering::Relaxed), 0);
    within(calls.join_all()).await;
    assert_eq!(attempts.load(Ordering::Relaxed), 1);
    drop(store);
    eventually("no task is left", || tasks() <= before).await;
}

/// Otherwise an instance would keep a connection for each outage of a network.
#[tokio::test]
async fn a_connection_without_an_answer_is_not_kept() {
    let Some(redis) = Redis::start().await else { return };
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let store = RedisIntents::new(server(&redis.url())).timeout(Duration::from_millis(100));
    recovers(&store).await;
    redis.stop();
    for place in 0..20 {
        let _ = within(store.create(intent(place))).await.unwrap_err();
    }
    eventually("no task is left", || tasks() <= before).await;
}

/// A managed service closes connections that nobody uses for some minutes.
#[tokio::test]
async fn an_idle_connection_that_was_closed_costs_no_request() {
    let Some(redis) = Redis::start().await else { return };
    let store = store(&redis);
    let [one, two] = [1, 2].map(intent);
    let close = async || redis.run::<usize>("CLIENT KILL TYPE normal SKIPME yes").await;
    create(&store, &one).await;
    for _ in 0..10 {
        close().await;
        assert!(is_open(&store, &one).await);
    }
    close().await;
    create(&store, &two).await;
    // A confirmation looks for the intent first, so its connection is used.
    assert!(is_open(&store, &two).await);
    assert!(consume(&store, &two).await);
}

#[tokio::test]
async fn a_lost_answer_does_not_make_an_intent_twice_and_may_have_used_one() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let store = RedisIntents::new(server(&proxy.url())).timeout(PATIENCE);
    recovers(&store).await;
    let [one, two] = [1, 2].map(intent);
    // The connection breaks when the server has done this, and its answer is on its way.
    let newest = async |start: String| {
        let command = format!("LINDEX {} 0", super::KEY);
        while !redis.run::<Option<String>>(&command).await.is_some_and(|it| it.starts_with(&start))
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        proxy.cut_after(0);
        proxy.hold(false);
    };
    for (intent, length) in [(&one, 1), (&two, 2)] {
        proxy.hold(true);
        tokio::join!(create(&store, intent), within(newest(format!("open {} ", intent.id))));
        assert_eq!(redis.run::<usize>(&format!("LLEN {}", super::KEY)).await, length);
        assert!(is_open(&store, intent).await);
    }
    proxy.hold(true);
    let consumed = within(store.consume(two.clone()));
    let (consumed, ()) = tokio::join!(consumed, within(newest(format!("used {} ", two.id))));
    assert!(consumed.is_err());
    assert_eq!(proxy.cut(), 3);
    assert_eq!(find(&store, &two).await, Some(Found::Used(two.clone())));
    assert!(!consume(&store, &two).await);
}

#[tokio::test]
async fn no_server_is_an_error_that_names_the_reason() {
    let store = RedisIntents::new(server(&format!("redis://127.0.0.1:{}", free_port())));
    let one = intent(1);
    let first = find_error(&store, &one).await;
    assert!(first.contains("refused"), "{first}");
    for reason in [create_error(&store, &one).await, consume_error(&store, &one).await] {
        assert!(reason.contains("refused"), "{reason}");
    }
}

/// Counts the attempts to connect.
fn counted(server: Server) -> (impl Connect, Arc<AtomicUsize>) {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&attempts);
    let connect = move |config: AsyncConnectionConfig| {
        counter.fetch_add(1, Ordering::Relaxed);
        server.connect(config)
    };
    (connect, attempts)
}

#[tokio::test]
async fn a_stopped_server_is_an_error_in_time_and_one_call_at_a_time_connects() {
    let Some(redis) = Redis::start().await else { return };
    let (connect, attempts) = counted(server(&redis.url()));
    let store = RedisIntents::new(connect).timeout(Duration::from_millis(300));
    let one = intent(1);
    recovers(&store).await;
    create(&store.clone().timeout(PATIENCE), &one).await;
    redis.stop();
    for error in [
        find_error(&store, &one).await,
        create_error(&store, &intent(2)).await,
        consume_error(&store, &one).await,
    ] {
        // The server may have been slow before, too.
        let is_known = error.contains("300ms") || error.contains("timed out");
        assert!(is_known, "{error}");
    }
    let before = attempts.load(Ordering::Relaxed);
    let mut calls = JoinSet::new();
    for place in 0..200 {
        let store = store.clone();
        calls.spawn(async move { store.create(intent(place)).await });
    }
    assert!(within(calls.join_all()).await.iter().all(Result::is_err));
    let during = attempts.load(Ordering::Relaxed) - before;
    assert!(during < 20, "{during} attempts for 200 calls");
    redis.go_on();
    recovers(&store).await;
    let patient = store.timeout(PATIENCE);
    // A stopped server may have taken commands whose callers did not wait.
    let found = find(&patient, &one).await;
    assert!(matches!(found, Some(Found::Open { .. } | Found::Used(_)) | None), "{found:?}");
    let last = intent(1_000);
    create(&patient, &last).await;
    assert!(consume(&patient, &last).await);
}

#[tokio::test]
async fn a_way_to_connect_that_never_ends_is_an_error_in_time() {
    let connect = |_: AsyncConnectionConfig| {
        std::future::pending::<redis::RedisResult<redis::aio::MultiplexedConnection>>()
    };
    let store = RedisIntents::new(connect).timeout(Duration::from_millis(50));
    let error = find_error(&store, &intent(1)).await;
    assert_eq!(error, "Redis did not respond within 50ms");
    // No time at all is one, and no time is too long.
    let store = store.timeout(Duration::ZERO);
    find_error(&store, &intent(1)).await;
    assert!(format!("{:?}", store.timeout(Duration::MAX)).contains("timeout: 60s"));
}

/// A client that goes away drops its call.
#[tokio::test]
async fn a_call_that_is_dropped_leaves_the_store_as_it_was() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let store = RedisIntents::new(server(&proxy.url())).timeout(PATIENCE);
    for _ in 0..2 {
        proxy.hold(true);
        for _ in 0..10 {
            let call = store.create(intent(1));
            let dropped = tokio::time::timeout(Duration::from_millis(1), call).await;
            assert!(dropped.is_err());
        }
        proxy.hold(false);
        recovers(&store).await;
    }
    create(&store, &intent(1)).await;
    assert!(consume(&store, &intent(1)).await);
}
