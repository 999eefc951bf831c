//! A provider in its own process, and a browser that signs in there.

use std::collections::BTreeMap;
use std::process::Stdio;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tower_step_up::Clock;
use tower_step_up::testing::FixedClock;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::key_server::within_seconds;
use crate::support::TestResponse;

/// The example of RFC 7636, appendix B.
const CODE_VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CODE_CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(super) const SCOPES: &str = "openid payments:read payments:write";

/// The parameters of a request.
type Parameters<'a> = &'a [(&'a str, &'a str)];

/// A running provider. Dropping it ends the process.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    client: Client<HttpConnector, Full<Bytes>>,
    _process: Child,
}

/// The tokens of a response. Those that a grant does not yield are empty.
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) id: String,
    pub(super) refresh: String,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let directory = std::env::var("OPENID_PROVIDER")
            .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/provider").to_owned());
        let mut process = Command::new("node")
            .arg("provider.mjs")
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = within_seconds(lines.next_line()).await.unwrap();
        let line = line.expect("the provider starts, if `npm ci` has run in its directory");
        let issuer = line.strip_prefix("issuer ").unwrap().to_owned();
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { issuer, client, _process: process }
    }

    async fn send(&self, request: http::request::Builder, body: String) -> TestResponse {
        let request = request.body(Full::from(body)).unwrap();
        within_seconds(async {
            TestResponse::of(self.client.request(request).await.unwrap()).await
        })
        .await
    }

    /// Calls an endpoint under `/control`.
    pub(super) async fn control(&self, name: &str, body: Option<Value>) -> Value {
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let request =
            Request::builder().method(method).uri(format!("{}/control/{name}", self.issuer));
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let response = self.send(request, body).await;
        assert_eq!(response.status, 200, "{}", response.body);
        serde_json::from_str(&response.body).unwrap()
    }

    /// Sets the provider's clock to the real time plus this many seconds.
    pub(super) async fn move_clock(&self, seconds: i64) {
        self.control("clock", Some(json!({"offset": seconds}))).await;
    }

    pub(super) async fn refresh(&self, client: &str, tokens: &Tokens) -> Tokens {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", &tokens.refresh)];
        self.tokens(client, &parameters).await
    }

    /// Calls the token endpoint.
    pub(super) async fn tokens(&self, client: &str, parameters: Parameters<'_>) -> Tokens {
        let mut form = Serializer::new(String::new());
        form.append_pair("client_id", client).extend_pairs(parameters);
        if ["other", "machine"].contains(&client) {
            form.append_pair("client_secret", &format!("{client}-secret"));
        }
        let request = Request::post(format!("{}/token", self.issuer))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = self.send(request, form.finish()).await;
        assert_eq!(response.status, 200, "{}", response.body);
        let tokens: Value = serde_json::from_str(&response.body).unwrap();
        let token = |name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        Tokens {
            access: token("access_token"),
            id: token("id_token"),
            refresh: token("refresh_token"),
        }
    }

    pub(super) fn browser(&self) -> Browser<'_> {
        Browser { provider: self, cookies: BTreeMap::new() }
    }
}

/// A browser in which Ada signs in. It keeps cookies, and follows no redirect to a client.
pub(super) struct Browser<'a> {
    provider: &'a Provider,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    /// Runs the code flow of a client for a resource, with these further parameters. If the
    /// provider asks, Ada signs in at this level.
    pub(super) async fn sign_in(
        &mut self,
        client: &str,
        resource: &str,
        level: &str,
        more: Parameters<'_>,
    ) -> Tokens {
        let redirect_uri = format!("https://{client}.example/callback");
        let mut url = Url::parse(&format!("{}/auth", self.provider.issuer)).unwrap();
        url.query_pairs_mut()
            .append_pair("client_id", client)
            .append_pair("redirect_uri", &redirect_uri)
            .append_pair("resource", resource)
            .append_pair("scope", SCOPES)
            .append_pair("response_type", "code")
            .append_pair("code_challenge", CODE_CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .append_pair("nonce", "n-1")
            .extend_pairs(more);
        while !url.as_str().starts_with(&redirect_uri) {
            let form = [("login", "ada"), ("level", level)];
            let form = url.path().starts_with("/interaction/").then_some(form);
            let response = self.send(&url, form.as_ref().map(|form| &form[..])).await;
            assert_eq!(response.status, 303, "{}", response.body);
            url = url.join(response.header(LOCATION.as_str())).unwrap();
        }
        let answer: BTreeMap<_, _> = url.query_pairs().collect();
        assert_eq!(answer.get("iss"), Some(&self.provider.issuer.as_str().into()), "{url}");
        let parameters = [
            ("grant_type", "authorization_code"),
            ("code", &answer["code"]),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", CODE_VERIFIER),
        ];
        self.provider.tokens(client, &parameters).await
    }

    /// Signs out of the session that the ID token names.
    pub(super) async fn sign_out(&mut self, tokens: &Tokens) {
        let mut url = Url::parse(&format!("{}/session/end", self.provider.issuer)).unwrap();
        url.query_pairs_mut().append_pair("id_token_hint", &tokens.id);
        let page = self.send(&url, None).await.body;
        let (_, xsrf) = page.split_once(r#"name="xsrf" value=""#).expect("a form");
        let xsrf = xsrf.split('"').next().unwrap();
        let confirm = url.join("/session/end/confirm").unwrap();
        let response = self.send(&confirm, Some(&[("xsrf", xsrf), ("logout", "yes")])).await;
        assert_eq!(response.status, 303, "{}", response.body);
    }

    /// Sends a request, with this form if there is one, and keeps the cookies of the response.
    async fn send(&mut self, url: &Url, form: Option<Parameters<'_>>) -> TestResponse {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(COOKIE, cookies.join("; "))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = form.map(|form| Serializer::new(String::new()).extend_pairs(form).finish());
        let response = self.provider.send(request, body.unwrap_or_default()).await;
        for cookie in response.headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, _) = cookie.split_once(';').unwrap();
            match pair.split_once('=').unwrap() {
                (name, "") => self.cookies.remove(name),
                (name, value) => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        response
    }
}

/// Returns the claims of a token, unverified.
pub(super) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64_simd::URL_SAFE_NO_PAD.decode_to_vec(payload).unwrap()).unwrap()
}

/// Returns a claim of a token that is a time.
pub(super) fn time_of(token: &str, claim: &str) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(claims(token)[claim].as_i64().unwrap()).unwrap()
}

/// Advances a clock to this instant, unless it is later already.
pub(super) fn advance_to(clock: &FixedClock, instant: OffsetDateTime) {
    clock.advance((instant - clock.now()).try_into().unwrap_or_default());
}
