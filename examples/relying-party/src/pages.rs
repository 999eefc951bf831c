//! The pages of the site.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tower_http::csrf::CsrfLayer;
use tower_step_up::Session;

use crate::flow::{self, TOKEN};
use crate::pending::Question;
use crate::site::App;

/// The pages have no scripts, send forms to this site alone, and no other site may show them in a
/// frame. Chromium applies `form-action` to redirects too, so a form must not lead to the provider.
pub(crate) const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Returns the routes of the site, each with its guard.
pub(crate) fn routes(app: Arc<App>) -> Router {
    let guards = &app.guards;
    let opened = from_fn_with_state(Arc::clone(&app), forget_answers);
    // The guard is the outer layer, so that only an open page forgets.
    Router::new()
        .route("/account", get(account).layer((guards.account.clone(), opened.clone())))
        .route("/transfer", get(transfer).layer((guards.transfer.clone(), opened.clone())))
        .route("/", get(home).layer(opened))
        .route("/sign-in", get(flow::sign_in))
        .route("/step-up", get(flow::step_up))
        .route("/callback", get(flow::callback))
        .route("/sign-out", post(sign_out))
        .with_state(app)
        // Outside every guard. A form of another site must not sign people out.
        .layer(CsrfLayer::new())
}

/// Removes the marks of answered questions, because the page has opened.
async fn forget_answers(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let marked = Question::ALL.map(|question| {
        question.is_marked(app.cookies, request.headers()).then(|| question.forget(app.cookies))
    });
    let cookies = marked.into_iter().flatten().flatten().map(|cookie| (SET_COOKIE, cookie));
    (AppendHeaders(cookies), next.run(request).await).into_response()
}

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    signed_in: bool,
}

async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Page<Home> {
    Page(Home { signed_in: app.cookies.find(&headers, TOKEN).is_some() })
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    user: String,
}

async fn account(session: Session) -> Page<Account> {
    Page(Account { user: session.user_id().to_owned() })
}

#[derive(Template)]
#[template(path = "transfer.html")]
struct Transfer {
    user: String,
    to: String,
}

#[derive(Deserialize)]
struct TransferTo {
    #[serde(default)]
    to: String,
}

async fn transfer(session: Session, Query(TransferTo { to }): Query<TransferTo>) -> Page<Transfer> {
    Page(Transfer { user: session.user_id().to_owned(), to })
}

/// Forgets the token. The session at the provider goes on.
async fn sign_out(State(app): State<Arc<App>>) -> impl IntoResponse {
    let removed = app.cookies.remove(TOKEN).map(|cookie| (SET_COOKIE, cookie));
    (AppendHeaders(removed), Redirect::to("/"))
}

/// A page. No cache may store it.
pub(crate) struct Page<T>(pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let headers = [
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY)),
        ];
        match self.0.render() {
            Ok(html) => (headers, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be rendered");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
