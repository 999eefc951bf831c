//! What the guard adds to a response.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};

use super::case::Verdict;
#[cfg(feature = "sessions")]
use super::fresh::Fresh;
use super::guard::Guard;
use crate::credentials::Carrier;
use crate::rejection::Rejection;
use crate::respond::{self, Respond};

/// What is known about a request before the inner service answers it, and changes the response.
pub(super) struct After {
    /// What a cookie opened is for the one browser: shared caches know nothing of cookies.
    by_cookie: bool,
    #[cfg(feature = "sessions")]
    fresh: Option<Box<Fresh>>,
}

impl After {
    /// After this verdict on a request with these headers.
    #[cfg_attr(
        not(feature = "sessions"),
        expect(unused_variables, reason = "only sessions are renewed")
    )]
    pub(super) fn of(verdict: &Verdict, guard: &Guard, request: &HeaderMap) -> Self {
        Self {
            by_cookie: verdict.carrier.is_some_and(Carrier::is_cookie),
            #[cfg(feature = "sessions")]
            fresh: verdict
                .carrier
                .zip(verdict.renewed.as_ref())
                .and_then(|(carrier, renewed)| Fresh::new(guard, carrier, renewed, request))
                .map(Box::new),
        }
    }

    /// The response of a responder. Fresh tokens go with it too: it was the session that fell
    /// short, not the tokens.
    pub(super) fn refuse(
        &self,
        responder: &dyn Respond,
        why: Rejection,
        request: &Parts,
    ) -> Response<Bytes> {
        let mut response = respond::refuse(responder, why, request);
        self.add_fresh_tokens(response.headers_mut());
        response
    }

    /// Completes the inner service's response.
    pub(super) fn apply(&self, headers: &mut HeaderMap) {
        self.add_fresh_tokens(headers);
        if self.by_cookie && !headers.contains_key(header::CACHE_CONTROL) {
            // It fails only where there are as many headers as there can be.
            let _ = headers.try_insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
        }
    }

    #[cfg_attr(
        not(feature = "sessions"),
        expect(unused_variables, clippy::unused_self, reason = "only sessions are renewed")
    )]
    fn add_fresh_tokens(&self, headers: &mut HeaderMap) {
        #[cfg(feature = "sessions")]
        if let Some(fresh) = &self.fresh {
            fresh.apply(headers);
        }
    }
}
