//! The page that explains.

use crate::bank::{Bank, DEMO_PHONE};

#[tokio::test]
async fn each_proof_has_its_age_and_each_policy_its_verdict() {
    let bank = Bank::open().await;
    let (browser, step) = bank.with_password().await;
    let page = browser.get("/security").await;
    assert_eq!(page.path(), "/security", "one factor is enough to see what is missing");
    page.says("policy-account", "closed");
    page.says("policy-transfer", "closed");
    page.says("explanation", "account: mfa: missing");
    assert!(page.main().contains("GET /account</code> was <span class=\"tag bad\">refused"));

    bank.prove_phone(&browser, &step, DEMO_PHONE).await;
    let page = browser.get("/security").await;
    page.says("policy-account", "open");
    page.says("policy-transfer", "open");
    assert!(page.main().contains("GET /account</code> was <span class=\"tag good\">granted"));
    assert!(page.main().contains("<dd>the phone number</dd>"));
    assert!(page.main().contains("max=\"600\""), "{}", page.html);

    // Ten minutes later, by the button that local-stytch gives.
    let page = browser.post("/local/clock", &[("return_to", "/security")]).await;
    assert_eq!(page.path(), "/security");
    page.says("policy-account", "open");
    page.says("policy-transfer", "closed");
    assert!(page.main().contains("too old"));

    browser.get("/transfer").await;
    let page = browser.get("/security").await;
    page.says("explanation", "transfer: all of: not met\n  mfa: met by password");
    page.says("explanation", "otp/sms within 10m: stale, otp/sms (10m");
}

#[tokio::test]
async fn an_authenticator_app_is_another_way() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let page = browser.get("/authenticator").await;
    let page = browser.submit(&page, &[("step", "begin")]).await;
    assert!(page.text("secret").is_some_and(|secret| secret.len() >= 16), "{}", page.html);
    let page = browser.submit(&page, &[("step", "take"), ("code", "000000")]).await;
    assert!(page.text("code-error").is_some());
    // And whoever has not just proved the phone adds none.
    bank.minutes_pass(11);
    let page = browser.get("/authenticator").await;
    assert_eq!(page.path(), "/second-factor");
}
