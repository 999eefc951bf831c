//! What guards answer before the first replay, and what is left after the last handle.

use std::net::TcpListener;
use std::time::Duration;

use crate::proxy::Proxy;
use crate::server::{Redis, free_port};
use crate::support::{Instance, eventually, server, within};

#[tokio::test]
async fn until_the_first_replay_every_guard_answers_with_503() {
    let port = free_port();
    // Nothing listens there yet.
    let instance = Instance::start(server(&format!("redis://127.0.0.1:{port}")));
    for path in ["/", "/news"] {
        let (status, retry_after) = instance.get(path, "s").await;
        assert_eq!((status, retry_after.as_deref()), (503, Some("1")), "{path}");
    }
    instance.read_error().await;
    assert_eq!(instance.age(), None);
    // A revocation is kept meanwhile, but the caller learns that it is not shared.
    assert!(instance.revoke("early").await.is_err());
    assert_eq!(instance.unwritten(), 1);

    let Some(redis) = Redis::start_on(port, "").await else { return };
    within(instance.revocations.ready()).await;
    assert_eq!(instance.status("/", "s").await, 200);
    assert_eq!(instance.status("/", "early").await, 401);
    assert_eq!(instance.revocations.health().read_error, None);
    let other = Instance::ready(server(&redis.url())).await;
    other.learns(["early"]).await;
}

#[tokio::test]
async fn a_server_that_accepts_connections_and_says_nothing_is_no_reason_to_hang() {
    // The kernel accepts connections for a listener that nobody serves.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let instance = Instance::start(server(&format!("redis://{}", listener.local_addr().unwrap())));
    assert_eq!(instance.status("/news", "s").await, 503);
    assert!(instance.revoke("s").await.is_err());
    instance.read_error().await;
    assert_eq!(instance.unwritten(), 1);
}

#[tokio::test]
async fn a_write_that_the_caller_drops_arrives_nevertheless() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let (one, other) =
        (Instance::ready(server(&proxy.url())).await, Instance::ready(server(&redis.url())).await);
    proxy.hold(true);
    let write = tokio::time::timeout(Duration::from_millis(50), one.revoke("s"));
    assert!(write.await.is_err(), "nobody answers");
    assert!(one.knows("s"));
    proxy.hold(false);
    other.learns(["s"]).await;
}

#[tokio::test]
async fn the_tasks_and_connections_end_with_the_last_handle() {
    let Some(redis) = Redis::start().await else { return };
    let connections = async || {
        let list: String = redis.run("CLIENT LIST").await;
        // The connection that asks is one of them.
        list.lines().count() - 1
    };
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let mut instances = Vec::new();
    for place in 0..10 {
        instances.push(Instance::ready(server(&redis.url())).await);
        instances[place].revoke("s").await.unwrap();
    }
    let last = instances[0].revocations.clone();
    assert!(connections().await >= 20, "each instance reads and writes");
    drop(instances);
    // The last handle keeps one instance going.
    assert!(last.write(crate::support::revoked("t"), tower_step_up::testing::NOW).await.is_ok());
    drop(last);
    let end = async {
        while connections().await > 0 || tasks() > before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(end).await;
}

#[tokio::test]
async fn the_tasks_end_even_if_the_server_never_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("redis://{}", listener.local_addr().unwrap());
    let absent = format!("redis://127.0.0.1:{}", free_port());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for url in [silent, absent] {
        let instance = Instance::start(server(&url));
        assert!(instance.revoke("s").await.is_err());
        drop(instance);
        eventually("no task is left", || tasks() <= before).await;
    }
}
