//! The security page.

use serde_json::json;
use tower_step_up::stytch::Project;

use crate::bank::{Bank, DEMO, DEMO_PHONE};
use crate::browser::Page;

#[tokio::test]
async fn the_security_page_shows_the_age_of_each_proof_and_whether_each_policy_is_met() {
    let bank = Bank::open().await;
    let (browser, step) = bank.with_password().await;
    let page = browser.get("/security").await;
    assert_eq!(page.path(), "/security", "one factor is enough to see what is missing");
    page.assert_text("policy-account", "closed");
    page.assert_text("policy-account", "To open your account");
    page.assert_text("policy-account", "account: mfa");
    page.assert_text("policy-transfer", "closed");
    page.assert_text("explanation", "account: mfa: missing");
    assert!(page.main().contains("GET /account</code> was <span class=\"tag bad\">refused"));

    bank.prove_phone(&browser, &step, DEMO_PHONE).await;
    let page = browser.get("/security").await;
    page.assert_text("policy-account", "open");
    page.assert_text("policy-transfer", "open");
    assert!(page.main().contains("GET /account</code> was <span class=\"tag good\">granted"));
    assert!(page.main().contains("<dd>the phone number</dd>"));
    assert!(page.main().contains("within 10 min: <strong>10 min left"), "{}", page.html);
    assert!(
        page.main().contains("max=\"600\" low=\"120\" optimum=\"600\" value=\"600\""),
        "{}",
        page.html
    );
    bank.minutes_pass(4);
    let page = browser.get("/security").await;
    assert!(
        page.main().contains("within 10 min: <strong>6 min left")
            && page.main().contains("4 min ago")
    );

    // The button of the demonstration moves the clock by ten minutes.
    let page = browser.post("/local/clock", &[("return_to", "/security")]).await;
    assert_eq!(page.path(), "/security");
    page.assert_text("policy-account", "open");
    page.assert_text("policy-transfer", "closed");
    assert!(page.main().contains("too old"));

    browser.get("/transfer").await;
    let page = browser.get("/security").await;
    page.assert_text("explanation", "transfer: all of: not met\n  mfa: met by password");
    page.assert_text("explanation", "otp/sms within 10m: stale, otp/sms (14m 1s ago)");
}

#[tokio::test]
async fn an_authenticator_app_is_an_alternative_to_sms() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let page = browser.get("/authenticator").await;
    let page = browser.submit(&page, &[("step", "begin")]).await;
    let secret = page.text("secret").unwrap();
    let page = browser.submit(&page, &[("step", "take"), ("code", "000000")]).await;
    page.assert_text("code-error", "not the right code");
    let code = |secret: &str| bank.app_code(secret);
    let done = browser.submit(&page, &[("step", "take"), ("code", &code(&secret))]).await;
    assert_eq!(done.path(), "/authenticator", "{}", done.html);
    let done = browser.get("/security").await;
    assert!(
        done.main().contains("Authenticator app")
            && done.main().contains("id=\"fresh-transfer-totp\"")
    );
    assert!(browser.get("/authenticator").await.text("has-one").is_some());

    // From now on the challenge names both factors, and either one is enough.
    bank.minutes_pass(11);
    let page = browser.get("/transfer").await;
    assert_eq!(page.path(), "/second-factor");
    let prompts: Vec<_> =
        page.query().into_iter().filter(|pair| pair.0 == "prompt").map(|pair| pair.1).collect();
    assert_eq!(prompts, ["otp/sms", "totp"]);
    page.assert_text("use-totp", "Use the authenticator app");
    assert!(page.text("use-recovery-code").is_none(), "a recovery code does not send money");
    // If a challenge names one factor, the page asks for that one only.
    for (prompt, action) in [("otp/sms", "id=\"phone\""), ("totp", "value=\"totp\"")] {
        let page = browser.get(&format!("/second-factor?policy=transfer&prompt={prompt}")).await;
        assert!(
            page.main().contains(action) && !page.main().contains("id=\"use-"),
            "{}",
            page.html
        );
    }
    let page = browser.get(&format!("{}&by=totp", page.url)).await;
    page.assert_text("use-sms", "Use a code by SMS");
    let page = browser.submit(&page, &[("step", "totp"), ("code", &code(&secret))]).await;
    assert_eq!(page.path(), "/transfer");
}

#[tokio::test]
async fn an_expired_authenticator_key_can_be_replaced() {
    let bank = Bank::open().await;
    let page = bank.with_two_factors().await.post("/authenticator", &[("step", "begin")]).await;
    assert!(page.text("secret").is_some());
    bank.minutes_pass(24 * 60);
    let browser = bank.with_two_factors().await;
    let page = browser.submit(&page, &[("step", "take"), ("code", "000000")]).await;
    page.assert_text("problem", "This key has expired");
    let page = browser.submit(&page, &[("step", "begin")]).await;
    assert!(page.text("secret").is_some());
}

