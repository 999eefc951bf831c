//! Guards that know a session's whole life.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::runtime::Handle;

use super::guard::{Guard, StepUpLayer};
use crate::authority::{self, AuthorityError, PresentedToken, SessionTokens};
use crate::credentials::{self, CookieNames, CredentialSource, SessionCookies, SetCookies};
use crate::renewal::{Exchanges, Renewal};
use crate::session::Session;
use crate::token::TokenError;

impl Guard {
    /// For as long as the session of these tokens lives.
    pub(super) fn set_cookies(
        &self,
        tokens: &SessionTokens,
        session: &Session,
        request: &HeaderMap,
    ) -> SetCookies {
        let max_age = session.stated_end().map(|end| end - self.verifier.now());
        self.cookies.set(CookieNames::of(&self.sources), tokens, max_age, request)
    }
}

impl StepUpLayer {
    /// A guard that renews sessions with this authority, usually `stytch::SessionsApi`; see
    /// [`Renewal`] for its bounds.
    ///
    /// A JWT that has expired and is genuine otherwise, and an opaque session token where no JWT
    /// stands, are exchanged for the live session. Whoever sent them in a cookie gets the fresh
    /// tokens as cookies with the response, unless the handler set one of them. A session that is
    /// not alive is refused, and its cookies stay: another tab may have set them just now. Where
    /// the authority cannot be asked the answer is 503; a JWT that has not expired is not affected.
    ///
    /// What is asked and remembered is shared by the guards that are made from this one. It takes a
    /// tokio runtime with time.
    #[must_use]
    pub fn renew_with(&self, renewal: impl Into<Renewal>) -> Self {
        let exchanges = Exchanges::new(renewal.into(), self.guard.verifier.clone());
        self.with(|guard| guard.exchanges = Some(Arc::new(exchanges)))
    }

    /// A guard that has every session confirmed by the authority, unless that happened within this
    /// time in this process. For the most sensitive routes: of a session that was revoked elsewhere
    /// a JWT is valid for minutes more, on the routes of guards that are not `live` even when one
    /// that is has refused it. A fresh JWT goes back as after a renewal. Where the authority cannot
    /// be asked the answer is 503. Said twice, the shorter time counts.
    ///
    /// # Panics
    ///
    /// Where the guard has no authority: [`renew_with`](Self::renew_with) comes first.
    #[must_use]
    #[track_caller]
    pub fn live(&self, within: Duration) -> Self {
        assert!(
            self.guard.exchanges.is_some(),
            "renew_with comes before live: nobody could confirm a session"
        );
        self.with(|guard| guard.live = guard.live.into_iter().chain([within]).min())
    }

    /// A guard that sets cookies so, of the names that it [reads](Self::credentials).
    #[must_use]
    pub fn session_cookies(&self, cookies: SessionCookies) -> Self {
        self.with(|guard| guard.cookies = cookies)
    }

    /// Ends a session: here at once, then with the authority, in a task of its own, where the guard
    /// has one.
    ///
    /// The request's headers tell whether the browser is on loopback.
    pub async fn sign_out(&self, session: impl AsRef<Session>, request: &HeaderMap) -> SignedOut {
        let session = session.as_ref();
        self.verifier().revoke_session(session.id());
        SignedOut { cookies: self.remove_cookies(request), revoked: self.revoke(session).await }
    }

    /// The token of this request that goes with an authentication step, so that the step adds its
    /// factor to the session: the opaque one where the request brings it, else the JWT. `None`
    /// where it brings neither, or two of one kind. It is not verified: whoever calls Stytch with
    /// it is told.
    #[must_use]
    pub fn presented_token(&self, request: &HeaderMap) -> Option<PresentedToken> {
        let (opaque, jwt): (Vec<_>, Vec<_>) =
            self.guard.sources.iter().cloned().partition(CredentialSource::is_opaque);
        let find = |sources: &[CredentialSource]| {
            let found = credentials::find(request, sources, true).ok()??;
            found.token().ok().map(Box::<str>::from)
        };
        let opaque = find(&opaque).filter(|token| authority::can_be_a_session_token(token));
        opaque
            .map(PresentedToken::SessionToken)
            .or_else(|| find(&jwt).map(PresentedToken::SessionJwt))
    }

