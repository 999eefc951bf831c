//! The location of a key set: a URL, or an issuer that publishes the URL.

use std::fmt::Display;

use http::Uri;

use super::discovery::DiscoverableIssuer;
use crate::excerpt::{printable, without_secrets};
use crate::http_client::{Bounds, FetchError, Fetched, HttpClient};

#[derive(Clone)]
pub(super) enum Location {
    /// The key set is at this URL.
    Url(Uri),
    /// The discovery document of this issuer states the URL. Each fetch reads it again, because the
    /// URL may change.
    Issuer(DiscoverableIssuer),
}

/// The URL of a key set.
pub(super) enum KeySetUrl<'a> {
    Configured(&'a Uri),
    Discovered(Uri),
}

impl Location {
    /// Returns the URL that a fetch requests first, without secrets, for logs.
    pub(super) fn shown_url(&self) -> String {
        let url = match self {
            Self::Url(url) => url,
            Self::Issuer(issuer) => issuer.document_url(),
        };
        without_secrets(&url.to_string()).into_owned()
    }

    /// Fetches the key set, and before that the discovery document if there is one. The error
    /// states what failed.
    pub(super) async fn fetch(
        &self,
        client: &HttpClient,
        bounds: Bounds,
    ) -> Result<(KeySetUrl<'_>, Fetched), String> {
        let (url, left) = match self {
            Self::Url(url) => (KeySetUrl::Configured(url), bounds),
            Self::Issuer(issuer) => {
                let found = issuer.find_key_set(client, bounds).await;
                let (url, left) = found.map_err(|error| error.to_string())?;
                (KeySetUrl::Discovered(url), left)
            }
        };
        match client.get(url.uri(), "application/json", left).await {
            Ok(fetched) => Ok((url, fetched)),
            Err(FetchError::TimedOut(_)) => Err(url.explain(FetchError::TimedOut(bounds.timeout))),
            Err(error) => Err(url.explain(error)),
        }
    }
}

impl KeySetUrl<'_> {
    fn uri(&self) -> &Uri {
        match self {
            Self::Configured(url) => url,
            Self::Discovered(url) => url,
        }
    }

    /// Adds the URL to the error of a key set, if the application does not know the URL.
    pub(super) fn explain(&self, error: impl Display) -> String {
        match self {
            Self::Configured(_) => error.to_string(),
            Self::Discovered(url) => {
                format!("the key set at \"{}\": {error}", printable(&url.to_string()))
            }
        }
    }
}
