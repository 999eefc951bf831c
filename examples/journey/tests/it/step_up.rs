//! The second factor: wrong, used and expired codes, new codes, and sessions that get stronger.

use reqwest::Method;
use serde_json::json;
use tokio::time::Duration;

use crate::bank::{Bank, DEMO_PHONE};

#[tokio::test]
async fn a_code_works_once_and_expires() {
    let bank = Bank::open().await;
    let (browser, page) = bank.with_password().await;
    page.assert_text("why", "To open your account, you need a second factor.");
    page.assert_text("phone", "••• 43");
    assert!(!page.main().contains("<code>"), "no policy language for customers");

    let page = browser.submit(&page, &[("step", "send")]).await;
    let first = bank.code(DEMO_PHONE);
    let wrong = bank.wrong_code(DEMO_PHONE);
    let page = browser.submit(&page, &[("step", "take"), ("code", &wrong)]).await;
    assert_eq!(page.status.as_u16(), 422);
    page.assert_text("code-error", "not the right code");

    let page = browser.submit(&page, &[("step", "take"), ("code", "what?")]).await;
    page.assert_text("code-error", "six digits");

    bank.minutes_pass(6);
    let page = browser.submit(&page, &[("step", "take"), ("code", &first)]).await;
    page.assert_text("code-error", "has expired");

    let page = browser.submit(&page, &[("step", "send")]).await;
    let code = bank.code(DEMO_PHONE);
    let done = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
    assert_eq!(done.path(), "/account");
    let page = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
    page.assert_text("code-error", "already been used");
}

#[tokio::test]
async fn a_second_factor_cannot_be_replaced_by_another_phone() {
    let bank = Bank::open().await;
    let (browser, page) = bank.with_password().await;
    assert!(page.value("phone_number").is_none());
    browser.submit(&page, &[("step", "send"), ("phone_number", "+12025550199")]).await;
    let messages = bank.stytch.messages();
    assert_eq!(messages[0].to, DEMO_PHONE);
    assert!(messages.iter().all(|message| message.to != "+12025550199"));
}

#[tokio::test]
async fn a_step_up_ends_the_weaker_session() {
    let bank = Bank::open().await;
    let (browser, page) = bank.with_password().await;
    let old = browser.cookies();
    assert_eq!(bank.prove_phone(&browser, &page, DEMO_PHONE).await.path(), "/account");

    // A second tab with an older page is as strong, because it uses the browser's cookies.
    assert_eq!(browser.get("/account").await.path(), "/account");
    // A thief who copied the old cookies is signed out at once.
    let thief = bank.browser();
    thief.restore(&old);
    assert_eq!(thief.get("/security").await.path(), "/sign-in");
}

#[tokio::test]
async fn a_session_outlives_its_jwt() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let before = browser.cookie("stytch_session_jwt");
    bank.minutes_pass(7);
    assert_eq!(browser.get("/account").await.path(), "/account");
    assert_ne!(browser.cookie("stytch_session_jwt"), before);
    bank.stytch.rotate_keys().unwrap();
    bank.minutes_pass(7);
    assert_eq!(browser.get("/account").await.path(), "/account");
    bank.stytch.advance(Duration::from_secs(3_600));
    assert_eq!(browser.get("/account").await.path(), "/sign-in");
}

#[tokio::test]
async fn a_sign_out_ends_the_session_and_clears_the_page_cache() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let (cookies, token) = (browser.cookies(), browser.cookie("stytch_session"));
    let account = browser.get("/account").await;
    assert_eq!(account.headers["cache-control"], "no-store");
    assert!(account.html.contains("id=\"sign-out\""));

    let page = browser.post("/sign-out", &[]).await;
    assert_eq!(page.path(), "/signed-out");
    assert!(browser.cookies().is_empty());
    // Without this, Chromium's back button shows the account again.
    let clear = browser.get("/signed-out.css").await;
    assert_eq!(clear.headers["clear-site-data"], "\"cache\"");
    assert_eq!(clear.headers["cache-control"], "no-store");
    assert!(
        page.html.contains("href=\"/signed-out.css\"") && page.html.contains("id=\"sign-in-link\"")
    );
    let (status, response) =
        bank.api("/v1/sessions/authenticate", json!({ "session_token": token })).await;
    assert_eq!(
        (status, &response["error_type"]),
        (404, &json!("session_not_found")),
        "the session has ended at Stytch too"
    );
    // The next request leads to the sign-in page.
    assert_eq!(browser.get("/account").await.path(), "/sign-in");

    let thief = bank.browser();
    thief.restore(&cookies);
    let refused = thief.send(Method::GET, "/account", &[]).await;
    assert_eq!(refused.status(), 303);
    assert!(refused.headers()["location"].to_str().unwrap().starts_with("/sign-in"));
    let refused = thief.raw(|request| *request.url_mut() = thief.url("/account")).await;
    assert_eq!(refused.status(), 401);
    // The opaque token alone does not bring a new JWT.
    let thief = bank.browser();
    let opaque = cookies.split("; ").find(|pair| pair.starts_with("stytch_session=")).unwrap();
    thief.restore(opaque);
    assert_eq!(thief.get("/account").await.path(), "/sign-in");
}
