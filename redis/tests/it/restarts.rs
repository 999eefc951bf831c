//! A server that is killed and restarted, with and without its data.

use std::time::Instant;

use crate::server::Redis;
use crate::support::{Instance, report, seconds, server, within};

#[tokio::test]
async fn a_server_that_is_killed_and_restarted_with_its_data_loses_nothing() {
    let Some(mut redis) = Redis::start_with("--appendonly yes --appendfsync always").await else {
        return;
    };
    let (one, other) =
        (Instance::ready(server(&redis.url())).await, Instance::ready(server(&redis.url())).await);
    let before = one.revoke("before").await.unwrap();
    within(other.revocations.wait_for(&before)).await;

    redis.kill();
    // Guards go on, because their replicas are young enough. The others learn of no revocation.
    assert_eq!(one.status("/", "s").await, 200);
    assert!(one.revoke("meanwhile").await.is_err());
    assert_eq!(one.status("/", "meanwhile").await, 401);
    assert_eq!(other.status("/", "meanwhile").await, 200);
    assert_eq!(one.unwritten(), 1);
    for instance in [&one, &other] {
        instance.clock.advance(seconds(32));
        assert_eq!(instance.get("/", "s").await, (503, Some("1".into())));
        assert_eq!(instance.status("/news", "s").await, 200);
        assert_eq!(instance.status("/news", "before").await, 401);
    }

    redis.restart().await;
    let restarted = Instant::now();
    other.learns(["meanwhile"]).await;
    report("killed, restarted with data: a refused write reaches the others", restarted.elapsed());
    for instance in [&one, &other] {
        instance.is_current().await;
        assert_eq!(instance.status("/", "s").await, 200);
        assert_eq!(instance.status("/", "before").await, 401);
    }
    report("killed, restarted with data: guards grant again", restarted.elapsed());
    one.has_written().await;
    let third = Instance::ready(server(&redis.url())).await;
    assert!(third.knows("before") && third.knows("meanwhile"));
}

#[tokio::test]
async fn instances_write_back_what_a_restarted_server_has_lost() {
    let Some(mut redis) = Redis::start().await else { return };
    let (one, other) =
        (Instance::ready(server(&redis.url())).await, Instance::ready(server(&redis.url())).await);
    one.revoke("a").await.unwrap();
    let last = other.revoke("b").await.unwrap();
    within(one.revocations.wait_for(&last)).await;

    redis.kill();
    assert!(one.revoke("c").await.is_err());
    redis.restart_empty().await;
    let restarted = Instant::now();
    other.learns(["c"]).await;
    let third = Instance::start(server(&redis.url()));
    third.learns(["a", "b", "c"]).await;
    report("killed, restarted empty: a new instance knows every entry", restarted.elapsed());
    for instance in [&one, &other, &third] {
        for id in ["a", "b", "c"] {
            assert_eq!(instance.status("/", id).await, 401, "{id}");
        }
        instance.has_written().await;
    }
}

/// This states a limit, not a promise.
#[tokio::test]
async fn entries_are_lost_if_the_server_loses_its_data_and_every_instance_restarts() {
    let Some(mut redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    instance.revoke("s").await.unwrap();
    drop(instance);
    redis.kill();
    redis.restart_empty().await;
    let instance = Instance::ready(server(&redis.url())).await;
    assert_eq!(instance.status("/", "s").await, 200);
}

#[tokio::test]
async fn a_restart_of_every_instance_loses_nothing_that_the_server_has() {
    let Some(redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    instance.revoke("s").await.unwrap();
    drop(instance);
    let instance = Instance::ready(server(&redis.url())).await;
    assert_eq!(instance.status("/", "s").await, 401);
}

#[tokio::test]
async fn a_server_that_restarts_again_and_again_loses_nothing_that_an_instance_knows() {
    let Some(mut redis) = Redis::start().await else { return };
    let (one, other) =
        (Instance::ready(server(&redis.url())).await, Instance::ready(server(&redis.url())).await);
    let ids: Vec<String> = (0..5).map(|round| format!("round-{round}")).collect();
    for (round, id) in ids.iter().enumerate() {
        redis.kill();
        let _ = if round % 2 == 0 { one.revoke(id).await } else { other.revoke(id).await };
        redis.restart_empty().await;
    }
    for instance in [&one, &other] {
        instance.learns(&ids).await;
        instance.has_written().await;
    }
    let third = Instance::start(server(&redis.url()));
    third.learns(&ids).await;
}
