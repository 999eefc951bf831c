//! A script of another origin reads the guard's challenge with `fetch`.

use axum::Router;
use axum::http::Method;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::response::Html;
use axum::routing::get;
use serde::Deserialize;
use serde_json::Value;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_step_up::issuers::oidc;
use tower_step_up::testing::{self, TestIssuer};
use tower_step_up::{Factor, Policy};

use crate::browser::Browser;
use crate::chromium::{Scripts, browse};

/// Calls the API as a script of a single-page application does.
const CALL: &str = "
    const [url, token, done] = arguments;
    const headers = { authorization: `Bearer ${token}` };
    fetch(url, { headers }).then(async response => done({
        status: response.status,
        challenge: response.headers.get('www-authenticate'),
        body: await response.json(),
    }), error => done({ status: 0, challenge: null, body: String(error) }));";

/// The parts of a response that the script sees.
#[derive(Debug, Deserialize)]
struct Seen {
    status: u16,
    challenge: Option<String>,
    body: Value,
}

async fn serve(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn call(browser: &Browser, url: &str, token: &str) -> Seen {
    let arguments = vec![url.into(), token.into()];
    browser.driver.execute_async(CALL, arguments).await.unwrap().convert().unwrap()
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_script_reads_the_header_if_cors_exposes_it_and_the_body_in_any_case() {
    let stytch = TestIssuer::new();
    let openid = oidc::access_tokens("https://login.example.com", "https://api.example.com");
    let openid = TestIssuer::standing_in_for(openid.acr_values(["silver", "gold"])).unwrap();
    let transfer = Policy::mfa().and(Policy::any_of([Factor::OtpSms, Factor::Totp]));
    let password = stytch.mint(&testing::session().proved(Factor::Password));
    let silver = openid.mint_with(&serde_json::json!({"acr": "silver"}));

    let page = serve(Router::new().route("/", get(Html("<!doctype html><title>shop</title>"))));
    let page = page.await;
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::exact(page.parse().unwrap()))
        .allow_methods([Method::GET])
        .allow_headers([AUTHORIZATION]);
    // The guards are inside the CORS layer.
    let guarded = Router::new()
        .route("/stytch", get("granted").layer(stytch.guard().require(transfer)))
        .route("/openid", get("granted").layer(openid.guard().require(Policy::acr("gold"))));
    let exposing = cors.clone().expose_headers([WWW_AUTHENTICATE]);
    let exposing = serve(guarded.clone().layer(exposing)).await;
    let hiding = serve(guarded.clone().layer(cors)).await;
    let without = serve(guarded).await;

    browse(Scripts::On, async |_, browser| {
        browser.driver.goto(&page).await.unwrap();
        for server in [&exposing, &hiding] {
            let seen = call(browser, &format!("{server}/openid"), &silver).await;
            assert_eq!(seen.status, 401, "{seen:?}");
            let challenge = seen.challenge.map(|it| it.ends_with(r#", acr_values="gold""#));
            assert_eq!(challenge, (server == &exposing).then_some(true));
            assert_eq!(seen.body["authentication_request"]["acr_values"], "gold");

            let seen = call(browser, &format!("{server}/stytch"), &password).await;
            assert_eq!(seen.status, 401, "{seen:?}");
            let challenge =
                seen.challenge.map(|it| it.contains("insufficient_user_authentication"));
            assert_eq!(challenge, (server == &exposing).then_some(true));
            assert_eq!(seen.body["prompts"][0][0]["factor"], "otp/sms");
            assert_eq!(seen.body["prompts"][1][0]["factor"], "totp");
        }
        // A browser shows a script nothing of a response without a CORS layer.
        assert_eq!(call(browser, &format!("{without}/openid"), &silver).await.status, 0);
    })
    .await;
}
