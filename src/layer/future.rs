//! The response, or what has to happen before there is one.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, header};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::body::ResponseBody;
use super::guard::StepUpLayer;
use super::judge::PendingVerdict;
use crate::respond;

pin_project! {
    /// The future of a service behind a guard.
    pub struct ResponseFuture<S, ReqBody>
    where
        S: Service<Request<ReqBody>>,
    {
        #[pin]
        state: State<S, ReqBody, S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, ReqBody, F> {
        /// A request that waits for keys; of it only the verdict is boxed.
        Waiting { pending: Option<Pending<S, ReqBody>> },
        Passed { #[pin] response: F, by_cookie: bool },
        Refused { response: Option<Response<Bytes>> },
    }
}

struct Pending<S, ReqBody> {
    verdict: PendingVerdict,
    ready: S,
    parts: Parts,
    body: ReqBody,
    layer: StepUpLayer,
}

impl<S, ReqBody> ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn passed(response: S::Future, by_cookie: bool) -> Self {
        Self { state: State::Passed { response, by_cookie } }
    }

    pub(super) fn refused(response: Response<Bytes>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(super) fn waiting(verdict: PendingVerdict, ready: S, parts: Parts, body: ReqBody, layer: StepUpLayer) -> Self {
        let pending = Pending { verdict, ready, parts, body, layer };
        Self { state: State::Waiting { pending: Some(pending) } }
    }
}

impl<S, ReqBody> fmt::Debug for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Waiting { .. } => "ResponseFuture::Waiting",
            State::Passed { .. } => "ResponseFuture::Passed",
            State::Refused { .. } => "ResponseFuture::Refused",
        })
    }
}

impl<S, ReqBody, ResBody> Future for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Output = Result<Response<ResponseBody<ResBody>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Passed { response, by_cookie } => {
                    let response = ready!(response.poll(cx))?;
                    return Poll::Ready(Ok(finish(response, *by_cookie)));
                }
                StateProjection::Refused { response } => {
                    // Polled after it was ready, it stays pending: there is no second answer.
                    return response
                        .take()
                        .map_or(Poll::Pending, |response| Poll::Ready(Ok(response.map(ResponseBody::refusal))));
                }
                StateProjection::Waiting { pending } => {
                    let Some(mut waiting) = pending.take() else { return Poll::Pending };
                    let Poll::Ready(verdict) = waiting.verdict.as_mut().poll(cx) else {
                        *pending = Some(waiting);
                        return Poll::Pending;
                    };
                    let Pending { mut ready, mut parts, body, layer, .. } = waiting;
                    match verdict {
                        Ok(pass) => {
                            let by_cookie = pass.by_cookie;
                            pass.mark(&mut parts.extensions);
                            State::Passed { response: ready.call(Request::from_parts(parts, body)), by_cookie }
                        }
                        Err(why) => {
                            let response = respond::refuse(&*layer.guard.responder, why, &parts);
                            State::Refused { response: Some(response) }
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}

/// What a cookie opened is for the one browser: shared caches know nothing of cookies.
fn finish<ResBody>(mut response: Response<ResBody>, by_cookie: bool) -> Response<ResponseBody<ResBody>> {
    if by_cookie && !response.headers().contains_key(header::CACHE_CONTROL) {
        // It fails only where there are as many headers as there can be.
        let _ = response.headers_mut().try_insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    response.map(ResponseBody::inner)
}
