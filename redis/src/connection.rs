//! The connections of the two tasks.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Value};

use crate::connect::{self, Connect};
use crate::error::ReadError;

/// How long a reply may take, in addition to the time that a command blocks.
pub(crate) const REPLY_TIMEOUT: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects, or gives up after two seconds. A reply may then take this long.
pub(crate) async fn connect(
    server: &dyn Connect,
    reply_timeout: Duration,
) -> Result<MultiplexedConnection, ReadError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(reply_timeout));
    match tokio::time::timeout(CONNECT_TIMEOUT, connect::open(server, config)).await {
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
