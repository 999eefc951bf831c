//! Signing out.

use http::HeaderMap;
use tokio::runtime::Handle;

use super::authority::{self, AuthorityError};
use super::exchange::Presented;
use super::exchanges::Freshness;
use super::handle::Sessions;
use super::set_cookies::SetCookies;
use crate::credentials::{Credential, CredentialSource};
use crate::session::Session;
use crate::token::RevocationError;

impl Sessions {
    /// Ends a session: here at once, then with the authority, in a task of its own. Put the cookies
    /// into the response. The request's headers tell whether the browser is on loopback.
    pub async fn sign_out(&self, session: impl AsRef<Session>, request: &HeaderMap) -> SignedOut {
        let revoked = self.end(session.as_ref()).await;
        SignedOut { cookies: self.clear_cookies(request), revoked }
    }

    /// Ends every session whose token the request presents, for pages outside every guard, such as
    /// the one where people sign in. A token that is not genuine, and one of a session that has
    /// ended, names no session.
    pub async fn sign_out_presented(&self, request: &HeaderMap) -> SignedOut {
        let mut revoked = Ok(());
        for source in &*self.settings.sources {
            match self.presented_session(source, request).await {
                Ok(Some(session)) => revoked = revoked.and(self.end(&session).await),
                Ok(None) => {}
                Err(error) => revoked = revoked.and(Err(SignOutError::Authority(error))),
            }
        }
        SignedOut { cookies: self.clear_cookies(request), revoked }
    }

    /// Returns the session whose token a request presents here, if there is one.
    async fn presented_session(
        &self,
        source: &CredentialSource,
        request: &HeaderMap,
    ) -> Result<Option<Session>, AuthorityError> {
        let Ok(Some(bytes)) = source.find(request) else { return Ok(None) };
        let Ok(token) = (Credential { bytes, source }).text() else { return Ok(None) };
        if !source.is_opaque() {
            let genuine = self.verifier().look_up_at(token, self.verifier().now());
            return Ok(genuine.ok().map(|genuine| genuine.session));
        }
        if !authority::can_be_a_session_token(token) {
            return Ok(None);
        }
        let freshness = Freshness { renewed: true, confirmed_within: None };
        match self.ask(&Presented::Token(token.into()), freshness).await {
            Ok(renewed) => Ok(Some(renewed.session.clone())),
            Err(AuthorityError::UnknownSession) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn end(&self, session: &Session) -> Result<(), SignOutError> {
        let here = self.verifier().revoke_session(session.id()).await;
        let there = self.end_with_authority(session.id().to_owned()).await;
        here.map_err(SignOutError::NotRevoked)?;
        there.map_err(SignOutError::Authority)
    }

    /// The call goes on if the caller goes away.
    async fn end_with_authority(&self, session_id: String) -> Result<(), AuthorityError> {
        let runtime = Handle::try_current().map_err(AuthorityError::unavailable)?;
        let (authority, timeout) = (self.settings.authority.clone(), self.settings.timeout);
        let call = async move { authority.revoke(session_id).await };
        match runtime.spawn(tokio::time::timeout(timeout, call)).await {
            Ok(Ok(Ok(()) | Err(AuthorityError::UnknownSession))) => Ok(()),
            Ok(Ok(Err(error))) => Err(error),
            Ok(Err(_)) => Err(AuthorityError::unavailable(format!("no answer within {timeout:?}"))),
            Err(_) => Err(AuthorityError::unavailable("the call was broken off")),
        }
    }
}

/// What became of a sign-out.
#[must_use = "the browser keeps its cookies unless they are removed, and signing out may have failed"]
#[non_exhaustive]
#[derive(Debug)]
pub struct SignedOut {
    /// The cookies that remove the tokens.
    pub cookies: SetCookies,
    /// Whether the session has ended everywhere. Do not tell a user so if it has not.
    pub revoked: Result<(), SignOutError>,
}

/// Why a session may not have ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignOutError {
    /// The revocation was not recorded here, so guards still accept the session's JWT until it
    /// expires.
    #[error("the session was not revoked here")]
    NotRevoked(#[source] RevocationError),
    /// The session was revoked here, and the authority could not be asked to end it. Its tokens can
    /// be renewed elsewhere at once, and here when the revocation is forgotten. Try again.
    #[error("the authority could not be asked to end the session")]
    Authority(#[source] AuthorityError),
}
