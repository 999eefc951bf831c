//! The headers that a guard adds to a response.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::decision::Decision;
use super::guard::Guard;
use crate::sessions::{FRESH_JWT, Renewed, Sessions, SetCookies};
use crate::{cache_control, headers};

/// The headers that a guard adds to a response, prepared before the inner service is called.
pub(super) struct Additions {
    /// Whether the handler receives a grant. If it does, the response is for one client only.
    is_private: bool,
    /// Boxed because few responses carry fresh tokens: about one per session every five minutes.
    fresh: Option<Box<FreshTokens>>,
}

/// The fresh tokens of a renewed session, on their way to the client.
struct FreshTokens {
    renewed: Arc<Renewed>,
    sessions: Sessions,
    /// The cookies that carry the tokens. If there are none, a header carries the JWT.
    cookies: Option<SetCookies>,
}

impl Additions {
    #[inline]
    pub(super) fn new(decision: &Decision, guard: &Guard, request: &HeaderMap) -> Self {
        let fresh = |renewed| FreshTokens::new(guard, renewed, decision.by_cookie, request);
        let fresh = decision.renewed.as_ref().and_then(fresh).map(Box::new);
        Self { is_private: matches!(decision.granted, Ok(Some(_))), fresh }
    }

    /// Adds the headers to the response of the inner service.
    pub(super) fn add_to(&self, response: &mut HeaderMap) {
        self.add_fresh_tokens(response);
        if self.is_private {
            cache_control::make_private(response);
        }
    }

    /// Adds the fresh tokens. A refusal gets them too, because the tokens are genuine even if the
    /// session does not meet the policy.
    pub(super) fn add_fresh_tokens(&self, response: &mut HeaderMap) {
        if let Some(fresh) = &self.fresh {
            fresh.add_to(response);
        }
    }
}

impl FreshTokens {
    fn new(
        guard: &Guard,
        renewed: &Arc<Renewed>,
        by_cookie: bool,
        request: &HeaderMap,
    ) -> Option<Self> {
        let sessions = guard.sessions.clone()?;
        let cookies = by_cookie.then(|| sessions.renewed_cookies(renewed, request));
        let is_wanted = by_cookie || sessions.sends_fresh_jwt();
        is_wanted.then(|| Self { renewed: Arc::clone(renewed), sessions, cookies })
    }

    /// Adds the tokens, unless the user has signed out or stepped up in the meantime, in the inner
    /// service or in another request. Leaving them out costs at most another renewal.
    fn add_to(&self, response: &mut HeaderMap) {
        if !self.sessions.are_current(&self.renewed) {
            return;
        }
        if let Some(cookies) = &self.cookies {
            cookies.fill_in(response);
        } else if let Ok(mut jwt) = HeaderValue::try_from(&self.renewed.tokens.session_jwt) {
            jwt.set_sensitive(true);
            headers::insert(response, FRESH_JWT, jwt);
            cache_control::forbid_storing(response);
        }
    }
}
