//! Lists that another program has written to.

use redis::AsyncCommands;
use serde_json::json;
use tower_step_up::intent::Found;

use super::{
    KEY, consume, create, create_error, find, find_error, intent, intent_of, is_open, store, used,
    user,
};
use crate::server::Redis;

const UNREADABLE: &str = "the list of the user has an entry that is not an intent of this version";

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_an_error() {
    let Some(redis) = Redis::start().await else { return };
    let store = store(&redis);
    let mut connection = redis.connection().await.unwrap();
    let one = intent(1);
    let text = |state: &str, intent| format!("{state} {} {}", one.id, json!(intent));
    let mut later = json!(one);
    later["bound_to"] = json!("a device");
    let mut sooner = json!(one);
    sooner.as_object_mut().unwrap().remove("action");
    let long = format!("used {} {}", one.id, "x".repeat(64 << 10));
    let entries: Vec<Vec<u8>> = [
        "",
        " ",
        "open",
        "used ",
        "hello",
        "used x {}",
        "OPEN x {}",
        "held x {}",
        &format!("used {}", one.id),
        &format!("open {} ", one.id),
        &format!("open {} null", one.id),
        &format!("used {} {{}}", one.id),
        &long,
        &format!("used {} {}", intent(2).id, json!(one)),
        &text("used", json!(intent_of(&user("v"), 1, 0))),
        &text("open", json!(intent_of(&user("v"), 1, 0))),
        &text("used", later),
        &text("open", sooner),
    ]
    .into_iter()
    .map(|entry| entry.as_bytes().to_vec())
    .chain([b"open \xff\xff {}".to_vec(), vec![0xff; 100]])
    .collect();
    for entry in entries {
        let shown = String::from_utf8_lossy(&entry);
        let shown = shown.get(..80).unwrap_or(&shown);
        let _: usize = connection.lpush(KEY, &entry).await.unwrap();
        assert_eq!(find_error(&store, &one).await, UNREADABLE, "{shown}");
        // Nothing is used twice in spite of it.
        create(&store, &one).await;
        let is_used = consume(&store, &one).await;
        assert!(is_used, "{shown}");
        assert!(!consume(&store, &one).await, "{shown}");
        let _: usize = connection.del(KEY).await.unwrap();
        assert_eq!(find(&store, &one).await, None);
    }
}

#[tokio::test]
async fn another_open_entry_does_not_matter() {
    let Some(redis) = Redis::start().await else { return };
    let store = store(&redis);
    let mut connection = redis.connection().await.unwrap();
    let one = intent(1);
    create(&store, &one).await;
    let _: usize = connection.lpush(KEY, "open x y").await.unwrap();
    assert!(is_open(&store, &one).await);
    assert!(consume(&store, &used(&one, 1)).await);
    assert_eq!(find(&store, &one).await, Some(Found::Used(used(&one, 1))));
    assert_eq!(redis.run::<usize>(&format!("LLEN {KEY}")).await, 1);
}

#[tokio::test]
async fn a_key_of_another_type_is_an_error_and_a_long_list_becomes_short() {
    let Some(redis) = Redis::start().await else { return };
    let store = store(&redis);
    let one = intent(1);
    redis.run::<()>(&format!("SET {KEY} x")).await;
    for error in [create_error(&store, &one).await, find_error(&store, &one).await] {
        assert!(error.contains("WRONGTYPE"), "{error}");
    }
    // Other users are not affected.
    let other = intent_of(&user("v"), 1, 0);
    create(&store, &other).await;
    redis.run::<()>(&format!("DEL {KEY}")).await;
    let mut connection = redis.connection().await.unwrap();
    for _ in 0..10 {
        let _: usize = connection.lpush(KEY, vec!["open x y"; 1_000]).await.unwrap();
    }
    create(&store, &one).await;
    assert!(is_open(&store, &one).await);
    let length: usize = redis.run(&format!("LLEN {KEY}")).await;
    assert!(length <= 32, "{length}");
}

#[tokio::test]
async fn an_intent_that_is_too_long_is_not_written() {
    let Some(redis) = Redis::start().await else { return };
    let store = store(&redis);
    let long = intent_of(&user(&"x".repeat(64 << 10)), 1, 0);
    let error = create_error(&store, &long).await;
    assert_eq!(error, "the intent is longer than 65536 bytes");
    assert_eq!(find(&store, &long).await, None);
    assert_eq!(redis.run::<usize>("DBSIZE").await, 0);
}