    /// What removes the tokens' cookies and does nothing else: for whoever wants to leave while
    /// nobody can say whose session it is, in a [responder](Self::respond_with) or an unguarded
    /// handler.
    pub fn remove_cookies(&self, request: &HeaderMap) -> SetCookies {
        self.guard.cookies.remove(CookieNames::of(&self.guard.sources), request)
    }

    async fn revoke(&self, session: &Session) -> Result<(), AuthorityError> {
        let Some(exchanges) = &self.guard.exchanges else { return Ok(()) };
        let Renewal { authority, patience, .. } = exchanges.renewal.clone();
        let runtime = Handle::try_current().map_err(AuthorityError::unavailable)?;
        let id = session.id().to_owned();
        let task = runtime
            .spawn(async move { tokio::time::timeout(patience, authority.revoke(id)).await });
        match task.await {
            Ok(Ok(Ok(()) | Err(AuthorityError::UnknownSession))) => Ok(()),
            Ok(Ok(Err(error))) => Err(error),
            Ok(Err(_)) => {
                Err(AuthorityError::unavailable(format!("no answer within {patience:?}")))
            }
            Err(_) => Err(AuthorityError::unavailable("the call was broken off")),
        }
    }

    /// Takes up the tokens that an authentication step has brought, and ends their predecessor here
    /// at once: when the stronger session is born, the weaker one dies. Put the cookies into the
    /// response.
    ///
    /// The predecessor is the session whose token went into the step; none where a user signs in.
    /// It is left alone where the step has kept its id. Where somebody else signs in while the
    /// browser still has a session, [sign it out](Self::sign_out) first: else a renewal of it that
    /// is under way may put its cookies back.
    ///
    /// # Errors
    ///
    /// Where the new JWT does not verify, or belongs to another user than the predecessor. Then
    /// nothing is revoked.
    pub async fn take_up(
        &self,
        tokens: &SessionTokens,
        predecessor: Option<&Session>,
        request: &HeaderMap,
    ) -> Result<TakenUp, TakeUpError> {
        if !authority::can_be_a_session_token(&tokens.session_token) {
            return Err(TakeUpError::UnusableToken);
        }
        let session = self.verifier().verify(&tokens.session_jwt).await?;
        if predecessor.is_some_and(|old| !old.is_of_same_user(&session)) {
            return Err(TakeUpError::AnotherUser);
        }
        if let Some(old) = predecessor.filter(|old| old.id() != session.id()) {
            self.verifier().revoke_session(old.id());
        }
        if let Some(exchanges) = &self.guard.exchanges {
            exchanges.forget(session.id(), &tokens.session_token);
        }
        Ok(TakenUp { cookies: self.guard.set_cookies(tokens, &session, request), session })
    }
}

/// A session that has been ended.
#[must_use = "the browser keeps its cookies unless they are removed, and the authority may have failed"]
#[non_exhaustive]
#[derive(Debug)]
pub struct SignedOut {
    /// What removes the tokens' cookies.
    pub cookies: SetCookies,
    /// Whether the authority ended it too. Where it did not, its tokens can be renewed: elsewhere
    /// at once, and here when the [revocation](crate::LocalRevocations) is forgotten. Try again.
    pub revoked: Result<(), AuthorityError>,
}

/// A session that an authentication step has brought.
#[must_use = "the browser gets the cookies only where they are put into the response"]
#[non_exhaustive]
#[derive(Debug)]
pub struct TakenUp {
    /// What sets the tokens' cookies.
    pub cookies: SetCookies,
    /// The session.
    pub session: Session,
}

/// Why tokens were not taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TakeUpError {
    /// The JWT broke a rule.
    Token(TokenError),
    /// The opaque token is empty, too long (more than 1 KiB) or cannot stand in a cookie.
    UnusableToken,
    /// The session is another user's than the predecessor.
    AnotherUser,
}

impl From<TokenError> for TakeUpError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl fmt::Display for TakeUpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(error) => error.fmt(f),
            Self::UnusableToken => f.write_str("the session token cannot stand in a cookie"),
            Self::AnotherUser => f.write_str("the session is another user's than the one before"),
        }
    }
}

/// [`Display`](fmt::Display) says what the inner error says, so there is no separate source.
impl std::error::Error for TakeUpError {}
