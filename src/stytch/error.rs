//! Why a project cannot be.

use std::fmt;

#[cfg(feature = "remote")]
use crate::keys::RemoteKeysError;

/// Why a project cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProjectError {
    /// Not a project's id.
    MalformedId(Box<str>),
    /// Not a domain that keys can be fetched from.
    MalformedDomain(Box<str>),
    /// No client for its keys can be made.
    #[cfg(feature = "remote")]
    Keys(RemoteKeysError),
}

#[cfg(feature = "remote")]
impl From<RemoteKeysError> for ProjectError {
    fn from(error: RemoteKeysError) -> Self {
        Self::Keys(error)
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
            #[cfg(feature = "remote")]
            Self::Keys(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ProjectError {}
