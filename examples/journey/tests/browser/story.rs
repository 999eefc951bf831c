//! From the front page to a transfer that a stale factor interrupts.

use crate::bank::Bank;
use crate::browser::Browser;
use crate::chromium::{Scripts, browse};
use crate::steps::{ORDER, PASSWORD, PHONE};

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_user_signs_in_and_resumes_an_interrupted_transfer() {
    browse(Scripts::On, async |bank, browser| {
        signs_in(browser).await;
        proves_the_phone(bank, browser).await;
        sends_money(browser).await;
        is_interrupted_by_a_stale_factor(bank, browser).await;
        resumes_the_transfer(bank, browser).await;
        sees_what_was_proved(bank, browser).await;
    })
    .await;
}

async fn signs_in(browser: &Browser) {
    browser.open("/").await;
    browser.assert_text("demo-password", PASSWORD).await;
    browser.click("#sign-in-link").await;

    browser.sign_in("not-the-password").await;
    browser.assert_text("password-error", "do not match").await;
    assert_eq!(browser.value("password").await, "", "a password is never shown again");
    assert!(browser.cookies().await.is_empty());

    browser.sign_in(PASSWORD).await;
    browser.is_at("/second-factor").await;
    assert_eq!(browser.cookies().await.len(), 2);
    // One factor does not open the account.
    browser.open("/account").await;
    browser.is_at("/second-factor").await;
    browser.assert_text("why", "To open your account, you need a second factor").await;
}

async fn proves_the_phone(bank: &Bank, browser: &Browser) {
    browser.assert_text("phone", "••• 43").await;
    browser.click("#send").await;
    browser.enter_code(&bank.wrong_code(PHONE)).await;
    browser.assert_text("code-error", "not the right code").await;
    browser.enter_code(&bank.code(PHONE)).await;
    browser.is_at("/account").await;
    browser.assert_text("balance", "€2,500.00").await;
}

async fn sends_money(browser: &Browser) {
    browser.open("/transfer").await;
    browser.fill_order().await;
    browser.click("#submit").await;
    browser.is_at("/account").await;
    browser
        .assert_text(
            "sent",
            "€125.50 was sent to Grace \"Amazing\" <Hopper>. This is transfer number 1.",
        )
        .await;
    browser.assert_text("balance", "€2,374.50").await;
}

async fn is_interrupted_by_a_stale_factor(bank: &Bank, browser: &Browser) {
    browser.open("/transfer").await;
    browser.fill_order().await;
    bank.minutes_pass(11);
    browser.click("#submit").await;
    browser.is_at("/second-factor").await;
    assert_eq!(browser.prompts().await, ["otp/sms"], "this user has nothing else");
    browser
        .assert_text("why", "To send money, you need a second factor from the last 10 min")
        .await;
    browser.assert_text("why", "You last proved yours 11 min").await;
    names_the_phone_and_nothing_else(browser).await;
}

async fn names_the_phone_and_nothing_else(browser: &Browser) {
    browser.assert_text("phone", "••• 43").await;
    for needless in ["#code", "#phone_number", "#email-instead", "#other-factor", "#one-possession"]
    {
        assert!(!browser.has(needless).await, "{needless} must not be there");
    }
}

async fn resumes_the_transfer(bank: &Bank, browser: &Browser) {
    browser.prove_phone(bank).await;
    browser.is_at("/transfer").await;
    browser.assert_text("resumed", "It has not been sent yet").await;
    for (id, text) in ORDER {
        assert_eq!(browser.value(id).await, text, "#{id}");
    }
    browser.click("#submit").await;
    browser.is_at("/account").await;
    browser.assert_text("sent", "This is transfer number 2.").await;
    browser.assert_text("balance", "€2,249.00").await;
}

async fn sees_what_was_proved(bank: &Bank, browser: &Browser) {
    browser.click("nav a[href='/security']").await;
    browser.is_at("/security").await;
    for policy in ["account", "transfer"] {
        browser.assert_text(&format!("policy-{policy}"), "open").await;
    }
    assert_eq!(bar(browser).await, (600.0, 600.0), "the ten minutes have just begun");
    browser.assert_text("explanation", "met by").await;

    bank.minutes_pass(4);
    browser.open("/security").await;
    assert_eq!(bar(browser).await, (360.0, 600.0));
    bank.minutes_pass(7);
    browser.open("/security").await;
    browser.assert_text("policy-account", "open").await;
    browser.assert_text("policy-transfer", "closed").await;
    assert_eq!(bar(browser).await, (0.0, 600.0));
}

/// Returns how many seconds the code by SMS still counts for a transfer, and out of how many.
async fn bar(browser: &Browser) -> (f64, f64) {
    let bar = browser.find("#fresh-transfer-otp-sms").await;
    let number = async |name: &'static str| bar.prop(name).await.unwrap().unwrap().parse().unwrap();
    (number("value").await, number("max").await)
}
