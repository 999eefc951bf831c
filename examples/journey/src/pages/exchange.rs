//! Shows how the guard responds to programs. The page makes a request without a token and one with
//! the session's token.

use std::sync::Arc;

use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_step_up::Session;
use tower_step_up::sessions::FRESH_JWT;

use crate::bank::Bank;
use crate::frame::{Frame, Page};
use crate::order::OWN_PROOF_ABOVE;
use crate::problem::Problem;
use crate::routes;

const MAX_RESPONSE: usize = 64 << 10;

#[derive(Template)]
#[template(path = "api.html")]
struct Api {
    frame: Frame,
    order: String,
    without: Exchange,
    with: Option<Exchange>,
}

/// A request and its response, without tokens.
struct Exchange {
    curl: String,
    status: String,
    is_success: bool,
    headers: Vec<(String, String)>,
    body: String,
}

/// Shows the request without a token, which changes nothing.
pub(crate) async fn show(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let without = exchange(&bank, None, &headers).await?;
    Ok(Page(Api { frame, order: pretty(&order()), without, with: None }).into_response())
}

/// Adds the request with the session's token. If the guard grants it, it transfers one euro.
pub(crate) async fn send(
    State(bank): State<Arc<Bank>>,
    frame: Frame,
    session: Session,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let without = exchange(&bank, None, &headers).await?;
    let with = exchange(&bank, Some(session.jwt().as_str()), &headers).await?;
    Ok(Page(Api { frame, order: pretty(&order()), without, with: Some(with) }).into_response())
}

fn order() -> Value {
    json!({ "payee": "Harbour Lights", "account": "DE02 1203 0000", "amount": "1.00",
        "reference": "a light" })
}

async fn exchange(
    bank: &Arc<Bank>,
    token: Option<&str>,
    browser: &HeaderMap,
) -> Result<Exchange, Problem> {
    let mut request =
        Request::post("/api/transfer").header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::from(order().to_string())).map_err(|_| Problem::NoSession)?;
    let api = routes::api(bank).with_state(bank.clone());
    let response = match api.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    let shown_headers = response.headers().iter().map(|(name, value)| {
        let shown = if *name == FRESH_JWT { "…" } else { value.to_str().unwrap_or("…") };
        (name.to_string(), shown.to_owned())
    });
    let shown_headers = shown_headers.collect();
    let body =
        to_bytes(response.into_body(), MAX_RESPONSE).await.map_err(|_| Problem::Unavailable)?;
    let body = serde_json::from_slice(&body)
        .map_or_else(|_| String::from_utf8_lossy(&body).into_owned(), |it| pretty(&it));
    let bearer = if token.is_some() { "-H \"Authorization: Bearer $SESSION_JWT\" " } else { "" };
    Ok(Exchange {
        curl: format!("curl -i {bearer}\\\n  --json @transfer.json {}/api/transfer", here(browser)),
        status: status.to_string(),
        is_success: status.is_success(),
        headers: shown_headers,
        body,
    })
}

/// Returns the address of this site, as the browser names it.
fn here(browser: &HeaderMap) -> String {
    let host = browser.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_loopback =
        ["127.", "localhost", "[::1]"].iter().any(|loopback| host.starts_with(loopback));
    format!("{}://{host}", if is_loopback { "http" } else { "https" })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
