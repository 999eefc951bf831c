//! A stand-in for an OpenID provider, for development only: anyone can sign in with any name, at
//! any level.
//!
//! It listens on a free port of this machine. It always asks the user, so every sign-in is fresh.
//! As OpenID Connect permits, it may do less than `acr_values` asks for: the user chooses the level.

mod codes;
mod page;

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_step_up::Clock;
use tower_step_up::issuers::oidc;
use tower_step_up::testing::TestIssuer;
use url::Url;

use self::codes::{Codes, SignIn};
use self::page::{LogIn, LogInPage};
use crate::pages::{CONTENT_POLICY, Page};
use crate::settings::ProviderSettings;

/// How long a token lives, in seconds.
const TOKEN_LIFE: i64 = 3_600;

/// The provider.
pub(crate) struct StandIn {
    settings: ProviderSettings,
    redirect_uri: String,
    issuer: TestIssuer,
    clock: Box<dyn Clock>,
    codes: Codes,
}

impl StandIn {
    /// Starts it for one client, the site. It ends with the process.
    pub(crate) async fn start(
        redirect_uri: String,
        clock: impl Clock + Clone,
    ) -> Result<ProviderSettings, String> {
        let failed = |error| format!("cannot start the stand-in for a provider: {error}");
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let base = format!("http://{}", listener.local_addr().map_err(failed)?);
        let settings = ProviderSettings::of_stand_in(base);
        let issuer = oidc::access_tokens(&settings.issuer, &settings.audience);
        let issuer = TestIssuer::standing_in_for(issuer).map_err(|error| error.to_string())?;
        let issuer = issuer.clock(clock.clone());
        let stand_in = Self {
            settings: settings.clone(),
            redirect_uri,
            issuer,
            clock: Box::new(clock),
            codes: Codes::default(),
        };
        let server = axum::serve(listener, routes(stand_in));
        tokio::spawn(server.into_future());
        Ok(settings)
    }
}

fn routes(stand_in: StandIn) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/keys", get(keys))
        .route("/authorize", get(ask).post(log_in))
        .route("/token", post(exchange))
        .with_state(Arc::new(stand_in))
}

async fn discovery(State(provider): State<Arc<StandIn>>) -> Json<Value> {
    let issuer = &provider.settings.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "acr_values_supported": provider.settings.levels,
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(provider): State<Arc<StandIn>>) -> String {
    provider.issuer.jwks().to_owned()
}

/// An authorization request (RFC 6749, section 4.1.1).
#[derive(Deserialize)]
struct Authorization {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
    #[serde(default)]
    acr_values: String,
}

impl StandIn {
    /// Returns whether the request is the site's. The browser must not be sent anywhere else.
    fn knows(&self, request: &Authorization) -> bool {
        request.client_id == self.settings.client_id
            && request.redirect_uri == self.redirect_uri
            && request.response_type == "code"
            && request.code_challenge_method == "S256"
    }

    /// Returns the content policy of its page. The form of that page leads back to the site.
    fn content_policy(&self) -> String {
        let site = self.redirect_uri.trim_end_matches("/callback");
        CONTENT_POLICY.replace("form-action 'self'", &format!("form-action 'self' {site}"))
    }

    fn token(&self, SignIn { user, level, at, .. }: &SignIn) -> String {
        self.issuer.mint_with(&json!({
            "sub": user,
            "sid": format!("session-of-{user}"),
            "client_id": self.settings.client_id,
            "acr": level,
            "auth_time": at,
        }))
    }
}

async fn ask(
    State(provider): State<Arc<StandIn>>,
    Query(request): Query<Authorization>,
) -> Response {
    if !provider.knows(&request) {
        return (StatusCode::BAD_REQUEST, "This request is not from the site.\n").into_response();
    }
    let page = LogInPage::new(&provider.settings.levels, &request.acr_values);
    ([(CONTENT_SECURITY_POLICY, provider.content_policy())], Page(page)).into_response()
}

async fn log_in(
    State(provider): State<Arc<StandIn>>,
    Query(request): Query<Authorization>,
    Form(LogIn { user, level, cancel }): Form<LogIn>,
) -> Response {
    let is_level = provider.settings.levels.contains(&level);
    if !provider.knows(&request) || !is_level || user.is_empty() || user.len() > 64 {
        return (StatusCode::BAD_REQUEST, "This form is incomplete.\n").into_response();
    }
    let Ok(mut url) = Url::parse(&request.redirect_uri) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let answer = match cancel {
        Some(_) => ("error", "access_denied".to_owned()),
        None => {
            let at = provider.clock.now().unix_timestamp();
            let challenge = request.code_challenge;
            let code = CsrfToken::new_random().into_secret();
            provider.codes.put(code.clone(), SignIn { user, level, at, challenge });
            ("code", code)
        }
    };
    url.query_pairs_mut()
        .append_pair(answer.0, &answer.1)
        .append_pair("state", &request.state)
        .append_pair("iss", &provider.settings.issuer);
    Redirect::to(url.as_str()).into_response()
}

/// A token request (RFC 6749, section 4.1.3, and RFC 7636, section 4.5).
#[derive(Deserialize)]
struct Exchange {
    grant_type: String,
    client_id: String,
    redirect_uri: String,
    code: String,
    code_verifier: String,
}

async fn exchange(
    State(provider): State<Arc<StandIn>>,
    Form(request): Form<Exchange>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let refused = || (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"})));
    let sign_in = provider.codes.take(&request.code).ok_or_else(refused)?;
    let verifier = PkceCodeVerifier::new(request.code_verifier);
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    let is_sound = request.grant_type == "authorization_code"
        && request.client_id == provider.settings.client_id
        && request.redirect_uri == provider.redirect_uri
        && challenge.as_str() == sign_in.challenge;
    if !is_sound {
        return Err(refused());
    }
    let token = provider.token(&sign_in);
    Ok(Json(json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFE,
    })))
}
