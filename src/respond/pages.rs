//! The pages where people sign in and step up, and which of them comes next.

use http::StatusCode;

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
    ) -> Option<&ReturnTo> {
        // The sign-in page leads nowhere and the step-up page only there, so no chain of redirects
        // has a circle.
        if status != StatusCode::UNAUTHORIZED
            || self.sign_in.as_ref().is_some_and(|page| is_at(page, path))
        {
            return None;
        }
        let page = match shortfall {
            Some(shortfall) if !shortfall.prompts().needs_restart() => self.step_up.as_ref(),
            _ => self.sign_in.as_ref(),
        };
        page.filter(|page| !is_at(page, path))
    }
}

/// The page's path ends with the request's where `nest` has taken away the rest.
fn is_at(page: &ReturnTo, path: &str) -> bool {
    page.path() == path || path != "/" && page.path().ends_with(path)
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
