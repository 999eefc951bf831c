//! Bugs that were fixed.

use reqwest::Method;
use reqwest::header::HeaderValue;

use crate::bank::{Bank, DEMO, DEMO_PHONE, STRONG};
use crate::browser::Browser;

const ORDER: [(&str, &str); 2] = [("payee", "Grace"), ("account", "DE02 1203 0009")];

async fn transfer(browser: &Browser, pairs: &[(&str, &str)]) -> crate::page::Page {
    let form = browser.get("/transfer").await;
    browser.submit(&form, &[&ORDER[..], pairs].concat()).await
}

#[tokio::test]
async fn a_decimal_comma_does_not_multiply_the_amount_by_a_hundred() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    for amount in ["12,50", "0,01", ",5", "1,,,", "1,5"] {
        transfer(&browser, &[("amount", amount)]).await;
        let page = browser.get("/account").await;
        let balance = page.text("balance").unwrap();
        assert!(["€2,500.00", "€2,487.50"].contains(&&*balance), "{amount:?} left {balance}");
    }
}

#[tokio::test]
async fn an_account_number_with_letters_outside_ascii_is_refused() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    for account in ["ßßß", "ﬁﬁ", "ıııı"] {
        let form = browser.get("/transfer").await;
        let page = browser
            .submit(&form, &[("payee", "Grace"), ("account", account), ("amount", "1")])
            .await;
        assert_eq!(page.status.as_u16(), 422, "{account:?} was accepted as another number");
    }
}

async fn by_api(bank: &Bank, browser: &Browser, key: HeaderValue, payee: &str) -> (u16, String) {
    let request = reqwest::Client::new().post(format!("{}/api/transfer", bank.url));
    let request =
        request.bearer_auth(browser.cookie("stytch_session_jwt")).header("idempotency-key", key);
    let order = serde_json::json!({ "payee": payee, "account": "DE021209", "amount": "1.00" });
    let response = request.json(&order).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn different_idempotency_keys_never_share_a_transfer() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let key = |last: char| HeaderValue::from_str(&format!("{}{last}", "k".repeat(64))).unwrap();
    by_api(&bank, &browser, key('1'), "Grace").await;
    let (status, second) = by_api(&bank, &browser, key('2'), "Alan").await;
    assert!(status == 400 || status == 422 || second.contains("Alan"), "{status} {second}");
}

#[tokio::test]
async fn an_unreadable_idempotency_key_is_not_ignored() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let key = || HeaderValue::from_bytes(b"cl\xe9").unwrap();
    by_api(&bank, &browser, key(), "Grace").await;
    by_api(&bank, &browser, key(), "Grace").await;
    let page = browser.get("/account").await;
    let balance = page.text("balance").unwrap();
    assert!(["€2,500.00", "€2,499.00"].contains(&&*balance), "sent twice: {balance}");
}

#[tokio::test]
async fn an_idempotency_key_of_another_transfer_is_refused() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let key = || HeaderValue::from_static("order-7");
    by_api(&bank, &browser, key(), "Grace").await;
    let (status, body) = by_api(&bank, &browser, key(), "Alan").await;
    assert!(
        status == 422 && body.contains("This Idempotency-Key was already used"),
        "{status} {body}"
    );
}

#[tokio::test]
async fn a_sign_out_while_stytch_is_down_does_not_claim_that_stytch_ended_the_session() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    bank.stytch.clone().shutdown().await;
    let page = browser.post("/sign-out", &[]).await;
    assert!(!page.text("signed-out").unwrap().contains("at Stytch"), "{}", page.main());
}

#[tokio::test]
async fn a_user_can_sign_out_while_stytch_is_down() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    bank.minutes_pass(6); // the JWT has expired
    bank.stytch.clone().shutdown().await;
    let out = browser.send(Method::POST, "/sign-out", &[]).await;
    assert!(browser.cookies().is_empty(), "{}, but the cookies are still there", out.status());
}

/// Signs out with these cookies. Returns whether the page says that the session has ended at
/// Stytch, and whether the browser's JWT or opaque token still opens the account.
async fn sign_out_with(bank: &Bank, browser: &Browser, cookies: &str) -> (bool, bool) {
    let own = browser.cookies();
    let response = browser.raw(|request| {
        *request.method_mut() = Method::POST;
        *request.url_mut() = browser.url("/sign-out");
        request.headers_mut().insert("cookie", cookies.parse().unwrap());
    });
    let response = response.await;
    assert_eq!(response.status(), 303, "{cookies}");
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2, "both are removed");
    let page = browser.get(response.headers()["location"].to_str().unwrap()).await;
    let mut is_alive = false;
    for cookie in own.split("; ") {
        let other = bank.browser();
        other.restore(cookie);
        is_alive |= other.get("/account").await.path() == "/account";
    }
    (page.text("signed-out").unwrap().contains("at Stytch"), is_alive)
}

