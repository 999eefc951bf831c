//! The error of a handler that no guard with `once` is in front of.

use http::request::Parts;

use super::super::future::Anonymous;
use crate::policy::Grant;

/// The error returned if a handler takes a [`Once`](crate::Once) and the request has none. This is a bug in
/// the program. With axum the response is a 500, and a line in the log states what is missing. In debug
/// builds the body states it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MissingOnce {
    /// No guard is in front of the handler.
    #[error("no StepUpLayer is in front of a handler that takes a Once")]
    NoGuard,
    /// The guard has no [`once`](crate::StepUpLayer::once).
    #[error("the StepUpLayer in front of a handler that takes a Once was made without `once`")]
    NotOnce,
    /// An optional guard let the request through without credentials.
    #[error("an optional StepUpLayer is in front of a handler that takes a Once")]
    OptionalGuard,
    /// Guards that read tokens in different places have granted the request to different users.
    #[error(
        "the StepUpLayers in front of a handler that takes a Once have granted different users"
    )]
    AnotherUser,
}

impl MissingOnce {
    /// Returns what the request lacks.
    pub(super) fn of(request: &Parts) -> Self {
        let extensions = &request.extensions;
        match (extensions.get::<Grant>(), extensions.get::<Anonymous>()) {
            (Some(_), _) => Self::NotOnce,
            (None, Some(Anonymous)) => Self::OptionalGuard,
            (None, None) => Self::NoGuard,
        }
    }

    /// Logs the error.
    pub(super) fn logged(self, request: &Parts) -> Self {
        let (method, path) = (&request.method, request.uri.path());
        tracing::error!(target: "tower_step_up::guard", %method, path, reason = %self, "a handler needs a Once");
        self
    }
}
