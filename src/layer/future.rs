//! The future of a guarded service: it waits for the decision and then for the response.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, HeaderValue, Request, Response, Version, header};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::additions::Additions;
use super::body::ResponseBody;
use super::decide::PendingDecision;
use super::decision::Decision;
use super::event;
use super::guard::{Guard, StepUpLayer};
use super::once::OnceMark;
use crate::policy::Grant;
use crate::{credentials, headers, respond};

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
    pub(super) enum State<S, ReqBody, F> {
        /// The request waits for keys or for the authority. This state is boxed because few
        /// requests wait; the others move a smaller future.
        Pending { waiting: Option<Box<Waiting<S, ReqBody>>> },
        Called { #[pin] response: F, additions: Additions },
        Answered { response: Option<Response<Bytes>> },
    }
}

struct Waiting<S, ReqBody> {
    decision: PendingDecision,
    layer: StepUpLayer,
    ready: S,
    request: Request<ReqBody>,
}

/// A mark on a request that an optional guard let through without credentials.
#[derive(Clone)]
pub(crate) struct Anonymous;

/// Carries out a decision: calls the inner service, or makes the response of a refusal.
#[inline]
pub(super) fn carry_out<S, ReqBody>(
    decision: Decision,
    guard: &Arc<Guard>,
    service: &mut S,
    mut request: Request<ReqBody>,
) -> State<S, ReqBody, S::Future>
where
    S: Service<Request<ReqBody>>,
{
    event::record(&guard.policy, &decision.granted);
    let additions = Additions::new(&decision, guard, request.headers());
    credentials::mark_sensitive(request.headers_mut(), &guard.sources);
    if !guard.challenge.is_empty() {
        guard.challenge.add_to(request.extensions_mut());
    }
    match decision.granted {
        Ok(grant) => {
            mark_once(&mut request, guard, grant.as_ref());
            mark_granted(request.extensions_mut(), grant);
            State::Called { response: service.call(request), additions }
        }
        Err(why) => {
            let (parts, _) = request.into_parts();
            let mut response = respond::refuse(&*guard.responder, why, &parts);
            additions.add_fresh_tokens(response.headers_mut());
            if leaves_body_unread(&parts) {
                let close = HeaderValue::from_static("close");
                headers::insert(response.headers_mut(), header::CONNECTION, close);
            }
            State::Answered { response: Some(response) }
        }
    }
}

/// Returns whether a refusal has to send `Connection: close`. A refusal does not read the body that
/// the request announces (RFC 9112, sections 6.3 and 9.6), and the server then closes the
/// connection. Without the header, the client could lose its next request.
fn leaves_body_unread(request: &Parts) -> bool {
    let headers = &request.headers;
    let is_zero = |length: &HeaderValue| length.as_bytes().trim_ascii() == b"0";
    request.version <= Version::HTTP_11
        && (headers.contains_key(header::TRANSFER_ENCODING)
            || headers.get(header::CONTENT_LENGTH).is_some_and(|length| !is_zero(length)))
}

/// Leaves exactly one mark in the request: the grant of this guard, or [`Anonymous`].
fn mark_granted(extensions: &mut Extensions, grant: Option<Grant>) {
    match grant {
        Some(grant) => {
            extensions.remove::<Anonymous>();
            extensions.insert(grant);
        }
        None => {
            extensions.remove::<Grant>();
            extensions.insert(Anonymous);
        }
    }
}

/// Leaves the mark of a guard with `once` in a request that it grants. Without a grant, the mark of an
/// outer guard is removed too.
fn mark_once<B>(request: &mut Request<B>, guard: &Arc<Guard>, grant: Option<&Grant>) {
    let Some(grant) = grant else {
        request.extensions_mut().remove::<OnceMark>();
        return;
    };
    if let Some(mark) = OnceMark::of(guard, grant, request.uri()) {
        request.extensions_mut().insert(mark);
    }
}

impl<S, ReqBody> ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    pub(super) fn pending(
        decision: PendingDecision,
        layer: StepUpLayer,
        ready: S,
        request: Request<ReqBody>,
    ) -> Self {
        let waiting = Waiting { decision, layer, ready, request };
        Self { state: State::Pending { waiting: Some(Box::new(waiting)) } }
    }

    #[inline]
    pub(super) fn from_state(state: State<S, ReqBody, S::Future>) -> Self {
        Self { state }
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
                StateProjection::Called { response, additions } => {
                    let mut response = ready!(response.poll(cx))?;
                    additions.add_to(response.headers_mut());
                    return Poll::Ready(Ok(response.map(ResponseBody::inner)));
                }
                // A future that is polled again after it was ready stays pending.
                StateProjection::Answered { response } => {
                    let Some(response) = response.take() else { return Poll::Pending };
                    return Poll::Ready(Ok(response.map(ResponseBody::refusal)));
                }
                StateProjection::Pending { waiting } => {
                    let Some(mut wait) = waiting.take() else { return Poll::Pending };
                    let Poll::Ready(decision) = wait.decision.as_mut().poll(cx) else {
                        *waiting = Some(wait);
                        return Poll::Pending;
                    };
                    carry_out(decision, &wait.layer.guard, &mut wait.ready, wait.request)
                }
            };
            state.set(next);
        }
    }
}

impl<S, ReqBody> fmt::Debug for ResponseFuture<S, ReqBody>
where
    S: Service<Request<ReqBody>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Pending { .. } => "ResponseFuture::Pending",
            State::Called { .. } => "ResponseFuture::Called",
            State::Answered { .. } => "ResponseFuture::Answered",
        })
    }
}
