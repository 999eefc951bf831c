//! Entries that no instance has written, and keys of another type.

use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::server::Redis;
use crate::support::{ISSUER, Instance, KEY, server, within};

/// `NOW` of the test kit, in milliseconds.
const AT: &str = "1767268800000";

type Fields = Vec<(&'static str, Vec<u8>)>;

/// Entries that state no revocation.
fn unreadable() -> Vec<(&'static str, Fields)> {
    let entry = |kind: &[u8], issuer: &[u8], id: &[u8], at: &[u8]| {
        let fields = [("kind", kind), ("issuer", issuer), ("id", id), ("at", at)];
        fields.map(|(name, value)| (name, value.to_vec())).to_vec()
    };
    let (issuer, at) = (ISSUER.as_bytes(), AT.as_bytes());
    let huge = vec![b'x'; 1 << 20];
    vec![
        ("one foreign field", vec![("message", b"hello".to_vec())]),
        ("no kind", entry(b"session", issuer, b"s", at).split_off(1)),
        ("no time", entry(b"session", issuer, b"s", at)[..3].to_vec()),
        ("another kind", entry(b"device", issuer, b"s", at)),
        ("an empty kind", entry(b"", issuer, b"s", at)),
        ("an issuer that is not UTF-8", entry(b"session", b"\xff\xfe", b"s", at)),
        ("an id that is not UTF-8", entry(b"session", issuer, b"\xc3", at)),
        ("a kind that is not UTF-8", entry(b"\xff", issuer, b"s", at)),
        ("a time that is not UTF-8", entry(b"session", issuer, b"s", b"\xff")),
        ("a huge id", entry(b"session", issuer, &huge, at)),
        ("a huge issuer", entry(b"session", &huge, b"s", at)),
        ("a huge time", entry(b"session", issuer, b"s", &huge)),
        ("a time as a text", entry(b"session", issuer, b"s", b"yesterday")),
        ("no number", entry(b"session", issuer, b"s", b"")),
        ("a fraction", entry(b"session", issuer, b"s", b"1767268800000.5")),
        ("not a number", entry(b"session", issuer, b"s", b"NaN")),
        ("a time that no integer holds", entry(b"session", issuer, b"s", &[b'9'; 40])),
        ("a time that no date holds", entry(b"session", issuer, b"s", b"9223372036854775807")),
    ]
}

async fn add(connection: &mut MultiplexedConnection, fields: &Fields) {
    let mut command = redis::cmd("XADD");
    command.arg(KEY).arg("*").arg(fields);
    command.query_async::<Value>(connection).await.unwrap();
}

#[tokio::test]
async fn entries_that_cannot_be_read_are_skipped_and_counted() {
    let Some(redis) = Redis::start().await else { return };
    let running = Instance::ready(server(&redis.url())).await;
    let mut connection = redis.connection().await.unwrap();
    let mut expected = 0;
    let mut ids = Vec::new();
    for (place, (what, fields)) in unreadable().into_iter().enumerate() {
        add(&mut connection, &fields).await;
        expected += 1;
        // An entry that follows at once, perhaps in the same reply.
        ids.push(format!("after-{place}"));
        let written = running.revoke(ids.last().unwrap()).await.unwrap();
        within(running.revocations.wait_for(&written)).await;
        assert_eq!(running.revocations.health().skipped, expected, "{what}");
        assert_eq!(running.revocations.health().read_error, None, "{what}");
    }
    running.learns(&ids).await;
    assert!(!running.knows("s"));
    // A replay skips the same ones.
    let replaying = Instance::ready(server(&redis.url())).await;
    replaying.learns(&ids).await;
    assert_eq!(replaying.revocations.health().skipped, expected);
    assert_eq!(replaying.revocations.health().entries, ids.len());
    assert_eq!(replaying.status("/", "s").await, 200);
}

#[tokio::test]
async fn an_entry_of_a_later_version_may_have_more_fields_in_any_order() {
    let Some(redis) = Redis::start().await else { return };
    let running = Instance::ready(server(&redis.url())).await;
    redis
        .run::<()>(&format!("XADD {KEY} * at {AT} by admin id s issuer {ISSUER} kind session"))
        .await;
    running.learns(["s"]).await;
    assert_eq!(running.revocations.health().skipped, 0);
}

/// The time of a revocation counts by the instance's clock, whatever the id says.
#[tokio::test]
async fn times_far_away_end_no_other_session_and_keep_no_entry_for_ever() {
    let Some(redis) = Redis::start().await else { return };
    let running = Instance::ready(server(&redis.url())).await;
    // In the far past it has expired. In the far future it is in force.
    for (id, at) in [("ancient", "0"), ("before-1970", "-86400000"), ("future", "4102444800000")] {
        redis
            .run::<()>(&format!("XADD {KEY} * kind session issuer {ISSUER} id {id} at {at}"))
            .await;
    }
    let written = running.revoke("last").await.unwrap();
    within(running.revocations.wait_for(&written)).await;
    assert!(!running.knows("ancient") && !running.knows("before-1970"));
    assert!(running.knows("future") && running.knows("last"));
    assert_eq!(running.status("/", "s").await, 200);
}

#[tokio::test]
async fn an_id_in_the_far_future_delays_no_later_entry() {
    let Some(redis) = Redis::start().await else { return };
    let running = Instance::ready(server(&redis.url())).await;
    // Redis itself makes ids that never decrease, so all later ones follow this one.
    redis
        .run::<()>(&format!(
            "XADD {KEY} 99999999999999-7 kind session issuer {ISSUER} id future at {AT}"
        ))
        .await;
    let written = running.revoke("next").await.unwrap();
    assert!(written.milliseconds() >= 99_999_999_999_999, "{written}");
    within(running.revocations.wait_for(&written)).await;
    assert!(running.knows("future") && running.knows("next"));
    let replaying = Instance::ready(server(&redis.url())).await;
    assert!(replaying.knows("future") && replaying.knows("next"));
}

/// The last possible id ends the stream: Redis refuses each later entry.
#[tokio::test]
async fn a_stream_that_has_used_its_last_id_is_an_error_for_writers_only() {
    let Some(redis) = Redis::start().await else { return };
    let running = Instance::ready(server(&redis.url())).await;
    let last = "18446744073709551615-18446744073709551615";
    redis
        .run::<()>(&format!("XADD {KEY} {last} kind session issuer {ISSUER} id last at {AT}"))
        .await;
    running.learns(["last"]).await;
    assert!(running.revoke("next").await.is_err());
    assert!(running.knows("next"));
    assert_eq!(running.status("/", "s").await, 200);
    // An operator deletes the stream. Everything comes back.
    redis.run::<()>(&format!("DEL {KEY}")).await;
    running.has_written().await;
    let other = Instance::ready(server(&redis.url())).await;
    other.learns(["last", "next"]).await;
}

#[tokio::test]
async fn a_key_of_another_type_makes_no_instance_ready_and_health_says_why() {
    let Some(redis) = Redis::start().await else { return };
    redis.run::<()>(&format!("SET {KEY} hello")).await;
    let instance = Instance::start(server(&redis.url()));
    let error = instance.read_error().await;
    assert!(error.contains("WRONGTYPE"), "{error}");
    assert_eq!(instance.age(), None);
    assert_eq!(instance.status("/news", "s").await, 503);
    assert!(instance.revoke("s").await.is_err());
    redis.run::<()>(&format!("DEL {KEY}")).await;
    within(instance.revocations.ready()).await;
    assert_eq!(instance.status("/", "other").await, 200);
    instance.has_written().await;
}

#[tokio::test]
async fn a_key_that_becomes_another_type_makes_replicas_grow_old() {
    let Some(redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    instance.revoke("s").await.unwrap();
    redis.run::<()>(&format!("SET {KEY} hello")).await;
    instance.read_error().await;
    instance.clock.advance(crate::support::seconds(32));
    assert_eq!(instance.status("/", "other").await, 503);
    assert_eq!(instance.status("/news", "s").await, 401);
    redis.run::<()>(&format!("DEL {KEY}")).await;
    let other = Instance::start(server(&redis.url()));
    other.learns(["s"]).await;
}
