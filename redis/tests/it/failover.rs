//! Primaries and replicas, and how instances find the primary.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::{AsyncConnectionConfig, Client};
use tokio::time::sleep;
use tower_step_up_redis::Connect;

use crate::server::{Redis, free_port};
use crate::support::{KEY, within};

/// The address of the primary, as the operator of the instances keeps it.
#[derive(Clone)]
pub(crate) struct Directory(Arc<Mutex<String>>);

impl Directory {
    pub(crate) fn of(redis: &Redis) -> Self {
        Self(Arc::new(Mutex::new(redis.url())))
    }

    pub(crate) fn point_to(&self, redis: &Redis) {
        *self.0.lock().unwrap() = redis.url();
    }

    /// Connects to the current address.
    pub(crate) fn connect(&self) -> impl Connect + use<> {
        let directory = self.clone();
        move |config: AsyncConnectionConfig| {
            let url = directory.0.lock().unwrap().clone();
            async move { Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await }
        }
    }
}

pub(crate) async fn replica_of(primary: &Redis) -> Option<Redis> {
    let replica = Redis::start_with(&format!(
        "--replicaof 127.0.0.1 {} --repl-diskless-sync-delay 0 --repl-timeout 5",
        primary.port()
    ))
    .await?;
    let linked = async {
        while !replica.run::<String>("INFO replication").await.contains("master_link_status:up") {
            sleep(Duration::from_millis(10)).await;
        }
    };
    within(linked).await;
    Some(replica)
}

pub(crate) async fn has_entries(redis: &Redis, count: usize) {
    let has = async {
        while redis.run::<usize>(&format!("XLEN {KEY}")).await < count {
            sleep(Duration::from_millis(5)).await;
        }
    };
    within(has).await;
}

/// Ends the replication, but keeps the replica a replica.
pub(crate) async fn cut_off(replica: &Redis) {
    replica.run::<()>(&format!("REPLICAOF 127.0.0.1 {}", free_port())).await;
}
