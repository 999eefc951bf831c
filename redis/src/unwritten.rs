//! The revocations of this process that are not known to be in the stream.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;
use tokio::sync::{Notify, oneshot};
use tower_step_up::token::Revoked;

use crate::stream_id::StreamId;

/// How many revocations are written at once.
const BATCH: usize = 256;

/// The result of a write, or the reason why it failed.
pub(crate) type Written = Result<StreamId, Arc<str>>;

/// The revocations that wait to be written. Each is one that the replica has too, so their number is
/// bounded.
#[derive(Default)]
pub(crate) struct Unwritten {
    waiting: Mutex<Waiting>,
    added: Notify,
    urgent: Notify,
}

#[derive(Default)]
struct Waiting {
    by_subject: HashMap<Arc<Revoked>, Pending>,
    /// Those that a caller waits for. A queue may also name some that are no longer in it.
    urgent: VecDeque<Arc<Revoked>>,
    /// The others, which may be many after the stream was lost.
    later: VecDeque<Arc<Revoked>>,
    /// Those that were written and not read yet, and how many reads had begun before.
    unread: VecDeque<(Arc<Revoked>, u64)>,
    /// How many reads have begun.
    reads: u64,
}

struct Pending {
    at: OffsetDateTime,
    callers: Vec<oneshot::Sender<Written>>,
    place: Place,
}

/// The state of a revocation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Urgent,
    Later,
    /// It is being written now.
    Taken,
    /// It was written after so many reads had begun, and has not been read yet.
    Unread(u64),
}

/// Revocations that are being written, and when each was made.
pub(crate) type Batch = Vec<(Arc<Revoked>, OffsetDateTime)>;

impl Unwritten {
    pub(crate) fn len(&self) -> usize {
        self.lock().by_subject.len()
    }

    /// Adds a revocation. The caller, if there is one, learns the result. Those with a caller are
    /// written first.
    pub(crate) fn add(
        &self,
        revoked: Revoked,
        at: OffsetDateTime,
        caller: Option<oneshot::Sender<Written>>,
    ) {
        let revoked = Arc::new(revoked);
        let is_urgent = caller.is_some();
        let mut waiting = self.lock();
        let pending = waiting.by_subject.entry(Arc::clone(&revoked));
        let is_new = matches!(pending, Entry::Vacant(_));
        let pending = pending.or_insert(Pending { at, callers: Vec::new(), place: Place::Later });
        pending.at = pending.at.max(at);
        // A caller may have gone away, for example after its timeout.
        pending.callers.retain(|caller| !caller.is_closed());
        pending.callers.extend(caller);
        match (is_urgent, pending.place) {
            (true, Place::Later | Place::Unread(_)) => waiting.put(revoked, Place::Urgent),
            (false, Place::Unread(_)) => waiting.put(revoked, Place::Later),
            _ if is_new => waiting.put(revoked, Place::Later),
            _ => {}
        }
        drop(waiting);
        self.added.notify_one();
        if is_urgent {
            self.urgent.notify_one();
        }
    }

    /// Waits for revocations and returns the oldest of them.
    pub(crate) async fn next_batch(&self) -> Batch {
        loop {
            let batch = self.take();
            if !batch.is_empty() {
                return batch;
            }
            self.added.notified().await;
        }
    }

    /// Waits for a revocation that a caller waits for. It may have been written meanwhile.
    pub(crate) async fn urgent(&self) {
        self.urgent.notified().await;
    }

    fn take(&self) -> Batch {
        let mut waiting = self.lock();
        let mut batch = Vec::new();
        for place in [Place::Urgent, Place::Later] {
            while batch.len() < BATCH
                && let Some(revoked) = waiting.queue(place).pop_front()
            {
                if let Some(pending) = waiting.by_subject.get_mut(&revoked)
                    && pending.place == place
                {
                    pending.place = Place::Taken;
                    batch.push((revoked, pending.at));
                }
            }
        }
        batch
    }

    /// Tells the callers that a batch has been written. The revocations are kept until they are read,
    /// and one that was made again meanwhile, at a later time, is written again. Returns whether a
    /// caller waited.
    pub(crate) fn succeeded(&self, batch: &Batch, ids: &[StreamId]) -> bool {
        let mut waiting = self.lock();
        let (reads, mut waited) = (waiting.reads, false);
        for ((revoked, at), id) in batch.iter().zip(ids) {
            // The reader may have been faster than the reply.
            let Some(pending) = waiting.by_subject.get_mut(revoked) else { continue };
            if pending.at > *at {
                waiting.put(Arc::clone(revoked), Place::Urgent);
            } else if pending.place == Place::Taken {
                waited |= !pending.callers.is_empty();
                tell(std::mem::take(&mut pending.callers), &Ok(*id));
                pending.place = Place::Unread(reads);
                waiting.unread.push_back((Arc::clone(revoked), reads));
            }
        }
        waited
    }

