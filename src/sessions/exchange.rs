//! One call to the authority, and what it returned.

use std::sync::Arc;
use std::time::Duration;

use super::authority::{AuthorityError, PresentedToken, SessionTokens, can_be_a_session_token};
use crate::session::Session;
use crate::single_flight::Flight;

/// The token that a request presents: the authority is asked whether its session is alive.
#[derive(Clone)]
pub(crate) enum Presented {
    /// The session of a genuine JWT. There is one answer for the session, whichever JWT of it is
    /// presented.
    Session(Session),
    /// An opaque token, which says nothing by itself.
    Opaque {
        token: Box<str>,
        /// The session of a JWT beside it, which is too old to be renewed. The token has to be of
        /// the same user's session.
        beside: Option<Session>,
    },
}

impl Presented {
    /// Returns `None` if no session token has this form.
    pub(crate) fn opaque(token: &[u8]) -> Option<Self> {
        let token = str::from_utf8(token).ok().filter(|token| can_be_a_session_token(token))?;
        Some(Self::Opaque { token: token.into(), beside: None })
    }

    /// Demands that the opaque token is of the user of this session.
    pub(crate) fn beside(self, session: Session) -> Self {
        match self {
            Self::Opaque { token, .. } => Self::Opaque { token, beside: Some(session) },
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

    /// Returns whether an answer is about the user who was asked about.
    pub(crate) fn is_about(&self, session: &Session) -> bool {
        match self {
            Self::Session(asked) | Self::Opaque { beside: Some(asked), .. } => {
                asked.is_of_same_user(session)
            }
            Self::Opaque { beside: None, .. } => true,
        }
    }

    /// Returns whether one answer serves both: they name one session of one user, or are one opaque
    /// token. An id alone is the issuer's word, and two users may have one.
    fn is_answered_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Session(one), Self::Session(other)) => {
                one.id() == other.id() && one.is_of_same_user(other)
            }
            // The reader of the answer checks that it is about the user of the JWT beside it.
            (Self::Opaque { token, .. }, Self::Opaque { token: other, .. }) => token == other,
            _ => false,
        }
    }
}

/// A session that the authority calls alive, with its fresh tokens. It may have been revoked here.
pub(crate) struct Renewed {
    pub(super) presented: Presented,
    pub(crate) session: Session,
    pub(crate) tokens: SessionTokens,
}

/// The result of a call: a live session, or why there is none.
pub(crate) type Exchanged = Result<Arc<Renewed>, AuthorityError>;

/// A flight to the authority, when it began, and the exchange before it.
pub(super) struct Exchange {
    pub(super) presented: Presented,
    /// When it began, by the verifier's clock.
    pub(super) began: Duration,
    pub(super) flight: Flight<Ended>,
    /// The exchange before it, which stays in use while this one is under way, and if it fails.
    pub(super) earlier: Option<Box<Self>>,
}

/// The end of a call.
#[derive(Clone)]
pub(super) struct Ended {
    pub(super) exchanged: Exchanged,
    /// When it ended, by the verifier's clock.
    pub(super) at: Duration,
}

impl Exchange {
    /// Returns whether the authority has said if the session is alive.
    pub(super) fn has_said(&self) -> bool {
        let ended = self.flight.outcome();
        ended.is_some_and(|it| matches!(it.exchanged, Ok(_) | Err(AuthorityError::UnknownSession)))
    }

    pub(super) fn renewed(&self) -> Option<Arc<Renewed>> {
        self.flight.outcome()?.exchanged.ok()
    }

    /// Returns whether its answer is one for this token.
    pub(super) fn answers(&self, presented: &Presented) -> bool {
        self.presented.is_answered_with(presented)
    }

    /// Returns whether this exchange, or the one before it, brought such a session.
    pub(super) fn brought(&self, is_it: impl Fn(&Arc<Renewed>) -> bool) -> bool {
        let both = [Some(self), self.earlier.as_deref()];
        both.into_iter().flatten().filter_map(Self::renewed).any(|renewed| is_it(&renewed))
    }

    /// Returns what stays in use while there is another exchange.
    pub(super) fn into_earlier(self) -> Option<Box<Self>> {
        if self.has_said() {
            self.renewed().is_some().then(|| Box::new(Self { earlier: None, ..self }))
        } else {
            self.earlier
        }
    }
}

/// How long to leave the authority alone if it does not say.
pub(super) const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(60);

impl AuthorityError {
    pub(super) fn too_slow(timeout: Duration) -> Self {
        Self::unavailable(format!("no answer within {timeout:?}"))
    }

    /// Returns how long the authority wants to be left alone, from 1 s to 60 s, if it says so.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self {
            Self::UnknownSession | Self::Unavailable { retry_after: None, .. } => None,
            Self::Unavailable { retry_after: Some(time), .. } => {
                Some((*time).clamp(MIN_PAUSE, MAX_PAUSE))
            }
        }
    }

    /// Returns how long a client should wait before it asks again.
    pub(crate) fn advised_wait(&self) -> Duration {
        self.pause().unwrap_or(MIN_PAUSE)
    }
}
