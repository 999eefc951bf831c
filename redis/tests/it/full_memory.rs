//! A server whose memory is full, so that it refuses writes.

use std::time::Instant;

use crate::server::Redis;
use crate::support::{Instance, report, revoked, seconds, server, within};

#[tokio::test]
async fn a_server_without_memory_refuses_writes_until_it_has_some() {
    let Some(redis) = Redis::start_with("--maxmemory-policy noeviction").await else { return };
    let (one, other) =
        (Instance::ready(server(&redis.url())).await, Instance::ready(server(&redis.url())).await);
    one.revoke("before").await.unwrap();
    redis.run::<()>("CONFIG SET maxmemory 1").await;

    let error = one.revoke("meanwhile").await.unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("OOM"), "{error}: {source}");
    assert!(one.revocations.health().write_error.is_some_and(|error| error.contains("OOM")));
    // It holds here. Reads go on, so guards do too.
    assert_eq!(one.status("/", "meanwhile").await, 401);
    for instance in [&one, &other] {
        assert_eq!(instance.status("/", "before").await, 401);
        assert_eq!(instance.status("/", "s").await, 200);
        instance.clock.advance(seconds(32));
        instance.is_current().await;
        assert_eq!(instance.status("/", "s").await, 200);
        assert_eq!(instance.revocations.health().read_error, None);
    }
    assert_eq!(other.status("/", "meanwhile").await, 200, "it cannot know");
    // The same revocation again is one entry.
    assert!(one.revoke("meanwhile").await.is_err());
    assert_eq!(one.unwritten(), 1);

    redis.run::<()>("CONFIG SET maxmemory 0").await;
    let freed = Instant::now();
    other.learns(["meanwhile"]).await;
    report("memory is free again: the refused write reaches the others", freed.elapsed());
    one.has_written().await;
    assert_eq!(one.revocations.health().write_error, None);
    one.revoke("after").await.unwrap();
}

#[tokio::test]
async fn an_instance_that_is_full_refuses_and_keeps_what_it_has() {
    let Some(redis) = Redis::start().await else { return };
    let settings = tower_step_up_redis::Settings::new().max_entries(2);
    let clock = tower_step_up::testing::FixedClock::new();
    let one = Instance::start_with(server(&redis.url()), settings, clock);
    within(one.revocations.ready()).await;
    one.revoke("a").await.unwrap();
    one.revoke("b").await.unwrap();
    let full = within(one.revocations.write(revoked("c"), tower_step_up::testing::NOW)).await;
    assert!(matches!(full, Err(tower_step_up::token::RevocationError::Full { max_entries: 2 })));
    assert!(one.knows("a") && one.knows("b"));
    assert_eq!(one.status("/", "s").await, 200);
}

/// Rather than to forget one, an instance that cannot keep the others' revocations says so.
#[tokio::test]
async fn an_instance_that_cannot_keep_every_entry_answers_with_503() {
    let Some(redis) = Redis::start().await else { return };
    let large = Instance::ready(server(&redis.url())).await;
    for place in 0..5 {
        large.revoke(&format!("s-{place}")).await.unwrap();
    }
    let settings = tower_step_up_redis::Settings::new().max_entries(2);
    let small = Instance::start_with(server(&redis.url()), settings, Default::default());
    small.read_error().await;
    for path in ["/", "/news"] {
        assert_eq!(small.status(path, "s").await, 503, "{path}");
    }
    // An instance that already runs notices it too.
    let settings = tower_step_up_redis::Settings::new().max_entries(3);
    let running = Instance::start_with(server(&redis.url()), settings, Default::default());
    within(running.revocations.ready()).await;
    for place in 5..20 {
        large.revoke(&format!("s-{place}")).await.unwrap();
    }
    crate::support::eventually("no age", || running.age().is_none()).await;
    assert_eq!(running.status("/news", "s").await, 503);
}
