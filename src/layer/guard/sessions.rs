//! The part of the configuration that is about tokens and the renewal of sessions.

use std::time::Duration;

use super::StepUpLayer;
use crate::credentials::CredentialSource;
use crate::sessions::Sessions;

impl StepUpLayer {
    /// Sets the places where the guard looks for tokens, in this order. With no places at all, the
    /// guard finds no credentials in any request. It then refuses each request, or lets it through
    /// without a grant if the guard is [optional](Self::optional).
    ///
    /// To rename the cookies, configure the [project](crate::stytch::Project::session_jwt_cookie)
    /// or the [`Sessions`](Sessions::credentials) handle, because that handle sets and clears them.
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

    /// Sets the default for [`credentials`](Self::credentials).
    pub(crate) fn default_credentials(
        &self,
        sources: impl IntoIterator<Item = CredentialSource>,
    ) -> Self {
        self.with(|guard| guard.sources = sources.into_iter().collect())
    }

    /// Renews sessions with this handle's authority, usually Stytch's API.
    ///
    /// The guard exchanges a genuine JWT that has expired for fresh tokens of the live session. If
    /// the request has no JWT, it exchanges an opaque session token. A client that sent a cookie
    /// receives the fresh JWT as a cookie. It also receives the session token if it sent that
    /// token, because an expired JWT alone must not obtain it. If the handler has set one of these
    /// cookies, the guard sets none. If the session is not alive, the guard refuses the request and
    /// leaves the cookies, because another tab may have just set them. If the authority is
    /// unavailable, the response is a 503. A JWT that has not expired is not affected, unless the
    /// guard has [`confirmed_within`](Self::confirmed_within).
    ///
    /// Guards that are made from this one share the handle and its cache. Unless
    /// [`credentials`](Self::credentials) has set other places, the guard reads tokens in the
    /// places that the handle [knows](Sessions::credentials). It always sets the handle's cookies.
    ///
    /// # Panics
    ///
    /// Panics if the handle's verifier is not the guard's. Both must be clones of one
    /// [`Verifier`](crate::Verifier). By default, the guards and handles of one
    /// [`stytch::Project`](crate::stytch::Project) share a verifier. Also panics if the guard reads
    /// a cookie that the handle does not. In either case a session could outlive a sign-out.
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

    /// Requires that the authority has confirmed the session at most this long ago, in response to
    /// a call through the guard's [`Sessions`] handle. With zero, the guard asks the authority at
    /// every request.
    ///
    /// Use it for the most sensitive routes. If a session was revoked elsewhere, its JWT stays
    /// valid for minutes, and guards without this setting accept it. The client receives a fresh
    /// JWT as after a renewal. If the authority is unavailable, the response is a 503. A session of
    /// another [issuer](Sessions::issuer), which the authority does not keep, is refused. If this is
    /// set twice, the shorter time counts.
    ///
    /// # Panics
    ///
    /// Panics if the guard has no authority: call [`renew_with`](Self::renew_with) first.
    #[must_use]
    #[track_caller]
    pub fn confirmed_within(&self, time: Duration) -> Self {
        assert!(
            self.guard.sessions.is_some(),
            "call renew_with before confirmed_within: confirming a session needs an authority"
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
            for cookie in self.guard.sources.iter().filter(|source| source.is_cookie()) {
                assert!(
                    known.contains(cookie),
                    "the guard reads {cookie:?}, which its Sessions handle does not: \
                     add it to Sessions::credentials"
                );
            }
        }
    }
}
