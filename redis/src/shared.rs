//! The state that the handles and the two tasks of a store share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{oneshot, watch};
use tower_step_up::token::{LocalRevocations, RevocationError, Revocations, Revoked};

use crate::connect::Connect;
use crate::entry::{Entry, MAX_TEXT, milliseconds};
use crate::error::{ReadError, WriteError};
use crate::health::ReplicaHealth;
use crate::position::Position;
use crate::settings::Settings;
use crate::stream_id::StreamId;
use crate::unwritten::{Unwritten, Written};

/// The target of the events.
pub(crate) const TARGET: &str = "tower_step_up::redis";

/// How far the clocks of processes and of the server may be apart.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// The state of a store.
pub(crate) struct Shared {
    pub(crate) connect: Box<dyn Connect>,
    pub(crate) settings: Settings,
    pub(crate) replica: LocalRevocations,
    pub(crate) unwritten: Unwritten,
    /// The last id that was read, or `None` if the replica is not complete.
    progress: watch::Sender<Option<StreamId>>,
    /// The reading of the monotonic clock when the replica was last known to be complete, in
    /// nanoseconds plus one, or zero if it is not complete.
    confirmed_at: AtomicU64,
    /// How often the reader has connected.
    connections: AtomicU64,
    kept: Mutex<Kept>,
    skipped: AtomicU64,
    retention_is_too_short: AtomicBool,
    read_error: Mutex<Option<String>>,
    write_error: Mutex<Option<String>>,
}

/// How long the replica keeps entries.
#[derive(Default)]
struct Kept {
    /// By issuer, as verifiers have said.
    times: BTreeMap<Box<str>, Duration>,
    /// How often a time has become longer. The replica then lacks what it has already dropped.
    extensions: u64,
}

impl Shared {
    pub(crate) fn new(server: impl Connect, settings: Settings) -> Self {
        // Room for what other processes write at the same time.
        let replica = LocalRevocations::new().max_entries(settings.max_entries.saturating_mul(2));
        // This also applies to issuers that no verifier has named yet. The stream may have their
        // revocations when the replica reads it.
        replica.keep_at_least("", settings.retention);
        Self {
            connect: Box::new(server),
            settings,
            replica,
            unwritten: Unwritten::default(),
            progress: watch::Sender::new(None),
            confirmed_at: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            kept: Mutex::default(),
            skipped: AtomicU64::new(0),
            retention_is_too_short: AtomicBool::new(false),
            read_error: Mutex::default(),
            write_error: Mutex::default(),
        }
    }

    /// Returns how long ago the replica was known to be complete, or `None` if it is not.
    #[inline]
    pub(crate) fn age(&self) -> Option<Duration> {
        let confirmed_at = self.confirmed_at.load(Ordering::Acquire).checked_sub(1)?;
        Some(self.monotonic().saturating_sub(Duration::from_nanos(confirmed_at)))
    }

