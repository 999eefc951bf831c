//! The calls to the provider: discovery, the authorization request, and the exchange of the code.

use std::error::Error;
use std::time::Duration;

use oauth2::basic::BasicClient;
use oauth2::{
    AccessToken, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    Scope, TokenResponse, TokenUrl,
};
use serde::Deserialize;
use url::Url;

use crate::request::Request;
use crate::settings::ProviderSettings;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 64 * 1024;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// The provider, as the site knows it from discovery.
pub(crate) struct Provider {
    client: Client,
    http: reqwest::Client,
    audience: String,
    issuer: String,
    /// Whether each response names the issuer (RFC 9207).
    names_issuer: bool,
}

/// An authorization request that was begun.
pub(crate) struct Begun {
    pub(crate) url: Url,
    pub(crate) state: String,
    pub(crate) verifier: String,
}

/// The members of a discovery document that the site needs (OpenID Connect Discovery 1.0, section
/// 3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: AuthUrl,
    token_endpoint: TokenUrl,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Provider {
    /// Discovers the provider's endpoints.
    pub(crate) async fn discover(
        settings: &ProviderSettings,
        redirect_uri: String,
    ) -> Result<Self, String> {
        let failed = |error: &dyn Error| format!("cannot use {}: {error}", settings.issuer);
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| failed(&error))?;
        let metadata =
            metadata(http.clone(), &settings.issuer).await.map_err(|error| failed(&*error))?;
        let mut client = BasicClient::new(ClientId::new(settings.client_id.clone()))
            .set_auth_uri(metadata.authorization_endpoint)
            .set_token_uri(metadata.token_endpoint)
            .set_redirect_uri(RedirectUrl::new(redirect_uri).map_err(|error| failed(&error))?);
        if let Some(secret) = &settings.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.clone()));
        }
        Ok(Self {
            client,
            http,
            audience: settings.audience.clone(),
            issuer: metadata.issuer,
            names_issuer: metadata.authorization_response_iss_parameter_supported,
        })
    }

    /// Begins the code flow, and asks for what the guard asked for.
    pub(crate) fn begin(&self, request: &Request) -> Begun {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let authorization = self
            .client
            .authorize_url(CsrfToken::new_random)
            .add_scope(Scope::new("openid".to_owned()))
            // The access token is for this audience (RFC 8707).
            .add_extra_param("resource", &*self.audience)
            .set_pkce_challenge(challenge);
        let parameters = request.parameters.iter();
        let (url, state) = parameters
            .fold(authorization, |url, (name, value)| url.add_extra_param(*name, value))
            .url();
        Begun { url, state: state.into_secret(), verifier: verifier.into_secret() }
    }

    /// Returns whether a response is from this provider and not from another one that tricks the
    /// site (RFC 9207, section 2.4).
    pub(crate) fn sent(&self, iss: Option<&str>) -> bool {
        iss.map_or(!self.names_issuer, |iss| iss == self.issuer)
    }

    /// Exchanges a code for an access token.
    pub(crate) async fn exchange(
        &self,
        code: String,
        verifier: String,
    ) -> Result<AccessToken, String> {
        let tokens = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier))
            .add_extra_param("resource", &*self.audience)
            .request_async(&|request| send(self.http.clone(), request))
            .await
            // The error of a malformed response holds the response, and perhaps a token.
            .map_err(|error| error.to_string())?;
        Ok(tokens.access_token().clone())
    }
}

async fn metadata(http: reqwest::Client, issuer: &str) -> Result<Metadata, Box<dyn Error>> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let request = oauth2::http::Request::get(url).body(Vec::new())?;
    let response = send(http, request).await?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("its discovery document has the status {}", response.status()).into());
    }
    let metadata: Metadata = serde_json::from_slice(response.body())?;
    if metadata.issuer != issuer {
        let other = metadata.issuer;
        return Err(format!("its discovery document is that of {other:?}").into());
    }
    let is_https = |url: &Url| url.scheme() == "https";
    let endpoints = [metadata.authorization_endpoint.url(), metadata.token_endpoint.url()];
    if issuer.starts_with("https:") && !endpoints.into_iter().all(is_https) {
        return Err("its endpoints are not https addresses".into());
    }
    Ok(metadata)
}

/// An error of the HTTP client or of a response.
#[derive(Debug)]
struct HttpError(Box<dyn Error + Send + Sync>);

/// Sends a request, and reads the response up to a limit.
async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let request = request.try_into().map_err(HttpError::of)?;
    let mut response = http.execute(request).await.map_err(HttpError::of)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(HttpError::of)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(HttpError("the response is longer than 64 KiB".into()));
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    Ok(answer)
}

impl HttpError {
    fn of(error: reqwest::Error) -> Self {
        Self(Box::new(error))
    }
}

impl std::fmt::Display for HttpError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
