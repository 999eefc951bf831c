//! Tests against a real `redis-server`. Without one they print that they are skipped.
//!
//! `REDIS_SERVER` names another program, such as `valkey-server`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test should panic at once"
)]

mod addresses;
mod clocks;
mod cut_connections;
mod expiry;
mod failover;
mod foreign_entries;
mod full_memory;
mod intents;
mod load;
mod lost_data;
mod many;
mod process;
mod promoted;
mod proxy;
mod restarts;
mod sentinel;
mod server;
mod start;
mod stopped;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod two_servers;
