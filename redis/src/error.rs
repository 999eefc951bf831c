//! Errors.

use std::sync::Arc;
use std::time::Duration;

use redis::RedisError;

/// An error building a [`Server`](crate::Server).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is not a URL of Redis.
    #[error("the address is not valid: expected redis://host:port or rediss://host:port")]
    InvalidUrl(#[source] RedisError),
    /// The address has a fragment, such as `#insecure`, which would turn the check of certificates off.
    #[error("the address has a fragment: certificates are always checked")]
    Fragment,
    /// The address begins with `rediss://`, and the feature `tls` is off.
    #[error("the address needs TLS: turn on the feature `tls`")]
    NoTls,
    /// The text with the roots contains no certificate, or one that cannot be read.
    #[error("the roots are not valid: expected certificates in PEM")]
    InvalidRoots,
}

/// The reason why a connection can no longer be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("the reply has an unexpected form")]
    UnexpectedReply,
    #[error("a write cannot be read: the connections lead to different servers")]
    OtherServer,
    #[error("the server is a replica: expected the primary")]
    NotPrimary,
    #[error("the stream holds more revocations than this process may keep")]
    TooMany,
    #[error("no connection within {0:?}")]
    TooSlow(Duration),
}

/// The reason why a write is not known to have succeeded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    #[error("Redis did not take the revocation: {0}")]
    Failed(Arc<str>),
    #[error("Redis did not confirm the revocation within {0:?}")]
    TooSlow(Duration),
    #[error("the issuer or the id is longer than {0} bytes")]
    TooLong(usize),
    #[error("the store has been dropped")]
    Ended,
}

/// The reason why the store of intents cannot tell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IntentError {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("Redis did not respond within {0:?}")]
    TooSlow(Duration),
    #[error("not connected: {0}")]
    NotConnected(Arc<str>),
    #[error("the list of the user has an entry that is not an intent of this version")]
    Unreadable,
    #[error("the intent is longer than {0} bytes")]
    TooLong(usize),
    #[error("the intent cannot be written")]
    Unwritable(#[source] serde_json::Error),
}
