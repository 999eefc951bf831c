//! A project's domain, proxy and cookies.

use std::sync::Arc;

use super::Project;
use crate::endpoint;
use crate::excerpt::without_secrets;
#[cfg(feature = "remote")]
use crate::keys::RemoteKeys;
use crate::stytch::ProjectError;
use crate::token::Revocations;

impl Project {
    /// Sets the custom domain (`login.example.com`, `https://login.example.com`). The project
    /// fetches its keys from this domain and calls the session API there. It accepts tokens issued
    /// by this domain as well as those issued by `stytch.com`. Letter case, port 443 and a final
    /// dot make no difference: the issuer is `https://login.example.com`. For development, use
    /// `http://` for a server on this machine.
    ///
    /// # Errors
    ///
    /// Returns [`ProjectError`] if the domain is not a host, has a path or a query, or uses plain
    /// HTTP to another machine.
    pub fn custom_domain(mut self, domain: &str) -> Result<Self, ProjectError> {
        let malformed = || ProjectError::MalformedDomain(without_secrets(domain).into());
        let url =
            if domain.contains("://") { domain.to_owned() } else { format!("https://{domain}") };
        let base = endpoint::parse(&url).map_err(|_| malformed())?;
        if !matches!(base.path(), "" | "/") || base.query().is_some() {
            return Err(malformed());
        }
        self.custom_domain = Some(endpoint::origin(&base).into());
        #[cfg(feature = "remote")]
        {
            let keys = self.keys.clone().at(&self.jwks_url())?;
            self.fetch_with(keys);
        }
        Ok(self)
    }

    /// Fetches keys and calls the [API](Self::sessions_api) through the HTTP proxy that the
    /// environment currently names in `HTTPS_PROXY` and `NO_PROXY`, if it names one. Without this
    /// call, the environment has no effect. See [`RemoteKeys::proxy_from_env`] for details.
    ///
    /// ```no_run
    /// use tower_step_up::stytch::Project;
    ///
    /// let project = Project::new("project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94")?;
    /// let guard = project.proxy_from_env()?.guard();
    /// # Ok::<(), tower_step_up::stytch::ProjectError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ProjectError::Endpoint`] if one of the variables has an invalid value.
    #[cfg(feature = "remote")]
    pub fn proxy_from_env(mut self) -> Result<Self, ProjectError> {
        self.client = self.client.with_proxy_from_env()?;
        let keys = self.keys.clone().proxy_from_env()?;
        self.fetch_with(keys);
        Ok(self)
    }

    #[cfg(feature = "remote")]
    fn fetch_with(&mut self, keys: RemoteKeys) {
        self.verifier = self.verifier_with(keys.clone());
        self.keys = keys;
    }

    /// Keeps revocations in this store, such as one that processes share. All guards, verifiers and
    /// sessions that are created from the project afterwards use it, so a sign-out reaches every guard.
    ///
    /// ```
    /// use tower_step_up::stytch::Project;
    /// use tower_step_up::token::LocalRevocations;
    ///
    /// let revocations = LocalRevocations::new().max_entries(1_000_000);
    /// let project = Project::new("project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94")?
    ///     .revocations(revocations);
    /// # #[cfg(feature = "remote")]
    /// # {
    /// let sessions = project.sessions(project.sessions_api("secret-test-1"));
    /// let guard = project.guard().renew_with(&sessions);
    /// # }
    /// # Ok::<(), tower_step_up::stytch::ProjectError>(())
    /// ```
    #[must_use]
    pub fn revocations(mut self, revocations: impl Revocations) -> Self {
        self.revocations = Arc::new(revocations);
        #[cfg(feature = "remote")]
        self.fetch_with(self.keys.clone());
        self
    }

    /// Sets the name of the cookie with the session JWT, if the application has changed it from
    /// `stytch_session_jwt`.
    #[must_use]
    pub fn session_jwt_cookie(mut self, name: &str) -> Self {
        self.session_jwt_cookie = name.into();
        self
    }

    /// Sets the name of the cookie with the opaque session token, if the application has changed it
    /// from `stytch_session`.
    #[must_use]
    pub fn session_token_cookie(mut self, name: &str) -> Self {
        self.session_token_cookie = name.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: &str = "project-live-185e9a9f-8bab-42f2-a924-953a59e8ff94";

    #[test]
    fn a_custom_domain_serves_the_keys_and_may_issue() {
        for (domain, base) in [
            ("login.example.com", "https://login.example.com"),
            ("https://login.example.com/", "https://login.example.com"),
            ("login.example.com:443", "https://login.example.com"),
            ("LOGIN.example.COM:443/", "https://login.example.com"),
            ("HTTPS://login.example.com.", "https://login.example.com"),
            ("login.example.com.:0443", "https://login.example.com"),
            ("login.example.com:", "https://login.example.com"),
            ("login.example.com:80", "https://login.example.com:80"),
            ("Login.example.com.:8443", "https://login.example.com:8443"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("http://LocalHost:80", "http://localhost"),
            ("http://localhost:443", "http://localhost:443"),
            ("[2001:DB8::1]:443", "https://[2001:db8::1]"),
        ] {
            let project =
                Project::new(LIVE).and_then(|project| project.custom_domain(domain)).expect(domain);
            assert_eq!(project.issuers(), [format!("stytch.com/{LIVE}"), base.to_owned()]);
            assert_eq!(project.jwks_url(), format!("{base}/v1/sessions/jwks/{LIVE}"));
        }
        for domain in [
            "",
            "http://login.example.com",
            "login.example.com/path",
            "a b",
            "ftp://a",
            "u@a",
            "https://a?b",
            "https://.",
            "a..",
            "a..example.com",
            ".example.com",
            "login.example.com:65536",
            "login.example.com:x",
        ] {
            let error = Project::new(LIVE)
                .and_then(|project| project.custom_domain(domain))
                .expect_err(domain);
            assert_eq!(error, ProjectError::MalformedDomain(domain.into()));
        }
    }
}