#[tokio::test]
async fn a_wrong_code_keeps_the_key_of_the_authenticator_app() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let page = browser.get("/authenticator").await;
    let page = browser.submit(&page, &[("step", "begin")]).await;
    assert_eq!(page.path(), "/authenticator");
    let key = page.text("secret").unwrap();
    let shows_the_key = |page: &Page| {
        page.assert_text("secret", &key);
        assert!(page.main().contains("<svg "), "no QR code");
        let link = page.main().split_once("id=\"open-app\" href=\"").unwrap().1;
        let plain = key.replace(' ', "");
        assert!(
            link.starts_with(&format!(
                "otpauth://totp/Harbour%20Bank:ada@harbour.example?secret={plain}&#38;issuer="
            )),
            "{link}"
        );
        assert!(page.text("recovery-codes").is_none());
    };
    shows_the_key(&page);
    for wrong in ["000000", "12", ""] {
        let page = browser.submit(&page, &[("step", "take"), ("code", wrong)]).await;
        assert_eq!(page.status.as_u16(), 422);
        assert!(page.text("code-error").is_some());
        shows_the_key(&page);
    }
    // A step-up in between keeps it too.
    bank.minutes_pass(11);
    let step = browser.submit(&page, &[("step", "take"), ("code", &bank.app_code(&key))]).await;
    let page = bank.prove_phone(&browser, &step, DEMO_PHONE).await;
    shows_the_key(&page);
    // Another session sees nothing of it.
    let other = bank.with_two_factors().await;
    assert!(other.get("/authenticator").await.text("secret").is_none());
    // The user can begin again. The old key is then worth nothing.
    let page = browser.post("/authenticator", &[("step", "begin")]).await;
    assert_ne!(page.text("secret").unwrap(), key);
    let refused = browser.submit(&page, &[("step", "take"), ("code", &bank.app_code(&key))]).await;
    refused.assert_text("code-error", "not the right code");
}

#[tokio::test]
async fn recovery_codes_are_shown_once_and_open_the_account_once_each() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    let page = browser.post("/authenticator", &[("step", "begin")]).await;
    let key = page.text("secret").unwrap();
    let page = browser.submit(&page, &[("step", "take"), ("code", &bank.app_code(&key))]).await;
    let codes = page.text("recovery-codes").unwrap();
    let codes: Vec<_> = codes.split_whitespace().collect();
    assert_eq!(codes.len(), 10);
    let page = browser.get("/authenticator").await;
    assert!(page.text("recovery-codes").is_none() && page.text("has-one").is_some());

    // The phone is lost, with the app on it.
    let (browser, page) = bank.with_password().await;
    let link = page.link("use-recovery-code");
    let page = browser.get(&link).await;
    let recover = async |code: &str| {
        browser.submit(&page, &[("step", "recover"), ("recovery_code", code)]).await
    };
    recover("abcd-efgh-ijkl")
        .await
        .assert_text("recovery_code-error", "not one of your recovery codes");
    assert_eq!(browser.get("/account").await.path(), "/second-factor");
    let done = recover(&format!(" {} ", codes[0])).await;
    assert_eq!((done.path(), done.status.as_u16()), ("/account", 200), "{}", done.main());
    assert!(browser.get("/security").await.main().contains("<h3>Recovery code</h3>"));
    // It sends no money, and works once.
    assert_eq!(browser.get("/transfer").await.path(), "/second-factor");
    let (browser, _) = bank.with_password().await;
    let used = browser.post(&link, &[("step", "recover"), ("recovery_code", codes[0])]).await;
    used.assert_text("recovery_code-error", "or you have used it before");
    let done = browser.post(&link, &[("step", "recover"), ("recovery_code", codes[1])]).await;
    assert_eq!(done.path(), "/account", "{}", done.main());
}

#[tokio::test]
async fn adding_a_factor_requires_a_fresh_second_factor() {
    let bank = Bank::open().await;
    let browser = bank.with_two_factors().await;
    bank.minutes_pass(11);
    assert_eq!(browser.get("/authenticator").await.path(), "/second-factor");
    let page = browser.post("/authenticator", &[("step", "begin")]).await;
    assert_eq!(page.path(), "/second-factor");
}

/// The crate's client of Stytch's API ends what the stand-in keeps, as an administrator would.
#[tokio::test]
async fn a_customer_can_be_signed_out_on_all_devices() {
    let bank = Bank::open().await;
    let (phone, laptop) = (bank.with_two_factors().await, bank.with_two_factors().await);
    let account = json!({"email": DEMO.0, "password": DEMO.1});
    let (_, answer) = bank.api("/v1/passwords/authenticate", account).await;
    let project = Project::new(bank.stytch.project_id()).unwrap();
    let api = project.sessions_api(bank.stytch.secret()).base_url(bank.stytch.base_url()).unwrap();
    let user_id = answer["user_id"].as_str().unwrap();
    bank.minutes_pass(6); // the guards renew the sessions
    assert_eq!(phone.get("/account").await.path(), "/account");

    api.revoke_user(user_id).await.unwrap();
    api.revoke_user(user_id).await.unwrap(); // none is left
    let unknown = api.revoke_user("user-test-00000000-0000-4000-8000-000000000000").await;
    assert_eq!(unknown.unwrap_err().error_type(), Some("user_not_found"));
    bank.minutes_pass(6);
    for browser in [phone, laptop] {
        assert_eq!(browser.get("/account").await.path(), "/sign-in");
    }
}

#[tokio::test]
async fn the_security_page_leads_to_the_report_on_all_policies() {
    let bank = Bank::open().await;
    let (browser, _) = bank.with_password().await;
    let page = browser.get("/security").await;
    assert!(page.main().contains("<a id=\"report\" href=\"/policies\">"), "{}", page.html);
    let report = browser.get("/policies").await;
    assert_eq!((report.status.as_u16(), report.path()), (200, "/policies"));
    for policy in ["account", "transfer", "authenticator", "close"] {
        report.assert_text(&format!("policy-{policy}"), policy);
    }
    report.assert_text("policy-account", "Two independent factors.");
    // The header must allow the style that the page has, as the page itself does.
    let header = report.headers["content-security-policy"].to_str().unwrap();
    let (own, _) = header.split_once("; frame-ancestors").unwrap();
    let meta = format!("content=\"{}\"", own.replace('\'', "&#39;"));
    assert!(report.html.contains(&meta), "{header} is not in {}", report.html);

    assert_eq!(bank.browser().get("/policies").await.path(), "/sign-in");
}
