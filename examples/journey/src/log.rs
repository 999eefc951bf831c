//! The log of requests. Every other event of a request has its method and path beside it.

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

/// Creates the span of a request. It names the path only if it is one of this site's routes, which
/// contain nothing about a user. A client can write an email address into any other path. It never
/// has the query.
fn span(request: &Request) -> Span {
    let path = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    info_span!("request", method = %request.method(), path)
}
