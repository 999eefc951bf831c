//! Intents that processes share.

mod conformance;
mod connection;
mod faults;
mod garbage;
mod over_http;
mod race;
mod replica;

use std::error::Error;
use std::time::Duration;

use serde_json::json;
use tower_step_up::intent::{Found, Intent, IntentStore, IntentUser, IntentsUnavailable};
use tower_step_up::testing::NOW;
use tower_step_up_redis::RedisIntents;

use crate::server::Redis;
use crate::support::{PATIENCE, seconds, server, within};

/// The key of the user `u`.
const KEY: &str = "tower-step-up:intent:1:i:1:u";

/// Returns an intent of this user, made this many seconds after `NOW`, that lives for a minute.
fn intent_of(user: &IntentUser, number: u64, at: u64) -> Intent {
    let mut intent: Intent = serde_json::from_value(json!({
        // Digits are in the alphabet, and the last character has no further bits.
        "id": format!("{number:021}A"),
        "user": user,
        "action": "HM26Vd3KAkeu2tz00peEiiEubh_HAid6SmKfy7tzduc",
        "created_at": "2026-01-01T12:00:00.000000001Z",
        "expires_at": "2026-01-01T12:00:00Z",
        "proofs_after": "2026-01-01T12:00:00Z",
    }))
    .unwrap();
    intent.created_at = NOW + seconds(at);
    intent.expires_at = intent.created_at + seconds(60);
    intent.proofs_after = intent.created_at - Duration::from_nanos(5_000_000_001);
    intent
}

fn user(id: &str) -> IntentUser {
    serde_json::from_value(json!({ "issuer": "i", "id": id, "organization": null })).unwrap()
}

fn intent(number: u64) -> Intent {
    intent_of(&user("u"), number, number)
}

/// Returns what is remembered of an intent whose proofs are dated this many seconds after `NOW`.
fn used(intent: &Intent, at: u64) -> Intent {
    let mut used = intent.clone();
    used.expires_at += seconds(60);
    used.proofs_after = NOW + seconds(at);
    used
}

/// Returns a store that waits as long as a slow machine needs.
fn store(redis: &Redis) -> RedisIntents {
    RedisIntents::new(server(&redis.url())).timeout(PATIENCE)
}

async fn create(store: &dyn IntentStore, intent: &Intent) {
    within(store.create(intent.clone())).await.unwrap();
}

async fn find(store: &dyn IntentStore, intent: &Intent) -> Option<Found> {
    within(store.find(&intent.user, &intent.id)).await.unwrap()
}

async fn consume(store: &dyn IntentStore, intent: &Intent) -> bool {
    within(store.consume(intent.clone())).await.unwrap()
}

async fn is_open(store: &dyn IntentStore, intent: &Intent) -> bool {
    matches!(find(store, intent).await, Some(Found::Open { intent: found, .. }) if found == *intent)
}

/// Returns the reason of an error, for the log.
fn reason(error: &IntentsUnavailable) -> String {
    assert_eq!(error.retry_after, seconds(1));
    error.source().unwrap().to_string()
}

async fn create_error(store: &dyn IntentStore, intent: &Intent) -> String {
    reason(&within(store.create(intent.clone())).await.unwrap_err())
}

async fn find_error(store: &dyn IntentStore, intent: &Intent) -> String {
    reason(&within(store.find(&intent.user, &intent.id)).await.unwrap_err())
}

async fn consume_error(store: &dyn IntentStore, intent: &Intent) -> String {
    reason(&within(store.consume(intent.clone())).await.unwrap_err())
}

/// Waits until a call succeeds. After a failed attempt to connect, a store pauses.
async fn recovers(store: &dyn IntentStore) {
    let any = intent_of(&user("recovers"), 1, 0);
    let recovered = async {
        while store.find(&any.user, &any.id).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(recovered).await;
}
