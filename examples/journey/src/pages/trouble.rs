//! The pages for problems that belong to no form. People get a page of the bank for every refusal.
//! Programs get the plain response.

use std::convert::Infallible;
use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::{Grant, Rejection};

use crate::bank::Bank;
use crate::frame::{Frame, IsPage, Page};
use crate::guards::SIGN_IN;
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "trouble.html")]
struct Trouble {
    frame: Frame,
    title: &'static str,
    text: String,
    /// An address and the text of the link to it.
    link: (&'static str, &'static str),
}

impl IntoResponse for Problem {
    /// Returns the status and the text. [`pages_for_people`] makes a page of them.
    fn into_response(self) -> Response {
        if self == Self::NoSession {
            return Redirect::to(&format!("{SIGN_IN}?return_to=/account")).into_response();
        }
        let mut response = (self.status(), self.to_string()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Replaces the plain text of a refusal by a page. The status and the other headers stay.
pub(crate) async fn pages_for_people(
    State(bank): State<Arc<Bank>>,
    request: Request,
    next: Next,
) -> Response {
    if !accepts_html(request.headers()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let response = next.run(Request::from_parts(parts.clone(), body)).await;
    if !is_plain_refusal(&response) {
        return response;
    }
    let (title, text, link) = words(&response);
    // A guard that has refused the request would refuse it again.
    let grant = match response.status().as_u16() {
        403 | 500.. => None,
        _ if Rejection::of(&response).is_some() => None,
        _ => grant_of(&bank, &parts).await,
    };
    let has_no_request = grant.is_none();
    if let Some(grant) = grant {
        parts.extensions.insert(grant);
    }
    let frame = Frame { has_no_request, ..Frame::of(&bank, &parts) };
    let page = Page(Trouble { frame, title, text, link }).into_response();
    let (mut refusal, _) = response.into_parts();
    [CONTENT_TYPE, CONTENT_LENGTH].iter().for_each(|name| drop(refusal.headers.remove(name)));
    let (page, body) = page.into_parts();
    refusal.headers.extend(page.headers);
    Response::from_parts(refusal, body)
}

/// Returns the grant of a request from outside the guards, or `None` if it has no session, or one that
/// cannot be checked.
async fn grant_of(bank: &Bank, parts: &Parts) -> Option<Grant> {
    let echo = service_fn(async |request: Request| {
        let mut response = Response::new(Body::empty());
        *response.extensions_mut() = request.into_parts().0.extensions;
        Ok::<_, Infallible>(response)
    });
    let request = Request::from_parts(parts.clone(), Body::empty());
    let response = bank.guards.everybody.layer(echo).oneshot(request).await;
    response.ok()?.extensions().get().cloned()
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("text/html"))
}

/// Returns whether a response is a refusal that is not a page of the bank, and not for programs.
fn is_plain_refusal(response: &Response<Body>) -> bool {
    let status = response.status();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    (status.is_client_error() || status.is_server_error())
        && response.extensions().get::<IsPage>().is_none()
        && kind.is_none_or(|kind| kind.starts_with("text/"))
}

/// Returns the title, the text and the link of the page.
fn words(response: &Response<Body>) -> (&'static str, String, (&'static str, &'static str)) {
    const ACCOUNT: (&str, &str) = ("/account", "Go to your account");
    const FRONT: (&str, &str) = ("/", "Go to the front page");
    if let Some(problem) = response.extensions().get::<Problem>() {
        return ("That did not work", problem.to_string(), ACCOUNT);
    }
    let (title, text, link) = match (response.status().as_u16(), Rejection::of(response)) {
        (400, Some(_)) => (
            "We cannot tell who you are",
            "Your browser sent two different sign-ins, or one that we cannot read. We have asked it to forget them.",
            (SIGN_IN, "Sign in again"),
        ),
        (503, Some(_)) => (
            "We cannot check your sign-in right now",
            "We have not done what you asked for. Try again in a minute.",
            ACCOUNT,
        ),
        (403, _) => (
            "We did not accept this",
            "It seems that another website sent it for you. Nothing was changed.",
            FRONT,
        ),
        (404, _) => {
            ("Page not found", "The address may be mistyped, or the page was removed.", FRONT)
        }
        (405, _) => (
            "This page cannot be opened like that",
            "It only takes a form that another page sends. Nothing was changed.",
            ACCOUNT,
        ),
        (413, _) => (
            "That was too long",
            "One of the fields has more text than we take. Nothing was changed. Go back, and shorten it.",
            ACCOUNT,
        ),
        (400 | 415 | 422, None) => (
            "We cannot read this form",
            "A part of it is missing, or it was sent in another format than that of our pages. Nothing was changed. Open the page again, and fill in the form there.",
            ACCOUNT,
        ),
        _ => (
            "That did not work",
            "Something went wrong on our side. Before you try again, look at your account.",
            ACCOUNT,
        ),
    };
    (title, text.to_owned(), link)
}
