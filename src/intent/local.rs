//! The intents of one process, in memory.

mod table;

use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::table::Table;
use super::record::{Intent, IntentId, IntentUser};
use super::store::{Found, IntentFuture, IntentStore, IntentsUnavailable};
use crate::lock::lock;

/// A store of intents in the memory of this process, for a service with one instance. It is a handle
/// and cheap to clone.
///
/// With several instances, a retry that reaches another one finds no intent there and is challenged
/// again. Share a store instead, such as that of the package `tower-step-up-redis`.
///
/// It keeps at most [`MAX_OPEN`](super::MAX_OPEN) open intents of a user and as many used ones, and
/// drops the oldest. In total it keeps at most 100,000, unless [`max_entries`](Self::max_entries) sets
/// another limit. A request that needs a further one gets a 503.
#[derive(Clone)]
pub struct LocalIntents {
    table: Arc<Mutex<Table>>,
    max_entries: usize,
}

const MAX_ENTRIES: usize = 100_000;
/// How long a client should wait if the store is full. Intents expire all the time.
const RETRY_AFTER: Duration = Duration::from_secs(10);

impl LocalIntents {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { table: Arc::default(), max_entries: MAX_ENTRIES }
    }

    /// Sets how many intents of all users are kept at once. The default is 100,000, and the minimum is
    /// 1. An intent takes about half a kilobyte, or more if the ids of the issuer's users are long.
    #[must_use]
    pub fn max_entries(self, entries: usize) -> Self {
        Self { max_entries: entries.max(1), ..self }
    }

    /// Returns how many intents are kept. Some of them may have expired.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.table).ends.len()
    }

    /// Returns whether no intent is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl IntentStore for LocalIntents {
    fn create(&self, intent: Intent) -> IntentFuture<()> {
        let created = lock(&self.table).create(intent, self.max_entries);
        Box::pin(ready(created.map_err(|full| IntentsUnavailable::new(RETRY_AFTER, full))))
    }

    fn find(&self, user: &IntentUser, id: &IntentId) -> IntentFuture<Option<Found>> {
        Box::pin(ready(Ok(lock(&self.table).find(user, id))))
    }

    fn consume(&self, intent: Intent) -> IntentFuture<bool> {
        Box::pin(ready(Ok(lock(&self.table).consume(intent))))
    }
}

impl Default for LocalIntents {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LocalIntents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalIntents")
            .field("len", &self.len())
            .field("max_entries", &self.max_entries)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intent::action::Action;
    use crate::session::Session;
    use crate::testing::{self, NOW};

    fn session(user: &str) -> Session {
        testing::session().user(user).build()
    }

    /// Creates an intent of this user, this many seconds after `NOW`, that lives for a minute.
    async fn create(
        store: &LocalIntents,
        user: &str,
        at: u64,
    ) -> Result<Intent, IntentsUnavailable> {
        let (session, now) = (session(user), NOW + Duration::from_secs(at));
        let intent = Intent::new(&session, &Action::new("a"), now, Duration::from_secs(60));
        let intent = intent.expect("randomness");
        store.create(intent.clone()).await.map(|()| intent)
    }

