//! Revocations of one process, in memory.

use std::fmt;
use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use time::OffsetDateTime;

use super::entries::Entries;
use super::{RevocationError, RevocationFuture, Revocations, RevocationsUnavailable, Revoked};
use crate::moment::Moment;
use crate::session::Session;

/// A store of this process's revocations, in memory. It is a handle and cheap to clone.
///
/// ```
/// use tower_step_up::token::LocalRevocations;
/// use tower_step_up::token::SessionError;
/// use tower_step_up::{Factor, testing};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = testing::TestIssuer::new();
/// let revocations = LocalRevocations::new();
/// let verifier = issuer.verifier().revocations(revocations.clone());
/// let token = issuer.mint(&testing::session().proved(Factor::Password));
/// let session = verifier.verify_at(&token, testing::NOW)?;
///
/// verifier.revoke_session(session.issuer(), session.id()).await?;
/// let error = verifier.verify_at(&token, testing::NOW).unwrap_err();
/// assert_eq!(error, SessionError::Revoked.into());
/// assert_eq!(revocations.len(), 1);
/// # Ok(())
/// # }
/// ```
///
/// A revocation is kept for as long as a verifier with this store can accept a token of the
/// session. For Stytch that is 10 minutes and 10 seconds by default, and for other issuers it follows
/// from the longest life of their tokens. A call of [`keep_at_least`](Revocations::keep_at_least) can
/// extend it. Once the revocation is dropped, a guard that renews sessions would renew the session.
/// End it at the issuer too, as [`Sessions::sign_out`](crate::Sessions::sign_out) does.
///
/// The store keeps at most 100,000 revocations, unless [`max_entries`](Self::max_entries) sets
/// another limit. A write beyond the limit fails with [`RevocationError::Full`], and all
/// revocations that are already kept stay in force.
#[derive(Clone)]
pub struct LocalRevocations {
    store: Arc<Store>,
    max_entries: usize,
}

#[derive(Default)]
struct Store {
    /// The number of revocations. It shows without a lock whether the store is empty.
    count: AtomicUsize,
    entries: RwLock<Entries>,
}

const MAX_ENTRIES: usize = 100_000;
/// How many entries are read or removed at a time.
const BATCH: usize = 256;

impl LocalRevocations {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self { store: Arc::default(), max_entries: MAX_ENTRIES }
    }

    /// Sets how many revocations of sessions and users are kept at once. The default is 100,000,
    /// and the minimum is 1.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries.max(1);
        self
    }

    /// Returns how many revocations are kept. Some of them may have expired.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.count.load(Ordering::Acquire)
    }

    /// Returns whether no revocation is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Records a revocation that was made at this instant, which may be earlier than `now`. One that
    /// has already expired is left out. A store that several processes share keeps its replica with
    /// this function.
    ///
    /// # Errors
    ///
    /// Returns [`RevocationError::Full`] if the store holds as many revocations as it may.
    pub fn record(
        &self,
        revoked: &Revoked,
        at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), RevocationError> {
        let now = Moment::from(now);
        let mut entries = self.store.write();
        // Each write adds at most one entry, so expired entries cannot pile up.
        entries.remove_expired(now, 2);
        if entries.len() >= self.max_entries && !entries.contains(revoked) {
            tracing::warn!(
                max_entries = self.max_entries,
                "a revocation was not recorded: the store is full"
            );
            return Err(RevocationError::Full { max_entries: self.max_entries });
        }
        entries.insert(revoked, at.into(), now);
        self.store.count.store(entries.len(), Ordering::Release);
        Ok(())
    }

    /// Removes revocations that have expired, at most 256 at a time. Each write removes some too.
    pub fn remove_expired(&self, now: OffsetDateTime) {
        let mut entries = self.store.write();
        entries.remove_expired(now.into(), BATCH);
        self.store.count.store(entries.len(), Ordering::Release);
    }

    /// Returns the revocations that are kept, and when each was made. The one that expires first
    /// comes first. Some may have expired. The iterator locks the store for a few entries at a time,
    /// so it may miss revocations that are recorded meanwhile.
    pub fn iter(&self) -> impl Iterator<Item = (Revoked, OffsetDateTime)> {
        let (mut last, mut batch) = (None, Vec::new().into_iter());
        std::iter::from_fn(move || {
            loop {
                if let Some(next) = batch.next() {
                    return Some(next);
                }
                let entries = self.store.read();
                let found = entries.after(last.as_ref(), BATCH);
                let revocations = found.iter().filter_map(|entry| entries.revocation(entry));
                let dated = revocations.filter_map(|(revoked, at)| Some((revoked, at.date()?)));
                batch = dated.collect::<Vec<_>>().into_iter();
                last = Some(found.into_iter().next_back()?);
            }
        })
    }
}

