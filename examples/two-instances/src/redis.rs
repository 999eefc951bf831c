//! The Redis that the instances share.

use std::error::Error;
use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tower_step_up_redis::{Server, ServerError};

/// A server that was named, or one that the program has started.
pub(crate) struct Redis {
    url: String,
    /// The process and its directory. Both end with this value.
    own: Option<(Child, TempDir)>,
}

const NONE: &str = "no Redis on this machine: install one (apt install redis-server, brew install redis), \
                    or set REDIS_URL";

impl Redis {
    /// Returns the server that `REDIS_URL` names, or starts one that is installed. The latter listens on
    /// a socket in a new directory, and keeps nothing.
    pub(crate) async fn find() -> Result<Self, Box<dyn Error>> {
        if let Ok(url) = std::env::var("REDIS_URL") {
            return Ok(Self { url, own: None });
        }
        let directory = tempfile::tempdir()?;
        let socket = directory.path().join("redis.sock");
        for program in ["redis-server", "valkey-server"] {
            let mut command = Command::new(program);
            command.args(["--port", "0", "--save", "", "--unixsocket"]).arg(&socket);
            command.current_dir(&directory).stdin(Stdio::null()).stdout(Stdio::null());
            let Ok(mut process) = command.kill_on_drop(true).spawn() else { continue };
            // The store tries again until the server listens, but it may also have ended.
            while !socket.exists() {
                if let Some(status) = process.try_wait()? {
                    return Err(format!("{program} ended with {status}").into());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let url = format!("unix://{}", socket.display());
            return Ok(Self { url, own: Some((process, directory)) });
        }
        Err(NONE.into())
    }

    /// Returns the process, if this program has started it.
    pub(crate) fn process(&self) -> Option<u32> {
        self.own.as_ref().and_then(|(process, _)| process.id())
    }

    pub(crate) fn server(&self) -> Result<Server, ServerError> {
        Server::new(&self.url)
    }
}

impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may have a password.
        match (&self.own, self.server()) {
            (Some(_), _) => f.write_str(&self.url),
            (None, Ok(server)) => write!(f, "{server:?}"),
            (None, Err(_)) => f.write_str("REDIS_URL"),
        }
    }
}
