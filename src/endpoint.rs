//! Which servers may be asked, and what is this machine.

use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// An error in the settings of a client: its URL or its certificate authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The URL cannot be read, has no scheme or no host, or is a base URL with a query.
    #[error("the URL is invalid: expected https://host or https://host/path")]
    InvalidUrl,
    /// The URL is neither HTTPS nor plain HTTP to this machine, or it holds a user name.
    #[error("the URL is insecure: expected https, or http to this machine, and no user name")]
    InsecureUrl,
    /// The text holds no certificates in PEM, or one that cannot be a root.
    #[error("the roots are not certificates in PEM that can be trusted")]
    InvalidRoots,
}

/// Reads the URL of a server that may be asked: HTTPS to anywhere, or HTTP to this machine. Over
/// HTTP, anyone on the way could answer for another machine.
pub(crate) fn parse(url: &str) -> Result<Uri, EndpointError> {
    let url: Uri = url.parse().map_err(|_| EndpointError::InvalidUrl)?;
    let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else {
        return Err(EndpointError::InvalidUrl);
    };
    let is_secure =
        *scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && is_loopback(authority.host()));
    // A name and password would stand in every log line.
    if !is_secure || authority.as_str().contains('@') {
        return Err(EndpointError::InsecureUrl);
    }
    Ok(url)
}

/// Returns the scheme and the authority, in lower case as browsers and issuers write them.
pub(crate) fn origin(url: &Uri) -> String {
    let authority = url.authority().map(Authority::as_str).unwrap_or_default();
    format!("{}://{}", url.scheme_str().unwrap_or("https"), authority.to_lowercase())
}

/// Returns whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use EndpointError::{InsecureUrl, InvalidUrl};

    #[track_caller]
    fn check(url: &str, want: Result<(), EndpointError>) {
        assert_eq!(parse(url).map(drop), want, "{url}");
    }

    #[test]
    fn plain_http_goes_to_loopback_only() {
        check("https://api.stytch.com/jwks", Ok(()));
        check("http://127.0.0.1:8080/jwks", Ok(()));
        check("http://127.9.9.9/jwks", Ok(()));
        check("http://[::1]:8080/jwks", Ok(()));
        check("http://LocalHost/jwks", Ok(()));
        check("http://api.stytch.com/jwks", Err(InsecureUrl));
        check("http://127.0.0.1.example/jwks", Err(InsecureUrl));
        check("http://localhost.example/jwks", Err(InsecureUrl));
        check("http://127.0.0.1@example.com/jwks", Err(InsecureUrl));
        check("https://name:word@api.stytch.com/jwks", Err(InsecureUrl));
        check("http://0.0.0.0/jwks", Err(InsecureUrl));
        check("ftp://127.0.0.1/jwks", Err(InsecureUrl));
        check("/jwks", Err(InvalidUrl));
        check("api.stytch.com", Err(InvalidUrl));
        check("api stytch com", Err(InvalidUrl));
        check("", Err(InvalidUrl));
    }
}
