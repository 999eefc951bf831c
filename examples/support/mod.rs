//! What both examples share: where they listen, the project that they guard for, and people to try
//! the routes with.

mod people;
mod serving;

pub(crate) use self::serving::exit_code;

use std::env::{self, VarError};

use tokio::net::TcpListener;
use tower_step_up::stytch::Project;
use tower_step_up::testing::TestIssuer;
use tower_step_up::{StepUpLayer, SystemClock};

const PROJECT_ID: &str = "STYTCH_PROJECT_ID";

/// A project to guard for: a real one, or one that this process stands in for.
pub(crate) struct Site {
    base: String,
    project: Project,
    stand_in: Option<StandIn>,
}

/// Issues the tokens of several people, and publishes its key where Stytch would.
#[derive(Clone)]
pub(crate) struct StandIn {
    base: String,
    jwks_url: String,
    issuer: TestIssuer,
}

/// Listens on the address of the first argument. What goes wrong is told in one line.
pub(crate) async fn open() -> Result<(TcpListener, Site), String> {
    let real = match env::var(PROJECT_ID) {
        Ok(id) => Some(Project::new(&id).map_err(|error| format!("{PROJECT_ID}: {error}"))?),
        Err(VarError::NotPresent) => None,
        Err(error) => return Err(format!("{PROJECT_ID}: {error}")),
    };
    let (listener, base) = serving::listen().await?;
    Ok((listener, Site::new(real, base)?))
}

impl Site {
    fn new(real: Option<Project>, base: String) -> Result<Self, String> {
        if let Some(project) = real {
            return Ok(Self { base, project, stand_in: None });
        }
        let issuer = TestIssuer::new().clock(SystemClock);
        let project = Project::new(issuer.audience())
            .and_then(|project| project.custom_domain(&base))
            .map_err(|error| {
                format!("without {PROJECT_ID} the address must be of this machine only: {error}")
            })?;
        let stand_in = StandIn { base: base.clone(), jwks_url: project.jwks_url(), issuer };
        Ok(Self { base, project, stand_in: Some(stand_in) })
    }

    /// A guard that demands any session of the project, until more is required.
    pub(crate) fn guard(&self) -> StepUpLayer {
        self.project.guard()
    }

    /// Without a real project.
    pub(crate) fn stand_in(&self) -> Option<&StandIn> {
        self.stand_in.as_ref()
    }

    /// Prints the address, and what to try.
    pub(crate) fn announce(&self) -> Result<(), String> {
        let Self { base, project, .. } = self;
        let what_to_try = match &self.stand_in {
            Some(stand_in) => stand_in.people(),
            None => format!(
                "guarding for {}, with the keys of {}\n\nGET /profile: 200\n  \
                 curl -i {base}/profile -H \"Authorization: Bearer <session JWT>\"\n",
                project.id(),
                project.jwks_url(),
            ),
        };
        serving::print(&format!("listening on {base}\n{what_to_try}"))
    }
}

impl StandIn {
    /// Where the guard looks for keys on this server.
    pub(crate) fn jwks_path(&self) -> &str {
        self.jwks_url.strip_prefix(&self.base).unwrap_or(&self.jwks_url)
    }

    /// The keys.
    pub(crate) fn jwks(&self) -> String {
        self.issuer.jwks().to_owned()
    }

    /// Requests to paste, with tokens minted now, each after the answer to expect.
    pub(crate) fn people(&self) -> String {
        people::lines(&self.base, &self.issuer)
    }
}
