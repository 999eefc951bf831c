//! The guard around a service.

use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::body::ResponseBody;
use super::decide::decide;
use super::future::{ResponseFuture, carry_out};
use super::guard::StepUpLayer;
use crate::credentials;

/// A service behind a guard, created by [`StepUpLayer`].
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
        let decision = if guard.request_policies.is_empty() {
            decide(guard, request.headers(), request.extensions(), None)
        } else {
            let (mut parts, body) = request.into_parts();
            // A function that logs the request must not log its token.
            credentials::mark_sensitive(&mut parts.headers, &guard.sources);
            let decision = decide(guard, &parts.headers, &parts.extensions, Some(&parts));
            request = Request::from_parts(parts, body);
            decision
        };
        match decision {
            Ok(decision) => {
                ResponseFuture::from_state(carry_out(decision, guard, &mut self.inner, request))
            }
            Err(decision) => {
                // The service that was polled ready has to be called. The clone was not polled.
                let clone = self.inner.clone();
                let ready = mem::replace(&mut self.inner, clone);
                ResponseFuture::pending(decision, self.layer.clone(), ready, request)
            }
        }
    }
}
