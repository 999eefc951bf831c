//! The connection to a server: direct, or through the proxy that the environment names.

use std::env::VarError;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tower_service::Service;

use crate::endpoint::{self, EndpointError};

/// A connector to servers. TLS with the server is added on top, so a proxy learns only the server's
/// name.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) direct: HttpConnector,
    pub(super) proxy: Option<Arc<Matcher>>,
    /// The connector to the proxy. It uses TLS if the proxy's address is `https`.
    pub(super) to_proxy: HttpsConnector<HttpConnector>,
}

type BoxError = Box<dyn Error + Send + Sync>;
type Connection = MaybeHttpsStream<<HttpConnector as Service<Uri>>::Response>;

impl Service<Uri> for Route {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(())) // the connectors are polled in `call`
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let Some(proxy) = self.proxy.as_ref().and_then(|proxies| proxy_to(&server, proxies)) else {
            let connection = connect(self.direct.clone(), server);
            return Box::pin(async { Ok(MaybeHttpsStream::Http(connection.await?)) });
        };
        let tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
        Box::pin(connect(
            match proxy.basic_auth() {
                Some(credentials) => tunnel.with_auth(credentials.clone()),
                None => tunnel,
            },
            server,
        ))
    }
}

async fn connect<C: Service<Uri, Error: Into<BoxError>>>(
    mut connector: C,
    server: Uri,
) -> Result<C::Response, BoxError> {
    poll_fn(|context| connector.poll_ready(context)).await.map_err(Into::into)?;
    connector.call(server).await.map_err(Into::into)
}

/// Returns the proxy for a server, if a proxy may be used. A proxy would take a loopback address
/// for its own machine, and it could read plain HTTP.
fn proxy_to(server: &Uri, proxies: &Matcher) -> Option<Intercept> {
    let is_secure = server.scheme() == Some(&Scheme::HTTPS);
    let is_here = server.host().is_none_or(endpoint::is_loopback);
    proxies.intercept(server).filter(|_| is_secure && !is_here)
}

const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// Returns the proxy that the environment names, if it names one. An empty variable counts as not
/// set. A malformed value is an error here, because the library would silently ignore it.
pub(super) fn proxy_of(
    variable: impl Fn(&str) -> Result<String, VarError>,
) -> Result<Option<Arc<Matcher>>, EndpointError> {
    let Some((name, proxy)) = first(PROXY, &variable)? else { return Ok(None) };
    if !is_proxy(&proxy) {
        return Err(EndpointError::InvalidProxy(name));
    }
    let no_proxy = first(NO_PROXY, &variable)?.map(|(_, no_proxy)| no_proxy).unwrap_or_default();
    // The library applies `*` to all host names, but not to IP addresses.
    if no_proxy.split(',').any(|entry| entry.trim() == "*") {
        return Ok(None);
    }
    Ok(Some(Arc::new(Matcher::builder().https(proxy).no(no_proxy).build())))
}

