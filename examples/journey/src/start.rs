//! Starts the application. Everything that can go wrong at start-up is reported in one line.

use std::fmt::{self, Display, Write as _};
use std::future::pending;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use local_stytch::LocalStytch;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower_step_up::intent::LocalIntents;
use tower_step_up::layer::OnceError;
use tower_step_up::policy::UnknownPolicy;
use tower_step_up::respond::PageError;
use tower_step_up::sessions::PresentedToken;
use tower_step_up::stytch::{Project, ProjectError};
use tower_step_up::{Intents, Policies};

use crate::bank::Bank;
use crate::demo;
use crate::identity::Identity;
use crate::passkeys::Domain;
use crate::routes::routes;
use crate::settings::{Settings, StytchProject};

const POLICIES: &str = include_str!("../policies.toml");
/// How long the requests in flight may take after the program was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The application, bound to its address but not serving yet.
pub struct Journey {
    bank: Arc<Bank>,
    listener: TcpListener,
    address: SocketAddr,
}

impl Journey {
    /// Binds the address, audits the policies, and sets up the project. Without a project it starts
    /// local-stytch with a demonstration account.
    ///
    /// # Errors
    ///
    /// Returns an error if the port is taken, if the audit warns about a policy, if the project
    /// cannot be used, or if other machines could reach the demonstration.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let has_https = settings.public_url.is_some();
        let passkey_domain = Domain::of(settings.public_url.as_deref());
        match settings.project {
            Some(project) => {
                let opened = Opened::at(settings.address).await?;
                let mut bank = with_project(&project, has_https).await?;
                bank.passkey_domain = passkey_domain;
                Ok(opened.with(bank))
            }
            None if !settings.address.ip().is_loopback() => Err(StartError::new(
                "the demonstration listens on a loopback address only, because its password is public: listen on 127.0.0.1, or set STYTCH_PROJECT_ID and STYTCH_SECRET",
            )),
            None => {
                let stytch =
                    LocalStytch::builder().start().await.map_err(StartError::of_local_stytch)?;
                let opened = Opened::at(settings.address).await?;
                let mut bank = with_local_stytch(stytch, intents(), has_https).await?;
                bank.passkey_domain = passkey_domain;
                Ok(opened.with(bank))
            }
        }
    }

    /// Starts the application with a running stand-in. Tests use it to move the stand-in's clock.
    ///
    /// # Errors
    ///
    /// Returns an error if the port is taken, if the audit warns about a policy, or if the
    /// demonstration account cannot be opened.
    pub async fn start_with(address: SocketAddr, stytch: LocalStytch) -> Result<Self, StartError> {
        Self::start_with_intents(address, stytch, intents()).await
    }

    /// Starts the application as [`start_with`](Self::start_with) does, with these intents. Tests use
    /// it to fill their store.
    ///
    /// # Errors
    ///
    /// Returns an error as `start_with` does.
    pub async fn start_with_intents(
        address: SocketAddr,
        stytch: LocalStytch,
        intents: Intents,
    ) -> Result<Self, StartError> {
        let opened = Opened::at(address).await?;
        Ok(opened.with(with_local_stytch(stytch, intents, false).await?))
    }

    /// Returns the URL at which the application listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the text to print at start-up: the URL, how to sign in, and the audit of the
    /// policies.
    #[must_use]
    pub fn announcement(&self) -> String {
        let mut text = format!("Harbour Bank is open at {}\n", self.url());
        // Writing to a string cannot fail.
        let _ = match &self.bank.local {
            Some(stytch) => write!(
                text,
                "  sign in as  {} with the password {}\n  messages    {} (local-stytch: nothing leaves this machine)\n",
                demo::EMAIL,
                demo::PASSWORD,
                stytch.phone_url()
            ),
            None if self.address.ip().is_loopback() => writeln!(text, "  with your Stytch project"),
            None => writeln!(
                text,
                "  with your Stytch project; browsers accept the bank's cookies only over HTTPS, so put a proxy with TLS in front"
            ),
        };
        text + &audit_table(&self.bank.policies)
    }

    /// Serves requests until the process ends.
    ///
    /// # Errors
    ///
    /// Returns an error if the listener fails.
    pub async fn serve(self) -> Result<(), StartError> {
        self.serve_until(pending()).await
    }

    /// Serves requests until `stop` completes. Then it finishes those in flight, for ten seconds at
    /// most.
    ///
    /// # Errors
    ///
    /// Returns an error if the listener fails or if requests had to be dropped.
    pub async fn serve_until(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StartError> {
        let (stopping, stopped) = oneshot::channel::<()>();
        let server = axum::serve(self.listener, routes(self.bank))
            .with_graceful_shutdown(async move { stopped.await.unwrap_or_default() });
        let mut serving = pin!(server.into_future());
        tokio::select! {
            ended = &mut serving => return ended.map_err(StartError::new),
            () = stop => drop(stopping),
        }
        let ended = tokio::time::timeout(GRACE, serving).await;
        ended
            .map_err(|_| {
                StartError::new(format!("dropped requests that took longer than {GRACE:?}"))
            })?
            .map_err(StartError::new)
    }
}

/// A bound listener and its address.
struct Opened {
    listener: TcpListener,
    address: SocketAddr,
}

