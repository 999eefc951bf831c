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
/// closure can look the address up each time. A store calls it whenever it needs a new connection, so
/// after a failover it has to lead to the new primary. With a managed service, that is usually a host
/// name that follows the primary. With Sentinels, ask them. The closure can be cloned for both stores:
///
/// ```no_run
/// use std::sync::Arc;
///
/// use redis::AsyncConnectionConfig;
/// use redis::sentinel::{SentinelClient, SentinelServerType};
/// use tower_step_up_redis::{RedisIntents, RedisRevocations};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let sentinels = vec!["redis://10.0.0.7:26379", "redis://10.0.0.8:26379"];
/// let name = "mymaster".to_owned();
/// let client = SentinelClient::build(sentinels, name, None, SentinelServerType::Master)?;
/// let client = Arc::new(tokio::sync::Mutex::new(client));
/// let primary = move |config: AsyncConnectionConfig| {
///     let client = Arc::clone(&client);
///     async move { client.lock().await.get_async_connection_with_config(&config).await }
/// };
/// let revocations = RedisRevocations::start(primary.clone());
/// let intents = RedisIntents::new(primary);
/// # drop((revocations, intents));
/// # Ok(())
/// # }
/// ```
///
/// The application needs the same major version of the crate `redis`, with its feature `sentinel`.
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