fn first<const N: usize>(
    names: [&'static str; N],
    variable: impl Fn(&str) -> Result<String, VarError>,
) -> Result<Option<(&'static str, String)>, EndpointError> {
    for name in names {
        match variable(name) {
            Ok(value) if !value.is_empty() => return Ok(Some((name, value))),
            Ok(_) | Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => return Err(EndpointError::InvalidProxy(name)),
        }
    }
    Ok(None)
}

/// Returns whether this is the address of an HTTP proxy without a path. If a password contains a
/// slash, the part before it would be taken for a port and the part after it for a path.
fn is_proxy(address: &str) -> bool {
    let has_path = address.parse().is_ok_and(|address: Uri| !matches!(address.path(), "" | "/"));
    let anywhere = Uri::from_static("https://example.com");
    let proxy = Matcher::builder().https(address).build().intercept(&anywhere);
    proxy.is_some_and(|proxy| {
        let uri = proxy.uri();
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        is_http && !has_path && uri.authority().is_some_and(endpoint::is_host_and_port)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the proxy for each server in this environment.
    fn proxies(
        variables: &[(&str, &str)],
        servers: [&'static str; 2],
    ) -> Result<[Option<String>; 2], EndpointError> {
        let proxies = proxy_of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        })?;
        let proxy = |server| {
            let proxy = proxy_to(&Uri::from_static(server), proxies.as_ref()?)?;
            Some(proxy.uri().authority()?.to_string())
        };
        Ok(servers.map(proxy))
    }

    #[test]
    fn the_first_nonempty_variable_names_the_proxy() {
        let servers = ["https://api.stytch.com/v1", "https://test.stytch.com"];
        for (variables, want) in [
            (&[][..], [None, None]),
            (&[("HTTPS_PROXY", "http://a:1")], [Some("a:1"), Some("a:1")]),
            (&[("HTTPS_PROXY", "a:1")], [Some("a:1"), Some("a:1")]),
            (&[("HTTPS_PROXY", "https://user:word@a:1/")], [Some("a:1"), Some("a:1")]),
            (&[("ALL_PROXY", "b"), ("https_proxy", "a")], [Some("a"), Some("a")]),
            (&[("HTTPS_PROXY", ""), ("all_proxy", "[::1]:1")], [Some("[::1]:1"), Some("[::1]:1")]),
            (&[("HTTP_PROXY", "a"), ("http_proxy", "a")], [None, None]),
            (&[("HTTPS_PROXY", "a"), ("NO_PROXY", "*")], [None, None]),
            (&[("HTTPS_PROXY", "a"), ("NO_PROXY", "b, *")], [None, None]),
            (&[("HTTPS_PROXY", "a"), ("no_proxy", " .stytch.com")], [None, None]),
            (&[("HTTPS_PROXY", "a"), ("NO_PROXY", "API.stytch.com")], [None, Some("a")]),
            (&[("HTTPS_PROXY", "a"), ("NO_PROXY", "pi.stytch.com")], [Some("a"), Some("a")]),
        ] {
            let want = want.map(|proxy| proxy.map(str::to_owned));
            assert_eq!(proxies(variables, servers), Ok(want), "{variables:?}");
        }
    }

    #[test]
    fn loopback_and_plain_http_use_no_proxy() {
        let variables = [("HTTPS_PROXY", "a"), ("ALL_PROXY", "b"), ("HTTP_PROXY", "c")];
        for servers in [
            ["https://localhost:1", "https://[::1]"],
            ["https://127.9.9.9", "http://127.0.0.1"],
            ["http://localhost", "http://api.stytch.com"],
        ] {
            assert_eq!(proxies(&variables, servers), Ok([None, None]), "{servers:?}");
        }
    }

    #[test]
    fn the_error_for_an_invalid_proxy_shows_only_the_variable() {
        let servers = ["https://api.stytch.com", "https://test.stytch.com"];
        for address in [
            "socks5://hidden:1",
            "ftp://hidden:1",
            "http://",
            "http://user:hid/den@a:1",
            "http://user:1/hidden@a:1",
            "http://user:hidden@a:port",
            "http://a:1/hidden",
            "http://hidden:65536",
            "http://hid den",
            " http://hidden",
        ] {
            let error = proxies(&[("https_proxy", address)], servers).unwrap_err();
            assert_eq!(error, EndpointError::InvalidProxy("https_proxy"), "{address}");
            assert_eq!(
                error.to_string(),
                "the value of https_proxy is invalid: expected a proxy such as http://host:port"
            );
        }
    }

    #[test]
    fn a_variable_that_is_not_unicode_is_an_error() {
        for (unreadable, expected) in [
            ("HTTPS_PROXY", "a proxy such as http://host:port"),
            ("NO_PROXY", "a list of hosts in Unicode"),
            ("no_proxy", "a list of hosts in Unicode"),
        ] {
            let error = proxy_of(|name| match name {
                _ if name == unreadable => Err(VarError::NotUnicode("hidden".into())),
                "HTTPS_PROXY" => Ok("a".into()),
                _ => Err(VarError::NotPresent),
            });
            let text = format!("the value of {unreadable} is invalid: expected {expected}");
            assert_eq!(error.unwrap_err().to_string(), text);
        }
    }
}