    /// Returns whether the replica has every revocation that it should have, as of its age.
    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        self.confirmed_at.load(Ordering::Acquire) > 0
            && !self.retention_is_too_short.load(Ordering::Relaxed)
    }

    pub(crate) fn keep_at_least(&self, issuer: &str, duration: Duration) {
        let retention = self.settings.retention;
        if duration > retention && !self.retention_is_too_short.swap(true, Ordering::Relaxed) {
            tracing::error!(
                target: TARGET, issuer, ?retention, needed = ?duration,
                "the retention is too short for the issuer, so no session is accepted"
            );
        }
        let mut kept = lock(&self.kept);
        self.replica.keep_at_least(issuer, duration);
        // Entries of an issuer that was not named were kept for the whole retention.
        let before = kept.times.get(issuer).copied().unwrap_or(retention);
        if before < duration {
            kept.extensions += 1;
            self.forget_progress();
        }
        if before < duration || !kept.times.contains_key(issuer) {
            kept.times.insert(issuer.into(), duration);
        }
    }

    /// Returns how often the replica has come to lack entries that it has to keep.
    pub(crate) fn extensions(&self) -> u64 {
        lock(&self.kept).extensions
    }

    /// Notes that the replica is not complete.
    fn forget_progress(&self) {
        self.confirmed_at.store(0, Ordering::Release);
        self.progress.send_replace(None);
    }

    pub(crate) fn health(&self) -> ReplicaHealth {
        let unwritten = self.unwritten.len();
        // A write whose reply was lost may have succeeded, as the reader then sees.
        let write_error = lock(&self.write_error).clone().filter(|_| unwritten > 0);
        ReplicaHealth {
            age: self.age().filter(|_| self.is_complete()),
            entries: self.replica.len(),
            unwritten,
            skipped: self.skipped.load(Ordering::Relaxed),
            read_error: lock(&self.read_error).clone(),
            write_error,
        }
    }

    /// Returns how often the reader has connected, perhaps to another server each time.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Acquire)
    }

    /// Notes that the reader has connected, before it reads.
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::AcqRel);
    }

    /// Waits until the replica is complete and has the entry with this id.
    pub(crate) async fn wait_for(&self, id: StreamId) {
        let mut progress = self.progress.subscribe();
        // The sender is alive, so the wait cannot fail.
        let _ = progress.wait_for(|last| last.is_some_and(|last| last >= id)).await;
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.settings.clock.monotonic()
    }

    /// Records a revocation of this process, and leaves it to the writer.
    pub(crate) fn add(
        &self,
        revoked: Revoked,
        at: OffsetDateTime,
    ) -> Result<oneshot::Receiver<Written>, RevocationError> {
        let now = self.settings.clock.now();
        let max_entries = self.settings.max_entries;
        if self.replica.len() >= max_entries {
            self.replica.remove_expired(now);
            if self.replica.len() >= max_entries {
                return Err(RevocationError::Full { max_entries });
            }
        }
        let id = revoked.id();
        if id.issuer.len().max(id.id.len()) > MAX_TEXT {
            return Err(RevocationError::Failed(Box::new(WriteError::TooLong(MAX_TEXT))));
        }
        self.replica.record(&revoked, at, now)?;
        let (caller, result) = oneshot::channel();
        self.unwritten.add(revoked, at, Some(caller));
        Ok(result)
    }

    /// Records an entry of the stream. A date in the future counts as now, because it would revoke
    /// sessions that begin later. The entry's id does not count: a server whose clock is behind must
    /// not make a revocation older than it is.
    pub(crate) fn apply(&self, entry: &Entry) -> Result<(), ReadError> {
        let Some((revoked, at)) = &entry.revocation else {
            let skipped = self.skipped.fetch_add(1, Ordering::Relaxed);
            if skipped == 0 {
                tracing::warn!(target: TARGET, id = %entry.id, "an entry is not a revocation");
            }
            return Ok(());
        };
        let now = self.settings.clock.now();
        self.unwritten.seen(revoked, *at, entry.id);
        let at = if *at <= now + CLOCKS_APART { *at } else { now };
        self.replica.record(revoked, at, now).map_err(|_| {
            self.forget_progress();
            ReadError::TooMany
        })
    }

    /// Notes that the replica has everything up to this position. `complete_at` is a reading of the
    /// monotonic clock. It is given if the stream had nothing more then.
    pub(crate) fn reached(&self, position: &Position, complete_at: Option<Duration>) {
        // The lock is held, so that an extension is not overlooked.
        let kept = lock(&self.kept);
        if kept.extensions != position.extensions {
            return;
        }
        let last = position.last;
        let is_known = self.confirmed_at.load(Ordering::Acquire) > 0;
        if let Some(at) = complete_at {
            let nanoseconds = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX - 1);
            self.confirmed_at.store(nanoseconds.saturating_add(1), Ordering::Release);
            note(&self.read_error, None, "");
            self.replica.remove_expired(self.settings.clock.now());
        }
        if complete_at.is_some() || is_known {
            self.progress.send_if_modified(|known| known.replace(last) != Some(last));
        }
    }

    /// Returns whether the stream has lost its oldest entry before its time. Writes that remove
    /// entries leave at least their own.
    pub(crate) fn has_lost(&self, known: Option<StreamId>, first: Option<StreamId>) -> bool {
        known.is_some_and(|known| match first {
            Some(first) => first != known && self.is_retained(known),
            None => true,
        })
    }

    fn is_retained(&self, id: StreamId) -> bool {
        let now = milliseconds(self.settings.clock.now());
        let retention = self.settings.retention.as_millis().try_into().unwrap_or(i64::MAX);
        i64::try_from(id.milliseconds()).unwrap_or(i64::MAX) > now.saturating_sub(retention)
    }

    /// Returns whether the stream need not have a revocation any more.
    pub(crate) fn has_expired(&self, at: OffsetDateTime) -> bool {
        at.saturating_add(self.settings.retention.try_into().unwrap_or(time::Duration::MAX))
            <= self.settings.clock.now()
    }

    /// Returns the time of the server, in milliseconds, before which entries of the stream can be
    /// removed, if it is known.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let last = (*self.progress.borrow())?.milliseconds();
        let now = u64::try_from(milliseconds(self.settings.clock.now())).ok()?;
        let keep = self.settings.retention.saturating_add(CLOCKS_APART).as_millis();
        last.min(now).checked_sub(keep.try_into().ok()?)
    }

    pub(crate) fn note_read_error(&self, error: &ReadError) {
        note(&self.read_error, Some(error.to_string()), "cannot read revocations");
    }

    pub(crate) fn note_write(&self, error: Option<String>) {
        note(&self.write_error, error, "cannot write revocations");
    }
}

