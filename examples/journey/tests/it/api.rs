//! Transfers for programs, and the page that shows them.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::bank::Bank;
use crate::browser::Browser;

async fn transfer(browser: &Browser, token: Option<&str>, body: Value) -> (u16, String, Value) {
    let response: Response = browser
        .raw(|request| {
            *request.method_mut() = Method::POST;
            *request.url_mut() = browser.url("/api/transfer");
            request
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if let Some(token) = token {
                request
                    .headers_mut()
                    .insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
            }
            *request.body_mut() = Some(body.to_string().into());
        })
        .await;
    let challenge =
        response.headers().get("www-authenticate").map(|it| it.to_str().unwrap().to_owned());
    (response.status().as_u16(), challenge.unwrap_or_default(), response.json().await.unwrap())
}

fn order() -> Value {
    json!({ "payee": "Grace", "account": "DE02 1203 0009", "amount": "10.00" })
}

#[tokio::test]
async fn a_program_receives_challenges_and_a_receipt() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let token = browser.cookie("stytch_session_jwt");

    // The client sends the browser's cookies too. They count for nothing here.
    let (status, challenge, _) = transfer(&browser, None, order()).await;
    assert_eq!((status, &*challenge), (401, "Bearer realm=\"Harbour Bank\""));

    let (status, _, receipt) = transfer(&browser, Some(&token), order()).await;
    assert_eq!(
        (status, &receipt["number"], &receipt["amount"]),
        (200, &json!(1), &json!("€10.00"))
    );
    let (status, _, problem) = transfer(&browser, Some(&token), json!({ "amount": "x" })).await;
    assert_eq!(status, 422);
    assert!(problem["invalid"]["amount"].is_string() && problem["invalid"]["payee"].is_string());

    bank.minutes_pass(11);
    let (status, challenge, problem) = transfer(&browser, Some(&token), order()).await;
    assert_eq!(status, 401);
    assert_eq!(
        challenge,
        "Bearer realm=\"Harbour Bank\", error=\"insufficient_user_authentication\", \
         error_description=\"authenticate with otp/sms again, totp or webauthn\""
    );
    assert_eq!(problem["prompts"][0][0]["factor"], json!("otp/sms"), "{problem}");
}

#[tokio::test]
async fn the_api_page_shows_the_exchange_without_the_token() {
    let bank = Bank::open().await;
    let (browser, _) = bank.with_password().await;
    let page = browser.get("/api").await;
    assert!(page.main().contains("401 Unauthorized"));
    let page = browser.submit(&page, &[]).await;
    assert!(page.main().contains("insufficient_user_authentication"));
    assert!(page.main().contains("otp/sms"));

    let browser = bank.with_two_factors().await;
    let page = browser.get("/api").await;
    assert!(!page.main().contains("200 OK"), "looking at the page moves no money");
    let page = browser.submit(&page, &[]).await;
    assert!(page.main().contains("200 OK"), "{}", page.html);
    browser.get("/account").await.assert_text("balance", "€2,499.00");

    bank.minutes_pass(11);
    let page = browser.post("/api", &[]).await;
    assert!(page.main().contains("insufficient_user_authentication"));
    for token in [browser.cookie("stytch_session_jwt"), browser.cookie("stytch_session")] {
        assert!(!page.html.contains(&token));
    }
    assert!(!page.html.contains("eyJ"), "no JWT at all");
}
