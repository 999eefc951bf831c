//! One call to the authority, and what it returned.

use std::sync::Arc;
use std::time::Duration;

use super::authority::{AuthorityError, PresentedToken, SessionTokens, can_be_a_session_token};
use crate::session::Session;
use crate::single_flight::Flight;

/// A token from a request. A guard or a sign-out asks the authority whether its session is alive.
#[derive(Clone)]
pub(crate) enum Presented {
    /// The session of a genuine JWT. One result serves every JWT of the session.
    Session(Session),
    /// An opaque token, which states nothing by itself.
    Opaque {
        token: Box<str>,
        /// The session of a JWT in the same request, if that JWT is too old to be renewed. The
        /// opaque token must belong to the same user.
        jwt_session: Option<Session>,
    },
}

impl Presented {
    /// Returns these bytes as an opaque token, or `None` if they cannot be one.
    pub(crate) fn opaque(token: &[u8]) -> Option<Self> {
        let token = str::from_utf8(token).ok().filter(|token| can_be_a_session_token(token))?;
        Some(Self::Opaque { token: token.into(), jwt_session: None })
    }

    /// Requires that the opaque token belongs to the user of this session.
    pub(crate) fn for_user_of(self, session: Session) -> Self {
        match self {
            Self::Opaque { token, .. } => Self::Opaque { token, jwt_session: Some(session) },
            Self::Session(_) => self,
        }
    }

    pub(super) fn is_opaque(&self) -> bool {
        matches!(self, Self::Opaque { .. })
    }

    pub(super) fn key(&self) -> &str {
        match self {
            Self::Session(session) => session.id(),
            Self::Opaque { token, .. } => token,
        }
    }

    pub(super) fn token(&self) -> PresentedToken {
        match self {
            Self::Session(session) => PresentedToken::SessionJwt(session.token().into()),
            Self::Opaque { token, .. } => PresentedToken::SessionToken(token.clone()),
        }
    }

    /// Returns whether a renewed session belongs to the expected user. An opaque token alone
    /// implies no user.
    pub(crate) fn is_about(&self, session: &Session) -> bool {
        match self {
            Self::Session(presented) | Self::Opaque { jwt_session: Some(presented), .. } => {
                presented.is_of_same_user(session)
            }
            Self::Opaque { jwt_session: None, .. } => true,
        }
    }

    /// Returns whether one result serves both: they name the same session of the same user, or are
    /// the same opaque token. A session id alone is not enough, because this code does not rely on
    /// the issuer to give two users different ids.
    fn shares_result_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Session(one), Self::Session(other)) => {
                one.id() == other.id() && one.is_of_same_user(other)
            }
            // The guard checks that the result belongs to the user of the JWT beside the token.
            (Self::Opaque { token, .. }, Self::Opaque { token: other, .. }) => token == other,
            _ => false,
        }
    }
}

/// A session that the authority reports as alive, with its fresh tokens. It may have been revoked
/// in the verifier's store.
pub(crate) struct Renewed {
    pub(super) presented: Presented,
    pub(crate) session: Session,
    pub(crate) tokens: SessionTokens,
}

/// The result of a call to the authority.
pub(crate) type Exchanged = Result<Arc<Renewed>, AuthorityError>;

/// One call to the authority, and the call before it.
pub(super) struct Exchange {
    pub(super) presented: Presented,
    /// The time at which it began, by the verifier's clock.
    pub(super) began: Duration,
    pub(super) flight: Flight<Ended>,
    /// The exchange before it. It stays in use while this one is in progress, and if this one
    /// fails.
    pub(super) earlier: Option<Box<Self>>,
}

/// The outcome of a call that has ended.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) exchanged: Exchanged,
    /// The time at which it ended, by the verifier's clock.
    pub(super) at: Duration,
}

impl Exchange {
    /// Returns whether the authority has reported that the session is alive, or that it is not.
    pub(super) fn is_definite(&self) -> bool {
        let ended = self.flight.outcome();
        ended.is_some_and(|it| matches!(it.exchanged, Ok(_) | Err(AuthorityError::UnknownSession)))
    }

    pub(super) fn renewed(&self) -> Option<Arc<Renewed>> {
        self.flight.outcome()?.exchanged.ok()
    }

    /// Returns whether its result can be used for this token.
    pub(super) fn applies_to(&self, presented: &Presented) -> bool {
        self.presented.shares_result_with(presented)
    }

    /// Returns whether this exchange, or the one before it, returned a session that meets the
    /// condition.
    pub(super) fn returned(&self, is_it: impl Fn(&Arc<Renewed>) -> bool) -> bool {
        let both = [Some(self), self.earlier.as_deref()];
        both.into_iter().flatten().filter_map(Self::renewed).any(|renewed| is_it(&renewed))
    }

    /// Returns the exchange that stays in use after a newer one has begun, if any.
    pub(super) fn into_earlier(self) -> Option<Box<Self>> {
        if self.is_definite() {
            self.renewed().is_some().then(|| Box::new(Self { earlier: None, ..self }))
        } else {
            self.earlier
        }
    }
}

/// The shortest pause after a failed call, and the default if the authority states none.
pub(super) const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

impl AuthorityError {
    pub(super) fn too_slow(timeout: Duration) -> Self {
        Self::unavailable(format!("no response within {timeout:?}"))
    }

    /// Returns how long the authority asked not to be called, clamped to between 1 s and 60 s.
    /// Returns `None` if it stated no time.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::UnknownSession | Self::Unavailable { retry_after: None, .. } => None,
            Self::Unavailable { retry_after: Some(time), .. } => {
                Some((*time).clamp(MIN_PAUSE, MAX_PAUSE))
            }
        }
    }

    /// Returns how long to wait before the next attempt.
    pub(crate) fn advised_wait(&self) -> Duration {
        self.pause().unwrap_or(MIN_PAUSE)
    }
}