    /// Notes that a read begins, and returns its number.
    pub(crate) fn begin_read(&self) -> u64 {
        let mut waiting = self.lock();
        waiting.reads += 1;
        waiting.reads
    }

    /// Returns whether a revocation was written before this read began, and was not read although the
    /// read was complete. It is then left to be written again.
    pub(crate) fn is_unread(&self, read: u64) -> bool {
        let mut waiting = self.lock();
        let mut is_unread = false;
        while let Some((revoked, reads)) = waiting.unread.pop_front_if(|(_, it)| *it < read) {
            let pending = waiting.by_subject.get(&revoked);
            if pending.is_some_and(|pending| pending.place == Place::Unread(reads)) {
                waiting.put(revoked, Place::Later);
                is_unread = true;
            }
        }
        is_unread
    }

    /// Forgets a revocation that the stream has, and tells the callers. Another process may have written
    /// it.
    pub(crate) fn seen(&self, revoked: &Revoked, at: OffsetDateTime, id: StreamId) {
        let mut waiting = self.lock();
        if waiting.by_subject.get(revoked).is_some_and(|pending| pending.at <= at)
            && let Some(pending) = waiting.by_subject.remove(revoked)
        {
            tell(pending.callers, &Ok(id));
        }
    }

    /// Keeps the revocations of a batch that could not be written, and tells the callers.
    pub(crate) fn failed(&self, batch: &Batch, reason: &str) {
        let mut waiting = self.lock();
        for (revoked, _) in batch.iter().rev() {
            if let Some(pending) = waiting.by_subject.get_mut(revoked) {
                tell(std::mem::take(&mut pending.callers), &Err(reason.into()));
                pending.place = Place::Later;
                waiting.later.push_front(Arc::clone(revoked));
            }
        }
    }

