//! Revocations, ordered by time.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use quick_cache::DefaultHashBuilder;

use super::IssuedId;
use crate::moment::Moment;
use crate::session::{DEFAULT_LEEWAY, DEFAULT_MAX_TOKEN_AGE};

/// An issuer and an id.
type Key = (Arc<str>, Arc<str>);

/// The times of revocations, by issuer and id. A list of issuers is faster than a map, because a
/// verifier has few. Every request looks into the maps of ids, so they use the cache's hash. It is faster than the
/// standard one and also keyed per process.
#[derive(Default)]
pub(super) struct Ids(Vec<(Arc<str>, OfIssuer)>);

type OfIssuer = HashMap<Arc<str>, Moment, DefaultHashBuilder>;

impl Ids {
    /// Returns when the id was revoked.
    pub(super) fn get(&self, issuer: &str, id: &str) -> Option<Moment> {
        let (_, ids) = self.0.iter().find(|(known, _)| **known == *issuer)?;
        ids.get(id).copied()
    }

    fn insert(&mut self, (issuer, id): Key, at: Moment) {
        match self.0.iter_mut().find(|(known, _)| *known == issuer) {
            Some((_, ids)) => drop(ids.insert(id, at)),
            None => self.0.push((issuer, OfIssuer::from_iter([(id, at)]))),
        }
    }

    fn remove(&mut self, (issuer, id): &Key) -> Option<Moment> {
        let place = self.0.iter().position(|(known, _)| known == issuer)?;
        let (_, ids) = self.0.get_mut(place)?;
        let removed = ids.remove(id);
        if ids.is_empty() {
            self.0.swap_remove(place);
        }
        removed
    }
}

pub(super) struct Entries {
    pub(super) sessions: Ids,
    pub(super) users: Ids,
    by_time: BTreeSet<(Moment, Subject, Key)>,
    pub(super) keep_for: Duration,
}

impl Default for Entries {
    fn default() -> Self {
        let (sessions, users, by_time) = Default::default();
        Self { sessions, users, by_time, keep_for: KEEP_FOR }
    }
}

/// The time that a verifier with the default settings needs. It applies until a verifier sets a
/// longer time.
const KEEP_FOR: Duration =
    DEFAULT_MAX_TOKEN_AGE.saturating_add(DEFAULT_LEEWAY).saturating_add(DEFAULT_LEEWAY);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Session,
    User,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }

    pub(super) fn of(&mut self, subject: Subject) -> &mut Ids {
        match subject {
            Subject::Session => &mut self.sessions,
            Subject::User => &mut self.users,
        }
    }

    /// Inserts a revocation. If the subject was revoked before, the later time counts, because a
    /// clock can be put back.
    pub(super) fn insert(&mut self, subject: Subject, revoked: IssuedId, mut at: Moment) {
        let key: Key = (revoked.issuer.into(), revoked.id.into());
        if let Some(earlier) = self.of(subject).remove(&key) {
            self.by_time.remove(&(earlier, subject, key.clone()));
            at = at.max(earlier);
        }
        self.by_time.insert((at, subject, key.clone()));
        self.of(subject).insert(key, at);
    }

    /// Removes at most two expired entries. Each write adds at most one entry and calls this once,
    /// so expired entries cannot pile up, and no write holds the lock for long.
    pub(super) fn remove_expired(&mut self, now: Moment) {
        let oldest = now.minus(self.keep_for);
        for _ in 0..2 {
            if self.by_time.first().is_some_and(|(at, ..)| *at <= oldest)
                && let Some((_, subject, key)) = self.by_time.pop_first()
            {
                self.of(subject).remove(&key);
            }
        }
    }
}
