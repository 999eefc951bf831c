//! What an authority is asked.

use crate::authority::PresentedToken;
use crate::session::Session;

/// What is renewed or confirmed.
#[derive(Clone)]
pub(crate) enum Question {
    /// The session of a genuine JWT: it has one answer, whichever JWT of it is presented.
    Session(Session),
    /// An opaque token, of which nothing is known.
    Token(Box<str>),
}

impl Question {
    /// Whether an answer is about whom was asked. Of an opaque token nothing is known but what the
    /// answer says.
    pub(super) fn is_about(&self, renewed: &Session) -> bool {
        match self {
            Self::Session(asked) => asked.is_of_same_user(renewed),
            Self::Token(_) => true,
        }
    }

    pub(super) fn key(&self) -> &str {
        match self {
            Self::Session(session) => session.id(),
            Self::Token(token) => token,
        }
    }

    pub(super) fn token(&self) -> PresentedToken {
        match self {
            Self::Session(session) => PresentedToken::SessionJwt(session.token().into()),
            Self::Token(token) => PresentedToken::SessionToken(token.clone()),
        }
    }
}