impl Opened {
    async fn at(address: SocketAddr) -> Result<Self, StartError> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| StartError::new(format!("{address}: {error}")))?;
        let address = listener.local_addr().map_err(StartError::new)?;
        Ok(Self { listener, address })
    }

    fn with(self, bank: Bank) -> Journey {
        Journey { bank: Arc::new(bank), listener: self.listener, address: self.address }
    }
}

/// Returns the policies, or an error if the audit warns about one of them.
fn audited() -> Result<Policies, StartError> {
    let policies = Policies::from_toml(POLICIES)
        .map_err(|error| StartError::new(format!("policies.toml: {error}")))?;
    for policy in &policies {
        if let Some(warning) = policy.audit().warnings().next() {
            let name = policy.name().unwrap_or_default();
            return Err(StartError::new(format!("policies.toml: {name}: {warning}")));
        }
    }
    Ok(policies)
}

/// Returns the store of intents. It is for one instance, as the ledger is.
fn intents() -> Intents {
    Intents::new(LocalIntents::new())
}

/// Returns one line for each policy, with the number of compromises that open it. A compromise is
/// one thing that an attacker takes over, such as the mailbox or the phone.
fn audit_table(policies: &Policies) -> String {
    let fewest = |sets: &[Vec<_>]| {
        sets.iter().map(Vec::len).min().map_or("none".into(), |fewest| fewest.to_string())
    };
    let mut table =
        "  policies    how many things, such as the mailbox, an attacker must take over: without a session, with a stolen session\n"
            .to_owned();
    for policy in policies {
        let (name, audit) = (policy.name().unwrap_or_default(), policy.audit());
        let (cold, hijacked) = (fewest(&audit.cold), fewest(&audit.hijacked));
        let _ = writeln!(table, "    {name:14} {cold}, {hijacked}   {policy}");
        audit.findings.iter().for_each(|finding| {
            let _ = writeln!(table, "      {finding}");
        });
    }
    table
}

async fn with_project(settings: &StytchProject, has_https: bool) -> Result<Bank, StartError> {
    let policies = audited()?;
    let StytchProject { id, secret, base_url } = settings;
    // Stytch's client reads the proxy from the environment too.
    let mut project = Project::new(id)?.proxy_from_env()?;
    if let Some(base_url) = base_url {
        project = project.custom_domain(base_url)?;
    }
    check_secret(&project, secret).await?;
    let identity = Identity::new(id, secret, base_url.as_deref())
        .map_err(|error| StartError::new(format!("cannot create Stytch's client: {error}")))?;
    Bank::new(&with_cookie_names(project, has_https), secret, identity, policies, &intents(), None)
}

async fn with_local_stytch(
    stytch: LocalStytch,
    intents: Intents,
    has_https: bool,
) -> Result<Bank, StartError> {
    let policies = audited()?;
    let id = stytch.project_id().to_owned();
    let secret = stytch.secret().to_owned();
    let base_url = stytch.base_url().to_owned();
    let project = Project::new(&id)?.custom_domain(&base_url)?;
    let identity = Identity::new(&id, &secret, Some(&base_url)).map_err(StartError::new)?;
    demo::open_account(&identity, &stytch).await.map_err(StartError::of_local_stytch)?;
    let project = with_cookie_names(project, has_https);
    Bank::new(&project, &secret, identity, policies, &intents, Some(stytch))
}

/// Gives the cookies names that begin with `__Host-` if browsers use HTTPS. No other site of the
/// same domain can set a cookie with such a name. Browsers reject these names over HTTP, so there
/// the cookies keep Stytch's names.
fn with_cookie_names(project: Project, has_https: bool) -> Project {
    if !has_https {
        return project;
    }
    project
        .session_jwt_cookie("__Host-stytch_session_jwt")
        .session_token_cookie("__Host-stytch_session")
}

/// Checks the secret by asking Stytch about a session that does not exist. With the right secret,
/// Stytch reports that it did not find the session. The call changes nothing.
async fn check_secret(project: &Project, secret: &str) -> Result<(), StartError> {
    let no_session = PresentedToken::SessionToken("start-up-check".into());
    let Err(error) = project.sessions_api(secret).authenticate(&no_session).await else {
        return Ok(());
    };
    match (error.status().map(|status| status.as_u16()), error.error_type()) {
        (Some(401 | 403), _) => Err(StartError::new(format!(
            "Stytch does not accept STYTCH_SECRET as a secret of {}",
            project.id()
        ))),
        (Some(400 | 404), Some(_)) => Ok(()),
        _ => Err(StartError::new(format!(
            "Stytch's API (at STYTCH_BASE_URL, if set) did not respond as expected: {error}"
        ))),
    }
}

/// The reason why the application does not start, in one line.
#[derive(Debug)]
pub struct StartError(String);

impl StartError {
    pub(crate) fn new(why: impl Display) -> Self {
        Self(why.to_string())
    }

    fn of_local_stytch(why: impl Display) -> Self {
        Self(format!("local-stytch: {why}"))
    }
}

impl Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl From<std::io::Error> for StartError {
    fn from(error: std::io::Error) -> Self {
        Self::new(error)
    }
}

impl From<ProjectError> for StartError {
    fn from(error: ProjectError) -> Self {
        Self::new(error)
    }
}

impl From<PageError> for StartError {
    fn from(error: PageError) -> Self {
        Self::new(error)
    }
}

impl From<UnknownPolicy> for StartError {
    fn from(error: UnknownPolicy) -> Self {
        Self::new(error)
    }
}

impl From<OnceError> for StartError {
    fn from(error: OnceError) -> Self {
        Self::new(error)
    }
}
