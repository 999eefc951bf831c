//! One bounded HTTP client: HTTPS by rustls with an explicit provider, no redirects, and no proxy
//! unless that is asked for.

mod body;
mod post;
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
    most_idle: usize,
    proxy: Option<Arc<Matcher>>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// What a request may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// For everything, the last byte of the body included.
    pub(crate) timeout: Duration,
    pub(crate) body_bytes: usize,
}

/// After which a connection is not used again: servers close theirs after a minute or so, and a
/// request may cross that.
const IDLE_FOR: Duration = Duration::from_secs(30);

impl HttpClient {
    /// Trusts the roots that Mozilla's programme lists, and keeps at most so many idle connections
    /// to a host.
    pub(crate) fn new(most_idle: usize) -> Result<Self, EndpointError> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() }.into();
        Self::of(Settings { roots, most_idle, proxy: None })
    }

    /// Trusts these certificates too, in PEM; at least one.
    pub(crate) fn trusting(&self, pem: &[u8]) -> Result<Self, EndpointError> {
        let roots = roots::with(&self.settings.roots, pem)?.into();
        Self::of(Settings { roots, ..self.settings.clone() })
    }

    /// Goes through the proxy that the environment names now, if it names one.
    pub(crate) fn with_proxy_from_env(&self) -> Result<Self, EndpointError> {
        let proxy = route::proxy_of(|name| std::env::var(name))?;
        Self::of(Settings { proxy, ..self.settings.clone() })
    }

    fn of(settings: Settings) -> Result<Self, EndpointError> {
        // The process default is not ours to set or to trust.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| EndpointError::InvalidRoots)?
            .with_root_certificates(Arc::clone(&settings.roots))
            .with_no_client_auth();
        let tls = Arc::new(tls);
        let mut direct = HttpConnector::new();
        direct.enforce_http(false); // TLS comes on top
        let to_proxy = HttpsConnector::from((direct.clone(), Arc::clone(&tls)));
        let route = Route { direct, proxy: settings.proxy.clone(), to_proxy };
        let connector = HttpsConnector::from((route, tls));
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(settings.most_idle)
            .pool_idle_timeout(IDLE_FOR)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { settings, client })
    }

    /// What a 200 brings.
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

/// Adds the headers of every request. They ask for a plain body, because a small compressed one can
/// become a huge one.
fn with_headers(request: request::Builder, accept: &'static str) -> request::Builder {
    request
        .header(header::ACCEPT, accept)
        .header(header::ACCEPT_ENCODING, IDENTITY)
        .header(header::USER_AGENT, USER_AGENT)
}

const IDENTITY: &str = "identity";

async fn within<T>(
    time: Duration,
    answer: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, FetchError> {
    tokio::time::timeout(time, answer).await.unwrap_or(Err(FetchError::TimedOut(time)))
}

/// What a server sent, and for how long it says that it may be kept.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) body: Bytes,
    /// `Cache-Control: max-age` (RFC 9111, section 5.2.2.1), where it is there once and readable.
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

/// In characters: a certificate can name any number of hosts.
const MAX_CAUSE_LENGTH: usize = 400;

fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ");
    without_secrets(&causes).chars().take(MAX_CAUSE_LENGTH).collect()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| Error::source(*error))
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// No connection, no trusted certificate, or not an HTTP answer; the causes, outermost first.
    #[error("{0}")]
    Unreachable(String),
    #[error("no complete answer within {0:?}")]
    TimedOut(Duration),
    /// Redirects too: they are not followed.
    #[error("the status {} and not 200", .0.as_u16())]
    Status(StatusCode),
    #[error("an answer of more than {0} bytes")]
    TooLarge(usize),
    /// Compressed, for example.
    #[error("an answer with the content encoding {0}, which was not asked for")]
    Encoded(Excerpt),
    #[error("an answer that broke off")]
    Interrupted,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_an_integer_that_stands_once() {
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
