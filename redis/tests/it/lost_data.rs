//! Data that is deleted while everyone is connected.

use std::time::Instant;

use crate::server::Redis;
use crate::support::{Instance, KEY, report, server, within};

#[tokio::test]
async fn entries_are_written_back_after_their_stream_was_deleted() {
    for command in
        ["FLUSHALL", "DEL tower-step-up:revocations", "XTRIM tower-step-up:revocations MAXLEN 0"]
    {
        let Some(redis) = Redis::start().await else { return };
        let (one, other) = (
            Instance::ready(server(&redis.url())).await,
            Instance::ready(server(&redis.url())).await,
        );
        one.revoke("a").await.unwrap();
        let last = other.revoke("b").await.unwrap();
        within(one.revocations.wait_for(&last)).await;

        redis.run::<()>(command).await;
        let deleted = Instant::now();
        let both = async {
            while redis.run::<usize>(&format!("XLEN {KEY}")).await < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        within(both).await;
        report(&format!("{command}: the stream has every entry again"), deleted.elapsed());
        let third = Instance::ready(server(&redis.url())).await;
        third.learns(["a", "b"]).await;
        // New revocations arrive, although the ids of a new stream may be smaller.
        let written = third.revoke("c").await.unwrap();
        for instance in [&one, &other] {
            within(instance.revocations.wait_for(&written)).await;
            assert!(instance.knows("a") && instance.knows("b") && instance.knows("c"), "{command}");
            instance.has_written().await;
        }
    }
}
