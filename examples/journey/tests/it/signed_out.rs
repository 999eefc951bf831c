//! Being signed out in another tab, or by time.

use crate::bank::{Bank, DEMO, DEMO_PHONE, STRONG};
use crate::browser::{Browser, Page};

const TYPED: [(&str, &str); 4] = [
    ("payee", "Grace \"Amazing\" <Hopper>"),
    ("account", "DE02 1203 0009"),
    ("amount", "125.50"),
    ("reference", "rent & more"),
];

async fn sign_in(browser: &Browser, page: &Page, email: &str, password: &str) -> Page {
    browser.submit(page, &[("email", email), ("password", password)]).await
}

#[tokio::test]
async fn the_sign_in_page_explains_why_it_appears() {
    let bank = Bank::open().await;
    let page = bank.browser().get("/sign-in").await;
    assert!(page.text("signed-out").is_none(), "the user asked for it");
    for how in ["another tab", "time"] {
        let browser = bank.with_two_factors().await;
        let form = browser.get("/second-factor").await;
        if how == "time" {
            bank.minutes_pass(61);
        } else {
            browser.post("/sign-out", &[]).await;
        }
        for path in ["/account", "/security", "/transfer"] {
            let page = browser.get(path).await;
            assert_eq!(page.path(), "/sign-in", "{how}");
            page.assert_text("signed-out", "you have signed out since, perhaps in another tab");
            page.assert_text("signed-out", "60 minutes after the last code or password");
        }
        let page = browser.submit(&form, &[("step", "send")]).await;
        page.assert_text("signed-out", "perhaps in another tab");
    }
}

#[tokio::test]
async fn a_transfer_that_was_typed_before_signing_out_is_kept() {
    let bank = Bank::open().await;
    for how in ["another tab", "time", "revoked"] {
        let browser = bank.with_two_factors().await;
        let form = browser.get("/transfer").await;
        match how {
            "time" => bank.minutes_pass(61),
            "another tab" => drop(browser.post("/sign-out", &[]).await),
            _ => {
                let token = browser.cookie("stytch_session");
                let body = serde_json::json!({ "session_token": token });
                assert_eq!(bank.api("/v1/sessions/revoke", body).await.0, 200);
                bank.minutes_pass(6);
            }
        }
        let page = browser.submit(&form, &TYPED).await;
        assert_eq!((page.path(), page.status.as_u16()), ("/transfer", 200), "{how}");
        page.assert_text("signed-out", "We have kept the transfer that you typed");
        assert!(page.html.contains("id=\"sign-in-link\"") && !page.html.contains("<Hopper"));
        let page = sign_in(&browser, &page, DEMO.0, "wrong").await;
        page.assert_text("password-error", "do not match");
        page.assert_text("signed-out", "We have kept the transfer");
        let page = sign_in(&browser, &page, DEMO.0, DEMO.1).await;
        assert_eq!(page.path(), "/second-factor", "{how}: {}", page.main());
        page.assert_text("kept", "We kept what you typed");
        let page = bank.prove_phone(&browser, &page, DEMO_PHONE).await;
        assert_eq!(page.path(), "/transfer", "{how}");
        page.assert_text("resumed", "It has not been sent yet");
        for (name, value) in TYPED {
            assert_eq!(page.value(name).as_deref(), Some(value), "{how}: {name}");
        }
        assert_eq!(page.hidden(), form.hidden(), "{how}: it is the same form");
        assert!(browser.get("/account").await.text("sent").is_none());
        let done = browser.submit(&page, &TYPED).await;
        done.assert_text("sent", "€125.50 was sent");
        // It is shown once.
        assert_eq!(browser.get("/transfer").await.value("payee").as_deref(), Some(""), "{how}");
    }
}

#[tokio::test]
async fn a_kept_transfer_appears_in_no_other_session() {
    let bank = Bank::open().await;
    let user = bank.with_two_factors().await;
    let stranger = bank.browser();
    let page = stranger.post("/transfer", &TYPED).await;
    page.assert_text("signed-out", "We have kept the transfer");
    assert_eq!(user.get("/transfer").await.value("payee").as_deref(), Some(""));
    // Someone who knows the password fills in a form in a session of their own only.
    assert_eq!(sign_in(&stranger, &page, DEMO.0, DEMO.1).await.path(), "/second-factor");
    assert_eq!(user.get("/transfer").await.value("payee").as_deref(), Some(""));
    // Signing in without it shows nothing of it.
    let page = bank.browser().get("/sign-in").await;
    assert!(page.hidden().is_empty());
}

#[tokio::test]
async fn an_intent_and_a_long_transfer_are_not_kept_by_signing_in() {
    let bank = Bank::open().await;
    let account = [("email", DEMO.0), ("password", DEMO.1)];
    let long = "x".repeat(5_000);
    for (extra, is_kept) in
        [(("intent", "AAAAAAAAAAAAAAAAAAAAAA"), true), (("reference", &*long), false)]
    {
        let browser = bank.browser();
        let typed = [&account[..], &TYPED[..3], &[extra]].concat();
        let page = browser.post("/sign-in?return_to=/transfer", &typed).await;
        let page = bank.prove_phone(&browser, &page, DEMO_PHONE).await;
        assert_eq!(page.value("payee").as_deref() == Some(TYPED[0].1), is_kept);
        assert!(page.hidden().iter().all(|pair| pair.0 != "intent"));
    }
}

#[tokio::test]
async fn a_form_that_was_sent_already_is_not_offered_again() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let form = browser.get("/transfer").await;
    browser.submit(&form, &TYPED).await.assert_text("balance", "€2,374.50");
    bank.minutes_pass(11);
    let page = browser.submit(&form, &TYPED).await;
    let page = bank.prove_phone(&browser, &page, DEMO_PHONE).await;
    assert_eq!(page.status.as_u16(), 409);
    page.assert_text("problem", "was sent to Grace \"Amazing\" <Hopper> as transfer number 1");
    browser.get("/account").await.assert_text("balance", "€2,374.50");
}

#[tokio::test]
async fn another_customer_at_the_same_browser_can_use_it() {
    let bank = Bank::open().await;
    bank.another_user().await;
    let browser = bank.browser();
    let page = browser.post("/transfer", &TYPED).await;
    let page = sign_in(&browser, &page, "ben@harbour.example", STRONG).await;
    assert_eq!(page.path(), "/second-factor", "{}", page.main());
}
