//! The future of the service: it reads the body, then carries the order out.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::error::LogoutError;
use super::form::{self, MAX_BODY};
use super::receiver::Receiver;

pin_project! {
    /// The future of [`BackChannelLogout`](super::BackChannelLogout).
    #[must_use = "futures do nothing unless polled"]
    pub struct LogoutFuture<B> {
        receiver: Arc<Receiver>,
        #[pin]
        step: Step<B>,
    }
}

pin_project! {
    #[project = StepNow]
    enum Step<B> {
        Refused { why: Option<LogoutError> },
        Reading { read: Vec<u8>, #[pin] body: B },
        CarryingOut { answer: Pin<Box<dyn Future<Output = Response<String>> + Send>> },
        /// A future that is polled again after it was ready stays pending.
        Answered,
    }
}

impl<B: Body> LogoutFuture<B> {
    pub(super) fn new(receiver: Arc<Receiver>, checked: Result<(), LogoutError>, body: B) -> Self {
        // Do not read a body that is too large.
        let least = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let step = match checked {
            Err(why) => Step::Refused { why: Some(why) },
            Ok(()) if least > MAX_BODY => {
                Step::Refused { why: Some(LogoutError::BodyTooLarge { limit: MAX_BODY }) }
            }
            Ok(()) => Step::Reading { read: Vec::new(), body },
        };
        Self { receiver, step }
    }
}

impl<B: Body> Future for LogoutFuture<B> {
    type Output = Result<Response<String>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let read = match this.step.as_mut().project() {
                StepNow::CarryingOut { answer } => {
                    let answer = ready!(answer.as_mut().poll(cx));
                    this.step.set(Step::Answered);
                    return Poll::Ready(Ok(answer));
                }
                StepNow::Answered => return Poll::Pending,
                StepNow::Refused { why } => Err(why.take().unwrap_or(LogoutError::BodyInterrupted)),
                StepNow::Reading { read, body } => match ready!(body.poll_frame(cx)) {
                    None => Ok(std::mem::take(read)),
                    Some(Err(_)) => Err(LogoutError::BodyInterrupted),
                    Some(Ok(frame)) => match frame.into_data().map(|data| form::add(read, data)) {
                        Ok(Err(why)) => Err(why),
                        // Trailers say nothing.
                        Ok(Ok(())) | Err(_) => continue,
                    },
                },
            };
            let answer = Box::pin(Arc::clone(this.receiver).answer(read));
            this.step.set(Step::CarryingOut { answer });
        }
    }
}

impl<B> std::fmt::Debug for LogoutFuture<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogoutFuture").finish_non_exhaustive()
    }
}
