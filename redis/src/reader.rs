//! The task that reads the stream into the replica.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use redis::aio::MultiplexedConnection;

use crate::connection::{Pause, REPLY_TIMEOUT, check_primary, connect};
use crate::entry::{self, Entry};
use crate::error::ReadError;
use crate::position::COUNT;
use crate::replay;
use crate::shared::{Shared, TARGET};
use crate::stream_id::StreamId;

/// How long a read waits for a new entry. The age of the replica is at most about this long.
const BLOCK: Duration = Duration::from_secs(1);
/// Reads the stream, until the task is aborted. After each failure it connects again.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut pause = Pause::default();
    loop {
        let Err(error) = read(&shared, &mut pause).await;
        shared.note_read_error(&error);
        pause.wait().await;
    }
}

async fn read(shared: &Shared, pause: &mut Pause) -> Result<Infallible, ReadError> {
    let mut connection = connect(&*shared.connect, BLOCK + REPLY_TIMEOUT).await?;
    shared.connected();
    let mut position = replay::replay(shared, &mut connection).await?;
    loop {
        if position.extensions != shared.extensions() {
            position = replay::replay(shared, &mut connection).await?;
        }
        let (asked_at, read) = (shared.monotonic(), shared.unwritten.begin_read());
        let (first, entries) = next(shared, &mut connection, position.last).await?;
        // Without an entry, the server has waited in vain for this long.
        let complete_at = match entries.len() {
            0 => Some((asked_at + BLOCK).min(shared.monotonic())),
            1..COUNT => Some(asked_at),
            _ => None,
        };
        for entry in &entries {
            shared.apply(entry)?;
            position.first = position.first.or(Some(entry.id));
            position.last = entry.id;
        }
        if shared.has_lost(position.first, first) {
            tracing::warn!(target: TARGET, "the stream has lost entries and is read again");
            position = replay::replay(shared, &mut connection).await?;
            continue;
        }
        if complete_at.is_some() && shared.unwritten.is_unread(read) {
            return Err(ReadError::OtherServer);
        }
        *pause = Pause::default();
        position.first = first;
        shared.reached(&position, complete_at);
    }
}

/// Returns the entries after `last`, and the id of the oldest entry of all. If there are none after
/// `last`, it waits for one.
async fn next(
    shared: &Shared,
    connection: &mut MultiplexedConnection,
    last: StreamId,
) -> Result<(Option<StreamId>, Vec<Entry>), ReadError> {
    let key = &*shared.settings.key;
    let mut commands = redis::pipe();
    commands.cmd("HELLO");
    commands.cmd("XREAD").arg("COUNT").arg(COUNT).arg("BLOCK").arg(BLOCK.as_millis() as u64);
    commands.arg("STREAMS").arg(key).arg(last.to_string());
    // After the wait, because the stream may be deleted meanwhile.
    commands.cmd("XRANGE").arg(key).arg("-").arg("+").arg("COUNT").arg(1);
    let replies: Vec<Value> = commands.query_async(connection).await?;
    let [hello, entries, oldest] = &*replies else { return Err(ReadError::UnexpectedReply) };
    check_primary(hello)?;
    let first = entry::read_range(oldest)?.first().map(|entry| entry.id);
    Ok((first, entry::read_next(entries)?))
}
