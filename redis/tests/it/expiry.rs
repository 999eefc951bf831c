//! How long entries live, in replicas and in the stream.

use std::time::Duration;

use tower_step_up::testing::{FixedClock, NOW};
use tower_step_up_redis::Settings;

use crate::server::Redis;
use crate::support::{ISSUER, Instance, KEY, eventually, issuer, revoked, seconds, server, within};

/// Returns an instance whose clock is this long after `NOW`.
fn later(redis: &Redis, time: Duration) -> Instance {
    let clock = FixedClock::new();
    clock.advance(time);
    Instance::start_with(server(&redis.url()), Settings::new(), clock)
}

/// A verifier with the default settings can accept a token for 10 minutes and twice the leeway.
#[tokio::test]
async fn a_replica_keeps_entries_as_long_as_a_verifier_needs_them() {
    let Some(redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    instance.revoke("s").await.unwrap();
    for (age, want) in [(0, true), (609, true), (611, false)] {
        let new = later(&redis, seconds(age));
        within(new.revocations.ready()).await;
        assert_eq!(new.knows("s"), want, "{age} s");
        assert_eq!(new.revocations.health().entries, usize::from(want), "{age} s");
    }
    // The replica of an instance that runs on forgets it too, without another write.
    instance.clock.advance(seconds(611));
    eventually("forgotten", || instance.revocations.health().entries == 0).await;
}

#[tokio::test]
async fn an_entry_that_expires_before_it_could_be_written_is_given_up() {
    let Some(mut redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    redis.kill();
    assert!(instance.revoke("s").await.is_err());
    assert_eq!(instance.unwritten(), 1);
    instance.clock.advance(seconds(7 * 24 * 3_600));
    redis.restart().await;
    instance.has_written().await;
    assert_eq!(redis.run::<usize>(&format!("XLEN {KEY}")).await, 0);
}

/// Redis removes whole nodes of 100 entries, so some old entries stay.
#[tokio::test]
async fn a_write_removes_old_entries_from_the_stream() {
    let Some(redis) = Redis::start().await else { return };
    let old = async |from: usize| {
        for place in from..from + 500 {
            let entry = format!("kind session issuer {ISSUER} id old-{place} at {place}");
            redis.run::<()>(&format!("XADD {KEY} {place}-0 {entry}")).await;
        }
    };
    old(1).await;
    let instance = Instance::ready(server(&redis.url())).await;
    assert_eq!(instance.revocations.health().entries, 0, "they have expired");
    // It learns the time of the server from what it reads.
    let written = instance.revoke("s").await.unwrap();
    within(instance.revocations.wait_for(&written)).await;
    instance.revoke("t").await.unwrap();
    let length = redis.run::<usize>(&format!("XLEN {KEY}")).await;
    assert!((2..=102).contains(&length), "{length}");
    // It takes the removal for no loss: nothing is written again.
    let written = instance.revoke("u").await.unwrap();
    within(instance.revocations.wait_for(&written)).await;
    instance.has_written().await;
    assert_eq!(redis.run::<usize>(&format!("XLEN {KEY}")).await, length + 1);
    let new = Instance::ready(server(&redis.url())).await;
    assert!(new.knows("s") && new.knows("t"));
}

/// Otherwise entries would be removed before the tokens that they revoke have expired.
#[tokio::test]
async fn a_verifier_that_needs_entries_for_longer_than_they_are_kept_answers_with_503() {
    let Some(redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    instance.revoke("s").await.unwrap();
    let short = Settings::new().retention(seconds(600));
    let short = Instance::start_with(server(&redis.url()), short, FixedClock::new());
    within(short.revocations.ready()).await;
    for path in ["/", "/news"] {
        assert_eq!(short.status(path, "t").await, 503, "{path}");
    }
    assert_eq!(short.age(), None);

    // A verifier that is created later, and the guards that already run.
    assert_eq!(instance.status("/", "t").await, 200);
    let month = seconds(30 * 24 * 3_600);
    let revocations = instance.revocations.clone();
    drop(issuer().verifier().revocations(revocations).max_token_age(month));
    assert_eq!(instance.status("/", "t").await, 503);
}

#[tokio::test]
async fn a_verifier_that_is_created_later_extends_the_life_of_entries_that_are_known() {
    let Some(redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    // Half an hour ago: the first verifier needs it no longer, and the second one does.
    let at = NOW - seconds(1_800);
    within(instance.revocations.write(revoked("s"), at)).await.unwrap();
    let hour = seconds(3_600);
    let other = Instance::ready(server(&redis.url())).await;
    drop(issuer().verifier().revocations(other.revocations.clone()).max_token_age(hour));
    // The replica has dropped the entry. It is not complete until it has read the stream again.
    assert!(other.knows("s") || other.age().is_none());
    within(other.revocations.ready()).await;
    assert!(other.knows("s"));
    other.is_current().await;
}
