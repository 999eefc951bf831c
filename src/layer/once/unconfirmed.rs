//! The refusal of an action.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use super::cause::Cause;
use crate::rejection::Rejection;
use crate::respond::{self, Respond};

/// The error returned if an action is not [confirmed](crate::Once::confirm). With axum (feature
/// `axum`) it is a response, so a handler returns it with `?`.
///
/// A handler can also show its own page. It then writes the [intent](Self::intent) into a hidden field of
/// the form, which the user sends again.
pub struct Unconfirmed(Box<Inner>);

struct Inner {
    why: Rejection,
    cause: Cause,
    responder: Arc<dyn Respond>,
    request: Parts,
}

impl Unconfirmed {
    pub(super) fn new(
        why: Rejection,
        cause: Cause,
        responder: Arc<dyn Respond>,
        request: &Parts,
    ) -> Self {
        Self(Box::new(Inner { why, cause, responder, request: request.clone() }))
    }

    /// Returns the reason.
    #[must_use]
    pub fn rejection(&self) -> &Rejection {
        &self.0.why
    }

    /// Returns the cause, for the text of a page.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// Returns the id of the intent that the retry has to name, or `None` if a proof would not help
    /// now. Unlike [`Rejection::intent`], it leaves a used intent out.
    #[must_use]
    pub fn intent(&self) -> Option<&str> {
        match &self.0.why {
            Rejection::StepUpRequired(shortfall) => shortfall.intent(),
            _ => None,
        }
    }

    /// Returns the response of the guard's [responder](crate::StepUpLayer::respond_with).
    #[must_use]
    pub fn respond(&self) -> Response<Bytes> {
        respond::refuse(&*self.0.responder, self.0.why.clone(), &self.0.request)
    }
}

impl fmt::Debug for Unconfirmed {
    /// Omits the request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unconfirmed").field(&self.0.why).finish()
    }
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.why, f)
    }
}

impl Error for Unconfirmed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.why.source()
    }
}
