//! The pages where people sign in and step up, and which of them comes next.

use http::StatusCode;

use super::redirect;
use super::return_to::{ReturnTo, ReturnToError};
use crate::policy::Shortfall;

#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    pub(super) sign_in: Option<ReturnTo>,
    pub(super) step_up: Option<ReturnTo>,
}

impl Pages {
    /// Where a person goes whose request for this path was refused.
    pub(super) fn next(
        &self,
        status: StatusCode,
        shortfall: Option<&Shortfall>,
        path: &str,
        query: Option<&str>,
    ) -> Option<&ReturnTo> {
        let is_at = |page: &ReturnTo| is_at(page, path, query);
        // The sign-in page leads nowhere and the step-up page only there, so no chain of redirects
        // has a circle.
        if status != StatusCode::UNAUTHORIZED || self.sign_in.as_ref().is_some_and(is_at) {
            return None;
        }
        let page = match shortfall {
            Some(shortfall) if !shortfall.prompts().needs_restart() => self.step_up.as_ref(),
            _ => self.sign_in.as_ref(),
        };
        page.filter(|page| !is_at(page))
    }
}

/// Returns whether a request is for this page. Under `nest` the request's path has lost its
/// beginning. What tells it from that of another page then is the query, which a redirect wrote.
fn is_at(page: &ReturnTo, path: &str, query: Option<&str>) -> bool {
    let may_be_nested = || path != "/" && page.path().ends_with(path);
    page.path() == path || (may_be_nested() && query.is_some_and(redirect::has_return_to))
}

/// Why a page cannot be redirected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{page:?} is {why}")]
pub struct PageError {
    page: Box<str>,
    why: ReturnToError,
}

pub(super) fn local(page: &str) -> Result<ReturnTo, PageError> {
    ReturnTo::parse(page).map_err(|why| PageError { page: page.into(), why })
}
