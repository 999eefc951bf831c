//! How a store finds and reaches the server.

use std::pin::Pin;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisResult};

/// The future of a new connection.
pub type ConnectFuture =
    Pin<Box<dyn Future<Output = RedisResult<MultiplexedConnection>> + Send + 'static>>;

/// A way to connect to the primary.
///
/// [`Server`](crate::Server) connects to an address. A [`redis::Client`] that you bring works too. A
/// closure can look the address up each time, for example at a Sentinel. A store calls it whenever it
/// needs a new connection, so after a failover it has to lead to the new primary. With a managed
/// service, that is usually a host name that follows the primary.
///
/// ```no_run
/// use redis::AsyncConnectionConfig;
/// use tower_step_up_redis::RedisRevocations;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// /// Returns the address of the primary, wherever you keep it.
/// async fn primary() -> String {
///     "redis://10.0.0.7:6379".to_owned()
/// }
///
/// let revocations = RedisRevocations::start(|config: AsyncConnectionConfig| async move {
///     let client = redis::Client::open(primary().await)?;
///     client.get_multiplexed_async_connection_with_config(&config).await
/// });
/// # drop(revocations);
/// # Ok(())
/// # }
/// ```
pub trait Connect: Send + Sync + 'static {
    /// Connects with these timeouts. The connection must not be shared, because a blocking read
    /// delays every other command.
    fn connect(&self, config: AsyncConnectionConfig) -> ConnectFuture;
}

/// Connects. An error that the server sent loses its text. A server that does not know a command repeats
/// its arguments, and `HELLO` may have the password.
pub(crate) async fn open(
    connect: &dyn Connect,
    config: AsyncConnectionConfig,
) -> RedisResult<MultiplexedConnection> {
    connect.connect(config).await.map_err(|error| match (error.code(), error.detail()) {
        (Some(code), Some(_)) => {
            let code = code.to_owned();
            (ErrorKind::AuthenticationFailed, "the server refused the connection", code).into()
        }
        _ => error,
    })
}

impl Connect for redis::Client {
    fn connect(&self, config: AsyncConnectionConfig) -> ConnectFuture {
        let client = self.clone();
        Box::pin(async move { client.get_multiplexed_async_connection_with_config(&config).await })
    }
}

impl<F, T> Connect for F
where
    F: Fn(AsyncConnectionConfig) -> T + Send + Sync + 'static,
    T: Future<Output = RedisResult<MultiplexedConnection>> + Send + 'static,
{
    fn connect(&self, config: AsyncConnectionConfig) -> ConnectFuture {
        Box::pin(self(config))
    }
}
