//! The frame around every page.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::{Html, IntoResponse};
use tower_step_up::{Clock, Grant, ReturnTo};

use crate::bank::{Bank, Person};
use crate::words;

/// The header with its links and, with local-stytch, the strip that announces the demonstration.
#[derive(Default)]
pub(crate) struct Frame {
    /// The page is built without a request. It offers neither signing in nor signing out.
    pub(crate) has_no_request: bool,
    pub(crate) signed_in: bool,
    /// Who is signed in, as far as the bank knows.
    pub(crate) person: Person,
    pub(crate) path: String,
    pub(crate) local: Option<Strip>,
}

pub(crate) struct Strip {
    pub(crate) phone_url: String,
    pub(crate) now: String,
    /// The address of this page, to which the browser returns after moving the clock.
    pub(crate) here: String,
}

impl Frame {
    pub(crate) fn of(bank: &Bank, request: &Parts) -> Self {
        let here = ReturnTo::of(&request.uri).unwrap_or_default().to_string();
        let local = bank.local.as_ref().map(|stytch| Strip {
            phone_url: stytch.phone_url().to_string(),
            now: words::instant(bank.clock.now()),
            here,
        });
        let grant = request.extensions.get::<Grant>();
        let person = grant.map(|grant| bank.person(grant.session().user_id()));
        Self {
            has_no_request: false,
            signed_in: grant.is_some(),
            person: person.unwrap_or_default(),
            path: request.uri.path().to_owned(),
            local,
        }
    }

    /// Returns whether this is the page at `path`.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        self.path == path
    }
}

impl FromRequestParts<Arc<Bank>> for Frame {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, bank: &Arc<Bank>) -> Result<Self, Infallible> {
        Ok(Self::of(bank, parts))
    }
}

/// A page. No cache may store it, because the next person at the same machine must not see it.
/// Chromium's back button needs more than that, see `sign_out`.
pub(crate) struct Page<T>(pub(crate) T);

/// Marks the response as a page of the bank.
#[derive(Clone)]
pub(crate) struct IsPage;

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> axum::response::Response {
        match self.0.render() {
            Ok(html) => ([(header::CACHE_CONTROL, "no-store")], Extension(IsPage), Html(html))
                .into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

impl<T: Template> Page<T> {
    /// Returns the page as a guard's response, with status 200.
    pub(crate) fn into_refusal(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(self.0.render().unwrap_or_default()));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }
}
