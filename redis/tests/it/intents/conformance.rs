//! One table for the store in memory and the shared store.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::json;
use tower_step_up::intent::{Found, Intent, IntentStore, IntentUser, LocalIntents, MAX_OPEN};
use tower_step_up_redis::RedisIntents;

use super::{consume, create, find, intent, intent_of, is_open, store, used, user};
use crate::server::Redis;
use crate::support::{seconds, server};

type Store = Arc<dyn IntentStore>;
type Case = fn(Store) -> Pin<Box<dyn Future<Output = ()> + Send>>;

macro_rules! cases {
    ($($name:ident)*) => { [$((stringify!($name), (|store| Box::pin($name(store))) as Case)),*] };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_stores_keep_the_same_intents() {
    let Some(redis) = Redis::start().await else { return };
    for (name, case) in cases! {
        an_intent_is_consumed_once_and_remembered
        an_intent_is_found_by_its_user_only
        consuming_one_drops_the_open_ones_of_its_user
        a_user_has_at_most_16_open_ones
        a_user_has_at_most_16_used_ones
        the_latest_spent_proof_is_told_with_open_ones
        an_intent_that_was_never_kept_changes_nothing
        records_are_kept_as_they_are
        of_many_tasks_that_race_exactly_one_wins
    } {
        println!("{name}");
        case(Arc::new(LocalIntents::new())).await;
        let shared = RedisIntents::new(server(&redis.url())).key_prefix(name);
        case(Arc::new(shared.timeout(crate::support::PATIENCE))).await;
    }
}

async fn an_intent_is_consumed_once_and_remembered(store: Store) {
    let one = intent(1);
    assert_eq!(find(&*store, &one).await, None);
    create(&*store, &one).await;
    let open = Found::Open { intent: one.clone(), spent: None };
    assert_eq!(find(&*store, &one).await, Some(open));
    let used = used(&one, 3);
    assert!(consume(&*store, &used).await);
    for _ in 0..2 {
        assert_eq!(find(&*store, &one).await, Some(Found::Used(used.clone())));
        assert!(!consume(&*store, &one).await);
    }
}

/// The ids of some users look like parts of a key.
async fn an_intent_is_found_by_its_user_only(store: Store) {
    let of = |issuer: &str, id: &str, organization: Option<&str>| -> IntentUser {
        let user = json!({ "issuer": issuer, "id": id, "organization": organization });
        serde_json::from_value(user).unwrap()
    };
    let users = [
        of("i", "u", None),
        of("i", "v", None),
        of("j", "u", None),
        of("i", "u", Some("")),
        of("i", "u", Some("o")),
        of("i", "u", Some("p")),
        of("i", "u:o", None),
        of("i:1:u", "u", None),
        of("i:1", "u", None),
        of("i", "1:u", None),
        of("", "", None),
        of("", "", Some("")),
        of("i", "", Some("u")),
        of("i", ":u", None),
        of("ü{x}\n\0", "* \r\n", Some("\u{1f600}\"")),
    ];
    // They even have the same id.
    let intents: Vec<_> = users.iter().zip(0..).map(|(user, at)| intent_of(user, 7, at)).collect();
    for (place, intent) in intents.iter().enumerate() {
        for other in &intents[place..] {
            assert_eq!(find(&*store, other).await, None, "{:?}", other.user);
        }
        create(&*store, intent).await;
        assert!(is_open(&*store, intent).await, "{:?}", intent.user);
    }
    for (place, intent) in intents.iter().enumerate() {
        assert!(consume(&*store, intent).await, "{:?}", intent.user);
        for other in &intents[place + 1..] {
            assert!(is_open(&*store, other).await, "{:?}", other.user);
        }
    }
}

async fn consuming_one_drops_the_open_ones_of_its_user(store: Store) {
    let [one, two, three] = [1, 2, 3].map(intent);
    let other = intent_of(&user("v"), 4, 0);
    for intent in [&one, &two, &other] {
        create(&*store, intent).await;
    }
    assert!(consume(&*store, &two).await);
    create(&*store, &three).await;
    assert!(!consume(&*store, &one).await);
    assert!(consume(&*store, &three).await);
    assert_eq!(find(&*store, &one).await, None);
    assert_eq!(find(&*store, &two).await, Some(Found::Used(two.clone())));
    assert_eq!(find(&*store, &three).await, Some(Found::Used(three.clone())));
    assert!(is_open(&*store, &other).await);
}

async fn a_user_has_at_most_16_open_ones(store: Store) {
    let intents: Vec<_> = (0..40).map(intent).collect();
    for (count, intent) in intents.iter().enumerate() {
        create(&*store, intent).await;
        let oldest = (count + 1).saturating_sub(MAX_OPEN);
        assert!(is_open(&*store, &intents[oldest]).await, "{count}");
        if let Some(dropped) = oldest.checked_sub(1) {
            assert_eq!(find(&*store, &intents[dropped]).await, None, "{count}");
        }
    }
    assert!(!consume(&*store, &intents[23]).await);
    assert!(consume(&*store, &intents[24]).await);
    assert_eq!(find(&*store, &intents[39]).await, None);
}

async fn a_user_has_at_most_16_used_ones(store: Store) {
    let intents: Vec<_> = (0..50).map(intent).collect();
    for intent in &intents[..20] {
        create(&*store, intent).await;
        assert!(consume(&*store, intent).await);
    }
    for intent in &intents[20..] {
        create(&*store, intent).await;
    }
    for (place, intent) in intents.iter().enumerate() {
        let found = find(&*store, intent).await;
        let spent = Some(intents[19].proofs_after);
        let want = match place {
            4..20 => Some(Found::Used(intent.clone())),
            34.. => Some(Found::Open { intent: intent.clone(), spent }),
            _ => None,
        };
        assert_eq!(found, want, "{place}");
    }
}

async fn the_latest_spent_proof_is_told_with_open_ones(store: Store) {
    let intents: Vec<_> = (0..4).map(intent).collect();
    let mut latest = None;
    for (intent, at) in intents.iter().zip([30, 20, 50, 40]) {
        create(&*store, intent).await;
        let open = Found::Open { intent: intent.clone(), spent: latest };
        assert_eq!(find(&*store, intent).await, Some(open), "{at}");
        let used = used(intent, at);
        assert!(consume(&*store, &used).await);
        latest = latest.max(Some(used.proofs_after));
    }
    let other = intent_of(&user("v"), 9, 0);
    create(&*store, &other).await;
    let open = Found::Open { intent: other.clone(), spent: None };
    assert_eq!(find(&*store, &other).await, Some(open));
}

async fn an_intent_that_was_never_kept_changes_nothing(store: Store) {
    let [one, two] = [1, 2].map(intent);
    create(&*store, &one).await;
    assert!(!consume(&*store, &two).await);
    assert_eq!(find(&*store, &two).await, None);
    let open = Found::Open { intent: one.clone(), spent: None };
    assert_eq!(find(&*store, &one).await, Some(open));
    let elsewhere = intent_of(&user("v"), 1, 1);
    assert!(!consume(&*store, &elsewhere).await);
    assert!(consume(&*store, &one).await);
}

async fn records_are_kept_as_they_are(store: Store) {
    let long = "x".repeat(4_000);
    let mut odd = intent_of(&user("ü \"\\\0\n"), 1, 0);
    odd.action = long.clone();
    odd.created_at -= std::time::Duration::from_nanos(1);
    let mut ended = intent_of(&user(&long), 2, 0);
    ended.expires_at = ended.created_at - seconds(5);
    for intent in [odd, ended] {
        create(&*store, &intent).await;
        assert!(is_open(&*store, &intent).await);
        assert!(consume(&*store, &intent).await);
        assert_eq!(find(&*store, &intent).await, Some(Found::Used(intent)));
    }
}

/// A third of the tasks race for each of three intents of a user, while others make further ones.
async fn of_many_tasks_that_race_exactly_one_wins(store: Store) {
    for round in 0..100 {
        let intents: Vec<Intent> = (0..3).map(|place| intent(10 * round + place)).collect();
        for intent in &intents {
            create(&*store, intent).await;
        }
        let tasks: Vec<_> = (0..18)
            .map(|task| {
                let (store, intent) = (Arc::clone(&store), intents[task % 3].clone());
                tokio::spawn(async move { consume(&*store, &intent).await })
            })
            .collect();
        create(&*store, &intent(10 * round + 9)).await;
        let mut winners = 0;
        for task in tasks {
            winners += usize::from(task.await.unwrap());
        }
        assert_eq!(winners, 1, "{round}");
        let mut used = 0;
        for intent in &intents {
            match find(&*store, intent).await {
                Some(Found::Used(_)) => used += 1,
                found => assert_eq!(found, None),
            }
        }
        assert_eq!(used, 1, "{round}");
    }
}

/// A list lives a minute longer than its last intent, by the time that passes at the server.
#[tokio::test]
async fn a_list_expires_after_its_last_intent() {
    let Some(redis) = Redis::start().await else { return };
    let store = store(&redis);
    let minutes = async |range: std::ops::Range<i64>| {
        let left: i64 = redis.run(&format!("PTTL {}", super::KEY)).await;
        assert!((60_000 * range.start..=60_000 * range.end).contains(&left), "{range:?} {left}");
    };
    let mut long = intent(1);
    long.expires_at = long.created_at + seconds(600);
    create(&store, &long).await;
    minutes(10..11).await;
    // It does not become shorter.
    create(&store, &intent(2)).await;
    minutes(10..11).await;
    assert!(consume(&store, &used(&long, 2)).await);
    minutes(11..12).await;
    create(&store, &intent(3)).await;
    minutes(11..12).await;
    // A clock that went back, and one that is far off.
    let mut ended = intent(4);
    ended.expires_at = ended.created_at - seconds(3_600);
    let far = intent_of(&user("far"), 5, 200_000_000_000);
    for intent in [&ended, &far] {
        create(&store, intent).await;
        assert!(is_open(&store, intent).await);
    }
    minutes(11..12).await;
    // The key of the user whose only intents were open is a new one after the first is used.
    let one = intent_of(&user("w"), 6, 0);
    create(&store, &one).await;
    assert!(consume(&store, &used(&one, 0)).await);
    let left: i64 = redis.run("PTTL tower-step-up:intent:1:i:1:w").await;
    assert!((120_000..=180_000).contains(&left), "{left}");
    redis.run::<()>(&format!("PEXPIRE {} 0", super::KEY)).await;
    assert_eq!(find(&store, &long).await, None);
}
