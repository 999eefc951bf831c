//! What an operator reads of each request. Whatever else is logged while it is served stands beside
//! its method and path.

use axum::extract::{MatchedPath, Request};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span, info_span};

/// Logs each response with its status, in a span with the method and the path.
pub(crate) fn requests()
-> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, fn(&Request) -> Span> {
    TraceLayer::new_for_http()
        .make_span_with(span as fn(&Request) -> Span)
        .on_response(DefaultOnResponse::new().level(Level::INFO))
}

/// Anybody can write anything into a path, an email address too: only those of this site's pages
/// are logged. None of them has a part that differs from user to user, and no query is logged.
fn span(request: &Request) -> Span {
    let path = request.extensions().get::<MatchedPath>().map_or("another", MatchedPath::as_str);
    info_span!("request", method = %request.method(), path)
}
