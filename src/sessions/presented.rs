//! The sessions whose tokens a request presents, for signing out.

use http::HeaderMap;

use super::ask::Freshness;
use super::authority::{AuthorityError, PresentedToken};
use super::exchange::Presented;
use super::handle::Sessions;
use super::sign_out::SignOutError;
use crate::token::{HeaderError, TokenError, VerifyError};

/// How many different tokens of one request are looked at.
const MAX_TOKENS: usize = 8;

impl Sessions {
    /// Returns the tokens that a request presents, each once, wherever they stand. It skips values
    /// that are not UTF-8.
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
                let Ok(text) = str::from_utf8(value) else { continue };
                let token = match source.is_opaque() {
                    true => PresentedToken::SessionToken(text.into()),
                    false => PresentedToken::SessionJwt(text.into()),
                };
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

    /// Returns the id of the session of a JWT, and `None` if it is of no session that is alive.
    pub(super) async fn session_of_jwt(
        &self,
        jwt: Box<str>,
    ) -> Result<Option<String>, SignOutError> {
        match self.verifier().verify_genuine(&jwt).await {
            Ok(genuine) => Ok(Some(genuine.session.id().to_owned())),
            Err(error) if names_no_session(&error) => Ok(None),
            Err(error) => {
                let token = PresentedToken::SessionJwt(jwt);
                self.end_unknown(token, SignOutError::Unverified(error)).await
            }
        }
    }

    /// Returns the id of the session of an opaque token, and `None` if it is of no session that is
    /// alive.
    pub(super) async fn session_of_opaque(
        &self,
        token: Box<str>,
    ) -> Result<Option<String>, SignOutError> {
        let Some(presented) = Presented::opaque(token.as_bytes()) else { return Ok(None) };
        let freshness = Freshness { needs_tokens: false, confirmed_within: None };
        match self.ask(&presented, freshness).await {
            Ok(renewed) => Ok(Some(renewed.session.id().to_owned())),
            Err(AuthorityError::UnknownSession) => Ok(None),
            Err(error) => {
                let token = PresentedToken::SessionToken(token);
                self.end_unknown(token, SignOutError::Authority(error)).await
            }
        }
    }

    /// Has the authority end a session of which nothing but a token is known here. That is an error
    /// all the same: a JWT of the session may still be accepted here.
    async fn end_unknown(
        &self,
        token: PresentedToken,
        why: SignOutError,
    ) -> Result<Option<String>, SignOutError> {
        match self.end_by_token(token).await {
            Err(AuthorityError::UnknownSession) => Ok(None),
            Ok(()) | Err(AuthorityError::Unavailable { .. }) => Err(why),
        }
    }
}

/// Returns whether a refused JWT is of no session here, now and later. Its key may still come.
fn names_no_session(error: &VerifyError) -> bool {
    match error {
        VerifyError::Token(TokenError::Header(HeaderError::UnknownKey(_))) => false,
        VerifyError::Token(_) => true,
        VerifyError::KeysUnavailable(_) | VerifyError::RevocationsUnavailable(_) => false,
    }
}
