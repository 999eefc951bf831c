//! A cache of verified tokens, so that a repeated token is not verified again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache as Entries;
use time::OffsetDateTime;

use crate::keys::KeySetId;
use crate::session::Session;

/// The sessions of verified tokens. The caller checks whether a session is current.
#[derive(Clone)]
pub(super) struct Cache {
    capacity: usize,
    inner: Option<Arc<Inner>>,
}

struct Inner {
    entries: Entries<Key, Entry, Bytes>,
    /// The time of the last sweep, in seconds since 1970.
    swept_at: AtomicI64,
}

/// The last 16 bytes of a token. They are part of its signature and hold at least 92 bits, which an
/// attacker without the key cannot choose. Only verified tokens are inserted, and a lookup compares
/// the whole token.
type Key = [u8; KEY_BYTES];
const KEY_BYTES: usize = 16;

#[derive(Clone)]
struct Entry {
    session: Session,
    /// The position of the token's issuer in the verifier.
    issuer: usize,
    keys: KeySetId,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Entry> for Bytes {
    fn weight(&self, _key: &Key, entry: &Entry) -> u64 {
        // The constant includes the cache's own overhead for an entry.
        entry.session.bytes().saturating_add(200) as u64
    }
}

/// The size of a typical token together with its session.
const USUAL_BYTES: usize = 3_072;
const SECONDS_BETWEEN_SWEEPS: i64 = 60;

impl Cache {
    /// Creates a cache of at most `capacity` bytes. With 0 it keeps nothing.
    pub(super) fn new(capacity: usize) -> Self {
        let inner = || Inner {
            entries: Entries::with_weighter(capacity.div_ceil(USUAL_BYTES), capacity as u64, Bytes),
            swept_at: AtomicI64::new(i64::MIN),
        };
        Self { capacity, inner: (capacity > 0).then(|| Arc::new(inner())) }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns the session of this exact token if it was verified with a key of the set that its
    /// issuer has now. `keys` returns the id of that set.
    pub(super) fn get(
        &self,
        token: &[u8],
        keys: impl FnOnce(usize) -> Option<KeySetId>,
        now: OffsetDateTime,
    ) -> Option<Session> {
        let inner = self.inner.as_ref()?;
        inner.sweep(now);
        let entry = inner.entries.get(token.last_chunk::<KEY_BYTES>()?)?;
        let is_same = entry.session.token().as_bytes() == token;
        (is_same && keys(entry.issuer) == Some(entry.keys)).then_some(entry.session)
    }

    /// Stores the session of a token that was verified with a key of this issuer's set.
    pub(super) fn insert(
        &self,
        session: &Session,
        keys: KeySetId,
        issuer: usize,
        now: OffsetDateTime,
    ) {
        if let Some((inner, key)) = self.inner.as_ref().zip(session.token().as_bytes().last_chunk())
        {
            inner.sweep(now);
            inner.entries.insert(*key, Entry { session: session.clone(), issuer, keys });
        }
    }
}

impl Inner {
    /// Removes the sessions that are not current, if the last sweep was more than a minute ago.
    /// Every lookup and insertion calls this.
    fn sweep(&self, now: OffsetDateTime) {
        let seconds = now.unix_timestamp();
        let swept_at = self.swept_at.load(Ordering::Relaxed);
        // A clock that was put back also causes a sweep.
        let recently = swept_at
            .checked_sub(seconds)
            .is_some_and(|ahead| (-SECONDS_BETWEEN_SWEEPS..=0).contains(&ahead));
        let mine = || {
            self.swept_at
                .compare_exchange(swept_at, seconds, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if !recently && mine() {
            let now = now.into();
            self.entries.retain(|_, entry| entry.session.is_current(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, NOW, TestIssuer};
    use std::time::Duration;

    fn session(issuer: &TestIssuer, plan: u32) -> Session {
        let token = issuer
            .mint(&testing::session().proved(crate::factor::Factor::Password).claim("plan", plan));
        issuer.verifier().cache_bytes(0).verify_at(&token, NOW).expect("a genuine token")
    }

    #[test]
    fn a_session_is_found_only_by_its_whole_token_and_its_keys() {
        let (issuer, other) = (TestIssuer::new(), TestIssuer::new());
        let [keys, other_keys] =
            [&issuer, &other].map(|it| crate::keys::KeySource::current(it).expect("keys").id());
        let session = session(&issuer, 1);
        let cache = Cache::new(1 << 20);
        cache.insert(&session, keys, 0, NOW);
        assert!(cache.get(session.token().as_bytes(), |_| Some(keys), NOW).is_some());
        assert!(cache.get(session.token().as_bytes(), |_| Some(other_keys), NOW).is_none());
        let another = format!("x{}", session.token());
        assert!(cache.get(another.as_bytes(), |_| Some(keys), NOW).is_none());
        for short in ["", "a.b.c", &"a".repeat(15)] {
            assert!(cache.get(short.as_bytes(), |_| Some(keys), NOW).is_none());
        }
        let nothing = Cache::new(0);
        nothing.insert(&session, keys, 0, NOW);
        assert!(nothing.get(session.token().as_bytes(), |_| Some(keys), NOW).is_none());
    }

    #[test]
    fn the_cache_stays_within_its_size_and_removes_expired_entries() {
        let issuer = TestIssuer::new().with_new_key(crate::keys::Algorithm::EdDsa);
        let keys = crate::keys::KeySource::current(&issuer).expect("keys").id();
        let cache = Cache::new(64 << 10);
        let inner = cache.inner.as_ref().expect("a capacity");
        for plan in 0..200 {
            cache.insert(&session(&issuer, plan), keys, 0, NOW);
            assert!(inner.entries.weight() <= 64 << 10);
        }
        assert!(inner.entries.len() > 10, "{}", inner.entries.len());
        let latest = session(&issuer, 1_000);
        cache.insert(&latest, keys, 0, NOW + Duration::from_secs(304));
        assert!(inner.entries.len() > 10);
        cache.insert(&latest, keys, 0, NOW + Duration::from_secs(365));
        assert_eq!(inner.entries.len(), 1);
        // A clock that was put back also causes a sweep, which removes tokens that are not valid
        // yet.
        let (before, earlier) = (NOW - Duration::from_secs(3_600), TestIssuer::new());
        cache.insert(&session(&earlier, 0), keys, 0, before);
        assert_eq!(inner.entries.len(), 1);
        assert!(cache.get(latest.token().as_bytes(), |_| Some(keys), before).is_none());
        // A lookup also sweeps.
        assert!(cache.get(b"", |_| Some(keys), NOW).is_none());
        assert_eq!(inner.entries.len(), 1);
        assert!(
            cache
                .get(latest.token().as_bytes(), |_| Some(keys), NOW + Duration::from_secs(400))
                .is_none()
        );
        assert_eq!(inner.entries.len(), 0);
    }
}
