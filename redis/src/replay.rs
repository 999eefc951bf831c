//! Reading the whole stream, at the start and after a gap.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use redis::Value;
use redis::aio::MultiplexedConnection;
use time::OffsetDateTime;
use tower_step_up::token::Revoked;

use crate::connection::check_primary;
use crate::entry;
use crate::error::ReadError;
use crate::position::{COUNT, Position};
use crate::shared::Shared;
use crate::stream_id::StreamId;

/// Reads the whole stream into the replica. Then it leaves the live revocations that the stream lacks
/// to the writer.
///
/// It does not begin at the last id that was read. The stream may have lost older entries, and a
/// promoted replica may have given a lower id to a newer one.
pub(crate) async fn replay(
    shared: &Shared,
    connection: &mut MultiplexedConnection,
) -> Result<Position, ReadError> {
    let asked_at = shared.monotonic();
    let extensions = shared.extensions();
    let mut position = Position { first: None, last: StreamId::FIRST, extensions };
    let mut seen = Seen::default();
    loop {
        let start = match position.first {
            None => "-".to_owned(),
            Some(_) => format!("({}", position.last),
        };
        let mut commands = redis::pipe();
        commands.cmd("HELLO").cmd("XRANGE").arg(&*shared.settings.key).arg(start).arg("+");
        commands.arg("COUNT").arg(COUNT);
        let replies: Vec<Value> = commands.query_async(connection).await?;
        let [hello, entries] = &*replies else { return Err(ReadError::UnexpectedReply) };
        check_primary(hello)?;
        let entries = entry::read_range(entries)?;
        for entry in &entries {
            shared.apply(entry)?;
            if let Some((revoked, at)) = &entry.revocation {
                seen.add(revoked, *at);
            }
            position.first = position.first.or(Some(entry.id));
            position.last = entry.id;
        }
        if entries.len() < COUNT {
            break;
        }
        tokio::task::yield_now().await;
    }
    shared.reached(&position, Some(asked_at));
    write_back(shared, &seen).await;
    Ok(position)
}

/// Leaves the live revocations that the stream lacks to the writer. Other processes do the same, and
/// each forgets what it sees in the stream. They share the work because the orders differ.
async fn write_back(shared: &Shared, seen: &Seen) {
    let mut missing = Vec::new();
    for (place, (revoked, at)) in shared.replica.iter().enumerate() {
        if !seen.has(&revoked, at) && !shared.has_expired(at) {
            missing.push((revoked, at));
        }
        yield_after(place).await;
    }
    if missing.is_empty() {
        return;
    }
    let count = missing.len();
    tracing::warn!(target: crate::shared::TARGET, count, "writing back what the stream lacks");
    for place in 0..count {
        missing.swap(place, seen.random(place) % count);
    }
    for (place, (revoked, at)) in missing.into_iter().enumerate() {
        shared.unwritten.add(revoked, at, None);
        yield_after(place).await;
    }
}

/// Lets other tasks run from time to time.
async fn yield_after(place: usize) {
    if place % COUNT == COUNT - 1 {
        tokio::task::yield_now().await;
    }
}

/// The latest time of each revocation in the stream, by the hash of its issuer and id. Two of them
/// have the same hash about once in 10 million replays of a million entries.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    times: HashMap<u64, i64>,
}

impl Seen {
    /// Returns a number that differs from process to process.
    fn random(&self, seed: usize) -> usize {
        // On a platform with small pointers, the lower bits are as good.
        self.hasher.hash_one(seed) as usize
    }

    fn add(&mut self, revoked: &Revoked, at: OffsetDateTime) {
        let latest = self.times.entry(self.hasher.hash_one(revoked)).or_insert(i64::MIN);
        *latest = entry::milliseconds(at).max(*latest);
    }

    fn has(&self, revoked: &Revoked, at: OffsetDateTime) -> bool {
        let latest = self.times.get(&self.hasher.hash_one(revoked));
        latest.is_some_and(|latest| *latest >= entry::milliseconds(at))
    }
}