    /// Forgets the revocations of a batch that have expired.
    pub(crate) fn drop_expired(
        &self,
        batch: &mut Batch,
        is_expired: impl Fn(OffsetDateTime) -> bool,
    ) {
        let mut waiting = self.lock();
        batch.retain(|(revoked, at)| {
            let is_expired = is_expired(*at);
            if is_expired {
                waiting.by_subject.remove(revoked);
            }
            !is_expired
        });
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn queue(&mut self, place: Place) -> &mut VecDeque<Arc<Revoked>> {
        match place {
            Place::Urgent => &mut self.urgent,
            Place::Later | Place::Taken | Place::Unread(_) => &mut self.later,
        }
    }

    /// Puts a revocation at the end of a queue.
    fn put(&mut self, revoked: Arc<Revoked>, place: Place) {
        if let Some(pending) = self.by_subject.get_mut(&revoked) {
            pending.place = place;
            self.queue(place).push_back(revoked);
        }
    }
}

fn tell(callers: Vec<oneshot::Sender<Written>>, result: &Written) {
    for caller in callers {
        // A caller may have gone away.
        let _ = caller.send(result.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tower_step_up::testing::NOW;

    fn id(number: u64) -> StreamId {
        StreamId::parse(format!("{number}-0").as_bytes()).expect("an id")
    }

    fn session(id: &str) -> Revoked {
        Revoked::session("issuer", id)
    }

    #[test]
    fn a_caller_learns_the_result_and_a_failed_write_is_kept() {
        let unwritten = Unwritten::default();
        let (caller, mut result) = oneshot::channel();
        unwritten.add(session("a"), NOW, Some(caller));
        let batch = unwritten.take();
        assert_eq!((batch.len(), unwritten.take().len()), (1, 0));
        unwritten.failed(&batch, "no memory");
        assert_eq!(result.try_recv(), Ok(Err("no memory".into())));
        assert_eq!(unwritten.len(), 1);

        let (caller, mut result) = oneshot::channel();
        unwritten.add(session("a"), NOW, Some(caller));
        unwritten.succeeded(&unwritten.take(), &[id(7)]);
        assert_eq!(result.try_recv(), Ok(Ok(id(7))));
        assert!(unwritten.take().is_empty());
        unwritten.seen(&session("a"), NOW, id(7));
        assert_eq!(unwritten.len(), 0);
    }

    #[test]
    fn what_was_written_and_cannot_be_read_is_written_again() {
        let unwritten = Unwritten::default();
        let write = || {
            let batch = unwritten.take();
            unwritten.succeeded(&batch, &vec![id(1); batch.len()]);
            batch.len()
        };
        let first = unwritten.begin_read();
        ["a", "b"].into_iter().for_each(|it| unwritten.add(session(it), NOW, None));
        assert_eq!(write(), 2);
        assert!(!unwritten.is_unread(first), "it began before the write");
        let second = unwritten.begin_read();
        unwritten.seen(&session("a"), NOW, id(1));
        assert!(unwritten.is_unread(second));
        assert_eq!(write(), 1);
        let third = unwritten.begin_read();
        unwritten.seen(&session("b"), NOW, id(2));
        assert!(!unwritten.is_unread(third));

        // The stream has lost it.
        unwritten.add(session("c"), NOW, None);
        write();
        unwritten.add(session("c"), NOW, None);
        assert_eq!((write(), unwritten.len()), (1, 1));
        // An earlier write says nothing about a later one.
        let fourth = unwritten.begin_read();
        unwritten.add(session("c"), NOW + std::time::Duration::from_secs(1), None);
        assert_eq!(write(), 1);
        assert!(!unwritten.is_unread(fourth));
        assert!(unwritten.is_unread(unwritten.begin_read()));
    }

    #[test]
    fn a_later_revocation_of_the_same_user_is_written_again() {
        let unwritten = Unwritten::default();
        unwritten.add(session("a"), NOW, None);
        let batch = unwritten.take();
        let (caller, mut result) = oneshot::channel();
        let later = NOW + std::time::Duration::from_secs(1);
        unwritten.add(session("a"), later, Some(caller));
        assert!(unwritten.take().is_empty(), "it is being written");
        unwritten.succeeded(&batch, &[id(1)]);
        assert!(result.try_recv().is_err(), "the later one is not written yet");
        let batch = unwritten.take();
        assert_eq!(batch, [(Arc::new(session("a")), later)]);
        unwritten.succeeded(&batch, &[id(2)]);
        assert_eq!(result.try_recv(), Ok(Ok(id(2))));
    }

    #[test]
    fn what_a_caller_waits_for_is_written_first() {
        let unwritten = Unwritten::default();
        (0..1_000).for_each(|place| unwritten.add(session(&place.to_string()), NOW, None));
        let (new, mut of_new) = oneshot::channel();
        unwritten.add(session("new"), NOW, Some(new));
        let (known, mut of_known) = oneshot::channel();
        unwritten.add(session("999"), NOW, Some(known));
        let batch = unwritten.take();
        assert_eq!(batch.len(), BATCH);
        assert!(unwritten.succeeded(&batch, &vec![id(1); BATCH]), "callers waited");
        assert_eq!((of_new.try_recv(), of_known.try_recv()), (Ok(Ok(id(1))), Ok(Ok(id(1)))));
        let mut count = BATCH;
        loop {
            let batch = unwritten.take();
            if batch.is_empty() {
                break;
            }
            count += batch.len();
            assert!(!unwritten.succeeded(&batch, &vec![id(2); BATCH]));
        }
        assert_eq!(count, 1_001);
    }

    #[test]
    fn callers_that_have_gone_away_are_forgotten() {
        let unwritten = Unwritten::default();
        let (waits, mut result) = oneshot::channel();
        unwritten.add(session("a"), NOW, Some(waits));
        for _ in 0..1_000 {
            let (gone, _) = oneshot::channel();
            unwritten.add(session("a"), NOW, Some(gone));
        }
        let callers = unwritten.lock().by_subject.get(&session("a")).map(|it| it.callers.len());
        assert_eq!(callers, Some(2), "the one that waits and the last one");
        unwritten.succeeded(&unwritten.take(), &[id(1)]);
        assert_eq!(result.try_recv(), Ok(Ok(id(1))));
    }

    #[test]
    fn what_the_stream_has_is_not_written() {
        let unwritten = Unwritten::default();
        let (caller, mut result) = oneshot::channel();
        unwritten.add(session("a"), NOW, Some(caller));
        let second = std::time::Duration::from_secs(1);
        unwritten.seen(&session("a"), NOW - second, id(1));
        unwritten.seen(&session("b"), NOW, id(2));
        assert_eq!(unwritten.len(), 1, "an earlier one revokes less");
        unwritten.seen(&session("a"), NOW, id(3));
        assert_eq!(result.try_recv(), Ok(Ok(id(3))));
        assert!(unwritten.take().is_empty());

        // One that is being written now, successfully or not.
        unwritten.add(session("a"), NOW, None);
        let batch = unwritten.take();
        unwritten.seen(&session("a"), NOW, id(4));
        unwritten.failed(&batch, "too slow");
        unwritten.succeeded(&batch, &[id(5)]);
        assert!(unwritten.take().is_empty());
        assert_eq!(unwritten.len(), 0);
    }

    #[test]
    fn batches_are_bounded_and_keep_the_order_after_a_failure() {
        let unwritten = Unwritten::default();
        (0..BATCH + 2).for_each(|place| unwritten.add(session(&place.to_string()), NOW, None));
        let first = unwritten.take();
        assert_eq!(first.len(), BATCH);
        unwritten.failed(&first, "no");
        assert_eq!(unwritten.take(), first);
        let mut rest = unwritten.take();
        assert_eq!(rest.len(), 2);
        unwritten.drop_expired(&mut rest, |_| true);
        assert!(rest.is_empty());
        assert_eq!(unwritten.len(), BATCH);
    }
}
