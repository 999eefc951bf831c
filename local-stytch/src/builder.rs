//! What is chosen before the start.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::net::TcpListener;

use crate::{
    LocalStytch,
    app::{App, Credentials},
    keys::Keys,
    state::State,
};

/// The project's id if none is chosen.
pub const DEFAULT_PROJECT_ID: &str = "project-test-00000000-0000-4000-8000-000000000000";
/// The project's secret if none is chosen. Everybody knows it: the stand-in listens on loopback only.
pub const DEFAULT_SECRET: &str = "secret-test-local-stytch";

/// Chooses address, credentials and the grace of sessions, then starts.
#[derive(Clone, Debug)]
#[must_use = "nothing listens before `start`"]
pub struct Builder {
    address: SocketAddr,
    credentials: Credentials,
    grace: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            credentials: Credentials { project_id: DEFAULT_PROJECT_ID.into(), secret: DEFAULT_SECRET.into() },
            grace: Duration::from_secs(5),
        }
    }
}

impl Builder {
    /// Where to listen: a loopback address, port 0 for any that is free. `127.0.0.1:0` unless chosen.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The project's id and secret; [`DEFAULT_PROJECT_ID`] and [`DEFAULT_SECRET`] unless chosen.
    pub fn credentials(mut self, project_id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.credentials = Credentials { project_id: project_id.into(), secret: secret.into() };
        self
    }

    /// How long, by the stand-in's clock, a session stays good after another took its factors: a day at most, 5 seconds
    /// unless chosen.
    pub fn session_grace(mut self, grace: Duration) -> Self {
        self.grace = grace.min(Duration::from_secs(86_400));
        self
    }

    /// Makes the keys, listens, and answers from then on in a task of the present tokio runtime.
    ///
    /// # Errors
    /// If the address is not of loopback or cannot be listened on, if the project's id is empty or has characters other than
    /// letters, digits, `-` and `_`, if the secret is empty, or if no keys can be made.
    pub async fn start(self) -> Result<LocalStytch, StartError> {
        if !self.address.ip().is_loopback() {
            return Err(StartError(Kind::NotLoopback(self.address)));
        }
        let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
        let Credentials { project_id, secret } = &self.credentials;
        if project_id.is_empty() || !project_id.bytes().all(plain) || secret.is_empty() {
            return Err(StartError(Kind::Credentials));
        }
        let failed = |error| StartError(Kind::Listen(self.address, error));
        let listener = TcpListener::bind(self.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let keys = tokio::task::spawn_blocking(Keys::generate).await;
        let keys = keys.map_err(|error| error.to_string()).and_then(|keys| keys.map_err(|error| error.to_string()));
        let keys = keys.map_err(|error| StartError(Kind::Keys(error)))?;

        let grace = time::Duration::try_from(self.grace).unwrap_or(time::Duration::DAY);
        let app = App::new(format!("http://{address}"), self.credentials, keys, State::new(grace));
        Ok(LocalStytch::serve(app, listener, address))
    }
}

/// Why the stand-in did not start: one line.
#[derive(Debug)]
pub struct StartError(Kind);

#[derive(Debug)]
enum Kind {
    NotLoopback(SocketAddr),
    Credentials,
    Listen(SocketAddr, io::Error),
    Keys(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::NotLoopback(address) => {
                write!(
                    f,
                    "cannot listen on {address}: a stand-in with a known secret listens on loopback only, such as 127.0.0.1"
                )
            }
            Kind::Credentials => f.write_str(
                "the project id has to be of letters, digits, `-` and `_`, and the secret must not be empty",
            ),
            Kind::Listen(address, error) if error.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "cannot listen on {address}: something else does already")
            }
            Kind::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Kind::Keys(error) => write!(f, "cannot make the keys that sign sessions: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Listen(_, error) => Some(error),
            _ => None,
        }
    }
}