#[tokio::test]
async fn signing_out_with_malformed_cookies_ends_the_session() {
    let bank = Bank::open().await;
    let broken = |jwt: &str| {
        let (head, signature) = jwt.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { 'B' } else { 'A' };
        format!("{head}.{other}{}", &signature[1..])
    };
    let foreign = bank.with_two_factors().await.cookie("stytch_session_jwt");
    for what in ["intact", "broken", "none", "equal", "two"] {
        let browser = bank.with_two_factors().await;
        let (jwt, token) = (browser.cookie("stytch_session_jwt"), browser.cookie("stytch_session"));
        let jwts = match what {
            "intact" => vec![jwt],
            "broken" => vec![broken(&jwt)],
            "none" => vec![],
            "equal" => vec![jwt.clone(), jwt],
            _ => vec![foreign.clone(), jwt],
        };
        let jwts: String = jwts.iter().map(|jwt| format!("stytch_session_jwt={jwt}; ")).collect();
        let outcome =
            sign_out_with(&bank, &browser, &format!("{jwts}stytch_session={token}")).await;
        assert_eq!(outcome, (true, false), "{what}");
    }
    // The request presented the JWT of the other session too, so that session has ended as well.
    let other = bank.browser();
    other.restore(&format!("stytch_session_jwt={foreign}"));
    assert_eq!(other.get("/account").await.path(), "/sign-in");
}

#[tokio::test]
async fn signing_out_without_a_session_succeeds() {
    let bank = Bank::open().await;
    let page = bank.browser().post("/sign-out", &[]).await;
    assert_eq!((page.path(), page.url.query()), ("/signed-out", None));
}

#[tokio::test]
async fn signing_in_ends_the_previous_session() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let before = browser.cookies();
    browser.post("/sign-in", &[("email", DEMO.0), ("password", DEMO.1)]).await;
    let other = bank.browser();
    other.restore(&before);
    assert_eq!(
        other.get("/account").await.path(),
        "/sign-in",
        "the replaced session is still alive"
    );
}

#[tokio::test]
async fn a_head_request_does_not_use_up_the_draft() {
    let bank = Bank::open().await;
    let (browser, _) = bank.with_password().await;
    let page = browser
        .post("/transfer", &[("payee", "Grace"), ("account", "DE02"), ("amount", "1")])
        .await;
    browser.submit(&page, &[("step", "send")]).await;
    browser
        .send(Method::POST, "/second-factor", &[("step", "take"), ("code", &bank.code(DEMO_PHONE))])
        .await;
    browser.send(Method::HEAD, "/transfer", &[]).await;
    assert_eq!(browser.get("/transfer").await.value("payee").as_deref(), Some("Grace"));
}

#[tokio::test]
async fn an_invalid_query_of_the_account_page_is_ignored() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    assert_eq!(browser.send(Method::GET, "/account?sent=x", &[]).await.status(), 200);
}

#[tokio::test]
async fn a_password_alone_does_not_enrol_a_phone() {
    let bank = Bank::open().await;
    let user = bank.browser();
    let (email, phone) = ("grace@harbour.example", "+12025550199");
    let page =
        user.post("/sign-up", &[("name", "Grace"), ("email", email), ("password", STRONG)]).await;
    user.submit(&page, &[("step", "take"), ("code", &bank.code(email))]).await;
    // A thief who knows the password but cannot read the mailbox.
    let thief = bank.browser();
    thief.post("/sign-in", &[("email", email), ("password", STRONG)]).await;
    thief.post("/second-factor", &[("step", "send"), ("phone_number", phone)]).await;
    if bank.stytch.messages().iter().any(|message| message.to == phone) {
        thief
            .post("/second-factor?sent=true", &[("step", "take"), ("code", &bank.code(phone))])
            .await;
    }
    assert_ne!(
        thief.get("/transfer").await.path(),
        "/transfer",
        "one compromise opened a page that demands two"
    );
}

#[tokio::test]
async fn an_invalid_transfer_is_refused_with_problem_details() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    for (body, status) in [("{", 400), ("null", 400), ("{\"payee\": 7}", 400), ("{}", 422)] {
        let request = reqwest::Client::new().post(format!("{}/api/transfer", bank.url));
        let request = request
            .bearer_auth(browser.cookie("stytch_session_jwt"))
            .header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{body}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{body}");
    }
    assert_eq!(browser.get("/account").await.text("balance").as_deref(), Some("€2,500.00"));
}