    async fn found(store: &LocalIntents, intent: &Intent) -> &'static str {
        match store.find(&intent.user, &intent.id).await.expect("it is in memory") {
            Some(Found::Open { intent: found, .. }) if found == *intent => "open",
            Some(Found::Used(found)) if found == *intent => "used",
            Some(_) => "another",
            None => "none",
        }
    }

    async fn consume(store: &LocalIntents, intent: &Intent) -> bool {
        store.consume(intent.clone()).await.expect("it is in memory")
    }

    #[tokio::test]
    async fn an_intent_is_consumed_once_and_remembered() {
        let store = LocalIntents::new();
        let intent = create(&store, "a", 0).await.expect("room");
        assert_eq!(found(&store, &intent).await, "open");
        assert!(consume(&store, &intent).await);
        assert_eq!(found(&store, &intent).await, "used");
        assert!(!consume(&store, &intent).await);
        let never_kept = Intent::new(&session("a"), &Action::new("a"), NOW, Duration::ZERO);
        assert!(!consume(&store, &never_kept.expect("randomness")).await);
        assert_eq!(store.len(), 1);
    }

    #[tokio::test]
    async fn an_intent_is_found_by_its_user_only() {
        let store = LocalIntents::new();
        let intent = create(&store, "a", 0).await.expect("room");
        let of_another = Intent { user: IntentUser::of(&session("b")), ..intent.clone() };
        assert_eq!(found(&store, &of_another).await, "none");
        assert!(!consume(&store, &of_another).await);
        let member = IntentUser { organization: Some("o".into()), ..intent.user.clone() };
        assert_eq!(found(&store, &Intent { user: member, ..intent.clone() }).await, "none");
        assert_eq!(found(&store, &intent).await, "open");
    }

    #[tokio::test]
    async fn consuming_one_drops_the_open_ones_of_its_user() {
        let store = LocalIntents::new();
        let [one, two] = [0, 1].map(|at| create(&store, "a", at));
        let (one, two) = (one.await.expect("room"), two.await.expect("room"));
        let other = create(&store, "b", 2).await.expect("room");
        assert!(consume(&store, &two).await);
        let three = create(&store, "a", 3).await.expect("room");
        assert!(!consume(&store, &one).await);
        assert!(consume(&store, &three).await);
        for (intent, want) in [(one, "none"), (two, "used"), (three, "used"), (other, "open")] {
            assert_eq!(found(&store, &intent).await, want);
        }
    }

    #[tokio::test]
    async fn a_user_has_at_most_16_and_the_store_as_many_as_it_may() {
        let store = LocalIntents::new().max_entries(20);
        let mut intents = Vec::new();
        for at in 0..40 {
            intents.push(create(&store, "a", at).await.expect("the oldest makes room"));
        }
        assert_eq!(store.len(), 16);
        assert_eq!(found(&store, &intents[23]).await, "none");
        assert_eq!(found(&store, &intents[24]).await, "open");
        for user in ["b", "c", "d", "e"] {
            create(&store, user, 40).await.expect("room");
        }
        let full = create(&store, "f", 40).await.expect_err("no room");
        let source = full.source.expect("a reason").to_string();
        assert_eq!(source, "the store is full: it holds at most 20 intents");
        // A user who has 16 can make another even then, and an end makes room.
        create(&store, "a", 40).await.expect("the oldest makes room");
        assert_eq!(store.len(), 20);
        create(&store, "f", 100).await.expect("most have expired");
        assert_eq!((store.len(), found(&store, &intents[39]).await), (1, "none"));
        let table = lock(&store.table);
        assert_eq!(table.users.values().map(Vec::len).sum::<usize>(), table.ends.len());
    }

    #[tokio::test]
    async fn used_intents_are_not_dropped_for_open_ones_and_are_few_too() {
        let store = LocalIntents::new();
        let mut used = Vec::new();
        for at in 0..20 {
            let intent = create(&store, "a", at).await.expect("room");
            assert!(consume(&store, &intent).await);
            used.push(intent);
        }
        for at in 20..50 {
            create(&store, "a", at).await.expect("the oldest makes room");
        }
        assert_eq!(found(&store, &used[3]).await, "none");
        for intent in &used[4..] {
            assert_eq!(found(&store, intent).await, "used");
        }
        assert_eq!(store.len(), 32);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_tasks_that_race_exactly_one_wins() {
        let store = LocalIntents::new();
        for round in 0..100 {
            // Half of the tasks race for one intent, half for another of the same user.
            let intents = [create(&store, "a", round), create(&store, "a", round)];
            let [one, two] = intents;
            let intents = [one.await.expect("room"), two.await.expect("room")];
            let tasks: Vec<_> = (0..16)
                .map(|task| {
                    let (store, intent) = (store.clone(), intents[task % 2].clone());
                    tokio::spawn(async move { store.consume(intent).await })
                })
                .collect();
            let mut winners = 0;
            for task in tasks {
                winners += usize::from(task.await.expect("no panic").expect("it is in memory"));
            }
            assert_eq!(winners, 1, "{round}");
        }
    }
}
