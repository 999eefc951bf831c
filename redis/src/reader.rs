//! The task that reads the stream into the replica.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Value};

use crate::connect;
use crate::entry::{self, Entry};
use crate::error::ReadError;
use crate::replay;
use crate::shared::{Shared, TARGET};
use crate::stream_id::StreamId;

/// How many entries are read at once.
pub(crate) const COUNT: usize = 1_000;
/// How long a read waits for a new entry. The age of the replica is at most about this long.
const BLOCK: Duration = Duration::from_secs(1);
/// How long a reply may take, in addition to the time that a command blocks.
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The place of the reader in the stream.
pub(crate) struct Position {
    /// The oldest entry of the stream.
    pub(crate) first: Option<StreamId>,
    /// The last entry that was read.
    pub(crate) last: StreamId,
    /// How often the replica had come to lack entries when the stream was last read as a whole.
    pub(crate) extensions: u64,
}

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
    let mut connection = connect(shared, BLOCK + REPLY_TIMEOUT).await?;
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

pub(crate) async fn connect(
    shared: &Shared,
    reply_timeout: Duration,
) -> Result<MultiplexedConnection, ReadError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(reply_timeout));
    match tokio::time::timeout(CONNECT_TIMEOUT, connect::open(&*shared.connect, config)).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(ReadError::TooSlow(CONNECT_TIMEOUT)),
    }
}

/// Checks that the server is a primary, in its reply to `HELLO`. A replica may be behind, or have
/// lost its primary. A primary that becomes a replica ends reads that wait, but keeps connections
/// that do not, so each read asks again before it waits.
pub(crate) fn check_primary(reply: &Value) -> Result<(), ReadError> {
    let mut members = reply.as_map_iter().ok_or(ReadError::UnexpectedReply)?;
    let is_primary = members.any(|(name, value)| is_text(name, "role") && is_text(value, "master"));
    if is_primary { Ok(()) } else { Err(ReadError::NotPrimary) }
}

fn is_text(value: &Value, text: &str) -> bool {
    match value {
        Value::BulkString(bytes) => bytes == text.as_bytes(),
        Value::SimpleString(simple) => simple == text,
        _ => false,
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

/// The pauses between attempts. Each is twice as long as the one before, up to a second.
#[derive(Default)]
pub(crate) struct Pause(u32);

impl Pause {
    pub(crate) async fn wait(&mut self) {
        let pause = Duration::from_millis(50).saturating_mul(1 << self.0);
        self.0 = (self.0 + 1).min(5);
        tokio::time::sleep(pause.min(Duration::from_secs(1))).await;
    }
}
