//! The table of the intents of all users.

use std::collections::{BTreeSet, HashMap};

use time::OffsetDateTime;

use crate::intent::record::{Intent, IntentId, IntentUser};
use crate::intent::store::{Found, MAX_OPEN};

/// The intents of all users.
#[derive(Default)]
pub(super) struct Table {
    /// The open and the used intents of each user, each in their order. No list is empty.
    pub(super) users: HashMap<IntentUser, Vec<Entry>>,
    /// The ends of all intents, the earliest first.
    pub(super) ends: BTreeSet<(OffsetDateTime, IntentId, IntentUser)>,
}

pub(super) struct Entry {
    intent: Intent,
    used: bool,
}

/// The reason why an intent was not kept.
#[derive(Debug, thiserror::Error)]
#[error("the store is full: it holds at most {0} intents")]
pub(super) struct Full(usize);

impl Table {
    /// Keeps a new intent.
    pub(super) fn create(&mut self, intent: Intent, max_entries: usize) -> Result<(), Full> {
        self.remove_expired(intent.created_at);
        self.make_room(&intent.user, false);
        if self.ends.len() >= max_entries {
            return Err(Full(max_entries));
        }
        self.insert(intent, false);
        Ok(())
    }

    /// Returns the intent of a user with this id.
    pub(super) fn find(&self, user: &IntentUser, id: &IntentId) -> Option<Found> {
        let entry = self.of(user).iter().find(|entry| entry.intent.id == *id)?;
        let intent = entry.intent.clone();
        let used = self.of(user).iter().filter(|entry| entry.used);
        let spent = used.map(|entry| entry.intent.proofs_after).max();
        Some(if entry.used { Found::Used(intent) } else { Found::Open { intent, spent } })
    }

    /// Consumes an intent, and returns whether it was open.
    pub(super) fn consume(&mut self, intent: Intent) -> bool {
        let is_it = |entry: &Entry| !entry.used && entry.intent.id == intent.id;
        if !self.of(&intent.user).iter().any(is_it) {
            return false;
        }
        self.make_room(&intent.user, true);
        self.retain(&intent.user, |entry| entry.used);
        self.insert(intent, true);
        true
    }

    fn insert(&mut self, intent: Intent, used: bool) {
        self.ends.insert((intent.expires_at, intent.id.clone(), intent.user.clone()));
        self.users.entry(intent.user.clone()).or_default().push(Entry { intent, used });
    }

    fn of(&self, user: &IntentUser) -> &[Entry] {
        self.users.get(user).map_or(&[], |entries| entries)
    }

    /// Drops the oldest of a user's open or used intents if there are as many as may be.
    fn make_room(&mut self, user: &IntentUser, used: bool) {
        let mut entries = self.of(user).iter().filter(|entry| entry.used == used);
        let Some(oldest) = entries.next().filter(|_| entries.count() + 1 >= MAX_OPEN) else {
            return;
        };
        let id = oldest.intent.id.clone();
        self.retain(user, |entry| entry.intent.id != id);
    }

    fn remove_expired(&mut self, now: OffsetDateTime) {
        while self.ends.first().is_some_and(|(end, ..)| *end <= now)
            && let Some((_, id, user)) = self.ends.pop_first()
        {
            self.retain(&user, |entry| entry.intent.id != id);
        }
    }

    /// Keeps only these intents of a user.
    fn retain(&mut self, user: &IntentUser, is_kept: impl Fn(&Entry) -> bool) {
        let Some(entries) = self.users.get_mut(user) else { return };
        let ends = &mut self.ends;
        entries.retain(|entry| {
            let kept = is_kept(entry);
            if !kept {
                let Intent { expires_at, id, user, .. } = &entry.intent;
                ends.remove(&(*expires_at, id.clone(), user.clone()));
            }
            kept
        });
        if entries.is_empty() {
            self.users.remove(user);
        }
    }
}
