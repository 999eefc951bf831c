//! The pages where people sign in and step up, and which of them comes next.

use http::StatusCode;

use super::redirect;
use super::return_to::{ReturnTo, ReturnToError};
use crate::policy::{AuthenticationRequest, Shortfall};

#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pub(super) sign_in: Option<ReturnTo>,
    pub(super) step_up: Option<ReturnTo>,
}

impl Pages {
    /// Returns the page to redirect to after a refused request for this path, if there is one.
    pub(super) fn next(
        &self,
        status: StatusCode,
        shortfall: Option<&Shortfall>,
        path: &str,
        query: Option<&str>,
    ) -> Option<&ReturnTo> {
        let is_at = |page: &ReturnTo| is_at(page, path, query);
        // The sign-in page redirects nowhere, and the step-up page only to the sign-in page, so
        // redirects cannot loop.
        if status != StatusCode::UNAUTHORIZED || self.sign_in.as_ref().is_some_and(is_at) {
            return None;
        }
        let page = match shortfall {
            Some(shortfall) if !needs_only_sign_in(shortfall) => self.step_up.as_ref(),
            _ => self.sign_in.as_ref(),
        };
        page.filter(|page| !is_at(page))
    }
}

/// Returns whether signing in is all that the user has to do, in a new session or with a request that
/// asks for nothing in particular.
fn needs_only_sign_in(shortfall: &Shortfall) -> bool {
    shortfall.prompts().needs_restart()
        || shortfall.authentication_request().is_some_and(AuthenticationRequest::is_empty)
}

/// Returns whether a request is for this page. Under axum's `nest` the request's path lacks its
/// prefix, so it may be only the end of the page's path. Then the query decides, since every
/// redirect writes `return_to`. A slash at the end does not count, because `nest` may remove it.
fn is_at(page: &ReturnTo, path: &str, query: Option<&str>) -> bool {
    let (page, path) = (page.path().trim_end_matches('/'), path.trim_end_matches('/'));
    let may_be_nested = || !path.is_empty() && page.ends_with(path);
    page == path || (may_be_nested() && query.is_some_and(redirect::has_return_to))
}

/// An error in the path of a page of [`Negotiated`](crate::Negotiated).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{page:?} is {why}")]
pub struct PageError {
    page: Box<str>,
    why: ReturnToError,
}

pub(super) fn local(page: &str) -> Result<ReturnTo, PageError> {
    ReturnTo::parse(page).map_err(|why| PageError { page: page.into(), why })
}
