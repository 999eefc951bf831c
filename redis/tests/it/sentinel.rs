//! Instances that ask a Sentinel for the primary.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::AsyncConnectionConfig;
use redis::sentinel::{SentinelClient, SentinelServerType};
use tokio::time::sleep;
use tower_step_up_redis::Connect;

use crate::failover::{has_entries, replica_of};
use crate::server::Redis;
use crate::support::{Instance, report, seconds, within};

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
            sleep(Duration::from_millis(100)).await;
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
