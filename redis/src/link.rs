//! A connection that many calls share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisResult};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::connect::{self, Connect};
use crate::error::IntentError;

/// A connection that is made when it is needed, and again after a failure.
pub(crate) struct Link {
    connect: Box<dyn Connect>,
    /// Locked while a call connects. The others wait for it.
    state: Mutex<State>,
}

enum State {
    Unused,
    Connected(Arc<Live>),
    Failed { at: Instant, reason: Arc<str> },
}

struct Live {
    connection: MultiplexedConnection,
    since: Instant,
    /// A command had no reply.
    is_lost: AtomicBool,
    /// The reply to a command was an error. Another server may accept it.
    has_refused: AtomicBool,
}

/// Whether a command is sent again, on a new connection, if its reply is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    Once,
    Never,
}

/// The shortest time between two attempts to connect, if the first did not help.
const PAUSE: Duration = Duration::from_millis(500);

impl Link {
    pub(crate) fn new(server: impl Connect) -> Self {
        Self { connect: Box::new(server), state: Mutex::new(State::Unused) }
    }

    /// Sends a command and returns its reply. Connecting takes a part of the time.
    pub(crate) async fn query<T: FromRedisValue>(
        &self,
        command: &Cmd,
        timeout: Duration,
        repeat: Repeat,
    ) -> Result<T, IntentError> {
        let deadline = Instant::now() + timeout;
        let too_slow = IntentError::TooSlow(timeout);
        let live = self.live(deadline, timeout).await?;
        let reply = match live.query(command, deadline).await {
            // A server or a proxy closes idle connections.
            Some(Err(error)) if error.is_connection_dropped() && repeat == Repeat::Once => {
                self.live(deadline, timeout).await?.query(command, deadline).await
            }
            reply => reply,
        };
        Ok(reply.ok_or(too_slow)??)
    }

    /// Returns the connection, or makes one.
    async fn live(&self, deadline: Instant, timeout: Duration) -> Result<Arc<Live>, IntentError> {
        let too_slow = IntentError::TooSlow(timeout);
        let Ok(mut state) = timeout_at(deadline, self.state.lock()).await else {
            return Err(too_slow);
        };
        match &*state {
            State::Connected(live) if live.is_usable() => return Ok(Arc::clone(live)),
            State::Failed { at, reason } if at.elapsed() < PAUSE => {
                return Err(IntentError::NotConnected(Arc::clone(reason)));
            }
            _ => {}
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        let error = match timeout_at(deadline, connect::open(&*self.connect, config)).await {
            Ok(Ok(connection)) => {
                let live = Arc::new(Live::new(connection));
                *state = State::Connected(Arc::clone(&live));
                return Ok(live);
            }
            Ok(Err(error)) => error.into(),
            Err(_) => too_slow,
        };
        *state = State::Failed { at: Instant::now(), reason: error.to_string().into() };
        Err(error)
    }
}

impl Live {
    fn new(connection: MultiplexedConnection) -> Self {
        Self {
            connection,
            since: Instant::now(),
            is_lost: AtomicBool::new(false),
            has_refused: AtomicBool::new(false),
        }
    }

    /// Sends a command and returns its reply, or `None` if there is none in time.
    async fn query<T: FromRedisValue>(
        &self,
        command: &Cmd,
        deadline: Instant,
    ) -> Option<RedisResult<T>> {
        let mut connection = self.connection.clone();
        let reply = timeout_at(deadline, command.query_async(&mut connection)).await.ok();
        match &reply {
            Some(Ok(_)) => {}
            Some(Err(error)) if error.code().is_some() => {
                self.has_refused.store(true, Ordering::Relaxed);
            }
            Some(Err(_)) | None => self.is_lost.store(true, Ordering::Relaxed),
        }
        reply
    }

    /// Returns whether further commands may use it. After a failover, a connection can lead to a server
    /// that has become a replica and refuses writes.
    fn is_usable(&self) -> bool {
        let may_stay = !self.has_refused.load(Ordering::Relaxed) || self.since.elapsed() < PAUSE;
        may_stay && !self.is_lost.load(Ordering::Relaxed)
    }
}
