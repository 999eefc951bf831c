//! The settings: one argument and four environment variables.

use std::net::SocketAddr;

use crate::start::StartError;

const DEFAULT_ADDRESS: &str = "127.0.0.1:3000";

/// The address to listen on, and the project to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The address to listen on.
    pub address: SocketAddr,
    /// The project. Without one, local-stytch stands in for Stytch.
    pub project: Option<StytchProject>,
    /// The address at which browsers reach the bank through a proxy with TLS (`PUBLIC_URL`), such
    /// as `https://bank.example.com`. The names of the cookies then begin with `__Host-`, so that
    /// no other site of the same domain can plant one.
    pub public_url: Option<String>,
}

/// A Stytch project.
#[derive(Clone, PartialEq, Eq)]
pub struct StytchProject {
    /// The project's id (`STYTCH_PROJECT_ID`).
    pub id: String,
    /// A secret of the project (`STYTCH_SECRET`).
    pub secret: String,
    /// The address of the API (`STYTCH_BASE_URL`), if it is not Stytch's own: a custom domain, or a
    /// stand-in on this machine.
    pub base_url: Option<String>,
}

impl std::fmt::Debug for StytchProject {
    /// Omits the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StytchProject")
            .field("id", &shown(&self.id))
            .field("base_url", &self.base_url.as_deref().map(shown))
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// The usage message, in one line.
    pub const USAGE: &str = "usage: journey [ADDRESS]   (default 127.0.0.1:3000; README.md lists the environment variables)";

    /// Reads the program's arguments and its environment. An empty variable counts as not set.
    ///
    /// # Errors
    ///
    /// Returns an error if there is more than one argument, if it is not an address, if the project
    /// is only partly configured, or if `PUBLIC_URL` is not an https origin.
    pub fn read(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, StartError> {
        let mut arguments = arguments.into_iter();
        let (address, more) = (arguments.next(), arguments.next());
        if more.is_some() {
            return Err(StartError::new(Self::USAGE));
        }
        let address = address.as_deref().unwrap_or(DEFAULT_ADDRESS);
        let address = address.parse().map_err(|_| {
            let usage = Self::USAGE;
            StartError::new(format!("{:?} is not an address to listen on; {usage}", shown(address)))
        })?;
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let public_url = variable("PUBLIC_URL");
        if public_url.as_deref().is_some_and(|url| !is_https_origin(url)) {
            return Err(StartError::new(
                "PUBLIC_URL is not an https origin such as https://bank.example.com",
            ));
        }
        Ok(Self { address, project: project(variable)?, public_url })
    }
}

/// Returns the setting for display. If it seems to contain a secret, all of it is replaced.
fn shown(setting: &str) -> &str {
    if setting.to_ascii_lowercase().contains("secret-") { "secret-..." } else { setting }
}

fn project(variable: impl Fn(&str) -> Option<String>) -> Result<Option<StytchProject>, StartError> {
    let base_url = variable("STYTCH_BASE_URL");
    let missing = |name| {
        StartError::new(format!(
            "{name} is not set: a project needs both STYTCH_PROJECT_ID and STYTCH_SECRET"
        ))
    };
    match (variable("STYTCH_PROJECT_ID"), variable("STYTCH_SECRET")) {
        (Some(id), Some(secret)) => Ok(Some(StytchProject { id, secret, base_url })),
        (Some(_), None) => Err(missing("STYTCH_SECRET")),
        (None, Some(_)) => Err(missing("STYTCH_PROJECT_ID")),
        (None, None) if base_url.is_some() => Err(missing("STYTCH_PROJECT_ID")),
        (None, None) => Ok(None),
    }
}

fn is_https_origin(url: &str) -> bool {
    url::Url::parse(url)
        .is_ok_and(|url| url.scheme() == "https" && url.path() == "/" && url.query().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arguments: &[&str], variables: &[(&str, &str)], want: Result<Option<&str>, &str>) {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, it)| (*it).to_owned())
        };
        let read = Settings::read(arguments.iter().map(|it| (*it).to_owned()), variable);
        match (read, want) {
            (Ok(settings), Ok(id)) => {
                assert_eq!(settings.project.map(|project| project.id).as_deref(), id)
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (read, want) => panic!("{read:?} is not {want:?}"),
        }
    }

    #[test]
    fn a_project_is_configured_completely_or_not_at_all() {
        let id = ("STYTCH_PROJECT_ID", "project-test-a");
        let secret = ("STYTCH_SECRET", "s");
        let url = ("STYTCH_BASE_URL", "u");
        check(&[], &[], Ok(None));
        check(&["127.0.0.1:4000"], &[("STYTCH_SECRET", "")], Ok(None));
        check(&[], &[id, secret], Ok(Some("project-test-a")));
        check(&[], &[id, secret, url], Ok(Some("project-test-a")));
        check(&[], &[id], Err("STYTCH_SECRET is not set"));
        check(&[], &[secret], Err("STYTCH_PROJECT_ID is not set"));
        check(&[], &[url], Err("STYTCH_PROJECT_ID is not set"));
    }

    #[test]
    fn an_invalid_argument_is_refused() {
        check(&["4000"], &[], Err("\"4000\" is not an address to listen on"));
        check(&["127.0.0.1:1", "more"], &[], Err("usage: journey"));
        check(&[" Secret-test-hidden"], &[], Err("\"secret-...\" is not an address to listen on"));
    }

    #[test]
    fn the_public_url_must_be_an_https_origin() {
        for (public_url, want) in [
            ("https://bank.example", Ok(None)),
            ("https://bank.example:8443/", Ok(None)),
            ("http://bank.example", Err("PUBLIC_URL")),
            ("https://bank.example/path", Err("PUBLIC_URL")),
            ("https://bank.example?query", Err("PUBLIC_URL")),
            ("bank.example", Err("PUBLIC_URL")),
        ] {
            check(&[], &[("PUBLIC_URL", public_url)], want);
        }
    }

    #[test]
    fn debug_output_hides_secrets() {
        for (id, secret, base_url) in [
            ("project-test-a", "hidden", None),
            ("secret-test-hidden", "project-test-a", None),
            (" SECRET-live-hidden", "project-test-a", None),
            ("project-test-a", "a", Some("https://secret-test-hidden")),
        ] {
            let base_url = base_url.map(Into::into);
            let project = StytchProject { id: id.into(), secret: secret.into(), base_url };
            let settings = Settings {
                address: ([127, 0, 0, 1], 1).into(),
                project: Some(project),
                public_url: None,
            };
            assert!(!format!("{settings:?} {settings:#?}").contains("hidden"), "{settings:?}");
        }
    }
}
