//! Sessions that were revoked here, for as long as a token of theirs could still be valid.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use quick_cache::DefaultHashBuilder;
use time::OffsetDateTime;

use crate::moment::Moment;
use crate::session::Session;

/// Which sessions are revoked, although their JWT is valid for some minutes more.
///
/// A verifier asks at every request, whatever it remembers, so an implementation must not block:
/// one that shares revocations between processes answers from a replica of its own, which something
/// else feeds. The default is [`LocalRevocations`].
pub trait Revocations: Send + Sync + 'static {
    /// Whether the session is revoked.
    fn is_revoked(&self, session: &Session) -> bool;

    /// From now on the session of this id is revoked.
    fn revoke_session(&self, session_id: &str, now: OffsetDateTime);

    /// From now on the sessions of this user (in an organization: of this member) are revoked that
    /// began until now, or within the verifier's leeway after. So is one that does not say when it
    /// began.
    fn revoke_user(&self, user_id: &str, now: OffsetDateTime);
}

/// Revocations of this process, in memory: a handle, cheap to clone.
///
/// ```
/// use tower_step_up::{Factor, LocalRevocations, TokenError, testing};
///
/// let issuer = testing::TestIssuer::new();
/// let revocations = LocalRevocations::new();
/// let verifier = issuer.verifier().revocations(revocations.clone());
/// let token = issuer.mint(&testing::session().proved(Factor::Password));
/// let session = verifier.verify_at(&token, testing::NOW)?;
///
/// verifier.revoke_session(session.id());
/// assert_eq!(verifier.verify_at(&token, testing::NOW).unwrap_err(), TokenError::Revoked);
/// assert_eq!(revocations.len(), 1);
/// # Ok::<(), TokenError>(())
/// ```
///
/// An entry is kept for 10 minutes, twice the life of a JWT of Stytch's, unless
/// [`keep_for`](Self::keep_for) says otherwise: then every JWT of the session has expired. A guard
/// that renews sessions would renew it then, so it has to be revoked with Stytch too, as
/// `StepUpLayer::sign_out` does. Of more than 100,000 entries the ones that would go first go
/// early, with a warning in the log.
#[derive(Clone)]
pub struct LocalRevocations {
    entries: Arc<Entries>,
    keep_for: Duration,
    most: usize,
}

#[derive(Default)]
struct Entries {
    /// What an empty one is known by, without a lock.
    count: AtomicUsize,
    kept: RwLock<Kept>,
}

/// Looked at by every request, so with the cache's hash, which is quicker than the standard one and
/// keyed per process too.
type Ids = HashMap<Arc<str>, Revoked, DefaultHashBuilder>;

#[derive(Default)]
struct Kept {
    sessions: Ids,
    users: Ids,
    by_end: BTreeSet<(OffsetDateTime, Subject, Arc<str>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Session,
    User,
}

struct Revoked {
    at: OffsetDateTime,
    end: OffsetDateTime,
}

const KEEP_FOR: Duration = Duration::from_secs(600);
const MOST: usize = 100_000;

impl LocalRevocations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { entries: Arc::default(), keep_for: KEEP_FOR, most: MOST }
    }

    /// How long an entry is kept: at least as long as a JWT can be valid after it was issued, the
    /// verifier's leeway included.
    #[must_use]
    pub fn keep_for(mut self, duration: Duration) -> Self {
        self.keep_for = duration;
        self
    }

    /// How many sessions and users are kept at once, at least 1.
    #[must_use]
    pub fn most(mut self, entries: usize) -> Self {
        self.most = entries.max(1);
        self
    }

    /// How many are kept; some of them may be over.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.count.load(Ordering::Acquire)
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn revoke(&self, subject: Subject, id: &str, now: OffsetDateTime) {
        let keep_for = self.keep_for.try_into().unwrap_or(time::Duration::MAX);
        let revoked = Revoked { at: now, end: now.saturating_add(keep_for) };
        let mut kept = self.entries.kept.write().unwrap_or_else(PoisonError::into_inner);
        // Two go for each that comes: all at once would hold up every request, and so they still
        // run out.
        for _ in 0..2 {
            if kept.by_end.first().is_some_and(|(end, ..)| *end <= now) {
                kept.remove_first();
            }
        }
        kept.insert(subject, id.into(), revoked);
        if kept.len() > self.most {
            tracing::warn!(most = self.most, "a revocation had to go before its time");
            kept.remove_first();
        }
        self.entries.count.store(kept.len(), Ordering::Release);
    }
}

impl Default for LocalRevocations {
    fn default() -> Self {
        Self::new()
    }
}

