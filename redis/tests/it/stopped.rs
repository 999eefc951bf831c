//! A server that is stopped: its connections stay open, and nothing answers.

use std::time::{Duration, Instant};

use tower_step_up_redis::Settings;

use crate::proxy::Proxy;
use crate::server::Redis;
use crate::support::{Instance, report, seconds, server, within};

/// The instances' clocks advance by 30 s while the server is stopped.
#[tokio::test]
async fn a_server_that_is_stopped_for_30_s_delays_revocations_and_nothing_else() {
    let Some(redis) = Redis::start().await else { return };
    let settings = || Settings::new().write_timeout(Duration::from_millis(300));
    let start = || Instance::start_with(server(&redis.url()), settings(), Default::default());
    let (one, other) = (start(), start());
    for instance in [&one, &other] {
        within(instance.revocations.ready()).await;
    }
    let before = one.revoke("before").await.unwrap();
    within(other.revocations.wait_for(&before)).await;

    redis.stop();
    let stopped = Instant::now();
    let write = one.revoke("meanwhile").await;
    report("stopped: a write of 300 ms fails", stopped.elapsed());
    assert!(write.is_err());
    assert_eq!(one.unwritten(), 1);
    assert_eq!(one.status("/", "meanwhile").await, 401);
    for instance in [&one, &other] {
        // A confirmed read may have been a second ahead of these clocks, which stand still.
        instance.clock.advance(seconds(29));
        assert_eq!(instance.status("/", "s").await, 200);
        instance.clock.advance(seconds(3));
        assert!(instance.age() > Some(seconds(30)));
        assert_eq!(instance.get("/", "s").await, (503, Some("1".into())));
        assert_eq!(instance.status("/news", "s").await, 200);
        assert_eq!(instance.status("/news", "before").await, 401);
    }
    other.read_error().await;
    report("stopped: health names an error", stopped.elapsed());
    assert_eq!(other.status("/news", "meanwhile").await, 200, "it cannot know");

    redis.go_on();
    let gone_on = Instant::now();
    other.learns(["meanwhile"]).await;
    report("continued: the write reaches the others", gone_on.elapsed());
    for instance in [&one, &other] {
        instance.is_current().await;
        assert_eq!(instance.status("/", "s").await, 200);
        instance.has_written().await;
        assert_eq!(instance.revocations.health().read_error, None);
        assert_eq!(instance.revocations.health().write_error, None);
    }
    report("continued: guards grant again", gone_on.elapsed());
}

#[tokio::test]
#[ignore = "takes 40 s: the server is stopped for 30 s of real time"]
async fn a_server_that_is_stopped_for_30_real_seconds_recovers() {
    let Some(redis) = Redis::start().await else { return };
    let (one, other) =
        (Instance::ready(server(&redis.url())).await, Instance::ready(server(&redis.url())).await);
    redis.stop();
    let stopped = Instant::now();
    let mut written = 0;
    while stopped.elapsed() < seconds(30) {
        let begun = Instant::now();
        assert!(one.revoke(&format!("s-{written}")).await.is_err());
        report("stopped: a write fails", begun.elapsed());
        written += 1;
        assert_eq!(other.status("/news", "s").await, 200);
    }
    redis.go_on();
    let gone_on = Instant::now();
    other.learns((0..written).map(|place| format!("s-{place}"))).await;
    report("continued after 30 s: the writes reach the others", gone_on.elapsed());
    one.has_written().await;
}

#[tokio::test]
async fn a_network_that_swallows_replies_is_noticed_and_survived() {
    let Some(redis) = Redis::start().await else { return };
    let proxy = Proxy::to(redis.address()).await;
    let cut_off = Instance::ready(server(&proxy.url())).await;
    let other = Instance::ready(server(&redis.url())).await;
    proxy.hold(true);
    let held = Instant::now();
    let id = other.revoke("s").await.unwrap();
    cut_off.read_error().await;
    report("replies swallowed: health names an error", held.elapsed());
    assert_eq!(cut_off.status("/", "s").await, 200, "it cannot know");
    cut_off.clock.advance(seconds(32));
    assert_eq!(cut_off.status("/", "s").await, 503);
    proxy.hold(false);
    let released = Instant::now();
    within(cut_off.revocations.wait_for(&id)).await;
    report("replies swallowed, then not: the replica is current", released.elapsed());
    assert_eq!(cut_off.status("/", "s").await, 401);
}
