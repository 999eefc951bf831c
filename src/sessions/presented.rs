//! Finds the sessions whose tokens a request presents, for sign-out.

use http::HeaderMap;

use super::ask::Freshness;
use super::authority::{AuthorityError, PresentedToken, can_be_a_cookie, can_be_a_session_token};
use super::exchange::Presented;
use super::handle::Sessions;
use super::sign_out::SignOutError;
use crate::credentials::CredentialSource;
use crate::token::{GenuineSession, HeaderError, SessionError, TokenError, VerifyError};

/// How many different tokens of one request a sign-out processes.
const MAX_TOKENS: usize = 8;

impl Sessions {
    /// Returns the tokens of a request, each once, from every place where tokens may be. It skips
    /// values that cannot be tokens.
    ///
    /// # Errors
    ///
    /// Returns [`SignOutError::TooManyTokens`] together with the first tokens if there are more.
    pub(super) fn presented_tokens(
        &self,
        request: &HeaderMap,
    ) -> (Vec<PresentedToken>, Result<(), SignOutError>) {
        let mut tokens = Vec::new();
        for source in &*self.settings.sources {
            for value in source.find_all(request) {
                let Some(token) = token(source, value) else { continue };
                if tokens.contains(&token) {
                    continue;
                }
                if tokens.len() == MAX_TOKENS {
                    return (tokens, Err(SignOutError::TooManyTokens { max: MAX_TOKENS }));
                }
                tokens.push(token);
            }
        }
        (tokens, Ok(()))
    }

    /// Returns the id of the token's session, or `None` if the token belongs to no live session.
    ///
    /// If keys or the authority are unavailable, this asks the authority to end the session by the
    /// token.
    pub(super) async fn presented_session(
        &self,
        token: PresentedToken,
    ) -> Result<Option<String>, SignOutError> {
        match token {
            PresentedToken::SessionJwt(jwt) => self.session_of_jwt(jwt).await,
            PresentedToken::SessionToken(token) => self.session_of_opaque(token).await,
        }
    }

    async fn session_of_jwt(&self, jwt: Box<str>) -> Result<Option<String>, SignOutError> {
        let error = match self.verifier().verify_genuine(&jwt).await {
            Ok(GenuineSession { session, .. }) if !self.keeps(&session) => {
                return self.revoke_foreign(&session).await.map(|()| None);
            }
            Ok(GenuineSession { session, usable }) => {
                let has_ended = usable.is_err_and(|error| is_of_ended_session(&error));
                let names_any = !has_ended || self.successions.has_successors(session.id());
                return Ok(names_any.then(|| session.id().to_owned()));
            }
            Err(error) => error,
        };
        match error {
            // The key may still arrive. Anyone can make up a key's id, so the authority is not
            // asked.
            VerifyError::Token(TokenError::Header(HeaderError::UnknownKey(_))) => {}
            VerifyError::Token(_) => return Ok(None),
            // The authority does not keep the sessions of other issuers.
            _ if !self.verifier().claims_to_be_of(&jwt, &self.settings.issuer) => {}
            // Guards may accept the JWT once keys arrive, whatever the authority returns.
            _ => drop(self.end_by_token(PresentedToken::SessionJwt(jwt)).await),
        }
        Err(SignOutError::Unverified(error))
    }

    async fn session_of_opaque(&self, token: Box<str>) -> Result<Option<String>, SignOutError> {
        let Some(presented) = Presented::opaque(token.as_bytes()) else { return Ok(None) };
        let freshness = Freshness { needs_tokens: false, confirmed_within: None };
        let error = match self.ask(&presented, freshness).await {
            Ok(renewed) => return Ok(Some(renewed.session.id().to_owned())),
            Err(AuthorityError::UnknownSession) => return self.unfinished_session(&token),
            Err(error) => error,
        };
        let presented = PresentedToken::SessionToken(token.clone());
        // Even if the authority ends the session, guards may still accept a JWT of it.
        match self.end_by_token(presented.clone()).await {
            Err(AuthorityError::UnknownSession) => return self.unfinished_session(&token),
            Ok(()) => self.unfinished.note(&presented, None),
            Err(AuthorityError::Unavailable { .. }) => {}
        }
        Err(SignOutError::Authority(error))
    }

    /// Returns the session of a token that the authority does not know, if an earlier sign-out
    /// failed to end it everywhere.
    fn unfinished_session(&self, token: &str) -> Result<Option<String>, SignOutError> {
        match self.unfinished.get(token) {
            Some(None) => {
                let cause = "the session was ended by its token, but its id is unknown";
                Err(SignOutError::Authority(AuthorityError::unavailable(cause)))
            }
            known => Ok(known.flatten()),
        }
    }
}

/// Returns a value as a token, or `None` if it cannot be one. A JWT has three parts.
fn token(source: &CredentialSource, value: &[u8]) -> Option<PresentedToken> {
    let text = str::from_utf8(value).ok()?;
    match source.is_opaque() {
        true => can_be_a_session_token(text).then(|| PresentedToken::SessionToken(text.into())),
        false => {
            let is_jwt = can_be_a_cookie(text) && text.matches('.').count() == 2;
            is_jwt.then(|| PresentedToken::SessionJwt(text.into()))
        }
    }
}

/// Returns whether the token itself states that its session is over. Then nothing is left to end.
fn is_of_ended_session(error: &VerifyError) -> bool {
    matches!(error, VerifyError::Token(TokenError::Session(SessionError::Ended { .. })))
}
