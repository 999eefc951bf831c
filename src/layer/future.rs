//! The response, or what has to happen before there is one.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::after::After;
use super::body::ResponseBody;
use super::case::PendingVerdict;
use super::guard::StepUpLayer;
use super::judge;

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
        /// A request that waits, for keys or for its session; of it only the verdict is boxed.
        Waiting { pending: Option<Pending<S, ReqBody>> },
        Passed { #[pin] response: F, after: After },
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
    pub(super) fn passed(response: S::Future, after: After) -> Self {
        Self { state: State::Passed { response, after } }
    }

    pub(super) fn refused(response: Response<Bytes>) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(super) fn waiting(
        verdict: PendingVerdict,
        ready: S,
        parts: Parts,
        body: ReqBody,
        layer: StepUpLayer,
    ) -> Self {
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
                StateProjection::Passed { response, after } => {
                    let mut response = ready!(response.poll(cx))?;
                    after.apply(response.headers_mut());
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                StateProjection::Refused { response } => {
                    // Polled after it was ready, it stays pending: there is no second answer.
                    return response.take().map_or(Poll::Pending, |response| {
                        Poll::Ready(Ok(response.map(ResponseBody::refusal)))
                    });
                }
                StateProjection::Waiting { pending } => {
                    let Some(mut waiting) = pending.take() else { return Poll::Pending };
                    let Poll::Ready(verdict) = waiting.verdict.as_mut().poll(cx) else {
                        *pending = Some(waiting);
                        return Poll::Pending;
                    };
                    let Pending { mut ready, mut parts, body, layer, .. } = waiting;
                    let after = After::of(&verdict, &layer.guard, &parts.headers);
                    match verdict.outcome {
                        Ok(grant) => {
                            judge::mark(&mut parts.extensions, grant);
                            State::Passed {
                                response: ready.call(Request::from_parts(parts, body)),
                                after,
                            }
                        }
                        Err(why) => {
                            let response = after.refuse(&*layer.guard.responder, why, &parts);
                            State::Refused { response: Some(response) }
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}
