//! Logs requests. An event that is logged while a request is handled has the method and path beside
//! it, because it is in the span of the request.

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

/// Creates the span of a request. A path that is not one of this site's routes is logged as
/// `other`, because it may contain an email address. The query is never logged.
fn span(request: &Request) -> Span {
    let path = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    info_span!("request", method = %request.method(), path)
}
