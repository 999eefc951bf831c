//! A Stytch project, and the values that its id determines.

mod guards;
mod settings;

use std::fmt;
use std::sync::Arc;

use super::ProjectError;
use super::address;
#[cfg(feature = "remote")]
use super::api;
use crate::credentials::{CredentialSource, SESSION_JWT_COOKIE, SESSION_TOKEN_COOKIE};
use crate::excerpt::without_secrets;
#[cfg(feature = "remote")]
use crate::http_client::HttpClient;
use crate::keys::KeySource;
#[cfg(feature = "remote")]
use crate::keys::RemoteKeys;
use crate::session::Tenancy;
use crate::token::{LocalRevocations, Revocations, Verifier};

/// A Stytch project. Its id determines the issuers and the audience of its tokens, and the address
/// of its keys. Its cookies have Stytch's names unless you set others.
///
/// ```
/// use tower_step_up::stytch::Project;
///
/// let project = Project::new("project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94")?;
/// assert_eq!(project.issuers(), ["stytch.com/project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94"]);
/// assert_eq!(
///     project.jwks_url(),
///     "https://test.stytch.com/v1/sessions/jwks/project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94"
/// );
///
/// let error = Project::new("my-project").unwrap_err();
/// assert_eq!(error.to_string(), "\"my-project\" is not a project id: expected project-live-… or project-test-…");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Project {
    id: Box<str>,
    tenancy: Tenancy,
    custom_domain: Option<Box<str>>,
    session_jwt_cookie: Box<str>,
    session_token_cookie: Box<str>,
    revocations: Arc<dyn Revocations>,
    #[cfg(feature = "remote")]
    keys: RemoteKeys,
    /// The default verifier, which guards share with its cache and its revocations.
    #[cfg(feature = "remote")]
    verifier: Verifier,
    /// The connections to the API.
    #[cfg(feature = "remote")]
    client: HttpClient,
}

impl Project {
    /// Creates a consumer project. The id is `project-live-` or `project-test-`, followed by
    /// letters, digits and hyphens.
    ///
    /// # Errors
    ///
    /// Returns [`ProjectError`] if the id is malformed.
    pub fn new(id: &str) -> Result<Self, ProjectError> {
        Self::of(Tenancy::Consumer, id)
    }

    /// Creates a B2B project, whose tokens belong to members of organizations.
    ///
    /// # Errors
    ///
    /// Returns [`ProjectError`] if the id is malformed.
    pub fn b2b(id: &str) -> Result<Self, ProjectError> {
        Self::of(Tenancy::B2b, id)
    }

    fn of(tenancy: Tenancy, id: &str) -> Result<Self, ProjectError> {
        let own = id
            .strip_prefix("project-live-")
            .or_else(|| id.strip_prefix("project-test-"))
            .unwrap_or_default();
        let is_well_formed = (1..=64).contains(&own.len())
            && own.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_well_formed {
            return Err(ProjectError::MalformedId(without_secrets(id).into()));
        }
        let revocations: Arc<dyn Revocations> = Arc::new(LocalRevocations::new());
        #[cfg(feature = "remote")]
        let keys = RemoteKeys::new(&address::jwks_url(tenancy, None, id))?;
        Ok(Self {
            id: id.into(),
            tenancy,
            custom_domain: None,
            session_jwt_cookie: SESSION_JWT_COOKIE.into(),
            session_token_cookie: SESSION_TOKEN_COOKIE.into(),
            #[cfg(feature = "remote")]
            verifier: verifier(id, tenancy, None, keys.clone(), &revocations),
            #[cfg(feature = "remote")]
            keys,
            #[cfg(feature = "remote")]
            client: HttpClient::new(api::MAX_IDLE_CONNECTIONS)?,
            revocations,
        })
    }

    /// Returns the project's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the issuers of the project's tokens (`iss`): `stytch.com/{id}`, and the custom
    /// domain if one is set.
    #[must_use]
    pub fn issuers(&self) -> Vec<String> {
        issuers(&self.id, self.custom_domain.as_deref()).collect()
    }

    /// Returns the name of the project as an issuer, which its sessions have.
    pub(super) fn name(&self) -> String {
        name(&self.id)
    }

    /// Returns the audience of the project's tokens (`aud`), which is the project's id.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.id
    }

    /// Returns the URL of the project's published keys, on the custom domain if one is set.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        address::jwks_url(self.tenancy, self.custom_domain.as_deref(), &self.id)
    }

    /// Returns the places where requests carry the project's tokens: the `Authorization` header,
    /// then the cookie with the JWT, then the cookie with the session token.
    #[must_use]
    pub fn credentials(&self) -> [CredentialSource; 3] {
        [
            CredentialSource::Bearer,
            CredentialSource::cookie(&self.session_jwt_cookie),
            CredentialSource::session_token_cookie(&self.session_token_cookie),
        ]
    }
}

fn name(id: &str) -> String {
    format!("stytch.com/{id}")
}

fn issuers(id: &str, custom_domain: Option<&str>) -> impl Iterator<Item = String> {
    std::iter::once(name(id)).chain(custom_domain.map(str::to_owned))
}

fn verifier(
    id: &str,
    tenancy: Tenancy,
    custom_domain: Option<&str>,
    keys: impl KeySource,
    revocations: &Arc<dyn Revocations>,
) -> Verifier {
    Verifier::of(tenancy, keys, issuers(id, custom_domain), id)
        .with_shared_revocations(Arc::clone(revocations))
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Project")
            .field("id", &self.id)
            .field("custom_domain", &self.custom_domain.as_deref().map(without_secrets))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = "project-live-185e9a9f-8bab-42f2-a924-953a59e8ff94";

    #[test]
    fn an_id_names_its_environment() {
        let url = |project: Result<Project, ProjectError>| project.expect("well formed").jwks_url();
        assert_eq!(
            url(Project::new(LIVE)),
            format!("https://api.stytch.com/v1/sessions/jwks/{LIVE}")
        );
        assert_eq!(
            url(Project::b2b(LIVE)),
            format!("https://api.stytch.com/v1/b2b/sessions/jwks/{LIVE}")
        );
        assert_eq!(
            url(Project::new("project-test-a")),
            "https://test.stytch.com/v1/sessions/jwks/project-test-a"
        );
    }

    #[test]
    fn the_error_for_a_malformed_id_says_what_is_expected() {
        let too_long = format!("project-live-{}", "a".repeat(65));
        for id in [
            "",
            "project-live-",
            "project-prod-a",
            "Project-live-a",
            "project-live-a/../b",
            "project-live-…",
            &too_long,
        ] {
            let error = Project::new(id).expect_err(id);
            assert_eq!(error, ProjectError::MalformedId(id.into()));
            assert!(
                error.to_string().contains("expected project-live-… or project-test-…"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_project_knows_its_cookies() {
        let project = Project::new(LIVE).expect("well formed");
        assert_eq!(project.credentials(), CredentialSource::defaults());
        let named = project.session_jwt_cookie("jwt").session_token_cookie("token");
        let [_, jwt, token] = named.credentials();
        assert_eq!(jwt, CredentialSource::cookie("jwt"));
        assert_eq!(token, CredentialSource::session_token_cookie("token"));
    }
}
