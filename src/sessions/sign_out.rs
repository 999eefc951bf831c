//! Signing out.

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use tokio::task::JoinSet;

use super::authority::{AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority};
use super::handle::Sessions;
use super::set_cookies::SetCookies;
use crate::detached::{detached, detached_within};
use crate::lock::lock;
use crate::session::Session;
use crate::token::{RevocationError, Revoked, VerifyError};

impl Sessions {
    /// Ends a session, and every other session whose token the request presents. It first revokes
    /// each session in the verifier's [store](crate::Verifier::revocations), and then asks the
    /// authority to end it. Put the returned cookies, which clear the tokens, into the response.
    /// The request's `Host` affects whether they are `Secure`; see
    /// [`SessionCookies`](crate::SessionCookies).
    ///
    /// Sign-out also ends every session that a step-up began from this session, or from a session
    /// that this one followed, if this handle or a clone of it [adopted](Self::adopt) the tokens.
    /// This includes a step-up that runs at the same time.
    ///
    /// Once begun, the sign-out continues even if the returned future is dropped. The store and the
    /// authority each have the [timeout](Self::timeout) to respond. The guards that accept the
    /// session must share this handle's verifier or its
    /// [revocations](crate::Verifier::revocations).
    pub async fn sign_out(&self, session: impl AsRef<Session>, request: &HeaderMap) -> SignedOut {
        let session = session.as_ref();
        if self.keeps(session) {
            return self.end_presented(Some(session.id().to_owned()), request).await;
        }
        let here = self.revoke_foreign(session).await;
        let SignedOut { cookies, revoked } = self.end_presented(None, request).await;
        SignedOut { cookies, revoked: here.and(revoked) }
    }

    /// Ends every session whose token the request presents. Use it on pages that no guard protects,
    /// such as the sign-in page. It skips a token that is not genuine. It also skips a token of a
    /// session that has ended, unless a step-up from that session began another.
    ///
    /// If it cannot end a session, it still ends the others, and the result contains one of the
    /// errors.
    pub async fn sign_out_presented(&self, request: &HeaderMap) -> SignedOut {
        self.end_presented(None, request).await
    }

    async fn end_presented(&self, first: Option<String>, request: &HeaderMap) -> SignedOut {
        let (tokens, all_read) = self.presented_tokens(request);
        let sessions = self.clone();
        let revoked = ended_in_a_task(async move {
            let ended = Arc::new(Mutex::new(HashSet::new()));
            let mut endings = JoinSet::new();
            if let Some(session_id) = first {
                endings.spawn(sessions.clone().end_once(session_id, Arc::clone(&ended)));
            }
            for token in tokens.clone() {
                let (sessions, ended) = (sessions.clone(), Arc::clone(&ended));
                endings.spawn(async move {
                    let session_id = sessions.presented_session(token.clone()).await?;
                    let Some(session_id) = session_id else { return Ok(()) };
                    sessions.unfinished.note(&token, Some(&session_id));
                    sessions.end_once(session_id, ended).await
                });
            }
            let mut revoked = all_read;
            while let Some(ended) = endings.join_next().await {
                revoked = revoked.and(ended.unwrap_or_else(|cause| Err(failed(cause))));
            }
            // One token's session may have been ended through another token, so forget all or none.
            if revoked.is_ok() {
                sessions.unfinished.forget(&tokens);
            }
            revoked
        });
        SignedOut { cookies: self.clear_cookies(request), revoked: revoked.await }
    }

    /// Ends a session, unless another token of the request has already named it.
    async fn end_once(
        self,
        session_id: String,
        ended: Arc<Mutex<HashSet<String>>>,
    ) -> Result<(), SignOutError> {
        let is_first = lock(&ended).insert(session_id.clone());
        if is_first { self.end(&session_id).await } else { Ok(()) }
    }

    /// Ends a session, and every session that a step-up began from it or from a session that it
    /// followed.
    pub(super) async fn end(&self, session_id: &str) -> Result<(), SignOutError> {
        let (sessions, session_id) = (self.clone(), Box::from(session_id));
        ended_in_a_task(async move {
            let mut revoked = Ok(());
            let mut seen = HashSet::new();
            let mut left: Vec<(Option<Box<str>>, Box<str>)> = vec![(None, session_id)];
            while let Some((predecessor, id)) = left.pop() {
                if !seen.insert(id.clone()) {
                    continue;
                }
                let outcome = sessions.end_everywhere(&id).await;
                let successors = sessions.successions.sign_out(&id).into_iter();
                left.extend(successors.map(|(before, successor)| (Some(before), successor)));
                if let (Ok(()), Some(predecessor)) = (&outcome, predecessor) {
                    sessions.successions.forget(&predecessor, &id);
                }
                revoked = revoked.and(outcome);
            }
            revoked
        })
        .await
    }

    async fn end_everywhere(&self, session_id: &str) -> Result<(), SignOutError> {
        let here = self.revoke_here(session_id.to_owned()).await;
        self.exchanges.forget_session(session_id);
        let session_id = session_id.to_owned();
        let there = self.end_with_authority(|authority| authority.revoke(session_id)).await;
        both(here, there)
    }

    /// Revokes a session of another issuer, which the authority does not keep.
    pub(super) async fn revoke_foreign(&self, session: &Session) -> Result<(), SignOutError> {
        let revoked = Revoked::session(session.issuer(), session.id());
        self.revoke_in_store(revoked).await.map_err(SignOutError::NotRevoked)
    }

