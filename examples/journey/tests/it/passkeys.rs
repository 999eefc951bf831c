//! Passkeys, with an authenticator in software. The tests in Chromium use that of the browser.

use axum::http::header::CONTENT_SECURITY_POLICY;

use crate::authenticator::Passkey;
use crate::bank::{BENS_PHONE, Bank, DEMO, DEMO_PHONE};
use crate::browser::Browser;
use crate::page::{Page, unescaped};

impl Bank {
    /// Returns the address of the bank at which browsers use passkeys.
    fn localhost(&self) -> String {
        self.url.replace("127.0.0.1", "localhost")
    }

    /// Returns a browser at `localhost` that has proved the password and the phone.
    async fn at_localhost(&self) -> Browser {
        let browser = Browser::new(&self.localhost());
        let page = browser.post("/sign-in", &[("email", DEMO.0), ("password", DEMO.1)]).await;
        let page = self.prove_phone(&browser, &page, DEMO_PHONE).await;
        assert_eq!(page.path(), "/account");
        browser
    }

    /// On a page that adds a passkey, adds one. Returns it and the next page.
    async fn add(&self, browser: &Browser, page: &Page) -> (Passkey, Page) {
        let (passkey, created) = Passkey::create(&self.localhost(), "localhost", &options(page));
        (passkey, send(browser, page, &created.to_string()).await)
    }
}

/// Returns the options that the page has for its script.
fn options(page: &Page) -> String {
    let (_, rest) = page.html.split_once("data-options=\"").unwrap_or_else(|| {
        panic!("no options: {}", page.html);
    });
    unescaped(rest.split_once('"').unwrap().0)
}

/// Sends the form as the script does.
async fn send(browser: &Browser, page: &Page, credential: &str) -> Page {
    browser.post(&page.action(), &[("credential", credential)]).await
}

async fn sign(browser: &Browser, page: &Page, passkey: &mut Passkey) -> Page {
    let signed = passkey.sign(&options(page)).to_string();
    send(browser, page, &signed).await
}

#[tokio::test]
async fn only_a_passkey_opens_the_card() {
    let bank = Bank::open().await;
    let browser = bank.at_localhost().await;
    let page = browser.get("/card").await;
    assert_eq!(page.path(), "/second-factor/passkey");
    page.assert_text("why", "You do not have one yet");
    assert!(!page.html.contains("<script"), "without a passkey there is nothing to ask for");

    let page = browser.get("/passkey?return_to=/card").await;
    let (mut passkey, page) = bank.add(&browser, &page).await;
    assert_eq!(page.path(), "/card", "a new passkey counts as proved");
    assert_eq!(page.text("pin").unwrap().len(), 4);
    assert_eq!(page.text("card-number").unwrap().len(), 19);

    bank.minutes_pass(6);
    let page = browser.get("/card").await;
    assert_eq!(page.path(), "/second-factor/passkey");
    page.assert_text("why", "Only a passkey opens this page");
    let page = sign(&browser, &page, &mut passkey).await;
    assert_eq!(page.path(), "/card");

    // A code by SMS does not open it.
    bank.minutes_pass(6);
    let page = browser.get("/second-factor?return_to=/card").await;
    let page = bank.prove_phone(&browser, &page, DEMO_PHONE).await;
    assert_eq!(page.path(), "/second-factor/passkey");
}

#[tokio::test]
async fn a_passkey_is_an_alternative_for_a_transfer_and_keeps_the_form() {
    let bank = Bank::open().await;
    let browser = bank.at_localhost().await;
    let page = browser.get("/passkey").await;
    let (mut passkey, page) = bank.add(&browser, &page).await;
    assert_eq!(page.path(), "/security");
    assert!(page.main().contains("<h3>Passkey</h3>"));
    let page = browser.get("/passkey").await;
    page.assert_text("has-one", "You have a passkey");

    let page = browser.get("/transfer").await;
    bank.minutes_pass(11);
    let order = [("payee", "Grace"), ("account", "HB41 0000 0009"), ("amount", "10")];
    let page = browser.submit(&page, &order).await;
    assert_eq!(page.path(), "/second-factor");
    let prompts = page.query().into_iter().filter(|pair| pair.0 == "prompt");
    assert_eq!(prompts.map(|pair| pair.1).collect::<Vec<_>>(), ["otp/sms", "webauthn"]);
    page.assert_text("use-passkey", "Use your passkey");
    let query = page.url.query().unwrap();
    let page = browser.get(&format!("/second-factor/passkey?{query}")).await;
    page.assert_text("kept", "We kept what you typed");
    page.assert_text("other-factor", "Use another way");
    let page = sign(&browser, &page, &mut passkey).await;
    assert_eq!(page.path(), "/transfer");
    page.assert_text("resumed", "been sent yet");
    assert_eq!(page.value("payee").as_deref(), Some("Grace"));
}

#[tokio::test]
async fn a_passkey_that_does_not_verify_is_refused() {
    let bank = Bank::open().await;
    let browser = bank.at_localhost().await;
    let page = browser.get("/passkey").await;
    for credential in ["", "{}", "no JSON"] {
        let page = send(&browser, &page, credential).await;
        assert_eq!((page.status.as_u16(), page.path()), (422, "/passkey"));
        page.assert_text("problem", "We could not verify this passkey");
    }
    let (mut passkey, _) = bank.add(&browser, &page).await;

    bank.minutes_pass(6);
    let page = browser.get("/card").await;
    passkey.origin = "https://harbour-bank.attacker.test".into();
    let page = sign(&browser, &page, &mut passkey).await;
    assert_eq!((page.status.as_u16(), page.path()), (422, "/second-factor/passkey"));
    page.assert_text("problem", "We could not verify this passkey");
    passkey.origin = bank.localhost();
    let page = sign(&browser, &page, &mut passkey).await;
    assert_eq!(page.path(), "/card", "the page asked again, with a new challenge");
}

