//! What is chosen before the start.

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

/// The project's id if none is chosen.
pub const DEFAULT_PROJECT_ID: &str = "project-test-00000000-0000-4000-8000-000000000000";
/// The project's secret if none is chosen. Everybody knows it: the stand-in listens on loopback
/// only.
pub const DEFAULT_SECRET: &str = "secret-test-local-stytch";

/// Chooses address, credentials, clock and the grace of sessions, then starts.
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
    /// Where to listen: a loopback address, port 0 for any that is free. `127.0.0.1:0` unless
    /// chosen.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The project's id and secret; [`DEFAULT_PROJECT_ID`] and [`DEFAULT_SECRET`] unless chosen.
    pub fn credentials(mut self, project_id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.credentials = Credentials { project_id: project_id.into(), secret: secret.into() };
        self
    }

    /// How long, by the stand-in's clock, a session stays good after another took its factors: a
    /// day at most, 5 seconds unless chosen.
    pub fn session_grace(mut self, grace: Duration) -> Self {
        self.grace = grace.min(Duration::from_secs(86_400));
        self
    }

    /// A clock that shows `at` and stands still but for [`LocalStytch::advance`] and `POST
    /// /local/clock`, for tests that do not depend on how long they take. Unless chosen, the clock
    /// is the system's, plus what it is advanced.
    ///
    /// Whatever verifies session JWTs by another clock has to see the same time: five minutes is
    /// the life of a JWT.
    pub fn stopped_clock(mut self, at: OffsetDateTime) -> Self {
        self.stopped_at = Some(at);
        self
    }

    /// Makes the keys, listens, and answers from then on in a task of the present tokio runtime.
    ///
    /// # Errors
    /// Returns an error if the address is not of loopback or cannot be listened on, if the
    /// project's id is empty, begins as a secret does (`secret-`) or has characters other than
    /// letters, digits, `-` and `_`, if the secret is empty, if the clock is stopped before 1970
    /// or after 2999, or if no keys can be made.
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

/// Why the stand-in did not start: one line.
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
                    "cannot listen on {address}: a stand-in with a known secret listens on loopback only, such as 127.0.0.1"
                )
            }
            Kind::Credentials => f.write_str(
                "the project id has to be of letters, digits, `-` and `_` and must not begin with `secret-`, \
                 and the secret must not be empty",
            ),
            Kind::Clock => f.write_str("the clock has to be stopped at a date from 1970 to 2999"),
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
