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
    /// Its published keys, fetched when first needed. Clones of the project share them.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn remote_keys(&self) -> RemoteKeys {
        self.keys.clone()
    }

    /// The API of its sessions, with this secret (`secret-live-…`, `secret-test-…`). Clones of the
    /// project share its connections.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn sessions_api(&self, secret: &str) -> SessionsApi {
        let base_url = address::base_url(self.custom_domain.as_deref(), &self.id);
        SessionsApi::new(&self.id, self.tenancy, base_url, self.client.clone(), secret)
    }

    /// Returns the verifier of its tokens, with its published keys. Clones of the project share it,
    /// with what it remembers and revokes. Settings of a [`Verifier`] make another one: give that
    /// to [`guard_with`](Self::guard_with) and [`sessions_with`](Self::sessions_with).
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Returns a guard for its tokens with its published keys, which demands any session until more
    /// is [required](StepUpLayer::require).
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn guard(&self) -> StepUpLayer {
        self.guard_with(self.verifier())
    }

    /// Returns a handle for its sessions, which this authority keeps: usually the project's
    /// [API](Self::sessions_api). Make one and clone it, since only its clones share what they
    /// remember of sessions.
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

    /// Returns a verifier of its tokens with these keys. What one verifier of the project revokes,
    /// all do.
    #[must_use]
    pub fn verifier_with(&self, keys: impl KeySource) -> Verifier {
        let domain = self.custom_domain.as_deref();
        verifier(&self.id, self.tenancy, domain, keys, &self.revocations)
    }

    /// Returns a guard with this verifier, which reads the project's cookies.
    #[must_use]
    pub fn guard_with(&self, verifier: Verifier) -> StepUpLayer {
        StepUpLayer::new(verifier).default_credentials(self.credentials())
    }

    /// Returns a handle for its sessions with this verifier, which must be that of the guards that
    /// [renew](StepUpLayer::renew_with) with it. A live project's cookies are always `Secure`.
    #[must_use]
    pub fn sessions_with(&self, verifier: Verifier, authority: impl SessionAuthority) -> Sessions {
        let cookies = SessionCookies::default();
        let is_live = self.id.starts_with("project-live-");
        Sessions::new(verifier, authority).credentials(self.credentials()).cookies(if is_live {
            cookies.always_secure()
        } else {
            cookies
        })
    }
}