#[tokio::test]
async fn adding_a_passkey_needs_a_fresh_second_factor() {
    let bank = Bank::open().await;
    let (browser, _) = bank.with_password().await;
    assert_eq!(browser.get("/passkey").await.path(), "/second-factor");
    let page = browser.post("/passkey", &[("credential", "{}")]).await;
    assert_eq!(page.path(), "/second-factor");

    let browser = bank.with_two_factors().await;
    bank.minutes_pass(11);
    assert_eq!(browser.get("/passkey").await.path(), "/second-factor");
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_without_a_phone() {
    let bank = Bank::open().await;
    let browser = bank.at_localhost().await;
    let page = browser.get("/passkey").await;
    let (mut passkey, _) = bank.add(&browser, &page).await;
    bank.remove_phone(DEMO_PHONE).await;

    // The password and the mailbox add no phone.
    let browser = Browser::new(&bank.localhost());
    browser.post("/sign-in", &[("email", DEMO.0), ("password", DEMO.1)]).await;
    let page = browser.get("/verify-email").await;
    let page = browser.submit(&page, &[("step", "send")]).await;
    assert!(page.main().contains("use a different factor"), "{}", page.main());
    let code = bank.code(DEMO.0);
    let page = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
    assert_eq!(page.path(), "/second-factor/passkey");
    let sent = bank.stytch.messages().len();
    let typed = [("step", "send"), ("phone_number", BENS_PHONE)];
    let page = browser.post("/second-factor", &typed).await;
    assert_eq!((page.path(), bank.stytch.messages().len()), ("/second-factor/passkey", sent));

    // The passkey does, while it counts for adding a factor.
    let page = sign(&browser, &page, &mut passkey).await;
    assert_eq!(page.path(), "/account");
    bank.minutes_pass(11);
    assert_eq!(browser.get("/second-factor").await.path(), "/second-factor/passkey");
    let page = browser.get("/second-factor/passkey?return_to=/second-factor").await;
    let page = sign(&browser, &page, &mut passkey).await;
    assert_eq!(page.path(), "/second-factor");
    let page = browser.submit(&page, &typed).await;
    let code = bank.code(BENS_PHONE);
    let page = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
    assert_eq!(page.path(), "/account");
}

#[tokio::test]
async fn only_the_pages_with_a_passkey_may_run_a_script() {
    let bank = Bank::open().await;
    let browser = bank.at_localhost().await;
    let page = browser.get("/passkey").await;
    let policy = page.headers[CONTENT_SECURITY_POLICY.as_str()].to_str().unwrap();
    assert!(policy.contains("script-src 'self';"), "{policy}");
    page.assert_text("unsupported", "Passkeys need JavaScript");
    for path in ["/", "/account", "/transfer", "/security", "/second-factor"] {
        let page = browser.get(path).await;
        let policy = page.headers[CONTENT_SECURITY_POLICY.as_str()].to_str().unwrap();
        assert!(!policy.contains("script-src"), "{path}: {policy}");
        assert!(!page.html.contains("<script"), "{path}");
    }
}

#[tokio::test]
async fn at_an_ip_address_the_page_leads_to_localhost() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let page = browser.get("/passkey?return_to=/card").await;
    page.assert_text("elsewhere", "this page is at an IP address");
    let there = format!("href=\"{}/passkey?return_to=/card\"", bank.localhost());
    assert!(page.html.contains(&there), "{}", page.html);
}

#[tokio::test]
async fn behind_https_passkeys_are_for_the_public_name() {
    let bank = Bank::open_behind_https().await;
    // A browser keeps the cookies that begin with `__Host-`, and the proxy passes them on.
    let account = serde_json::json!({ "email": DEMO.0, "password": DEMO.1,
        "session_duration_minutes": 60 });
    let (_, signed_in) = bank.api("/v1/passwords/authenticate", account).await;
    let send = serde_json::json!({ "email": DEMO.0, "session_token": signed_in["session_token"] });
    let (_, sent) = bank.api("/v1/otps/email/send", send).await;
    let code = serde_json::json!({ "method_id": sent["email_id"], "code": bank.code(DEMO.0),
        "session_token": signed_in["session_token"] });
    let (_, verified) = bank.api("/v1/otps/authenticate", code).await;
    let send = serde_json::json!({ "phone_number": DEMO_PHONE,
        "session_token": verified["session_token"] });
    let (_, sent) = bank.api("/v1/otps/sms/send", send).await;
    let code = serde_json::json!({ "method_id": sent["phone_id"], "code": bank.code(DEMO_PHONE),
        "session_token": verified["session_token"] });
    let (_, stepped) = bank.api("/v1/otps/authenticate", code).await;

    let response = bank
        .browser()
        .raw(|request| {
            request.url_mut().set_path("/passkey");
            let jwt = stepped["session_jwt"].as_str().unwrap();
            let cookie = format!("__Host-stytch_session_jwt={jwt}");
            request.headers_mut().insert("cookie", cookie.parse().unwrap());
        })
        .await;
    let page = Page::read(response).await;
    let options: serde_json::Value = serde_json::from_str(&options(&page)).unwrap();
    assert_eq!(options["rp"]["id"], "bank.example");
}
