//! Code that `axum_routes` and `hyper_service` share: the project whose sessions they accept, and
//! sample users. `renewal` uses only `serving.rs`.

mod people;
mod serving;

pub(crate) use self::serving::{Stop, run};

use std::env::{self, VarError};

use tower_step_up::stytch::Project;
use tower_step_up::testing::TestIssuer;
use tower_step_up::{StepUpLayer, SystemClock};

const PROJECT_ID: &str = "STYTCH_PROJECT_ID";
/// A custom domain of the project, or a stand-in for Stytch on this machine.
const BASE_URL: &str = "STYTCH_BASE_URL";

/// The project whose sessions the guards accept: a real one, or one for which this process stands
/// in for Stytch.
pub(crate) struct Site {
    base: String,
    project: Project,
    stand_in: Option<StandIn>,
}

/// A stand-in for Stytch. It issues the sample users' tokens and publishes its key.
#[derive(Clone)]
pub(crate) struct StandIn {
    base: String,
    jwks_url: String,
    issuer: TestIssuer,
}

impl Site {
    /// Returns the site whose URLs begin with `base`. An error message fits on one line.
    pub(crate) fn new(base: String) -> Result<Self, String> {
        if let Some(id) = variable(PROJECT_ID)? {
            let mut project =
                Project::new(&id).map_err(|error| format!("{PROJECT_ID}: {error}"))?;
            if let Some(domain) = variable(BASE_URL)? {
                project = project
                    .custom_domain(&domain)
                    .map_err(|error| format!("{BASE_URL}: {error}"))?;
            }
            return Ok(Self { base, project, stand_in: None });
        }
        if variable(BASE_URL)?.is_some() {
            return Err(format!("{BASE_URL} is set, but {PROJECT_ID} is not"));
        }
        let issuer = TestIssuer::new().clock(SystemClock);
        let project = Project::new(issuer.audience())
            .and_then(|project| project.custom_domain(&base))
            .map_err(|error| {
                format!("without {PROJECT_ID} the address must be on this machine: {error}")
            })?;
        let stand_in = StandIn { base: base.clone(), jwks_url: project.jwks_url(), issuer };
        Ok(Self { base, project, stand_in: Some(stand_in) })
    }

    /// Returns a guard that accepts any session of the project. Use `require` to demand more.
    pub(crate) fn guard(&self) -> StepUpLayer {
        self.project.guard()
    }

    /// Returns the stand-in, unless the project is a real one.
    pub(crate) fn stand_in(&self) -> Option<&StandIn> {
        self.stand_in.as_ref()
    }

    /// Prints the address, and requests to try.
    pub(crate) fn announce(&self) -> Result<(), String> {
        let Self { base, project, .. } = self;
        let what_to_try = match &self.stand_in {
            Some(_) => people::lines(base),
            None => format!(
                "accepting sessions of {}, verified with the keys from {}\n\nGET /profile: 200\n  \
                 curl -i {base}/profile -H \"Authorization: Bearer $session_jwt\"\n",
                project.id(),
                project.jwks_url(),
            ),
        };
        serving::print(&format!("listening on {base}\n{what_to_try}\nPress Ctrl-C to stop.\n"))
    }
}

/// Returns an environment variable. An empty one counts as not set.
fn variable(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

impl StandIn {
    /// Returns the path of the keys on this server.
    pub(crate) fn jwks_path(&self) -> &str {
        self.jwks_url.strip_prefix(&self.base).unwrap_or(&self.jwks_url)
    }

    /// Returns the keys.
    pub(crate) fn jwks(&self) -> String {
        self.issuer.jwks().to_owned()
    }

    /// Returns newly minted tokens of the sample users as shell assignments.
    pub(crate) fn tokens(&self) -> String {
        people::tokens(&self.issuer)
    }
}
