//! The error of building a project.

use crate::endpoint::EndpointError;

/// An error building a [`Project`](super::Project).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The text is not a project's id. If it is a secret, the error does not show it.
    #[error("{0:?} is not a project id: expected project-live-… or project-test-…")]
    MalformedId(Box<str>),
    /// The text is not a domain that keys can be fetched from. If it is a secret, the error does
    /// not show it.
    #[error(
        "{0:?} is not a custom domain: expected an https host without a path, such as \
         login.example.com, or http://… for this machine"
    )]
    MalformedDomain(Box<str>),
    /// No client for the project's keys or API can be built.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}