impl Default for LocalRevocations {
    fn default() -> Self {
        Self::new()
    }
}

impl Store {
    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Revocations for LocalRevocations {
    fn is_revoked(&self, session: &Session) -> Result<bool, RevocationsUnavailable> {
        if self.is_empty() {
            return Ok(false);
        }
        let (session_revoked, user_revoked) =
            self.store.read().find(session.issuer(), session.id(), session.user_id());
        let is_older = |revoked_at: Moment| {
            let began = session.began_at().map(Moment::from);
            began.is_none_or(|began| began <= revoked_at.plus(session.leeway()))
        };
        Ok(session_revoked.is_some() || user_revoked.is_some_and(is_older))
    }

    fn keep_at_least(&self, issuer: &str, duration: Duration) {
        self.store.write().keep_at_least(issuer, duration);
    }

    fn revoke(&self, revoked: Revoked, at: OffsetDateTime) -> RevocationFuture {
        Box::pin(ready(self.record(&revoked, at, at)))
    }
}

impl fmt::Debug for LocalRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalRevocations").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::testing::{NOW, session};

    fn is_revoked(revocations: &LocalRevocations, session: &Session) -> bool {
        revocations.is_revoked(session) == Ok(true)
    }

    fn seconds(seconds: i64) -> time::Duration {
        time::Duration::seconds(seconds)
    }

    fn revoke(revocations: &LocalRevocations, id: &str, at: i64) -> Result<(), RevocationError> {
        let revoked = Revoked::session(session().build().issuer(), id);
        revocations.record(&revoked, NOW + seconds(at), NOW + seconds(at))
    }

    fn revoke_user(revocations: &LocalRevocations, session: &Session, at: i64) {
        let revoked = Revoked::user(session.issuer(), session.user_id());
        assert!(revocations.record(&revoked, NOW + seconds(at), NOW + seconds(at)).is_ok());
    }

    #[test]
    fn a_session_is_revoked_by_its_id() {
        let revocations = LocalRevocations::new();
        let one = session().id("session-1").build();
        let other = session().id("session-2").build();
        assert!(!is_revoked(&revocations, &one));
        revoke(&revocations, "session-1", 0).expect("room");
        assert!(is_revoked(&revocations, &one));
        assert!(!is_revoked(&revocations, &other));
        // A user's id does not name a session.
        revoke(&revocations, other.user_id(), 0).expect("room");
        assert!(!is_revoked(&revocations, &other));
    }

    #[test]
    fn revoking_a_user_ends_earlier_sessions() {
        // The session began at NOW, and its user is revoked `after` seconds later.
        let begun = session().started_ago(Duration::ZERO).build();
        // A revocation up to 5 s earlier also counts, because the clocks may differ.
        for (after, want) in [(600, true), (0, true), (-5, true), (-6, false)] {
            let revocations = LocalRevocations::new();
            revoke_user(&revocations, &begun, after);
            assert_eq!(is_revoked(&revocations, &begun), want, "{after}");
            assert!(!is_revoked(&revocations, &session().user("user-test-2").build()));
        }
        let undated = session().without_start().build();
        let revocations = LocalRevocations::new();
        revoke_user(&revocations, &undated, 0);
        assert!(is_revoked(&revocations, &undated));
    }

    #[test]
    fn a_second_revocation_does_not_weaken_the_first() {
        let revocations = LocalRevocations::new();
        let begun = session().started_ago(Duration::ZERO).build();
        revoke_user(&revocations, &begun, 10);
        revoke_user(&revocations, &begun, -60);
        assert!(is_revoked(&revocations, &begun));
        assert_eq!(revocations.len(), 1);
    }

