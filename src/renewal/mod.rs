//! Renewing and confirming sessions with what keeps them.

mod call;
mod exchanges;
mod question;

pub(crate) use self::call::{Failed, Outcome, Renewed};
pub(crate) use self::exchanges::{Exchanges, Need};
pub(crate) use self::question::Question;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use crate::authority::SessionAuthority;

/// How a guard renews sessions: with whom, and within what bounds.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::{Renewal, testing};
/// # use tower_step_up::{AuthorityAnswer, AuthorityError, PresentedToken, SessionAuthority, SessionTokens};
/// # struct Sessions;
/// # impl SessionAuthority for Sessions {
/// #     fn authenticate(&self, _: PresentedToken) -> AuthorityAnswer<SessionTokens> {
/// #         Box::pin(async { Err(AuthorityError::UnknownSession) })
/// #     }
/// #     fn revoke(&self, _: String) -> AuthorityAnswer<()> { Box::pin(async { Ok(()) }) }
/// # }
/// # let sessions = Sessions;
/// let guard = testing::TestIssuer::new().guard();
/// let guard = guard.renew_with(Renewal::new(sessions).patience(Duration::from_secs(2)).answer_with_fresh_jwt());
/// ```
///
/// | what | how much |
/// | --- | --- |
/// | calls for one session or one opaque token at a time | 1, however many requests ask |
/// | calls at a time | 64 for expired JWTs, and 64 for opaque tokens, which anybody can make up |
/// | answers that are remembered | for [`remember`](Self::remember), the newest 4,096 of either kind: whoever makes up as many opaque tokens displaces the real ones |
/// | after an answer that does not meet the policy | the same is asked again after 1 s: a step elsewhere may have changed it |
/// | after a failure without a word of when to ask again | the same is not asked for 1 s; what was remembered of it goes on |
/// | after `Retry-After` | nothing is asked so long, from 1 s to 60 s |
#[derive(Clone)]
pub struct Renewal {
    pub(crate) authority: Arc<dyn SessionAuthority>,
    pub(crate) remember: Duration,
    pub(crate) patience: Duration,
    pub(crate) answers_with_jwt: bool,
}

/// The header in which clients that sent a token in a header get the fresh JWT:
/// `Stytch-Session-JWT`. See [`Renewal::answer_with_fresh_jwt`].
pub const FRESH_JWT: HeaderName = HeaderName::from_static("stytch-session-jwt");

impl Renewal {
    /// With this authority; an answer is remembered for 30 s and waited for 5 s.
    #[must_use]
    pub fn new(authority: impl SessionAuthority) -> Self {
        Self {
            authority: Arc::new(authority),
            remember: Duration::from_secs(30),
            patience: Duration::from_secs(5),
            answers_with_jwt: false,
        }
    }

    /// How long an answer is remembered, that there is no such session too; at most 5 minutes. A
    /// fresh JWT that has expired is not remembered.
    #[must_use]
    pub fn remember(mut self, duration: Duration) -> Self {
        self.remember = duration.min(Duration::from_secs(300));
        self
    }

    /// How long an answer is waited for, its verification included: from 10 ms to 60 s.
    #[must_use]
    pub fn patience(mut self, duration: Duration) -> Self {
        self.patience = duration.clamp(Duration::from_millis(10), Duration::from_secs(60));
        self
    }

    /// Whoever sent a token in a header gets the fresh JWT in the response's header [`FRESH_JWT`].
    /// A cross-origin client sees it where the CORS layer exposes it.
    #[must_use]
    pub fn answer_with_fresh_jwt(mut self) -> Self {
        self.answers_with_jwt = true;
        self
    }
}

impl<A: SessionAuthority> From<A> for Renewal {
    fn from(authority: A) -> Self {
        Self::new(authority)
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal")
            .field("remember", &self.remember)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}
