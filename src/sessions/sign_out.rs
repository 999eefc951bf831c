//! Signing out.

use std::error::Error;
use std::time::Duration;

use http::HeaderMap;
use tokio::runtime::Handle;

use super::ask::Freshness;
use super::authority::AuthorityError;
use super::exchange::Presented;
use super::handle::Sessions;
use super::set_cookies::SetCookies;
use crate::credentials::{Credential, CredentialError, CredentialSource};
use crate::session::Session;
use crate::token::{RevocationError, VerifyError};

impl Sessions {
    /// Ends a session: here first, then with the authority. Put the cookies into the response. The
    /// request's headers tell whether the browser is on loopback.
    ///
    /// It goes on if the caller goes away, and gives either side the [timeout](Self::timeout) to
    /// answer. The guards that accept the session must share this handle's verifier or its
    /// [revocations](crate::Verifier::revocations).
    pub async fn sign_out(&self, session: impl AsRef<Session>, request: &HeaderMap) -> SignedOut {
        let revoked = self.end(session.as_ref()).await;
        SignedOut { cookies: self.clear_cookies(request), revoked }
    }

    /// Ends every session whose token the request presents, for pages outside every guard, such as
    /// the one where people sign in. A token that is not genuine, and one of a session that has
    /// ended, names no session.
    ///
    /// The first failure is returned, and the other sessions are ended all the same.
    pub async fn sign_out_presented(&self, request: &HeaderMap) -> SignedOut {
        let mut revoked = Ok(());
        for source in &*self.settings.sources {
            let ended = match self.presented_session(source, request).await {
                Ok(Some(session)) => self.end(&session).await,
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            revoked = revoked.and(ended);
        }
        SignedOut { cookies: self.clear_cookies(request), revoked }
    }

    /// Returns the session whose token a request presents here, if there is one.
    async fn presented_session(
        &self,
        source: &CredentialSource,
        request: &HeaderMap,
    ) -> Result<Option<Session>, SignOutError> {
        let Some(bytes) = source.find(request).map_err(SignOutError::Unreadable)? else {
            return Ok(None);
        };
        let token = Credential { bytes, source }.text().map_err(SignOutError::Unreadable)?;
        if source.is_opaque() {
            return self.session_of_opaque(token).await.map_err(SignOutError::Authority);
        }
        match self.verifier().verify_genuine(token).await {
            Ok(genuine) => Ok(Some(genuine.session)),
            Err(VerifyError::Token(_)) => Ok(None),
            Err(error) => Err(SignOutError::Unverified(error)),
        }
    }

    async fn session_of_opaque(&self, token: &str) -> Result<Option<Session>, AuthorityError> {
        let Some(presented) = Presented::opaque(token.as_bytes()) else { return Ok(None) };
        let freshness = Freshness { needs_tokens: false, confirmed_within: None };
        match self.ask(&presented, freshness).await {
            Ok(renewed) => Ok(Some(renewed.session.clone())),
            Err(AuthorityError::UnknownSession) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn end(&self, session: &Session) -> Result<(), SignOutError> {
        let (sessions, session_id) = (self.clone(), session.id().to_owned());
        let ended = detached(async move { sessions.end_everywhere(session_id).await }).await;
        ended.unwrap_or_else(|cause| Err(SignOutError::NotRevoked(RevocationError::Failed(cause))))
    }

    async fn end_everywhere(&self, session_id: String) -> Result<(), SignOutError> {
        let here = self.revoke_here(session_id.clone()).await;
        self.exchanges.forget_session(&session_id);
        let there = self.end_with_authority(session_id).await;
        match (here, there) {
            (Ok(()), there) => there.map_err(SignOutError::Authority),
            (Err(here), there) => {
                if let Err(error) = there {
                    tracing::warn!(%error, "a session was not ended by its authority either");
                }
                Err(SignOutError::NotRevoked(here))
            }
        }
    }

    /// Revokes a session in the verifier's store, within the timeout.
    pub(super) async fn revoke_here(&self, session_id: String) -> Result<(), RevocationError> {
        let (verifier, timeout) = (self.verifier().clone(), self.settings.timeout);
        let write = async move { verifier.revoke_session(&session_id).await };
        let recorded = detached_within(timeout, write).await;
        recorded.unwrap_or_else(|cause| Err(RevocationError::Failed(cause)))
    }

    async fn end_with_authority(&self, session_id: String) -> Result<(), AuthorityError> {
        let (authority, timeout) = (self.settings.authority.clone(), self.settings.timeout);
        let call = async move { authority.revoke(session_id).await };
        match detached_within(timeout, call).await {
            Ok(Ok(()) | Err(AuthorityError::UnknownSession)) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(cause) => Err(AuthorityError::unavailable(cause)),
        }
    }
}

/// Runs a call in a separate task: it goes on if the caller goes away, and a panic ends only it.
async fn detached<T: Send + 'static>(
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    Ok(Handle::try_current()?.spawn(call).await?)
}

async fn detached_within<T: Send + 'static>(
    timeout: Duration,
    call: impl Future<Output = T> + Send + 'static,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    let ended = detached(async move { tokio::time::timeout(timeout, call).await }).await?;
    ended.map_err(|_| format!("no answer within {timeout:?}").into())
}

/// What became of a sign-out.
#[must_use = "the browser keeps its cookies unless they are removed, and signing out may have failed"]
#[non_exhaustive]
#[derive(Debug)]
pub struct SignedOut {
    /// The cookies that clear the tokens.
    pub cookies: SetCookies,
    /// Whether the session has ended everywhere. Do not tell a user so if it has not.
    pub revoked: Result<(), SignOutError>,
}

/// Why a session may not have ended. Try again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignOutError {
    /// The revocation was not recorded here, so guards still accept the session's JWT until it
    /// expires. The authority was asked all the same, unless there is no tokio runtime.
    #[error("the session was not revoked here")]
    NotRevoked(#[source] RevocationError),
    /// The authority did not confirm that the session has ended, or did not say which session an
    /// opaque token names.
    /// A session that it was asked to end was revoked here first. Until it has ended, its tokens
    /// can be renewed elsewhere at once, and here when the revocation is forgotten.
    #[error("the authority did not confirm that the session has ended")]
    Authority(#[source] AuthorityError),
    /// The request presents a token that cannot be read, such as two cookies of one name, so the
    /// session is not known. A cookie that is left in the browser may be used later.
    #[error("the token that the request presents cannot be read")]
    Unreadable(#[source] CredentialError),
    /// The presented JWT cannot be verified now, so the session is not known.
    #[error("the token that the request presents cannot be verified now")]
    Unverified(#[source] VerifyError),
}
