//! The settings of a stand-in.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use time::{OffsetDateTime, UtcOffset};
use tokio::net::TcpListener;

use crate::{
    LocalStytch,
    app::{App, Credentials},
    clock::Clock,
    keys::Keys,
    state::State,
};

/// The default project id.
pub const DEFAULT_PROJECT_ID: &str = "project-test-00000000-0000-4000-8000-000000000000";
/// The default secret. It is public, which is why the stand-in listens on loopback only.
pub const DEFAULT_SECRET: &str = "secret-test-local-stytch";

/// Sets the address, the credentials, the clock and the session grace, and starts the stand-in.
#[derive(Clone, Debug)]
#[must_use = "nothing listens before `start`"]
pub struct Builder {
    address: SocketAddr,
    credentials: Credentials,
    grace: Duration,
    stopped_at: Option<OffsetDateTime>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            credentials: Credentials {
                project_id: DEFAULT_PROJECT_ID.into(),
                secret: DEFAULT_SECRET.into(),
            },
            grace: Duration::from_secs(5),
            stopped_at: None,
        }
    }
}

impl Builder {
    /// Sets the loopback address to listen on. Port 0 means any free port. The default is
    /// `127.0.0.1:0`.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Sets the project's id and secret. The defaults are [`DEFAULT_PROJECT_ID`] and
    /// [`DEFAULT_SECRET`].
    pub fn credentials(mut self, project_id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.credentials = Credentials { project_id: project_id.into(), secret: secret.into() };
        self
    }

    /// Sets how long a session stays valid after a new session has replaced it, by the stand-in's
    /// clock. A session is replaced when the user proves a factor in it. The default is 5 seconds
    /// and the maximum is a day.
    pub fn session_grace(mut self, grace: Duration) -> Self {
        self.grace = grace.min(Duration::from_secs(86_400));
        self
    }

    /// Stops the clock at `at`, so that a test does not depend on how long it takes. Only
    /// [`LocalStytch::advance`] and `POST /local/clock` then move it. By default the clock follows
    /// the system's.
    ///
    /// A verifier of session JWTs that uses another clock must see the same time, because a JWT
    /// lives five minutes.
    pub fn stopped_clock(mut self, at: OffsetDateTime) -> Self {
        self.stopped_at = Some(at);
        self
    }

    /// Generates the keys, listens, and serves requests in a task of the current tokio runtime.
    ///
    /// # Errors
    /// Returns an error in one of these cases:
    ///
    /// - The address is not a loopback one, or it is not possible to listen on it.
    /// - The project's id is empty, begins with `secret-`, or has characters other than letters,
    ///   digits, `-` and `_`.
    /// - The secret is empty.
    /// - The clock is stopped before 1970 or after 2999.
    /// - The keys cannot be generated.
    pub async fn start(self) -> Result<LocalStytch, StartError> {
        if !self.address.ip().is_loopback() {
            return Err(StartError(Kind::NotLoopback(self.address)));
        }
        let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
        let Credentials { project_id, secret } = &self.credentials;
        let is_secret = project_id.to_ascii_lowercase().starts_with("secret-");
        let is_id = !project_id.is_empty() && project_id.bytes().all(plain) && !is_secret;
        if !is_id || secret.is_empty() {
            return Err(StartError(Kind::Credentials));
        }
        if self
            .stopped_at
            .is_some_and(|at| !(1970..3000).contains(&at.to_offset(UtcOffset::UTC).year()))
        {
            return Err(StartError(Kind::Clock));
        }
        let failed = |error| StartError(Kind::Listen(self.address, error));
        let listener = TcpListener::bind(self.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let keys = tokio::task::spawn_blocking(Keys::generate).await;
        let keys = keys
            .map_err(|error| error.to_string())
            .and_then(|keys| keys.map_err(|error| error.to_string()));
        let keys = keys.map_err(|error| StartError(Kind::Keys(error)))?;

        let grace = time::Duration::try_from(self.grace).unwrap_or(time::Duration::DAY);
        let clock = Clock::new(self.stopped_at);
        let app =
            App::new(format!("http://{address}"), self.credentials, clock, keys, State::new(grace));
        Ok(LocalStytch::serve(app, listener, address))
    }
}

/// The reason why the stand-in did not start, in one line.
#[derive(Debug)]
pub struct StartError(Kind);

#[derive(Debug)]
enum Kind {
    NotLoopback(SocketAddr),
    Credentials,
    Clock,
    Listen(SocketAddr, io::Error),
    Keys(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::NotLoopback(address) => {
                write!(
                    f,
                    "cannot listen on {address}: for security, the stand-in listens on loopback only, such as 127.0.0.1"
                )
            }
            Kind::Credentials => f.write_str(
                "the project id must consist of letters, digits, `-` and `_` and must not begin with `secret-`, \
                 and the secret must not be empty",
            ),
            Kind::Clock => f.write_str("the clock must be stopped at a date from 1970 to 2999"),
            Kind::Listen(address, error) if error.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "cannot listen on {address}: the address is already in use")
            }
            Kind::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Kind::Keys(error) => write!(f, "cannot generate the keys that sign sessions: {error}"),
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
