//! The error of building a project.

use crate::endpoint::EndpointError;

/// An error building a [`Project`](super::Project).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// Not a project's id. A secret in its place is not shown.
    #[error("{0:?} is not a project id: expected project-live-… or project-test-…")]
    MalformedId(Box<str>),
    /// Not a domain that keys can be fetched from. A secret in its place is not shown.
    #[error(
        "{0:?} is not a custom domain: expected a host such as login.example.com, without a path, \
         by https (or http://… for this machine)"
    )]
    MalformedDomain(Box<str>),
    /// No client for its keys or its API can be made.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}
