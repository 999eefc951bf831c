//! Many revocations at once.

use std::time::Instant;

use tokio::task::JoinSet;
use tower_step_up_redis::Settings;

use crate::server::Redis;
use crate::support::{Instance, KEY, report, revoked, server, within};

const MANY: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_revocations_at_once_all_arrive() {
    let Some(redis) = Redis::start().await else { return };
    // On a slow machine the last of so many may wait longer than two seconds.
    let settings = Settings::new().write_timeout(crate::support::PATIENCE);
    let one = Instance::start_with(server(&redis.url()), settings, Default::default());
    let other = Instance::ready(server(&redis.url())).await;
    within(one.revocations.ready()).await;

    let before = resident_kilobytes();
    let begun = Instant::now();
    let mut writes = JoinSet::new();
    for place in 0..MANY {
        let id = format!("session-test-{place:036}");
        writes.spawn(one.revocations.write(revoked(&id), tower_step_up::testing::NOW));
    }
    let mut last = None;
    for written in within(writes.join_all()).await {
        last = last.max(Some(written.unwrap()));
    }
    report("100,000 writes at once", begun.elapsed());
    within(other.revocations.wait_for(&last.unwrap())).await;
    report("100,000 writes at once are in force at another instance", begun.elapsed());
    println!(
        "measured: memory of both replicas and the writes: {} kB",
        resident_kilobytes() - before
    );

    for instance in [&one, &other] {
        assert_eq!(instance.revocations.health().entries, MANY);
        instance.has_written().await;
    }
    let length = redis.run::<usize>(&format!("XLEN {KEY}")).await;
    assert!((MANY..2 * MANY).contains(&length), "{length}");
    for place in (0..MANY).step_by(997) {
        assert!(other.knows(&format!("session-test-{place:036}")), "{place}");
    }
    assert_eq!(other.status("/", "s").await, 200);

    let begun = Instant::now();
    let third = Instance::ready(server(&redis.url())).await;
    report("replay of 100,000 entries", begun.elapsed());
    assert_eq!(third.revocations.health().entries, MANY);
    println!(
        "measured: memory of the stream in Redis: {} bytes",
        redis.run::<usize>(&format!("MEMORY USAGE {KEY}")).await
    );
}

/// A dead server must not make an instance keep ever more.
#[tokio::test]
async fn revocations_that_cannot_be_written_are_bounded() {
    let Some(mut redis) = Redis::start().await else { return };
    let settings =
        Settings::new().max_entries(1_000).write_timeout(std::time::Duration::from_millis(200));
    let one = Instance::start_with(server(&redis.url()), settings, Default::default());
    within(one.revocations.ready()).await;
    redis.kill();
    let mut writes = JoinSet::new();
    for place in 0..5_000 {
        let id = format!("s-{place}");
        writes.spawn(one.revocations.write(revoked(&id), tower_step_up::testing::NOW));
    }
    let outcomes = within(writes.join_all()).await;
    assert!(outcomes.iter().all(Result::is_err));
    assert!(one.revocations.health().entries <= 1_000);
    assert!(one.unwritten() <= 1_000);
    redis.restart_empty().await;
    one.has_written().await;
    // A batch may be written twice, if its reply is late.
    let length = redis.run::<usize>(&format!("XLEN {KEY}")).await;
    assert!((1_000..2_000).contains(&length), "{length}");
    let other = Instance::ready(server(&redis.url())).await;
    assert_eq!(other.revocations.health().entries, 1_000);
}

/// Returns how much memory this process has, on Linux.
fn resident_kilobytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
