//! The log of requests. Every other event of a request stands beside its method and path.

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

/// The paths of this site's pages are logged, which have no part that differs from user to user.
/// Any other path is not, since a client can write an email address into it. Queries never are.
fn span(request: &Request) -> Span {
    let path = request.extensions().get::<MatchedPath>().map_or("another", MatchedPath::as_str);
    info_span!("request", method = %request.method(), path)
}
