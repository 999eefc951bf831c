//! The page that says why the site cannot go on, and what the user can do.

use askama::Template;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use tower_step_up::ReturnTo;

use crate::pages::Page;

/// Why the site cannot go on.
#[derive(Debug)]
pub(crate) struct Trouble {
    status: StatusCode,
    title: &'static str,
    text: &'static str,
    /// The address at which the user may try again.
    again: Option<String>,
    /// Whether the user may want to sign out.
    sign_out: bool,
    cookie: Option<HeaderValue>,
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct Html {
    title: &'static str,
    text: &'static str,
    again: Option<String>,
    sign_out: bool,
}

impl Trouble {
    fn new(status: StatusCode, title: &'static str, text: &'static str) -> Self {
        Self { status, title, text, again: None, sign_out: false, cookie: None }
    }

    fn again(self, to: &str) -> Self {
        Self { again: Some(to.to_owned()), ..self }
    }

    /// Adds a `Set-Cookie`.
    pub(crate) fn with(self, cookie: Option<HeaderValue>) -> Self {
        Self { cookie, ..self }
    }

    pub(crate) fn damaged_link() -> Self {
        let text = "The address of this page is incomplete or was changed. Go back to the start and open the page again.";
        Self::new(StatusCode::BAD_REQUEST, "This link is damaged", text)
    }

    /// The guard asks for nothing that the provider could do.
    pub(crate) fn no_way() -> Self {
        let text = "This page demands more than your provider can confirm. To sign in again would not help.";
        Self::new(StatusCode::FORBIDDEN, "You cannot open this page", text)
    }

    /// The user has just come back from the provider, and the guard asks for the same again.
    pub(crate) fn still_refused(page: &ReturnTo, again: &str, forget: Option<HeaderValue>) -> Self {
        tracing::info!(%page, "the provider's answer was not enough");
        let text = "You have just signed in, but this page demands more than your provider confirmed: a higher level, or a fresh sign-in. You can try again and choose another way to sign in.";
        Self::new(StatusCode::FORBIDDEN, "Your sign-in was not enough", text)
            .again(again)
            .with(forget)
    }

    /// The answer does not belong to a sign-in that this browser began.
    pub(crate) fn not_begun_here() -> Self {
        let text =
            "It was not started in this browser, was used already, or took too long. Start again.";
        Self::new(StatusCode::BAD_REQUEST, "This sign-in cannot be finished", text)
            .again("/sign-in")
    }

    pub(crate) fn not_signed_in(page: &ReturnTo) -> Self {
        let text = "Your provider did not sign you in. Perhaps you cancelled.";
        Self::new(StatusCode::FORBIDDEN, "You are not signed in", text).again(page.as_str())
    }

    /// The provider signed in another user than the one whose session goes on here.
    pub(crate) fn another_user(page: &ReturnTo) -> Self {
        tracing::info!("the provider signed in another user");
        let text = "You are still signed in here as before. Try again as the same user, or sign out first to go on as the other one.";
        let trouble = Self::new(StatusCode::FORBIDDEN, "You signed in as another user", text);
        Self { sign_out: true, ..trouble.again(page.as_str()) }
    }

    pub(crate) fn no_tokens(page: &ReturnTo) -> Self {
        let text = "Your provider's answer could not be used. Try again in a moment.";
        Self::new(StatusCode::BAD_GATEWAY, "The sign-in failed", text).again(page.as_str())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let Self { status, title, text, again, sign_out, cookie } = self;
        let cookie = AppendHeaders(cookie.map(|cookie| (SET_COOKIE, cookie)));
        (status, cookie, Page(Html { title, text, again, sign_out })).into_response()
    }
}
