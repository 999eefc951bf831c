//! Data that is deleted while everyone is connected.

use std::time::Instant;

use crate::proxy::Proxy;
use crate::server::Redis;
use crate::support::{ISSUER, Instance, KEY, eventually, report, server, within};

#[tokio::test]
async fn entries_are_written_back_after_their_stream_was_deleted() {
    for command in
        ["FLUSHALL", "DEL tower-step-up:revocations", "XTRIM tower-step-up:revocations MAXLEN 0"]
    {
        let Some(redis) = Redis::start().await else { return };
        let (one, other) = (
            Instance::ready(server(&redis.url())).await,
            Instance::ready(server(&redis.url())).await,
        );
        one.revoke("a").await.unwrap();
        let last = other.revoke("b").await.unwrap();
        within(one.revocations.wait_for(&last)).await;

        redis.run::<()>(command).await;
        let deleted = Instant::now();
        let both = async {
            while redis.run::<usize>(&format!("XLEN {KEY}")).await < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        within(both).await;
        report(&format!("{command}: the stream has every entry again"), deleted.elapsed());
        let third = Instance::ready(server(&redis.url())).await;
        third.learns(["a", "b"]).await;
        // New revocations arrive, although the ids of a new stream may be smaller.
        let written = third.revoke("c").await.unwrap();
        for instance in [&one, &other] {
            within(instance.revocations.wait_for(&written)).await;
            assert!(instance.knows("a") && instance.knows("b") && instance.knows("c"), "{command}");
            instance.has_written().await;
        }
    }
}

#[tokio::test]
async fn the_first_entry_is_written_back_if_it_is_deleted_before_the_next_read() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let instance = Instance::ready(server(&proxy.url())).await;
    // The reply with the entry is on its way when the stream is deleted.
    proxy.hold(true);
    let entry = format!("kind session issuer {ISSUER} id s at 1767268800000");
    redis.run::<()>(&format!("XADD {KEY} * {entry}")).await;
    redis.run::<()>(&format!("DEL {KEY}")).await;
    proxy.hold(false);
    instance.learns(["s"]).await;
    let other = Instance::ready(server(&redis.url())).await;
    other.learns(["s"]).await;
}

/// Otherwise the stream of a hundred instances would grow to a hundred times its size.
#[tokio::test]
async fn instances_share_the_work_of_writing_back() {
    let Some(redis) = Redis::start().await else { return };
    let mut instances = Vec::new();
    for _ in 0..8 {
        instances.push(Instance::ready(server(&redis.url())).await);
    }
    let ids: Vec<_> = (0..5_000).map(|place| format!("s-{place}")).collect();
    instances[0].revoke_all(&ids).await;
    for instance in &instances {
        eventually("known", || instance.revocations.health().entries == ids.len()).await;
    }
    redis.run::<()>("FLUSHALL").await;
    let new = Instance::start(server(&redis.url()));
    eventually("written back", || new.revocations.health().entries == ids.len()).await;
    for instance in &instances {
        instance.has_written().await;
    }
    let length = redis.run::<usize>(&format!("XLEN {KEY}")).await;
    println!("measured: 8 instances wrote back 5,000 entries as {length}");
    assert!(length < 4 * ids.len(), "{length}");
}

/// The clock of a server that replaced another may be behind, so that new entries have smaller ids.
#[tokio::test]
async fn a_new_stream_whose_ids_are_smaller_is_read() {
    let Some(redis) = Redis::start().await else { return };
    let one = Instance::ready(server(&redis.url())).await;
    let fields = "kind session issuer i id";
    redis.run::<()>(&format!("XADD {KEY} 9999999999999-0 {fields} far at 1767268800000")).await;
    one.revoke("a").await.unwrap();
    // The ids continue after the one in the future, and start again in a new stream.
    redis.run::<()>(&format!("DEL {KEY}")).await;
    redis
        .run::<()>(&format!(
            "XADD {KEY} 5-0 kind session issuer {ISSUER} id small at 1767268800000"
        ))
        .await;
    one.learns(["small"]).await;
    let other = Instance::ready(server(&redis.url())).await;
    other.learns(["a", "small"]).await;
}
