//! The verifiers, guards and sessions of a project.

use super::{Project, verifier};
use crate::keys::KeySource;
#[cfg(feature = "remote")]
use crate::keys::RemoteKeys;
use crate::layer::StepUpLayer;
use crate::sessions::{SessionAuthority, SessionCookies, Sessions};
#[cfg(feature = "remote")]
use crate::stytch::{SessionsApi, address};
use crate::token::Verifier;

impl Project {
    /// Returns the project's published keys, which are fetched when first needed. Clones of the
    /// project share them.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn remote_keys(&self) -> RemoteKeys {
        self.keys.clone()
    }

    /// Returns a client of the project's session API, with this secret (`secret-live-…`,
    /// `secret-test-…`). Clones of the project share its connections.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn sessions_api(&self, secret: &str) -> SessionsApi {
        let base_url = address::base_url(self.custom_domain.as_deref(), &self.id);
        SessionsApi::new(&self.id, self.tenancy, base_url, self.client.clone(), secret)
    }

    /// Returns the verifier of the project's tokens, with the published keys. Clones of the project
    /// share it, with its token cache and its revocations. Changing a setting of a [`Verifier`]
    /// creates another verifier. Pass that one to [`guard_with`](Self::guard_with) and
    /// [`sessions_with`](Self::sessions_with).
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Returns a guard for the project's tokens, with the published keys. It demands only a session
    /// until you [require](StepUpLayer::require) more.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn guard(&self) -> StepUpLayer {
        self.guard_with(self.verifier())
    }

    /// Returns a handle for the project's sessions, which this authority keeps. The authority is
    /// usually the project's [API](Self::sessions_api). Create one handle and clone it, because
    /// only clones share what they know about sessions.
    ///
    /// ```
    /// use tower_step_up::stytch;
    ///
    /// let project = stytch::Project::new("project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94")?;
    /// let sessions = project.sessions(project.sessions_api("secret-test-1"));
    /// let guard = project.guard().renew_with(&sessions);
    /// assert!(guard.sessions().is_some());
    /// # Ok::<(), stytch::ProjectError>(())
    /// ```
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn sessions(&self, authority: impl SessionAuthority) -> Sessions {
        self.sessions_with(self.verifier(), authority)
    }

    /// Returns a verifier of the project's tokens with these keys. All verifiers of the project
    /// share their revocations.
    #[must_use]
    pub fn verifier_with(&self, keys: impl KeySource) -> Verifier {
        let domain = self.custom_domain.as_deref();
        verifier(&self.id, self.tenancy, domain, keys, &self.revocations)
    }

    /// Returns a guard with this verifier that reads the project's
    /// [credentials](Self::credentials).
    #[must_use]
    pub fn guard_with(&self, verifier: Verifier) -> StepUpLayer {
        StepUpLayer::new(verifier).default_credentials(self.credentials())
    }

    /// Returns a handle for the project's sessions with this verifier. Guards that
    /// [renew](StepUpLayer::renew_with) with it must have the same verifier. The cookies of a live
    /// project are always `Secure`.
    ///
    /// # Panics
    ///
    /// Panics if the verifier accepts none of the project's [issuers](Self::issuers).
    #[must_use]
    #[track_caller]
    pub fn sessions_with(&self, verifier: Verifier, authority: impl SessionAuthority) -> Sessions {
        let cookies = SessionCookies::default();
        let is_live = self.id.starts_with("project-live-");
        let is_accepted = |name: &String| verifier.name_of_issuer(name).is_some();
        let issuer = self.issuers().into_iter().find(is_accepted).unwrap_or_else(|| self.name());
        Sessions::new(verifier, authority)
            .issuer(&issuer)
            .credentials(self.credentials())
            .cookies(if is_live { cookies.always_secure() } else { cookies })
    }
}
