//! A passkey in Chromium's virtual authenticator.

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::axe;
use crate::bank::Bank;
use crate::browser::Browser;
use crate::chromium::{Scripts, browse};
use crate::picture::VIEWS;

impl Browser {
    /// Returns this browser, at the name of the bank at which passkeys work.
    fn at_localhost(&self, bank: &Bank) -> Self {
        Self::new(self.driver.clone(), &bank.url.replace("127.0.0.1", "localhost"))
    }

    /// Gives the browser a device that keeps passkeys, with a user who agrees to everything.
    /// Returns its id.
    async fn add_authenticator(&self) -> Value {
        self.cdp("WebAuthn.enable", json!({})).await;
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true,
            "automaticPresenceSimulation": true,
        });
        let added =
            self.cdp("WebAuthn.addVirtualAuthenticator", json!({ "options": options })).await;
        added["authenticatorId"].clone()
    }

    async fn cdp(&self, method: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(method, parameters).await.unwrap()
    }

    /// Clicks the button of the script, which stays on the page and reports a problem.
    async fn is_told(&self, problem: &str) {
        self.find("#ask").await.click().await.unwrap();
        let error = self.find("#passkey-error").await;
        error.wait_until().displayed().await.unwrap();
        self.assert_text("passkey-error", problem).await;
    }
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_passkey_is_added_and_opens_what_only_a_passkey_opens() {
    browse(Scripts::On, async |bank, browser| {
        let browser = browser.at_localhost(bank);
        let device = browser.add_authenticator().await;
        browser.with_two_factors(bank).await;

        browser.click("#card").await;
        browser.is_at("/second-factor/passkey").await;
        browser.assert_text("why", "You do not have one yet").await;
        browser.click("#add").await;
        browser.is_at("/passkey").await;
        browser.click("#ask").await;
        browser.is_at("/card").await;
        assert_eq!(browser.text("#pin").await.len(), 4);

        // The device already has one.
        browser.open("/passkey").await;
        browser.is_told("This device already has a passkey").await;

        bank.minutes_pass(6);
        browser.open("/card").await;
        browser.is_at("/second-factor/passkey").await;
        browser.click("#ask").await;
        browser.is_at("/card").await;

        // A passkey is an alternative for a transfer, and the form is kept.
        browser.open("/transfer").await;
        browser.fill_order().await;
        bank.minutes_pass(11);
        browser.click("#submit").await;
        assert_eq!(browser.prompts().await, ["otp/sms", "webauthn"]);
        browser.click("#use-passkey").await;
        browser.click("#ask").await;
        browser.is_at("/transfer").await;
        browser.assert_text("resumed", "been sent yet").await;

        // The user has lost the device.
        browser.cdp("WebAuthn.clearCredentials", json!({ "authenticatorId": device })).await;
        bank.minutes_pass(6);
        browser.open("/card").await;
        browser.is_told("The browser did not get a passkey").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_page_with_a_passkey_says_what_it_needs() {
    browse(Scripts::Off, async |bank, browser| {
        let browser = browser.at_localhost(bank);
        browser.with_two_factors(bank).await;
        browser.open("/passkey").await;
        browser.assert_text("unsupported", "Passkeys need JavaScript").await;
        assert!(!browser.find("#ask").await.is_displayed().await.unwrap());
    })
    .await;
    browse(Scripts::On, async |bank, browser| {
        browser.with_two_factors(bank).await;
        browser.open("/passkey").await;
        browser.click("#elsewhere a").await;
        browser.is_at("/sign-in").await;
        let url = browser.driver.current_url().await.unwrap();
        assert_eq!(url.host_str(), Some("localhost"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_pages_with_a_passkey_are_accessible() {
    browse(Scripts::On, async |bank, browser| {
        let axe = axe::script();
        let mut faults = Vec::new();
        browser.with_two_factors(bank).await;
        browser.open("/passkey").await;
        capture(browser, &axe, "passkey-elsewhere", &mut faults).await;

        let browser = browser.at_localhost(bank);
        browser.add_authenticator().await;
        browser.with_two_factors(bank).await;
        browser.open("/card").await;
        capture(&browser, &axe, "card-without-passkey", &mut faults).await;
        browser.click("#add").await;
        capture(&browser, &axe, "passkey-add", &mut faults).await;
        browser.click("#ask").await;
        browser.is_at("/card").await;
        capture(&browser, &axe, "card", &mut faults).await;
        browser.open("/passkey").await;
        browser.is_told("This device already has a passkey").await;
        capture(&browser, &axe, "passkey-refused", &mut faults).await;
        bank.minutes_pass(6);
        browser.open("/card").await;
        browser.is_at("/second-factor/passkey").await;
        capture(&browser, &axe, "card-passkey", &mut faults).await;
        bank.minutes_pass(5);
        browser.open("/transfer").await;
        browser.is_at("/second-factor").await;
        capture(&browser, &axe, "step-up-passkey", &mut faults).await;
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    })
    .await;
}

async fn capture(browser: &Browser, axe: &str, page: &str, faults: &mut Vec<String>) {
    for view in &VIEWS {
        let mut found = view.show(browser).await;
        found.extend(axe::violations(browser, axe).await);
        faults.extend(found.iter().map(|fault| format!("{page} ({view}): {fault}")));
        view.take(browser, page).await;
    }
}
