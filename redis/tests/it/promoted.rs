//! A replica that is promoted, and how instances find it.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{AsyncConnectionConfig, Client};
use tower_step_up_redis::Connect;

use crate::proxy::Proxy;
use crate::server::{Redis, free_port};
use crate::support::{Instance, KEY, eventually, report, seconds, server, within};

/// The address of the primary, as the operator of the instances keeps it.
#[derive(Clone)]
struct Directory(Arc<Mutex<String>>);

impl Directory {
    fn of(redis: &Redis) -> Self {
        Self(Arc::new(Mutex::new(redis.url())))
    }

    fn point_to(&self, redis: &Redis) {
        *self.0.lock().unwrap() = redis.url();
    }

    /// Connects to the current address.
    fn connect(&self) -> impl Connect + use<> {
        let directory = self.clone();
        move |config: AsyncConnectionConfig| {
            let url = directory.0.lock().unwrap().clone();
            async move { Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await }
        }
    }
}

async fn replica_of(primary: &Redis) -> Option<Redis> {
    let replica = Redis::start_with(&format!(
        "--replicaof 127.0.0.1 {} --repl-diskless-sync-delay 0 --repl-timeout 5",
        primary.port()
    ))
    .await?;
    let linked = async {
        while !replica.run::<String>("INFO replication").await.contains("master_link_status:up") {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    within(linked).await;
    Some(replica)
}

async fn has_entries(redis: &Redis, count: usize) {
    let has = async {
        while redis.run::<usize>(&format!("XLEN {KEY}")).await < count {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    within(has).await;
}

/// Ends the replication, but keeps the replica a replica.
async fn cut_off(replica: &Redis) {
    replica.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", free_port())).await;
}

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

/// The connection that writes may still lead to the old primary, which accepts the write and tells
/// nobody.
#[tokio::test]
async fn writes_go_to_the_primary_that_is_read() {
    let Some(old) = Redis::start().await else { return };
    let Some(new) = Redis::start().await else { return };
    let directory = Directory::of(&old);
    let instance = Instance::ready(directory.connect()).await;
    instance.revoke("before").await.unwrap();

    // A failover that ends only the connection that reads.
    directory.point_to(&new);
    let clients: String = old.run("CLIENT LIST").await;
    let reader = clients.lines().find(|client| client.contains("cmd=xread")).unwrap();
    let id = reader.split(' ').find_map(|field| field.strip_prefix("id=")).unwrap();
    old.run::<usize>(&format!("CLIENT KILL ID {id}")).await;
    let other = Instance::ready(server(&new.url())).await;
    other.learns(["before"]).await;

    let written = instance.revoke("after").await.unwrap();
    within(other.revocations.wait_for(&written)).await;
    assert!(other.knows("after"));
}

/// The old primary is still there, so the connection that reads goes on.
#[tokio::test]
async fn an_instance_that_writes_to_another_server_than_it_reads_notices() {
    let Some(old) = Redis::start().await else { return };
    let Some(new) = Redis::start().await else { return };
    let directory = Directory::of(&old);
    let instance = Instance::ready(directory.connect()).await;
    directory.point_to(&new);
    let other = Instance::ready(server(&new.url())).await;
    // The connection that writes begins with the first write.
    let written = instance.revoke("by-instance").await.unwrap();
    within(other.revocations.wait_for(&written)).await;
    other.revoke("by-other").await.unwrap();
    instance.learns(["by-other"]).await;
    instance.has_written().await;
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

/// Asks a Sentinel for the primary, whenever an instance connects.
fn by_sentinel(sentinel: &Redis) -> impl Connect + use<> {
    let client = SentinelClient::build(
        vec![sentinel.url()],
        "primary".to_owned(),
        None,
        SentinelServerType::Master,
    );
    let client = Arc::new(tokio::sync::Mutex::new(client.unwrap()));
    move |config: AsyncConnectionConfig| {
        let client = Arc::clone(&client);
        async move { client.lock().await.get_async_connection_with_config(&config).await }
    }
}

#[tokio::test]
async fn instances_that_ask_a_sentinel_follow_its_failover() {
    let Some(mut primary) = Redis::start_with("--repl-diskless-sync-delay 0").await else { return };
    let Some(replica) = replica_of(&primary).await else { return };
    let Some(sentinel) = Redis::start_with("--sentinel").await else { return };
    sentinel.run::<()>(&format!("SENTINEL MONITOR primary 127.0.0.1 {} 1", primary.port())).await;
    for setting in ["down-after-milliseconds 500", "failover-timeout 3000"] {
        sentinel.run::<()>(&format!("SENTINEL SET primary {setting}")).await;
    }
    let known = async {
        let expected = format!("port,{}", replica.port());
        loop {
            let replicas: redis::Value = sentinel.run("SENTINEL REPLICAS primary").await;
            let replicas =
                format!("{replicas:?}").replace("bulk-string('\"", "").replace("\"'), ", ",");
            if replicas.contains(&expected) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    within(known).await;
    let one = Instance::ready(by_sentinel(&sentinel)).await;
    let other = Instance::ready(by_sentinel(&sentinel)).await;
    let before = one.revoke("before").await.unwrap();
    within(other.revocations.wait_for(&before)).await;

    primary.kill();
    let killed = Instant::now();
    assert!(one.revoke("meanwhile").await.is_err());
    for instance in [&one, &other] {
        assert_eq!(instance.status("/", "before").await, 401);
        instance.clock.advance(seconds(32));
        assert_eq!(instance.status("/", "s").await, 503);
    }
    other.learns(["meanwhile"]).await;
    report(
        "a Sentinel fails over after 500 ms: a refused write reaches the others",
        killed.elapsed(),
    );
    for instance in [&one, &other] {
        instance.is_current().await;
        assert_eq!(instance.status("/", "s").await, 200);
        assert_eq!(instance.status("/", "before").await, 401);
    }
    report("a Sentinel fails over after 500 ms: guards grant again", killed.elapsed());
    has_entries(&replica, 2).await;
    // The old primary comes back as one, until the Sentinel demotes it.
    primary.restart_empty().await;
    // Meanwhile the Sentinel may know no primary, and a write may fail.
    let _ = one.revoke("after").await;
    other.learns(["after"]).await;
    has_entries(&replica, 3).await;
}
