//! A server that is a replica, or becomes one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use redis::AsyncConnectionConfig;
use tower_step_up::intent::{Found, IntentStore};
use tower_step_up_redis::{Connect, RedisIntents};

use super::{consume, consume_error, create, create_error, find, intent, is_open, store};
use crate::server::Redis;
use crate::support::{PATIENCE, server, within};

/// Waits until the replica has what the primary has.
async fn is_copied(primary: &Redis, replica: &Redis) {
    let offset = |info: String| {
        let line = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
        line.and_then(|offset| offset.parse::<u64>().ok()).unwrap()
    };
    let written = offset(primary.run("INFO replication").await);
    let copied = async {
        loop {
            let info: String = replica.run("INFO replication").await;
            if info.contains("master_link_status:up") && offset(info) >= written {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(copied).await;
}

#[tokio::test]
async fn a_replica_uses_no_intent() {
    let Some(primary) = Redis::start().await else { return };
    let options = format!("--replicaof 127.0.0.1 {} --repl-diskless-sync-delay 0", primary.port());
    let Some(replica) = Redis::start_with(&options).await else { return };
    let (at_primary, at_replica) = (store(&primary), store(&replica));
    let one = intent(1);
    create(&at_primary, &one).await;
    is_copied(&primary, &replica).await;
    assert!(is_open(&at_replica, &one).await);
    for error in
        [create_error(&at_replica, &intent(2)).await, consume_error(&at_replica, &one).await]
    {
        assert!(error.to_lowercase().contains("read only replica"), "{error}");
    }
    assert!(consume(&at_primary, &one).await);
    // Once it is promoted, it has what was copied.
    is_copied(&primary, &replica).await;
    replica.run::<()>("REPLICAOF NO ONE").await;
    assert_eq!(find(&at_replica, &one).await, Some(Found::Used(one.clone())));
    assert!(!consume(&at_replica, &one).await);
    create(&at_replica, &intent(2)).await;
}

#[tokio::test]
async fn a_store_leaves_a_server_that_has_become_a_replica() {
    let Some(old) = Redis::start().await else { return };
    let Some(new) = Redis::start().await else { return };
    let primary = Arc::new(AtomicU16::new(old.port()));
    let of_store = Arc::clone(&primary);
    let store = RedisIntents::new(move |config: AsyncConnectionConfig| {
        let port = of_store.load(Ordering::Relaxed);
        server(&format!("redis://127.0.0.1:{port}")).connect(config)
    });
    let store = store.timeout(PATIENCE);
    create(&store, &intent(1)).await;
    old.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", new.port())).await;
    primary.store(new.port(), Ordering::Relaxed);
    // The connection stays open, and its server refuses writes.
    let moved = async {
        let mut number = 2;
        while store.create(intent(number)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            number += 1;
        }
        number
    };
    let last = intent(within(moved).await);
    assert_eq!(new.run::<usize>("DBSIZE").await, 1);
    assert!(consume(&store, &last).await);
}
