//! The log: one line for each request. Calls of Stytch's API are kept for `GET /local/requests` too.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{
    api::Shared,
    error::ErrorType,
    failing::Dropped,
    state::{LoggedRequest, shortened},
};

/// Logs the method, the path and the result of the request. It logs no query, header or body.
pub(crate) async fn log(State(app): Shared, request: Request, next: Next) -> Response {
    let (method, uri, at) = (request.method().clone(), request.uri().clone(), app.now());
    let response = next.run(request).await;
    let (method, path) = (shortened(method.as_str()), shortened(uri.path()));
    let is_dropped = response.extensions().get::<Dropped>().is_some();
    let status = (!is_dropped).then_some(response.status().as_u16());
    let error_type = response.extensions().get().map(|ErrorType(name)| *name);
    tracing::info!(method = %method, ?path, status, error_type, "responded");
    if !is_own(path) {
        let (method, path) = (method.to_owned(), path.to_owned());
        app.state().requests.push(LoggedRequest { method, path, status, error_type, at });
    }
    response
}

/// Returns whether the path is one of the stand-in's own routes.
fn is_own(path: &str) -> bool {
    path == "/healthz" || path.starts_with("/local/")
}
