//! A server at a fixed address.

use std::fmt;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::connect::{Connect, ConnectFuture};
use crate::error::ServerError;
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// A server at an address: `redis://`, `rediss://` (with TLS) or `unix://`. It may have a user name, a
/// password and the number of a database, such as `rediss://user:password@host:6379/0`.
///
/// With TLS it trusts the authorities of Mozilla's root program. The connection uses rustls with
/// aws-lc-rs, whatever provider the process has installed.
///
/// ```
/// use tower_step_up_redis::Server;
///
/// let server = Server::new("rediss://user:secret@redis.example.com:6380")?;
/// assert_eq!(format!("{server:?}"), "Server(\"rediss://redis.example.com:6380\")");
///
/// assert!(Server::new("https://redis.example.com").is_err());
/// # Ok::<(), tower_step_up_redis::ServerError>(())
/// ```
#[derive(Clone)]
pub struct Server {
    info: ConnectionInfo,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Server {
    /// Creates a server at this address. It does not connect yet.
    ///
    /// # Errors
    ///
    /// Returns [`ServerError`] if the address is not valid, or if it needs TLS and the feature `tls` is
    /// off.
    pub fn new(url: &str) -> Result<Self, ServerError> {
        if url.contains('#') {
            return Err(ServerError::Fragment);
        }
        let plain = url.strip_prefix("rediss://").map(|rest| format!("redis://{rest}"));
        let info = plain.as_deref().unwrap_or(url).into_connection_info();
        let info = info.map_err(ServerError::InvalidUrl)?;
        #[cfg(feature = "tls")]
        let server = Self { info, tls: plain.map(|_| Tls::new()) };
        #[cfg(not(feature = "tls"))]
        let server = match plain {
            Some(_) => return Err(ServerError::NoTls),
            None => Self { info },
        };
        Ok(server)
    }

    /// Also trusts these certificate authorities, in PEM.
    ///
    /// # Errors
    ///
    /// Returns [`ServerError::InvalidRoots`] if the text has no certificate, or one that cannot be read.
    #[cfg(feature = "tls")]
    pub fn trust_roots(mut self, pem: &[u8]) -> Result<Self, ServerError> {
        self.tls = self.tls.map(|tls| tls.trust_roots(pem)).transpose()?;
        Ok(self)
    }

    async fn open(self, config: AsyncConnectionConfig) -> RedisResult<MultiplexedConnection> {
        match self.info.addr() {
            #[cfg(unix)]
            ConnectionAddr::Unix(path) => {
                let stream = tokio::net::UnixStream::connect(path).await?;
                self.speak(stream, config).await
            }
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                #[cfg(feature = "tls")]
                if let Some(tls) = &self.tls {
                    let stream = tls.connect(host, stream).await?;
                    return self.speak(stream, config).await;
                }
                self.speak(stream, config).await
            }
            _ => Err(std::io::Error::from(std::io::ErrorKind::Unsupported).into()),
        }
    }

    /// Makes a connection of a stream. The task that drives it ends with the last clone of the
    /// connection.
    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        config: AsyncConnectionConfig,
    ) -> RedisResult<MultiplexedConnection> {
        let settings = self.info.redis_settings();
        let (connection, driver) =
            MultiplexedConnection::new_with_config(settings, stream, config).await?;
        tokio::spawn(driver);
        Ok(connection)
    }
}

impl Connect for Server {
    fn connect(&self, config: AsyncConnectionConfig) -> ConnectFuture {
        Box::pin(self.clone().open(config))
    }
}

impl fmt::Debug for Server {
    /// Omits the user name and the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "tls")]
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        #[cfg(not(feature = "tls"))]
        let scheme = "redis";
        f.debug_tuple("Server").field(&format!("{scheme}://{}", self.info.addr())).finish()
    }
}
