//! The sign-in page and the step-up page, which start the code flow, and the callback, which ends it.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use cookie::time::Duration;
use oauth2::AccessToken;
use serde::Deserialize;
use tower_step_up::ReturnTo;

use crate::pending::{Pending, Question};
use crate::provider::Begun;
use crate::request::Request;
use crate::site::App;
use crate::trouble::Trouble;

/// The cookie of the access token.
pub(crate) const TOKEN: &str = "access_token";
/// How long the browser keeps the token. The guard decides how long it is valid.
const TOKEN_LIFE: Duration = Duration::hours(12);

/// Signs in.
pub(crate) async fn sign_in(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Response {
    start(&app, Question::SignIn, &headers, &uri).unwrap_or_else(IntoResponse::into_response)
}

/// Steps up.
pub(crate) async fn step_up(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Response {
    start(&app, Question::StepUp, &headers, &uri).unwrap_or_else(IntoResponse::into_response)
}

/// Sends the browser to the provider, unless that would be of no use.
fn start(
    app: &App,
    question: Question,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<Response, Trouble> {
    let request = Request::read(uri.query(), &app.levels).ok_or_else(Trouble::damaged_link)?;
    let page = &request.return_to;
    if question == Question::StepUp && request.parameters.is_empty() {
        return Err(Trouble::no_way());
    }
    // One round trip for one answer. If the guard asks again, the user decides what to do.
    if question.is_answered(app.cookies, headers, page) {
        let again = uri.path_and_query().map_or("/", |uri| uri.as_str());
        return Err(Trouble::still_refused(page, again, question.forget(app.cookies)));
    }
    let Begun { url, state, verifier } = app.provider.begin(&request);
    let pending = Pending { question, return_to: request.return_to, verifier };
    Ok(redirect(url.as_str(), pending.keep(app.cookies, headers, &state)))
}

/// The provider's answer (RFC 6749, section 4.1.2).
#[derive(Deserialize)]
struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// Takes the provider's answer, and sends the browser to the page where the user was.
pub(crate) async fn callback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    finish(&app, &headers, &uri).await.unwrap_or_else(IntoResponse::into_response)
}

async fn finish(app: &App, headers: &HeaderMap, uri: &Uri) -> Result<Response, Trouble> {
    let Query::<Answer>(answer) =
        Query::try_from_uri(uri).map_err(|_| Trouble::not_begun_here())?;
    let state = answer.state.unwrap_or_default();
    let pending =
        Pending::find(app.cookies, headers, &state).ok_or_else(Trouble::not_begun_here)?;
    let end = Pending::end(app.cookies, &state);
    if !app.provider.sent(answer.iss.as_deref()) {
        return Err(Trouble::not_begun_here().with(end));
    }
    let page = pending.return_to;
    let code = match (answer.code, answer.error) {
        (Some(code), None) => code,
        (_, error) => {
            tracing::info!(error = ?error.unwrap_or_default(), "the provider did not sign the user in");
            return Err(Trouble::not_signed_in(&page).with(end));
        }
    };
    let token = app.provider.exchange(code, pending.verifier).await.map_err(|error| {
        tracing::warn!(%error, "the code could not be exchanged");
        Trouble::no_tokens(&page).with(end.clone())
    })?;
    check_user(app, headers, &token, &page).await.map_err(|trouble| trouble.with(end.clone()))?;
    let token =
        token_cookie(app, &token).ok_or_else(|| Trouble::no_tokens(&page).with(end.clone()))?;
    let mark = pending.question.answer(app.cookies, &page);
    Ok(redirect(page.as_str(), [Some(token), end, mark].into_iter().flatten().collect()))
}

/// Refuses the token of another user while the session in the browser's cookie is valid. Otherwise
/// one user would land on the page that another one opened.
async fn check_user(
    app: &App,
    headers: &HeaderMap,
    token: &AccessToken,
    page: &ReturnTo,
) -> Result<(), Trouble> {
    let verifier = app.guards.account.verifier();
    let old = app.cookies.find(headers, TOKEN).unwrap_or_default();
    let Ok(old) = verifier.verify(&old).await else { return Ok(()) };
    match verifier.verify(token.secret()).await {
        Ok(new) if new.user_id() == old.user_id() => Ok(()),
        Ok(_) => Err(Trouble::another_user(page)),
        Err(error) => {
            tracing::warn!(%error, "the new access token is not valid");
            Err(Trouble::no_tokens(page))
        }
    }
}

/// Returns the `Set-Cookie` for a token, or `None` if browsers would drop it.
fn token_cookie(app: &App, token: &AccessToken) -> Option<HeaderValue> {
    let cookie = app.cookies.set(TOKEN, token.secret(), TOKEN_LIFE);
    if cookie.is_none() {
        tracing::warn!("the access token is too long for a cookie");
    }
    cookie
}

fn redirect(to: &str, cookies: Vec<HeaderValue>) -> Response {
    let cookies = cookies.into_iter().map(|cookie| (SET_COOKIE, cookie));
    (AppendHeaders(cookies), Redirect::to(to)).into_response()
}
