//! The error of building a project.

use std::fmt;

use crate::endpoint::EndpointError;

/// An error building a [`Project`](super::Project).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectError {
    /// Not a project's id.
    MalformedId(Box<str>),
    /// Not a domain that keys can be fetched from.
    MalformedDomain(Box<str>),
    /// No client for its keys or its API can be made.
    Endpoint(EndpointError),
}

impl From<EndpointError> for ProjectError {
    fn from(error: EndpointError) -> Self {
        Self::Endpoint(error)
    }
}

impl fmt::Display for ProjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MalformedId(id) => {
                write!(f, "{id:?} is not a project id: expected project-live-… or project-test-…")
            }
            Self::MalformedDomain(domain) => write!(
                f,
                "{domain:?} is not a custom domain: expected a host such as login.example.com, without a path, by https \
                 (or http://… for this machine)"
            ),
            Self::Endpoint(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ProjectError {}
