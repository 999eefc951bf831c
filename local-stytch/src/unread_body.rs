//! Announces that a connection closes after a response.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{HeaderValue, header::CONNECTION},
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};

/// Adds `Connection: close` to a response that leaves part of the request's body unread. The server
/// closes such a connection, because the rest would look like the next request. Without the header,
/// a client would send its next request on that connection and lose it.
pub(crate) async fn announce_close(request: Request, next: Next) -> Response {
    let is_unread = Arc::new(AtomicBool::new(!request.body().is_end_stream()));
    let watch = |body| Body::new(Watched { body, is_unread: Arc::clone(&is_unread) });
    let mut response = next.run(request.map(watch)).await;
    if is_unread.load(Ordering::Relaxed) {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A body that records whether it was read to its end.
struct Watched {
    body: Body,
    is_unread: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.is_unread.store(false, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