    /// Revokes a session of the authority's issuer in the verifier's store.
    pub(super) async fn revoke_here(&self, session_id: String) -> Result<(), RevocationError> {
        self.revoke_in_store(Revoked::session(&self.settings.issuer, &session_id)).await
    }

    /// Revokes a session or a user in the verifier's store, within the timeout.
    pub(super) async fn revoke_in_store(&self, revoked: Revoked) -> Result<(), RevocationError> {
        let (verifier, timeout) = (self.verifier().clone(), self.settings.timeout);
        let write = async move { verifier.revoke(revoked, verifier.now()).await };
        let recorded = detached_within(timeout, write).await;
        recorded.unwrap_or_else(|cause| Err(RevocationError::Failed(cause)))
    }

    pub(super) async fn end_with_authority(
        &self,
        call: impl FnOnce(&dyn SessionAuthority) -> AuthorityFuture<()> + Send + 'static,
    ) -> Result<(), AuthorityError> {
        match self.call_authority(call).await {
            Err(AuthorityError::UnknownSession) => Ok(()),
            outcome => outcome,
        }
    }

    /// Asks the authority to end the session of a token. The limits for this kind of token apply
    /// here too.
    pub(super) async fn end_by_token(&self, token: PresentedToken) -> Result<(), AuthorityError> {
        let timeout = self.settings.timeout;
        let exchanges = Arc::clone(&self.exchanges);
        let lane = exchanges.lane_of(&token);
        lane.check_pause(self.verifier().monotonic())?;
        let permit = Arc::clone(&lane.permits).acquire_owned();
        let permit = tokio::time::timeout(timeout, permit).await;
        let permit = permit.map_err(|_| AuthorityError::too_slow(timeout))?;
        let outcome = self.call_authority(|authority| authority.revoke_by_token(token)).await;
        drop(permit);
        outcome
    }

    async fn call_authority(
        &self,
        call: impl FnOnce(&dyn SessionAuthority) -> AuthorityFuture<()> + Send + 'static,
    ) -> Result<(), AuthorityError> {
        let (authority, timeout) = (self.settings.authority.clone(), self.settings.timeout);
        let call = async move { call(&*authority).await };
        let outcome = detached_within(timeout, call).await;
        outcome.unwrap_or_else(|cause| Err(AuthorityError::unavailable(cause)))
    }
}

/// Combines the results of the store and of the authority.
pub(super) fn both(
    here: Result<(), RevocationError>,
    there: Result<(), AuthorityError>,
) -> Result<(), SignOutError> {
    match (here, there) {
        (Ok(()), there) => there.map_err(SignOutError::Authority),
        (Err(here), there) => {
            if let Err(AuthorityError::Unavailable { cause, .. }) = there {
                tracing::warn!(reason = %cause, "the authority did not end the session either");
            }
            Err(SignOutError::NotRevoked(here))
        }
    }
}

pub(super) async fn ended_in_a_task(
    call: impl Future<Output = Result<(), SignOutError>> + Send + 'static,
) -> Result<(), SignOutError> {
    detached(call).await.unwrap_or_else(|cause| Err(failed(cause)))
}

fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> SignOutError {
    SignOutError::NotRevoked(RevocationError::Failed(cause.into()))
}

/// The result of a sign-out.
#[must_use = "put the cookies into the response, and check whether the sign-out failed"]
#[non_exhaustive]
#[derive(Debug)]
pub struct SignedOut {
    /// The cookies that clear the tokens. A browser that receives them cannot retry the sign-out.
    pub cookies: SetCookies,
    /// Whether the sessions have ended everywhere. If this is an error, do not tell the user that
    /// they are signed out.
    pub revoked: Result<(), SignOutError>,
}

/// The reason why a session may not have ended.
///
/// To let the user try again, leave out [`SignedOut::cookies`], so that the browser keeps its
/// cookies. Without them, a second sign-out would present no token. Do not put a guard in front of
/// the sign-out page, because the session may already be revoked in the verifier's store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignOutError {
    /// The verifier's store did not record the revocation, so guards may accept the session's JWT
    /// until it expires. The authority was nevertheless asked to end the session, except outside a
    /// tokio runtime.
    #[error("the session was not revoked in the verifier's store")]
    NotRevoked(#[source] RevocationError),
    /// The authority did not confirm that the session has ended, or did not identify the session of
    /// an opaque token. If the session's id is known, it was revoked in the verifier's store first.
    /// Until the authority ends the session, guards whose verifier does not have this revocation
    /// can renew the session at once. This verifier's guards can renew it once the store has
    /// dropped the revocation.
    #[error("the authority did not confirm that the session has ended")]
    Authority(#[source] AuthorityError),
    /// The request presents more tokens than a sign-out processes. Only the first of them were
    /// processed.
    #[error("the request presents more than {max} tokens")]
    TooManyTokens {
        /// How many tokens a sign-out processes.
        max: usize,
    },
    /// The JWT in the request cannot be verified now, so its session is not known. Guards may
    /// accept it once its key arrives. If keys were unavailable, the authority was nevertheless
    /// asked to end the session. If only the JWT's key is unknown, it was not.
    #[error("the token in the request cannot be verified now")]
    Unverified(#[source] VerifyError),
}
