//! The places where a guard finds tokens, and the sessions that it renews.

use std::time::Duration;

use super::StepUpLayer;
use crate::credentials::CredentialSource;
use crate::sessions::Sessions;

impl StepUpLayer {
    /// A guard that looks for tokens in these places, in this order. With none at all it finds no
    /// credentials in any request: each is refused, or where the guard is optional let through
    /// without a grant.
    ///
    /// To give the cookies other names, say so to the
    /// [project](crate::stytch::Project::session_jwt_cookie) or to the
    /// [handle](Sessions::credentials), which sets and clears them.
    ///
    /// # Panics
    ///
    /// Panics if the guard [renews sessions](Self::renew_with) and reads a cookie that the handle
    /// does not.
    #[must_use]
    #[track_caller]
    pub fn credentials(&self, sources: impl IntoIterator<Item = CredentialSource>) -> Self {
        let guard = self.with(|guard| {
            guard.sources = sources.into_iter().collect();
            guard.has_own_sources = true;
        });
        guard.check_cookies();
        guard
    }

    /// Sets where the guard looks for tokens if nobody says.
    pub(crate) fn default_credentials(
        &self,
        sources: impl IntoIterator<Item = CredentialSource>,
    ) -> Self {
        self.with(|guard| guard.sources = sources.into_iter().collect())
    }

    /// Renews sessions with this handle's authority, usually Stytch's API.
    ///
    /// The guard exchanges a genuine JWT that has expired, and an opaque session token if the
    /// request has no JWT, for the live session. A client that sent a cookie receives the fresh
    /// tokens as cookies with the response, unless the handler set one of them. A session that is
    /// not alive is refused, and its cookies stay: another tab may have set them just now. If the
    /// authority cannot be asked, the answer is 503; a JWT that has not expired is not affected
    /// unless the guard has [`confirmed_within`](Self::confirmed_within).
    ///
    /// Guards that are made from this one share the handle, and what it remembers. Unless it has
    /// [`credentials`](Self::credentials) of its own, the guard reads the tokens where the handle
    /// [says](Sessions::credentials). The cookies that it sets are always the handle's.
    ///
    /// # Panics
    ///
    /// Panics if the handle has another verifier than the guard: they must be clones of one
    /// [`Verifier`](crate::Verifier), as those of one [`stytch::Project`](crate::stytch::Project)
    /// are. Panics too if the guard reads a cookie that the handle does not. In either case a
    /// session could go on after signing out.
    #[must_use]
    #[track_caller]
    pub fn renew_with(&self, sessions: &Sessions) -> Self {
        assert!(
            self.verifier().is_same_as(sessions.verifier()),
            "renew_with: the guard and the sessions must share one verifier"
        );
        let guard = self.with(|guard| {
            guard.sessions = Some(sessions.clone());
            if !guard.has_own_sources {
                guard.sources = sessions.sources();
            }
        });
        guard.check_cookies();
        guard
    }

    /// Demands that the authority has confirmed the session within this time, in this process. With
    /// zero it is asked at every request.
    ///
    /// It is for the most sensitive routes: a session that was revoked elsewhere has a JWT that is
    /// valid for minutes more, and every other guard accepts it. A fresh JWT goes back as after a
    /// renewal. If the authority cannot be asked, the answer is 503. Of two times the shorter
    /// counts.
    ///
    /// # Panics
    ///
    /// Panics if the guard has no authority: call [`renew_with`](Self::renew_with) first.
    #[must_use]
    #[track_caller]
    pub fn confirmed_within(&self, time: Duration) -> Self {
        assert!(
            self.guard.sessions.is_some(),
            "renew_with comes before confirmed_within: nobody could confirm a session"
        );
        self.with(|guard| {
            guard.confirmed_within = guard.confirmed_within.into_iter().chain([time]).min();
        })
    }

    /// Returns the handle that the guard renews sessions with, if it renews them.
    #[must_use]
    pub fn sessions(&self) -> Option<&Sessions> {
        self.guard.sessions.as_ref()
    }

    #[track_caller]
    fn check_cookies(&self) {
        if let Some(sessions) = self.sessions() {
            let known = sessions.sources();
            let mut cookies = self.guard.sources.iter().filter(|source| source.is_cookie());
            assert!(
                cookies.all(|cookie| known.contains(cookie)),
                "the guard reads a cookie that its sessions do not: name it in Sessions::credentials"
            );
        }
    }
}
