//! A server that crashes, loses its data, has no memory, or permits little.

use tower_step_up::intent::Found;
use tower_step_up_redis::RedisIntents;

use super::{
    consume, consume_error, create, create_error, find, find_error, intent, is_open, recovers,
    store, used,
};
use crate::server::Redis;
use crate::support::{PATIENCE, server};

const DURABLE: &str = "--appendonly yes --appendfsync always";

#[tokio::test]
async fn a_server_that_crashes_before_the_last_step_has_used_nothing() {
    let Some(mut redis) = Redis::start_with(DURABLE).await else { return };
    let store = store(&redis);
    let one = intent(1);
    create(&store, &one).await;
    assert!(is_open(&store, &one).await);
    redis.kill();
    consume_error(&store, &one).await;
    find_error(&store, &one).await;
    create_error(&store, &intent(2)).await;
    redis.restart().await;
    recovers(&store).await;
    assert!(is_open(&store, &one).await);
    assert_eq!(find(&store, &intent(2)).await, None);
    assert!(consume(&store, &one).await);
}

#[tokio::test]
async fn a_used_intent_stays_used_if_the_server_keeps_its_data_and_is_unknown_if_not() {
    let Some(mut redis) = Redis::start_with(DURABLE).await else { return };
    let store = store(&redis);
    let [one, two] = [1, 2].map(intent);
    create(&store, &one).await;
    create(&store, &two).await;
    let used = used(&one, 5);
    assert!(consume(&store, &used).await);
    redis.kill();
    redis.restart().await;
    recovers(&store).await;
    assert_eq!(find(&store, &one).await, Some(Found::Used(used)));
    assert_eq!(find(&store, &two).await, None);
    for intent in [&one, &two] {
        assert!(!consume(&store, intent).await);
    }
    redis.kill();
    redis.restart_empty().await;
    recovers(&store).await;
    assert_eq!(find(&store, &one).await, None);
    assert!(!consume(&store, &one).await);
}

/// An open intent can be confirmed, because a used one takes no more memory.
#[tokio::test]
async fn a_server_without_memory_refuses_new_intents_only() {
    let Some(redis) = Redis::start_with("--maxmemory-policy noeviction").await else { return };
    let store = store(&redis);
    let [one, two, three] = [1, 2, 3].map(intent);
    create(&store, &one).await;
    create(&store, &two).await;
    redis.run::<()>("CONFIG SET maxmemory 1").await;
    let error = create_error(&store, &three).await;
    assert!(error.contains("OOM"), "{error}");
    assert_eq!(find(&store, &three).await, None);
    assert!(is_open(&store, &one).await && is_open(&store, &two).await);
    assert!(consume(&store, &one).await);
    assert!(!consume(&store, &two).await);
    assert_eq!(find(&store, &one).await, Some(Found::Used(one)));
    redis.run::<()>("CONFIG SET maxmemory 0").await;
    create(&store, &three).await;
}

/// A primary with this setting refuses when it is cut off from its replicas.
#[tokio::test]
async fn a_primary_without_its_replica_refuses_to_use_an_intent() {
    let Some(redis) = Redis::start().await else { return };
    let store = store(&redis);
    let [one, two] = [1, 2].map(intent);
    create(&store, &one).await;
    redis.run::<()>("CONFIG SET min-replicas-to-write 1").await;
    for error in [create_error(&store, &two).await, consume_error(&store, &one).await] {
        assert!(error.contains("NOREPLICAS"), "{error}");
    }
    assert!(is_open(&store, &one).await);
    redis.run::<()>("CONFIG SET min-replicas-to-write 0").await;
    assert!(consume(&store, &one).await);
}

/// The commands on the crate's page suffice.
#[tokio::test]
async fn a_user_with_few_permissions_suffices() {
    let Some(redis) = Redis::start().await else { return };
    let commands = "+eval +lrange +lpush +lrem +ltrim +pttl +pexpire";
    redis.run::<()>(&format!("ACL SETUSER app on >secret ~tower-step-up:* -@all {commands}")).await;
    let url = redis.url().replace("redis://", "redis://app:secret@");
    let store = RedisIntents::new(server(&url)).timeout(PATIENCE);
    let intents: Vec<_> = (0..20).map(intent).collect();
    for intent in &intents {
        create(&store, intent).await;
    }
    assert!(consume(&store, &intents[19]).await);
    assert_eq!(find(&store, &intents[18]).await, None);
    let other = store.key_prefix("other");
    let error = find_error(&other, &intents[0]).await;
    assert!(error.contains("NoPerm"), "{error}");
}
