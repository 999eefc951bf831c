//! A replica that is promoted, and a primary that is demoted.

use std::time::Instant;

use crate::failover::{Directory, cut_off, has_entries, replica_of};
use crate::proxy::Proxy;
use crate::server::Redis;
use crate::support::{Instance, KEY, eventually, report, seconds, server, within};

#[tokio::test]
async fn what_a_promoted_replica_lacks_is_written_back() {
    let Some(mut primary) = Redis::start_with("--repl-diskless-sync-delay 0").await else { return };
    let Some(replica) = replica_of(&primary).await else { return };
    let directory = Directory::of(&primary);
    let one = Instance::ready(directory.connect()).await;
    let other = Instance::ready(directory.connect()).await;
    one.revoke("replicated").await.unwrap();
    has_entries(&replica, 1).await;
    cut_off(&replica).await;
    let last = one.revoke("not-replicated").await.unwrap();
    within(other.revocations.wait_for(&last)).await;

    primary.kill();
    assert!(other.revoke("meanwhile").await.is_err());
    replica.run::<()>("REPLICAOF NO ONE").await;
    directory.point_to(&replica);
    let promoted = Instant::now();
    let ids = ["replicated", "not-replicated", "meanwhile"];
    let third = Instance::start(directory.connect());
    third.learns(ids).await;
    report("a promoted replica has every entry", promoted.elapsed());
    for instance in [&one, &other, &third] {
        instance.learns(ids).await;
        instance.has_written().await;
        instance.clock.advance(seconds(32));
        instance.is_current().await;
        assert_eq!(instance.status("/", "s").await, 200);
    }
}

#[tokio::test]
async fn an_instance_does_not_take_a_replica_for_current() {
    let Some(primary) = Redis::start_with("--repl-diskless-sync-delay 0").await else { return };
    let Some(replica) = replica_of(&primary).await else { return };
    let instance = Instance::start(server(&replica.url()));
    let error = instance.read_error().await;
    assert!(error.contains("replica"), "{error}");
    assert_eq!(instance.status("/news", "s").await, 503);
    assert!(instance.revoke("s").await.is_err());
}

/// The read in progress ends with the demotion.
#[tokio::test]
async fn a_primary_that_is_demoted_while_an_instance_waits_is_no_longer_read() {
    let Some(redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    instance.revoke("before").await.unwrap();
    cut_off(&redis).await;
    refuses_the_demoted(&instance).await;
    redis.run::<()>("REPLICAOF NO ONE").await;
    is_current_again(&instance).await;
}

/// Redis ends no connection that waits for nothing at that moment.
#[tokio::test]
async fn a_primary_that_is_demoted_between_two_reads_is_no_longer_read() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let instance = Instance::ready(server(&proxy.url())).await;
    let other = Instance::ready(server(&redis.url())).await;
    // The reply to the read is on its way when the primary becomes a replica.
    proxy.hold(true);
    other.revoke("before").await.unwrap();
    cut_off(&redis).await;
    proxy.hold(false);
    instance.learns(["before"]).await;
    refuses_the_demoted(&instance).await;
    redis.run::<()>("REPLICAOF NO ONE").await;
    is_current_again(&instance).await;
}

/// It is a replica for less than a second, while the instance waits for an entry.
#[tokio::test]
async fn a_primary_that_is_demoted_and_promoted_again_is_read_again_as_a_whole() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let instance = Instance::ready(server(&proxy.url())).await;
    let connections = proxy.accepted();
    proxy.hold(true);
    redis.run::<()>(&format!("XADD {KEY} * a-foreign entry")).await;
    cut_off(&redis).await;
    proxy.hold(false);
    // The next read has begun at the replica.
    let asks = async {
        while !redis.run::<String>("CLIENT LIST").await.contains("flags=b") {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    within(asks).await;
    redis.run::<()>("REPLICAOF NO ONE").await;
    eventually("connected again", || proxy.accepted() > connections).await;
    instance.is_current().await;
}

async fn refuses_the_demoted(instance: &Instance) {
    instance.clock.advance(seconds(60));
    let error = instance.read_error().await;
    println!("the primary is demoted: {error}");
    instance.clock.advance(seconds(60));
    assert_eq!(instance.status("/", "s").await, 503);
    assert_eq!(instance.status("/news", "before").await, 401);
    assert!(instance.revoke("meanwhile").await.is_err());
}

async fn is_current_again(instance: &Instance) {
    let promoted = Instant::now();
    instance.is_current().await;
    report("promoted again: the replica is current", promoted.elapsed());
    assert_eq!(instance.status("/", "s").await, 200);
    instance.has_written().await;
}

/// An old primary that comes back asks the new one, and loses what only it has.
#[tokio::test]
async fn a_failover_back_and_forth_loses_nothing_that_an_instance_knows() {
    let Some(one) = Redis::start_with("--repl-diskless-sync-delay 0").await else { return };
    let Some(two) = replica_of(&one).await else { return };
    let directory = Directory::of(&one);
    let instances =
        [Instance::ready(directory.connect()).await, Instance::ready(directory.connect()).await];
    let mut ids = Vec::new();
    for round in 0..4 {
        let (primary, replica) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let id = format!("round-{round}");
        let written = within(
            instances[round % 2]
                .revocations
                .write(crate::support::revoked(&id), tower_step_up::testing::NOW),
        );
        // It may reach the new primary or not, and the caller learns it or not.
        let (_, _) = tokio::join!(written, async {
            replica.run::<()>("REPLICAOF NO ONE").await;
            directory.point_to(replica);
            primary.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", replica.port())).await;
        });
        ids.push(id);
        for instance in &instances {
            instance.learns(&ids).await;
        }
    }
    for instance in &instances {
        instance.has_written().await;
    }
    let third = Instance::start(directory.connect());
    third.learns(&ids).await;
}
