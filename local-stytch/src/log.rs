//! The log: one line for each request.

use axum::{extract::Request, middleware::Next, response::Response};

use crate::error::ErrorType;

/// The maximum number of bytes of a path that are logged.
const PATH: usize = 200;

/// Logs the method, the path and the result of the request. It logs no query, header or body.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let path = path.get(..PATH).unwrap_or(&path);
    let status = response.status().as_u16();
    let error_type = response.extensions().get().map(|ErrorType(name)| name);
    tracing::info!(%method, ?path, status, error_type, "responded");
    response
}