    #[test]
    fn entries_expire_and_a_full_store_refuses_another() {
        let revocations = LocalRevocations::new().max_entries(3);
        // The need of another issuer does not shorten the time.
        revocations.keep_at_least("https://login.example.com", Duration::from_secs(30));
        for (id, at) in [("a", 0), ("b", 10), ("a", 20)] {
            revoke(&revocations, id, at).expect("room");
        }
        assert_eq!(revocations.len(), 2);
        revoke(&revocations, "c", 620).expect("room");
        let is_revoked = |id: &str| is_revoked(&revocations, &session().id(id).build());
        assert_eq!(["a", "b", "c"].map(is_revoked), [true, false, true]);
        revoke(&revocations, "d", 621).expect("room");
        assert!(matches!(
            revoke(&revocations, "e", 621),
            Err(RevocationError::Full { max_entries: 3 })
        ));
        revoke(&revocations, "a", 622).expect("it is kept already");
        assert_eq!(["a", "c", "d", "e"].map(is_revoked), [true, true, true, false]);
        assert_eq!(revocations.len(), 3);
        revoke(&revocations, "e", 1_230).expect("the first has expired");
        assert!(is_revoked("e"));
        // A verifier that is added later also extends the revocations that are already kept.
        let issuer = session().build().issuer().to_owned();
        revocations.keep_at_least(&issuer, Duration::from_secs(640));
        assert!(revoke(&revocations, "f", 1_231).is_err());
        assert!(revoke(&revocations, "f", 1_260).is_err());
        revoke(&revocations, "f", 1_261).expect("the first has expired");
        assert_eq!(["a", "d", "e", "f"].map(is_revoked), [true, false, true, true]);
    }

    #[test]
    fn entries_live_as_long_as_their_issuer_needs() {
        let (short, long, unknown) = ("https://short", "https://long", "https://unknown");
        let revocations = LocalRevocations::new();
        revocations.keep_at_least(short, Duration::from_secs(60));
        for issuer in [unknown, short, long] {
            revocations.record(&Revoked::session(issuer, "a"), NOW, NOW).expect("room");
        }
        revocations.keep_at_least(long, Duration::from_secs(3_600));
        // Issuers, and how long after the revocation each entry is still there. Each write removes two.
        let is_kept = |issuer: &str| {
            revocations
                .iter()
                .any(|(revoked, at)| revoked == Revoked::session(issuer, "a") && at == NOW)
        };
        for (after, want) in [
            (59, [true, true, true]),
            (60, [false, true, true]),
            (3_599, [false, true, true]),
            (3_600, [false, false, false]),
        ] {
            let now = NOW + seconds(after);
            for _ in 0..2 {
                revocations.record(&Revoked::user(short, "b"), now, now).expect("room");
            }
            assert_eq!([short, long, unknown].map(is_kept), want, "{after}");
        }
        assert_eq!(revocations.len(), 1);
        // Recording something that has expired changes nothing.
        let now = NOW + seconds(3_600);
        revocations.record(&Revoked::session(unknown, "late"), NOW, now).expect("room");
        assert_eq!(revocations.len(), 1);
    }

    #[test]
    fn the_iterator_returns_every_entry_and_outlives_changes() {
        let revocations = LocalRevocations::new();
        for place in 0..1_000 {
            let at = NOW + seconds(place % 7);
            revocations.record(&Revoked::session("i", &place.to_string()), at, NOW).expect("room");
        }
        let mut entries = revocations.iter();
        let first = entries.next().expect("entries");
        revocations.record(&Revoked::user("j", "later"), NOW, NOW).expect("room");
        let all: std::collections::BTreeSet<_> = entries.chain([first]).map(|(it, _)| it).collect();
        assert!((1_000..=1_001).contains(&all.len()), "{}", all.len());
        assert_eq!(revocations.iter().count(), 1_001);
        for want in [745, 489, 233, 0, 0] {
            revocations.remove_expired(NOW + seconds(3_600));
            assert_eq!(revocations.len(), want);
        }
    }
}
