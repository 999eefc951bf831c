//! Connections that are reset in the middle of a reply.

use std::time::Instant;

use crate::proxy::Proxy;
use crate::server::Redis;
use crate::support::{Instance, eventually, report, server, within};

#[tokio::test]
async fn a_reset_in_the_middle_of_a_replay_loses_no_entry() {
    let Some(redis) = Redis::start().await else { return };
    let ids: Vec<String> = (0..2_000).map(|place| format!("s-{place}")).collect();
    let source = Instance::ready(server(&redis.url())).await;
    source.revoke_all(&ids).await;

    let proxy = Proxy::to(redis.address()).await;
    // The first replies of a connection, then the middle of the replay, in ever later places. The
    // connection that writes takes some of these numbers too.
    proxy.cut_next_after([0, 1, 30, 200, 500, 5_000, 20_000, 50_000, 100_000, 150_000, 200_000]);
    let begun = Instant::now();
    let instance = Instance::start(server(&proxy.url()));
    within(instance.revocations.ready()).await;
    report("replay of 2,000 entries, reset up to 11 times", begun.elapsed());
    assert!(proxy.cut() > 1, "the proxy reset {} connections", proxy.cut());
    for id in &ids {
        assert!(instance.knows(id), "{id}");
    }
    assert_eq!(instance.revocations.health().entries, ids.len());
    assert_eq!(instance.revocations.health().skipped, 0);
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_read_loses_no_entry() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let source = Instance::ready(server(&redis.url())).await;
    let instance = Instance::ready(server(&proxy.url())).await;
    let mut all = Vec::new();
    for round in 0..10 {
        let (before, accepted) = (proxy.cut(), proxy.accepted());
        // At the very start of the next reply, and within it. The second revocation is part of the
        // reply that is cut, or is written while nobody reads.
        proxy.cut_after(round * 23);
        let ids: Vec<String> = (0..50).map(|place| format!("s-{round}-{place}")).collect();
        source.revoke_all(&ids).await;
        all.extend(ids);
        instance.learns(&all).await;
        eventually("cut and connected again", || {
            proxy.cut() > before && proxy.accepted() > accepted
        })
        .await;
    }
    within(instance.revocations.wait_for(&source.revoke("last").await.unwrap())).await;
    instance.learns(&all).await;
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_write_is_an_error_or_the_entry_is_there() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let writing = Instance::ready(server(&proxy.url())).await;
    let other = Instance::ready(server(&redis.url())).await;
    for round in 0..20 {
        proxy.cut_after(round);
        let id = format!("s-{round}");
        if let Ok(written) = writing.revoke(&id).await {
            within(other.revocations.wait_for(&written)).await;
            assert!(other.knows(&id), "{id}");
        }
        assert!(writing.knows(&id), "{id}");
        // Whatever the caller was told, it arrives.
        other.learns([&id]).await;
    }
    writing.has_written().await;
}
