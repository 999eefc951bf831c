//! An HTTP client with limits. It uses rustls with an explicit crypto provider, follows no
//! redirects, and uses no proxy unless the application asks for one.

mod body;
mod json;
mod roots;
mod route;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, header, request};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

use self::body::read;
use self::route::Route;
use crate::endpoint::EndpointError;
use crate::excerpt::{Excerpt, without_secrets};

#[derive(Clone)]
pub(crate) struct HttpClient {
    settings: Settings,
    client: Client<HttpsConnector<Route>, Full<Bytes>>,
}

#[derive(Clone)]
struct Settings {
    roots: Arc<RootCertStore>,
    max_idle: usize,
    proxy: Option<Arc<Matcher>>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// The limits of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The time limit for the whole request, including the last byte of the body.
    pub(crate) timeout: Duration,
    pub(crate) body_bytes: usize,
}

/// The time after which an idle connection is not used again. Servers close idle connections after
/// about a minute, and a request sent at that moment would fail.
const IDLE_FOR: Duration = Duration::from_secs(30);

impl HttpClient {
    /// Creates a client that trusts the authorities of Mozilla's root program. It keeps at most
    /// `max_idle` idle connections to a host.
    pub(crate) fn new(max_idle: usize) -> Result<Self, EndpointError> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() }.into();
        Self::of(Settings { roots, max_idle, proxy: None })
    }

    /// Also trusts these certificates, in PEM. There must be at least one.
    pub(crate) fn trusting(&self, pem: &[u8]) -> Result<Self, EndpointError> {
        let roots = roots::add_roots(&self.settings.roots, pem)?.into();
        Self::of(Settings { roots, ..self.settings.clone() })
    }

    /// Uses the proxy that the environment names now, if it names one.
    pub(crate) fn with_proxy_from_env(&self) -> Result<Self, EndpointError> {
        let proxy = route::proxy_of(|name| std::env::var(name))?;
        Self::of(Settings { proxy, ..self.settings.clone() })
    }

    fn of(settings: Settings) -> Result<Self, EndpointError> {
        // A library should neither set nor trust the default provider of the process.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| EndpointError::InvalidRoots)?
            .with_root_certificates(Arc::clone(&settings.roots))
            .with_no_client_auth();
        let tls = Arc::new(tls);
        let mut direct = HttpConnector::new();
        direct.enforce_http(false); // TLS is added on top
        let to_proxy = HttpsConnector::from((direct.clone(), Arc::clone(&tls)));
        let route = Route { direct, proxy: settings.proxy.clone(), to_proxy };
        let connector = HttpsConnector::from((route, tls));
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(settings.max_idle)
            .pool_idle_timeout(IDLE_FOR)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { settings, client })
    }

    /// Returns the body of a response with status 200. Any other status is an error.
    pub(crate) async fn get(
        &self,
        url: &Uri,
        accept: &'static str,
        bounds: Bounds,
    ) -> Result<Fetched, FetchError> {
        within(bounds.timeout, async {
            let request = with_headers(Request::get(url), accept)
                .body(Full::default())
                .map_err(|error| FetchError::Unreachable(causes(&error)))?;
            let response = self.client.request(request).await;
            let response = response.map_err(|error| FetchError::Unreachable(causes(&error)))?;
            if response.status() != StatusCode::OK {
                return Err(FetchError::Status(response.status()));
            }
            let (head, body) = response.into_parts();
            let body = read(&head.headers, body, bounds.body_bytes).await?;
            Ok(Fetched { body, max_age: max_age(&head.headers) })
        })
        .await
    }
}

const USER_AGENT: &str = concat!("tower-step-up/", env!("CARGO_PKG_VERSION"));

/// Adds the headers of every request. They ask for an uncompressed body, because a small compressed
/// one can become a huge one.
fn with_headers(request: request::Builder, accept: &'static str) -> request::Builder {
    request
        .header(header::ACCEPT, accept)
        .header(header::ACCEPT_ENCODING, IDENTITY)
        .header(header::USER_AGENT, USER_AGENT)
}

const IDENTITY: &str = "identity";

async fn within<T>(
    time: Duration,
    response: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, FetchError> {
    tokio::time::timeout(time, response).await.unwrap_or(Err(FetchError::TimedOut(time)))
}

/// A response body, and how long the server allows it to be cached.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) body: Bytes,
    /// `Cache-Control: max-age` (RFC 9111, section 5.2.2.1), if it is present exactly once and
    /// readable.
    pub(crate) max_age: Option<Duration>,
}

fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values =
        headers.get_all(header::CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    let directives = values
        .flat_map(|value| value.split(','))
        .filter_map(|directive| directive.trim().split_once('='));
    let mut stated = directives.filter(|(name, _)| name.eq_ignore_ascii_case("max-age"));
    let (Some((_, seconds)), None) = (stated.next(), stated.next()) else { return None };
    let seconds =
        seconds.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(seconds);
    delta_seconds(seconds)
}

/// Reads delta-seconds (RFC 9111, section 1.2.2): digits and nothing else.
pub(crate) fn delta_seconds(text: &str) -> Option<Duration> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).map(Duration::from_secs)
}

/// The limit for the text of an error, in characters. A certificate can name any number of hosts.
const MAX_CAUSE_LENGTH: usize = 400;

fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    without_secrets(&causes).chars().take(MAX_CAUSE_LENGTH).collect()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| Error::source(*error))
}

/// The error of a request without a usable response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// There was no connection, no trusted certificate or no HTTP response. The text lists the
    /// causes, outermost first.
    #[error("{0}")]
    Unreachable(String),
    #[error("no complete response within {0:?}")]
    TimedOut(Duration),
    /// The status is not 200. This includes redirects, which are not followed.
    #[error("the status is {} instead of 200", .0.as_u16())]
    Status(StatusCode),
    #[error("the response has more than {0} bytes")]
    TooLarge(usize),
    /// The body has a content encoding, for example because it is compressed.
    #[error("the response has the content encoding {0}, which was not requested")]
    Encoded(Excerpt),
    #[error("the response is incomplete")]
    Interrupted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_one_integer() {
        let of = |values: &[&'static str]| {
            let pairs = values
                .iter()
                .map(|value| (header::CACHE_CONTROL, http::HeaderValue::from_static(value)));
            max_age(&pairs.collect()).map(|age| age.as_secs())
        };
        for (values, want) in [
            (&[][..], None),
            (&["public, max-age=600"], Some(600)),
            (&["Max-Age=\"60\" , immutable"], Some(60)),
            (&["no-cache", "max-age=0"], Some(0)),
            (&["s-maxage=600"], None),
            (&["max-age=-1"], None),
            (&["max-age=+1"], None),
            (&["max-age=1.5"], None),
            (&["max-age=99999999999999999999"], None),
            (&["max-age=60, max-age=600"], None),
            (&["max-age=60", "max-age=60"], None),
        ] {
            assert_eq!(of(values), want, "{values:?}");
        }
    }
}
