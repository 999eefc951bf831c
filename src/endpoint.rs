//! Checks of server URLs: which servers may be called, and which hosts are this machine.

use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, Scheme};

/// An error in the settings of a client: its URL, its certificate authorities or its proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The URL cannot be parsed, has no scheme or no host, or has an invalid port. A base URL is
    /// also invalid if it has a query, and an issuer if it has a query or a fragment.
    #[error("the URL is invalid: expected https://host or https://host/path")]
    InvalidUrl,
    /// The URL is neither HTTPS nor plain HTTP to this machine, or it contains a user name.
    #[error("the URL is insecure: expected https, or http to this machine, and no user name")]
    InsecureUrl,
    /// The text contains no certificate in PEM.
    #[error("the roots contain no certificate in PEM")]
    InvalidRoots,
    /// The text contains a certificate that cannot be a root.
    #[error("certificate {number} of the roots cannot be used: {reason}")]
    InvalidRoot {
        /// The number of the certificate in the text, from 1.
        number: usize,
        /// The reason why the certificate cannot be used.
        reason: &'static str,
    },
    /// The value of this environment variable is not the address of an HTTP proxy, or it is not
    /// Unicode. The error does not show the value, which may contain a password.
    #[error("the value of {} is invalid: expected {}", .0, expected_of(.0))]
    InvalidProxy(&'static str),
}

fn expected_of(variable: &str) -> &'static str {
    match variable {
        "NO_PROXY" | "no_proxy" => "a list of hosts in Unicode",
        _ => "a proxy such as http://host:port",
    }
}

/// Parses the URL of a server. It must be HTTPS, or HTTP to this machine. Over HTTP, an attacker on
/// the network could respond in place of another machine.
pub(crate) fn parse(url: &str) -> Result<Uri, EndpointError> {
    let url: Uri = url.parse().map_err(|_| EndpointError::InvalidUrl)?;
    let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else {
        return Err(EndpointError::InvalidUrl);
    };
    let is_secure =
        *scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && is_loopback(authority.host()));
    // A user name and password would appear in every log line.
    if !is_secure || authority.as_str().contains('@') {
        return Err(EndpointError::InsecureUrl);
    }
    if !is_host_and_port(authority) {
        return Err(EndpointError::InvalidUrl);
    }
    Ok(url)
}

/// Parses the name of an issuer that is an address (OpenID Connect Discovery 1.0, section 3): the URL
/// of a server without query and fragment.
pub(crate) fn parse_issuer(name: &str) -> Result<Uri, EndpointError> {
    // `Uri` accepts a fragment and drops it.
    match name.contains(['?', '#']) {
        true => Err(EndpointError::InvalidUrl),
        false => parse(name),
    }
}

/// Returns the scheme, the host and the port as browsers and issuers write them: in lower case,
/// without the scheme's default port, and without a dot at the end of the host name. TLS
/// authenticates the same name with and without that dot.
pub(crate) fn origin(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or("https");
    let host = without_final_dot(url.host().unwrap_or_default()).to_lowercase();
    let own_port = if scheme == "http" { 80 } else { 443 };
    match url.port_u16().filter(|port| *port != own_port) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

fn without_final_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Returns whether this is a host whose name has no empty label, with or without a port. An empty
/// port counts as no port (RFC 3986, section 6.2.3).
pub(crate) fn is_host_and_port(authority: &Authority) -> bool {
    let has_empty_label = without_final_dot(authority.host()).split('.').any(str::is_empty);
    let port = authority.as_str().get(authority.host().len()..).unwrap_or_default();
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits.is_empty() || digits.parse::<u16>().is_ok());
    is_port && !has_empty_label
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
    fn an_origin_has_one_form() {
        for (url, want) in [
            ("https://Login.Example.com", "https://login.example.com"),
            ("HTTPS://login.example.com.:443/a?b", "https://login.example.com"),
            ("https://login.example.com:/", "https://login.example.com"),
            ("https://login.example.com:80", "https://login.example.com:80"),
            ("http://127.0.0.1:080", "http://127.0.0.1"),
            ("http://127.0.0.1:443", "http://127.0.0.1:443"),
            ("https://[2001:DB8::1]:443", "https://[2001:db8::1]"),
        ] {
            assert_eq!(parse(url).map(|url| origin(&url)), Ok(want.into()), "{url}");
            assert_eq!(parse(want).map(|url| origin(&url)), Ok(want.into()), "{want}");
        }
    }

    #[test]
    fn a_host_has_no_empty_label_and_a_port_is_a_number() {
        check("https://example.com./jwks", Ok(()));
        check("https://example.com:/jwks", Ok(()));
        check("https://[::1]:65535/jwks", Ok(()));
        check("https://./jwks", Err(InvalidUrl));
        check("https://example..com/jwks", Err(InvalidUrl));
        check("https://example.com../jwks", Err(InvalidUrl));
        check("https://.example.com/jwks", Err(InvalidUrl));
        check("https://example.com:65536/jwks", Err(InvalidUrl));
        check("https://example.com:+1/jwks", Err(InvalidUrl));
        check("https://example.com:x/jwks", Err(InvalidUrl));
    }

    #[test]
    fn plain_http_is_allowed_only_to_loopback() {
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