impl Kept {
    fn len(&self) -> usize {
        self.by_end.len()
    }

    fn of(&mut self, subject: Subject) -> &mut Ids {
        match subject {
            Subject::Session => &mut self.sessions,
            Subject::User => &mut self.users,
        }
    }

    /// Beside an earlier one of the same, the later of each time counts: clocks are put back.
    fn insert(&mut self, subject: Subject, id: Arc<str>, mut revoked: Revoked) {
        if let Some(earlier) = self.of(subject).remove(&id) {
            self.by_end.remove(&(earlier.end, subject, Arc::clone(&id)));
            revoked = Revoked { at: revoked.at.max(earlier.at), end: revoked.end.max(earlier.end) };
        }
        self.by_end.insert((revoked.end, subject, Arc::clone(&id)));
        self.of(subject).insert(id, revoked);
    }

    fn remove_first(&mut self) {
        if let Some((_, subject, id)) = self.by_end.pop_first() {
            self.of(subject).remove(&id);
        }
    }
}

impl Revocations for LocalRevocations {
    fn is_revoked(&self, session: &Session) -> bool {
        if self.is_empty() {
            return false;
        }
        let kept = self.entries.kept.read().unwrap_or_else(PoisonError::into_inner);
        let began = session.started_at().map(Moment::from);
        let is_older = |revoked: &Revoked| {
            began.is_none_or(|began| began <= Moment::from(revoked.at).plus(session.leeway()))
        };
        kept.sessions.contains_key(session.id())
            || kept.users.get(session.user_id()).is_some_and(is_older)
    }

    fn revoke_session(&self, session_id: &str, now: OffsetDateTime) {
        self.revoke(Subject::Session, session_id, now);
    }

    fn revoke_user(&self, user_id: &str, now: OffsetDateTime) {
        self.revoke(Subject::User, user_id, now);
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

    fn seconds(seconds: i64) -> time::Duration {
        time::Duration::seconds(seconds)
    }

    #[test]
    fn a_session_is_revoked_by_its_id() {
        let revocations = LocalRevocations::new();
        let (one, other) = (session().id("session-1").build(), session().id("session-2").build());
        assert!(!revocations.is_revoked(&one));
        revocations.revoke_session("session-1", NOW);
        assert!(revocations.is_revoked(&one));
        assert!(!revocations.is_revoked(&other));
        // A user's id is no session's.
        revocations.revoke_session(other.user_id(), NOW);
        assert!(!revocations.is_revoked(&other));
    }

    #[test]
    fn of_a_user_the_sessions_are_revoked_that_began_before() {
        // They began at NOW; they are revoked so long after.
        let begun = session().started_ago(Duration::ZERO).build();
        // Within the leeway: the clocks may differ.
        for (after, want) in [(600, true), (0, true), (-5, true), (-6, false)] {
            let revocations = LocalRevocations::new();
            revocations.revoke_user(begun.user_id(), NOW + seconds(after));
            assert_eq!(revocations.is_revoked(&begun), want, "{after}");
            assert!(!revocations.is_revoked(&session().user("user-test-2").build()));
        }
        let undated = session().without_start().build();
        let revocations = LocalRevocations::new();
        revocations.revoke_user(undated.user_id(), NOW);
        assert!(revocations.is_revoked(&undated));
    }

    #[test]
    fn a_second_revocation_does_not_weaken_the_first() {
        let revocations = LocalRevocations::new();
        let begun = session().started_ago(Duration::ZERO).build();
        revocations.revoke_user(begun.user_id(), NOW + seconds(10));
        revocations.revoke_user(begun.user_id(), NOW - seconds(60));
        assert!(revocations.is_revoked(&begun));
        assert_eq!(revocations.len(), 1);
    }

    #[test]
    fn entries_are_kept_for_so_long_and_not_more_of_them() {
        let revocations = LocalRevocations::new().keep_for(Duration::from_secs(60)).most(3);
        for (id, at) in [("a", 0), ("b", 10), ("a", 20)] {
            revocations.revoke_session(id, NOW + seconds(at));
        }
        assert_eq!(revocations.len(), 2);
        revocations.revoke_session("c", NOW + seconds(70));
        let is_revoked = |id: &str| revocations.is_revoked(&session().id(id).build());
        assert_eq!(["a", "b", "c"].map(is_revoked), [true, false, true]);
        for id in ["d", "e"] {
            revocations.revoke_session(id, NOW + seconds(71));
        }
        assert_eq!(["a", "c", "d", "e"].map(is_revoked), [false, true, true, true]);
        assert_eq!(revocations.len(), 3);
    }
}
