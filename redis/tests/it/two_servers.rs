//! Two servers that both take themselves for the primary.

use crate::failover::{Directory, cut_off, replica_of};
use crate::server::Redis;
use crate::support::{Instance, server, within};

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

/// With `min-replicas-to-write`, a primary that has lost its replica refuses writes.
#[tokio::test]
async fn a_write_that_an_isolated_primary_refuses_goes_to_the_new_one() {
    let options = "--repl-diskless-sync-delay 0 --min-replicas-to-write 1";
    let Some(old) = Redis::start_with(options).await else { return };
    let Some(new) = replica_of(&old).await else { return };
    let directory = Directory::of(&old);
    let instance = Instance::ready(directory.connect()).await;
    // The primary may not have heard of its replica yet.
    let _ = instance.revoke("before").await;
    instance.has_written().await;
    cut_off(&new).await;
    new.run::<()>("REPLICAOF NO ONE").await;
    directory.point_to(&new);
    let other = Instance::ready(server(&new.url())).await;

    let refused = instance.revoke("meanwhile").await.unwrap_err();
    let source = std::error::Error::source(&refused).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("NOREPLICAS"), "{refused}: {source}");
    other.learns(["before", "meanwhile"]).await;
    other.revoke("by-other").await.unwrap();
    instance.learns(["by-other"]).await;
}

/// This states a limit, not a promise: without a write, nobody notices.
#[tokio::test]
async fn an_instance_that_reads_an_isolated_primary_learns_nothing_until_it_connects_again() {
    let Some(mut old) = Redis::start().await else { return };
    let Some(new) = Redis::start().await else { return };
    let directory = Directory::of(&old);
    let instance = Instance::ready(directory.connect()).await;
    directory.point_to(&new);
    let other = Instance::ready(directory.connect()).await;
    other.revoke("s").await.unwrap();
    assert_eq!(other.status("/", "s").await, 401);
    assert_eq!(instance.status("/", "s").await, 200);
    old.kill();
    instance.learns(["s"]).await;
}
