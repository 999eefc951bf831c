//! The task that writes revocations to the stream.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;

use crate::connection::{Pause, REPLY_TIMEOUT, connect};
use crate::error::ReadError;
use crate::shared::Shared;
use crate::stream_id::StreamId;
use crate::unwritten::Batch;

/// Writes what is not written yet, until the task is aborted.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut connection = None;
    let mut pause = Pause::default();
    loop {
        let mut batch = shared.unwritten.next_batch().await;
        shared.unwritten.drop_expired(&mut batch, |at| shared.has_expired(at));
        if batch.is_empty() {
            continue;
        }
        match write(&shared, &mut connection, &batch).await {
            Ok(ids) => {
                shared.note_write(None);
                let waited = shared.unwritten.succeeded(&batch, &ids);
                pause = Pause::default();
                if !waited {
                    read_up_to(&shared, ids.iter().max()).await;
                }
            }
            Err(error) => {
                let reason = error.to_string();
                shared.unwritten.failed(&batch, &reason);
                shared.note_write(Some(reason));
                // A server that has become a replica refuses writes, so another may be the primary.
                connection = None;
                pause.wait().await;
            }
        }
    }
}

/// Waits until the reader has read what was written, unless a caller waits for a write. Processes
/// that write back the same revocations then see what the others have written.
async fn read_up_to(shared: &Shared, id: Option<&StreamId>) {
    let Some(id) = id else { return };
    tokio::select! {
        () = shared.wait_for(*id) => {}
        () = shared.unwritten.urgent() => {}
        () = tokio::time::sleep(REPLY_TIMEOUT) => {}
    }
}

/// A connection, and how often the reader had connected before.
type Connection = (u64, MultiplexedConnection);

/// Writes on a connection that is as new as the reader's. An older one may lead to a server that is no
/// longer the primary.
async fn write(
    shared: &Shared,
    connection: &mut Option<Connection>,
    batch: &Batch,
) -> Result<Vec<StreamId>, ReadError> {
    let connections = shared.connections();
    let (_, connection) = match connection.take_if(|(known, _)| *known == connections) {
        Some(known) => connection.insert(known),
        None => connection.insert((connections, connect(&*shared.connect, REPLY_TIMEOUT).await?)),
    };
    let mut commands = redis::pipe();
    for (place, (revoked, at)) in batch.iter().enumerate() {
        let oldest = shared.oldest().filter(|_| place == 0);
        commands.add_command(crate::entry::write(&shared.settings.key, oldest, revoked, *at));
    }
    let ids: Vec<Vec<u8>> = commands.query_async(connection).await?;
    let ids: Option<Vec<_>> = ids.iter().map(|id| StreamId::parse(id)).collect();
    ids.filter(|ids| ids.len() == batch.len()).ok_or(ReadError::UnexpectedReply)
}
