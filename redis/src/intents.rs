//! The store of intents.

mod entries;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_step_up::intent::{
    Found, Intent, IntentFuture, IntentId, IntentStore, IntentUser, IntentsUnavailable,
};

use crate::connect::Connect;
use crate::error::IntentError;
use crate::link::{Link, Repeat};

/// A store of intents that processes share in Redis. It is a handle and cheap to clone.
///
/// ```
/// use tower_step_up::Intents;
/// use tower_step_up_redis::{RedisIntents, Server};
///
/// let intents = Intents::new(RedisIntents::new(Server::new("redis://127.0.0.1:6379")?));
/// # drop(intents);
/// # Ok::<(), tower_step_up_redis::ServerError>(())
/// ```
///
/// It connects when it is used first, and again after a failure. All clones share one connection, which
/// closes with the last of them. A call that Redis does not answer in time is an error, and the guard
/// answers with 503. If an attempt to connect fails, the calls of the next half second fail at once.
/// Calls need a tokio runtime with I/O and a timer.
///
/// It keeps at most 16 open and 16 used intents of a user, about half a kilobyte each. They are in one list,
/// whose key names the issuer and the user with the lengths of both, such as
/// `tower-step-up:intent:37:https://login.example.com/realms/shop:3:ada`. An operator can
/// delete the list, and the user then begins again. A list expires a minute after its last intent. The
/// clocks of the processes decide whether an intent has expired, and the server's clock does not matter.
///
/// # What it cannot promise
///
/// Redis copies a write to its replicas after it has confirmed it, and to its disk too with
/// `appendfsync everysec`. After a failover or a crash it may have forgotten that an intent was used.
/// All open intents of the user are then open again until they expire, and the proofs that were used
/// can confirm one more action.
///
/// - `min-replicas-to-write 1` makes the window smaller: a primary that is cut off from its replicas
///   then refuses, and the guard answers with 503. The store does not use `WAIT`, which makes it smaller
///   too but does not close it.
/// - The policy `noeviction` keeps Redis from dropping lists when its memory is full. It then refuses new
///   intents, and those that are open can still be confirmed.
/// - What must never happen twice needs a check where it happens. For a payment, make the id that
///   [`confirm`](tower_step_up::Once::confirm) returns a unique column of the table of payments.
///
/// If the answer to the last step is lost, the guard answers with 503, although the intent may have been
/// used. The retry then gets a 409, and the user proves the action anew. The handler has done nothing.
#[derive(Clone)]
pub struct RedisIntents {
    link: Arc<Link>,
    prefix: Arc<str>,
    timeout: Duration,
}

const RETRY_AFTER: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(60);

impl RedisIntents {
    /// Creates the store at this server. It does not connect yet.
    #[must_use]
    pub fn new(server: impl Connect) -> Self {
        Self {
            link: Arc::new(Link::new(server)),
            prefix: "tower-step-up:intent".into(),
            timeout: Duration::from_secs(2),
        }
    }

    /// Sets what the keys begin with. The default is `tower-step-up:intent`. Processes share intents if
    /// they use the same server, database and prefix.
    #[must_use]
    pub fn key_prefix(self, prefix: &str) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Sets how long a call may take, with the connection that it may have to make. The default is 2 s.
    /// It is from 1 ms to a minute. A time outside becomes the nearest of these two. A confirmation
    /// makes up to four calls.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.clamp(SHORTEST, LONGEST), ..self }
    }
}

impl IntentStore for RedisIntents {
    fn create(&self, intent: Intent) -> IntentFuture<()> {
        let (link, timeout) = (Arc::clone(&self.link), self.timeout);
        let command = entries::create(&self.prefix, &intent);
        answer(async move { link.query(&command?, timeout, Repeat::Once).await })
    }

    /// A replica may answer, and not know yet that an intent was used. It refuses to consume one. The
    /// primary has no open intent that is older than a used one, and a replica that knows the open one
    /// knows every one that was used before.
    fn find(&self, user: &IntentUser, id: &IntentId) -> IntentFuture<Option<Found>> {
        let (link, timeout) = (Arc::clone(&self.link), self.timeout);
        let command = entries::list(&self.prefix, user);
        let (user, id) = (user.clone(), id.clone());
        answer(async move {
            let entries: Vec<Vec<u8>> = link.query(&command, timeout, Repeat::Once).await?;
            entries::find(&entries, &user, &id)
        })
    }

    /// It is not repeated: if the first answer was lost, the second would say that another request has
    /// used the intent.
    fn consume(&self, intent: Intent) -> IntentFuture<bool> {
        let (link, timeout) = (Arc::clone(&self.link), self.timeout);
        let command = entries::consume(&self.prefix, &intent);
        answer(async move { link.query(&command?, timeout, Repeat::Never).await })
    }
}

fn answer<T>(
    call: impl Future<Output = Result<T, IntentError>> + Send + 'static,
) -> IntentFuture<T> {
    Box::pin(async move { call.await.map_err(|error| IntentsUnavailable::new(RETRY_AFTER, error)) })
}

impl fmt::Debug for RedisIntents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisIntents")
            .field("key_prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
