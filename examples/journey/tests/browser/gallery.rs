//! Every page: its screenshots, its width, its colours, and its faults according to axe-core.

use std::cell::RefCell;

use tower_step_up::Intents;
use tower_step_up::intent::LocalIntents;

use crate::axe;
use crate::bank::Bank;
use crate::browser::Browser;
use crate::chromium::{Scripts, browse, browse_at};
use crate::picture::VIEWS;
use crate::steps::{EMAIL as EMAIL_OF_ADA, ORDER, PASSWORD};

const EMAIL: &str = "ben@example.com";
const PHONE: &str = "+12025550187";

struct Gallery<'a> {
    bank: &'a Bank,
    browser: &'a Browser,
    axe: String,
    faults: RefCell<Vec<String>>,
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn every_page_is_accessible_on_phone_and_desktop_in_light_and_dark_mode() {
    browse(Scripts::On, async |bank, browser| {
        let gallery = Gallery { bank, browser, axe: axe::script(), faults: RefCell::default() };
        gallery.capture_visitor_pages().await;
        gallery.capture_second_factor_pages().await;
        gallery.capture_account_pages().await;
        gallery.capture_step_up_pages().await;
        gallery.capture_pages_of_a_large_transfer().await;
        gallery.capture_error_pages().await;
        let faults = gallery.faults.into_inner();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_page_without_intents_is_accessible() {
    let full = Bank::open_with(Intents::new(LocalIntents::new().max_entries(1))).await;
    browse_at(full, Scripts::On, async |bank, browser| {
        let gallery = Gallery { bank, browser, axe: axe::script(), faults: RefCell::default() };
        browser.with_two_factors(bank).await;
        browser.is_asked(bank, "1200").await;
        browser.click("#sign-out").await;
        browser.sign_up("Ben", EMAIL).await;
        browser.enter_code(&bank.code(EMAIL)).await;
        browser.fill("phone_number", PHONE).await;
        browser.click("#send").await;
        browser.enter_code(&bank.code(PHONE)).await;
        browser.is_at("/account").await;
        browser.open("/transfer").await;
        browser.send_order("1200").await;
        browser.assert_text("problem", "We cannot confirm large transfers right now").await;
        gallery.capture("transfer-unconfirmable").await;
        let faults = gallery.faults.into_inner();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_pages_of_people_who_leave_are_accessible() {
    browse(Scripts::On, async |bank, browser| {
        let gallery = Gallery { bank, browser, axe: axe::script(), faults: RefCell::default() };
        browser.with_two_factors(bank).await;
        browser.open("/transfer").await;
        browser.fill_order().await;
        browser.put_cookies(Vec::new()).await;
        browser.click("#submit").await;
        browser.assert_text("signed-out", "We have kept the transfer that you typed").await;
        gallery.capture("sign-in-kept").await;
        browser.fill("email", EMAIL_OF_ADA).await;
        browser.fill("password", PASSWORD).await;
        browser.click("#submit").await;
        browser.assert_text("kept", "We kept what you typed").await;
        browser.prove_phone(bank).await;
        assert_eq!(browser.value("payee").await, ORDER[0].1);

        browser.open("/account/close").await;
        browser.click("#close").await;
        browser.assert_text("closed", "We have closed account").await;
        gallery.capture("account-closed").await;
        browser.back().await;
        browser.is_at("/sign-in").await;
        browser.with_two_factors(bank).await;
        browser.assert_text("closed", "You closed account").await;
        gallery.capture("account-closed-before").await;
        let faults = gallery.faults.into_inner();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn long_words_wrap() {
    browse(Scripts::On, async |bank, browser| {
        let gallery = Gallery { bank, browser, axe: axe::script(), faults: RefCell::default() };
        let email = format!("{}@{}.example", "w".repeat(60), "w".repeat(60));
        browser.sign_up(&"W".repeat(100), &email).await;
        gallery.capture("verify-email-long").await;
        browser.enter_code(&bank.code(&email)).await;
        browser.fill("phone_number", PHONE).await;
        browser.click("#send").await;
        browser.enter_code(&bank.code(PHONE)).await;
        browser.is_at("/account").await;
        browser.open("/transfer").await;
        browser.fill_order().await;
        browser.fill("payee", &"W".repeat(70)).await;
        browser.fill("reference", &"w".repeat(140)).await;
        browser.click("#submit").await;
        browser.find("#sent").await;
        gallery.capture("account-long").await;
        browser.open("/transfer?intent=none").await;
        browser.fill("amount", &"9".repeat(140)).await;
        browser.click("#submit").await;
        browser.find("#amount-error").await;
        gallery.capture("transfer-refused-long").await;
        let faults = gallery.faults.into_inner();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_accessibility_checker_finds_faults() {
    browse(Scripts::On, async |_, browser| {
        browser.open("/sign-in").await;
        axe::finds_faults(browser, &axe::script()).await;
    })
    .await;
}

impl Gallery<'_> {
    async fn capture_visitor_pages(&self) {
        let browser = self.browser;
        browser.open("/").await;
        self.capture("front").await;
        browser.open("/account").await;
        self.capture("sign-in").await;
        browser.sign_in("not-the-password").await;
        browser.find("#password-error").await;
        self.capture("sign-in-refused").await;
        browser.open("/nowhere").await;
        self.capture("not-found").await;
        browser.open("/sign-up").await;
        self.capture("sign-up").await;
        browser.click("#submit").await;
        browser.find("#password-error").await;
        self.capture("sign-up-refused").await;
    }

    async fn capture_second_factor_pages(&self) {
        let (bank, browser) = (self.bank, self.browser);
        browser.sign_up("Ben", EMAIL).await;
        self.capture("verify-email").await;
        browser.enter_code(&bank.code(EMAIL)).await;
        browser.find("#one-possession").await;
        self.capture("second-factor-insecure-pair").await;
        browser.fill("phone_number", "none").await;
        browser.click("#send").await;
        browser.find("#phone_number-error").await;
        self.capture("second-factor-number-refused").await;
        browser.fill("phone_number", PHONE).await;
        browser.click("#send").await;
        browser.find("#code").await;
        self.capture("second-factor-code").await;
        browser.enter_code(&bank.wrong_code(PHONE)).await;
        browser.find("#code-error").await;
        self.capture("second-factor-code-refused").await;
        browser.enter_code(&bank.code(PHONE)).await;
    }

    async fn capture_account_pages(&self) {
        let browser = self.browser;
        browser.is_at("/account").await;
        self.capture("account-new").await;
        browser.open("/").await;
        self.capture("front-signed-in").await;
        browser.open("/transfer").await;
        self.capture("transfer").await;
        browser.click("#submit").await;
        browser.find("#payee-error").await;
        self.capture("transfer-refused").await;
        browser.open("/authenticator").await;
        self.capture("authenticator").await;
        browser.click("#begin").await;
        browser.find("#secret").await;
        self.capture("authenticator-begun").await;
        browser.enter_code("00").await;
        browser.find("#code-error").await;
        self.capture("authenticator-refused").await;
        let key = browser.text("#secret").await;
        browser.enter_code(&self.bank.app_code(&key)).await;
        browser.find("#recovery-codes").await;
        self.capture("authenticator-added").await;
        browser.click("#continue").await;
        browser.open("/authenticator").await;
        self.capture("authenticator-had").await;
        browser.open("/account/close").await;
        self.capture("account-close").await;
        browser.open("/api").await;
        self.capture("api").await;
        browser.click("#run").await;
        self.capture("api-answered").await;
        browser.open("/security").await;
        self.capture("security").await;
    }

    async fn capture_step_up_pages(&self) {
        let (bank, browser) = (self.bank, self.browser);
        browser.open("/transfer").await;
        browser.fill_order().await;
        bank.minutes_pass(11);
        browser.click("#submit").await;
        browser.is_at("/second-factor").await;
        self.capture("step-up").await;
        browser.open("/security").await;
        self.capture("security-stale").await;
        browser.open("/transfer").await;
        browser.click("#send").await;
        browser.enter_code(&bank.code(PHONE)).await;
        browser.find("#resumed").await;
        self.capture("transfer-resumed").await;
        browser.click("#submit").await;
        browser.find("#sent").await;
        self.capture("account").await;
        browser.driver.goto(bank.stytch.phone_url()).await.unwrap();
        self.capture("phone").await;
        browser.open("/second-factor?by=totp").await;
        self.capture("second-factor-app").await;
        browser.open("/second-factor?by=recovery_codes").await;
        browser.click("#submit").await;
        browser.find("#recovery_code-error").await;
        self.capture("second-factor-recovery-code").await;
    }

    async fn capture_pages_of_a_large_transfer(&self) {
        let (bank, browser) = (self.bank, self.browser);
        browser.is_asked(bank, "1200").await;
        self.capture("confirm-transfer").await;
        bank.a_second_passes();
        browser.click("#send").await;
        browser.find("#code").await;
        self.capture("confirm-transfer-code").await;
        browser.enter_code(&bank.code(PHONE)).await;
        browser.is_at("/transfer").await;
        self.capture("transfer-to-confirm").await;
        browser.fill("payee", &"W".repeat(70)).await;
        browser.fill("reference", &"w".repeat(140)).await;
        browser.click("#submit").await;
        browser.is_at("/second-factor").await;
        self.capture("confirm-transfer-long").await;
        browser.back().await;
        browser.is_at("/transfer").await;
        let form = browser.driver.current_url().await.unwrap();
        browser.send_order("1100").await;
        browser.is_at("/second-factor").await;
        self.capture("confirm-transfer-changed").await;
        // The first amount is still confirmed. A second tab keeps its form.
        browser.driver.goto(form.as_str()).await.unwrap();
        let first = browser.driver.window().await.unwrap();
        let second = browser.new_tab().await;
        browser.driver.goto(form.as_str()).await.unwrap();
        browser.click("#submit").await;
        browser.find("#sent").await;
        browser.driver.switch_to_window(first).await.unwrap();
        browser.click("#submit").await;
        browser.find("#problem").await;
        self.capture("transfer-already-made").await;
        browser.driver.switch_to_window(second).await.unwrap();
    }

    async fn capture_error_pages(&self) {
        let (bank, browser) = (self.bank, self.browser);
        bank.stytch.clone().shutdown().await;
        browser.open("/second-factor").await;
        browser.find("#problem").await;
        self.capture("trouble").await;
    }

    /// Shows the page in every view, takes its screenshots, and records its faults.
    async fn capture(&self, page: &str) {
        for view in &VIEWS {
            let mut faults = view.show(self.browser).await;
            faults.extend(axe::violations(self.browser, &self.axe).await);
            self.faults
                .borrow_mut()
                .extend(faults.iter().map(|fault| format!("{page} ({view}): {fault}")));
            view.take(self.browser, page).await;
        }
    }
}
