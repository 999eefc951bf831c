//! What the guard adds to a response.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use super::case::Verdict;
use super::guard::Guard;
use crate::credentials::Carrier;
#[cfg(feature = "sessions")]
use crate::credentials::SetCookies;
use crate::rejection::Rejection;
#[cfg(feature = "sessions")]
use crate::renewal::{self, Renewed};
use crate::respond::{self, Respond};

/// What is known about a request before the inner service answers it, and changes the response.
pub(super) struct After {
    /// What a cookie opened is for the one browser: shared caches know nothing of cookies.
    pub(super) by_cookie: bool,
    pub(super) fresh: Option<Box<Fresh>>,
}

/// The fresh tokens of a session that was renewed, for whoever presented the old ones.
pub(super) enum Fresh {
    #[cfg(feature = "sessions")]
    Cookies(SetCookies),
    #[cfg_attr(not(feature = "sessions"), expect(dead_code, reason = "only sessions are renewed"))]
    Header(HeaderName, HeaderValue),
}

impl After {
    /// After this verdict on a request with these headers.
    pub(super) fn of(verdict: &Verdict, guard: &Guard, request: &HeaderMap) -> Self {
        #[cfg(feature = "sessions")]
        let fresh = verdict.carrier.zip(verdict.renewed.as_ref());
        #[cfg(feature = "sessions")]
        let fresh = fresh.and_then(|(carrier, renewed)| fresh_tokens(guard, carrier, renewed, request)).map(Box::new);
        #[cfg(not(feature = "sessions"))]
        let (fresh, _) = (None, (guard, request));
        Self { by_cookie: verdict.carrier.is_some_and(Carrier::is_cookie), fresh }
    }

    /// The response of a responder. Fresh tokens go with it too: it was the session that fell short, not the tokens.
    pub(super) fn refuse(&self, responder: &dyn Respond, why: Rejection, request: &Parts) -> Response<Bytes> {
        let mut response = respond::refuse(responder, why, request);
        if let Some(fresh) = &self.fresh {
            fresh.apply(response.headers_mut());
        }
        response
    }

    /// Completes the inner service's response.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        if let Some(fresh) = &self.fresh {
            fresh.apply(headers);
        }
        if self.by_cookie && !headers.contains_key(header::CACHE_CONTROL) {
            // It fails only where there are as many headers as there can be.
            let _ = headers.try_insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
    }
}

impl Fresh {
    fn apply(&self, headers: &mut HeaderMap) {
        match self {
            #[cfg(feature = "sessions")]
            Self::Cookies(cookies) => cookies.fill_in(headers),
            Self::Header(name, value) => {
                let _ = headers.try_insert(name, value.clone());
                let _ = headers.try_insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
        }
    }
}

#[cfg(feature = "sessions")]
/// The fresh tokens, the way that the old ones came.
fn fresh_tokens(guard: &Guard, carrier: Carrier, renewed: &Renewed, request: &HeaderMap) -> Option<Fresh> {
    if carrier.is_cookie() {
        let rest = renewed.session.expires_at() - guard.verifier.now();
        return Some(Fresh::Cookies(guard.cookies.set(&renewed.tokens, rest, request)));
    }
    guard.exchanges.as_ref().filter(|exchanges| exchanges.renewal.answers_with_jwt)?;
    let mut jwt = HeaderValue::try_from(&renewed.tokens.session_jwt).ok()?;
    jwt.set_sensitive(true);
    Some(Fresh::Header(renewal::FRESH_JWT, jwt))
}
