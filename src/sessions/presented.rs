//! The sessions whose tokens a request presents, for signing out.

use http::HeaderMap;

use super::ask::Freshness;
use super::authority::{AuthorityError, PresentedToken, can_be_a_cookie, can_be_a_session_token};
use super::exchange::Presented;
use super::handle::Sessions;
use super::sign_out::SignOutError;
use crate::credentials::CredentialSource;
use crate::token::{Genuine, HeaderError, SessionError, TokenError, VerifyError};

/// How many different tokens of one request are looked at.
const MAX_TOKENS: usize = 8;

impl Sessions {
    /// Returns the tokens that a request presents, each once, wherever they stand. It skips values
    /// that cannot be tokens.
    ///
    /// # Errors
    ///
    /// Returns the first of them with [`SignOutError::TooManyTokens`] if there are too many.
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

    /// Returns the id of the session of a token, and `None` if it is of no session that is alive.
    ///
    /// If the token's session cannot be told here, the authority ends it by the token.
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
            Ok(Genuine { session, usable }) => {
                let has_ended = usable.is_err_and(|error| says_it_has_ended(&error));
                let names_any = !has_ended || self.successions.is_followed(session.id());
                return Ok(names_any.then(|| session.id().to_owned()));
            }
            Err(error) => error,
        };
        match error {
            // Its key may still come. Anyone can make up a key's id, so the authority is not asked.
            VerifyError::Token(TokenError::Header(HeaderError::UnknownKey(_))) => {}
            VerifyError::Token(_) => return Ok(None),
            // Whatever the authority says, the JWT may be accepted here when keys come.
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
        // A JWT of the session may be accepted here, whatever the authority has done.
        match self.end_by_token(presented.clone()).await {
            Err(AuthorityError::UnknownSession) => return self.unfinished_session(&token),
            Ok(()) => self.unfinished.note(&presented, None),
            Err(AuthorityError::Unavailable { .. }) => {}
        }
        Err(SignOutError::Authority(error))
    }

    /// Returns the session of a token that the authority does not know, if a sign-out has failed to
    /// end it everywhere.
    fn unfinished_session(&self, token: &str) -> Result<Option<String>, SignOutError> {
        match self.unfinished.get(token) {
            Some(None) => {
                let cause = "the session was ended by its token, and its id is not known";
                Err(SignOutError::Authority(AuthorityError::unavailable(cause)))
            }
            known => Ok(known.flatten()),
        }
    }
}

/// Returns what stands in a place of tokens if it can be one: a text, and for a JWT one of three
/// parts.
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

/// Returns whether the token itself says that its session is over: nothing is left to end.
fn says_it_has_ended(error: &VerifyError) -> bool {
    matches!(error, VerifyError::Token(TokenError::Session(SessionError::Ended { .. })))
}