/// Keeps an error for the health, and logs it if it is another than before.
fn note(known: &Mutex<Option<String>>, error: Option<String>, message: &'static str) {
    let mut known = lock(known);
    if *known == error {
        return;
    }
    match &error {
        Some(reason) => tracing::warn!(target: TARGET, reason, "{message}"),
        None => tracing::info!(target: TARGET, "Redis responds again"),
    }
    *known = error;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use redis::aio::MultiplexedConnection;
    use redis::{AsyncConnectionConfig, RedisResult};
    use tower_step_up::testing::{FixedClock, NOW};

    use super::*;

    /// Returns the state of a store with a retention of an hour. Nothing connects.
    fn shared() -> Shared {
        let settings = Settings::new().retention(minutes(60)).clock(FixedClock::new());
        let connect = |_: AsyncConnectionConfig| pending::<RedisResult<MultiplexedConnection>>();
        Shared::new(connect, settings)
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    /// Notes that the replica has everything up to this time of the server.
    fn read_up_to(shared: &Shared, milliseconds: i64, extensions: u64) {
        let last = StreamId::parse(format!("{milliseconds}-0").as_bytes()).expect("an id");
        let position = Position { first: None, last, extensions };
        shared.reached(&position, Some(Duration::ZERO));
    }

    #[test]
    fn entries_are_removed_by_the_clock_that_is_behind() {
        let (now, minute) = (milliseconds(NOW), 60_000);
        for (server, want) in [
            (now, Some(now - 61 * minute)),
            (now + 10 * minute, Some(now - 61 * minute)),
            (now - 10 * minute, Some(now - 71 * minute)),
            (0, None),
        ] {
            let shared = shared();
            assert_eq!(shared.oldest(), None, "nothing is read");
            read_up_to(&shared, server, 0);
            assert_eq!(shared.oldest(), want.and_then(|it| it.try_into().ok()), "{server}");
        }
    }

    #[test]
    fn a_replica_is_complete_once_the_stream_has_nothing_more() {
        let shared = shared();
        let position = Position { first: None, last: StreamId::FIRST, extensions: 0 };
        shared.reached(&position, None);
        assert!(!shared.is_complete() && shared.progress.borrow().is_none());
        shared.reached(&position, Some(Duration::ZERO));
        assert!(shared.is_complete() && shared.progress.borrow().is_some());
    }

    #[test]
    fn a_replica_lacks_entries_only_if_an_issuer_needs_more_than_before() {
        let shared = shared();
        read_up_to(&shared, 1, 0);
        for needed in [10, 5, 10] {
            shared.keep_at_least("issuer", minutes(needed));
            assert!(shared.is_complete(), "{needed}");
        }
        shared.keep_at_least("issuer", minutes(20));
        assert!(!shared.is_complete());
        read_up_to(&shared, 1, 0);
        assert!(!shared.is_complete(), "that read began before");
        read_up_to(&shared, 1, shared.extensions());
        assert!(shared.is_complete());
    }

    #[test]
    fn an_entry_is_lost_if_it_is_gone_before_its_time() {
        let shared = shared();
        let ago = |minutes: i64| {
            let text = format!("{}-0", milliseconds(NOW) - minutes * 60_000);
            StreamId::parse(text.as_bytes())
        };
        for (known, first, want) in [
            (None, None, false),
            (None, ago(5), false),
            (ago(5), ago(5), false),
            (ago(5), ago(4), true),
            (ago(59), ago(4), true),
            (ago(60), ago(4), false),
            (ago(5), None, true),
            // A write that removes entries leaves its own.
            (ago(60), None, true),
        ] {
            assert_eq!(shared.has_lost(known, first), want, "{known:?} {first:?}");
        }
    }

    #[test]
    fn a_text_that_no_token_can_have_is_not_written() {
        let shared = shared();
        let long = "x".repeat(MAX_TEXT + 1);
        for revoked in [Revoked::session("issuer", &long), Revoked::user(&long, "id")] {
            assert!(matches!(shared.add(revoked, NOW), Err(RevocationError::Failed(_))));
        }
        assert_eq!((shared.replica.len(), shared.unwritten.len()), (0, 0));
        assert!(shared.add(Revoked::user("issuer", &long[1..]), NOW).is_ok());
    }
}
