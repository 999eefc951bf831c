//! The guard around a service.

use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::after::After;
use super::body::ResponseBody;
use super::case::Judgement;
use super::future::ResponseFuture;
use super::guard::StepUpLayer;
use super::judge;
use crate::credentials;

/// A service behind a guard; made by [`StepUpLayer`].
#[derive(Clone, Debug)]
pub struct StepUp<S> {
    inner: S,
    layer: StepUpLayer,
}

impl<S> Layer<S> for StepUpLayer {
    type Service = StepUp<S>;

    fn layer(&self, inner: S) -> StepUp<S> {
        StepUp { inner, layer: self.clone() }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for StepUp<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let guard = &self.layer.guard;
        match judge::judge(guard, request.headers(), request.extensions()) {
            Judgement::Decided(verdict) => {
                let after = After::of(&verdict, guard, request.headers());
                credentials::mark_sensitive(request.headers_mut(), &guard.sources);
                match verdict.outcome {
                    Ok(grant) => {
                        judge::mark(request.extensions_mut(), grant);
                        ResponseFuture::passed(self.inner.call(request), after)
                    }
                    Err(why) => {
                        let (parts, _) = request.into_parts();
                        ResponseFuture::refused(after.refuse(&*guard.responder, why, &parts))
                    }
                }
            }
            Judgement::Wait(verdict) => {
                let (mut parts, body) = request.into_parts();
                credentials::mark_sensitive(&mut parts.headers, &guard.sources);
                // The service that was polled ready is the one to call; the clone has still to be
                // polled.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                ResponseFuture::waiting(verdict, ready, parts, body, self.layer.clone())
            }
        }
    }
}
