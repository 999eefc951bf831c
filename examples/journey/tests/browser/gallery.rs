//! Every page: its screenshots, its width, its colours, and its faults according to axe-core.

use std::cell::RefCell;

use crate::axe;
use crate::bank::Bank;
use crate::browser::Browser;
use crate::chromium::{Scripts, browse};
use crate::picture::VIEWS;

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
async fn every_page_is_accessible_on_phone_and_desk_in_light_and_dark() {
    browse(Scripts::On, async |bank, browser| {
        let gallery = Gallery { bank, browser, axe: axe::script(), faults: RefCell::default() };
        gallery.of_strangers().await;
        gallery.of_the_second_factor().await;
        gallery.of_the_account().await;
        gallery.of_the_step_up().await;
        gallery.of_what_goes_wrong().await;
        let faults = gallery.faults.into_inner();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_checker_finds_faults() {
    browse(Scripts::On, async |_, browser| {
        browser.open("/sign-in").await;
        axe::finds_faults(browser, &axe::script()).await;
    })
    .await;
}

impl Gallery<'_> {
    async fn of_strangers(&self) {
        let browser = self.browser;
        browser.open("/").await;
        self.look("front").await;
        browser.open("/account").await;
        self.look("sign-in").await;
        browser.sign_in("not-the-password").await;
        browser.find("#password-error").await;
        self.look("sign-in-refused").await;
        browser.open("/sign-up").await;
        self.look("sign-up").await;
        browser.click("#submit").await;
        browser.find("#password-error").await;
        self.look("sign-up-refused").await;
    }

    async fn of_the_second_factor(&self) {
        let (bank, browser) = (self.bank, self.browser);
        browser.sign_up("Ben", EMAIL).await;
        self.look("verify-email").await;
        browser.take_code(&bank.code(EMAIL)).await;
        browser.find("#one-possession").await;
        self.look("second-factor-insecure-pair").await;
        browser.fill("phone_number", "none").await;
        browser.click("#send").await;
        browser.find("#phone_number-error").await;
        self.look("second-factor-number-refused").await;
        browser.fill("phone_number", PHONE).await;
        browser.click("#send").await;
        browser.find("#code").await;
        self.look("second-factor-code").await;
        browser.take_code(&bank.wrong_code(PHONE)).await;
        browser.find("#code-error").await;
        self.look("second-factor-code-refused").await;
        browser.take_code(&bank.code(PHONE)).await;
    }

    async fn of_the_account(&self) {
        let browser = self.browser;
        browser.is_at("/account").await;
        self.look("account-new").await;
        browser.open("/").await;
        self.look("front-signed-in").await;
        browser.open("/transfer").await;
        self.look("transfer").await;
        browser.click("#submit").await;
        browser.find("#payee-error").await;
        self.look("transfer-refused").await;
        browser.open("/authenticator").await;
        self.look("authenticator").await;
        browser.click("#begin").await;
        browser.find("#secret").await;
        self.look("authenticator-begun").await;
        browser.open("/account/close").await;
        self.look("account-close").await;
        browser.open("/api").await;
        self.look("api").await;
        browser.click("#run").await;
        self.look("api-answered").await;
        browser.open("/security").await;
        self.look("security").await;
    }

    async fn of_the_step_up(&self) {
        let (bank, browser) = (self.bank, self.browser);
        browser.open("/transfer").await;
        browser.fill_order().await;
        bank.minutes_pass(11);
        browser.click("#submit").await;
        browser.is_at("/second-factor").await;
        self.look("step-up").await;
        browser.open("/security").await;
        self.look("security-stale").await;
        browser.open("/transfer").await;
        browser.click("#send").await;
        browser.take_code(&bank.code(PHONE)).await;
        browser.find("#resumed").await;
        self.look("transfer-resumed").await;
        browser.click("#submit").await;
        browser.find("#sent").await;
        self.look("account").await;
        browser.driver.goto(bank.stytch.phone_url()).await.unwrap();
        self.look("phone").await;
    }

    async fn of_what_goes_wrong(&self) {
        let (bank, browser) = (self.bank, self.browser);
        bank.stytch.clone().shutdown().await;
        browser.open("/second-factor").await;
        browser.find("#problem").await;
        self.look("trouble").await;
    }

    /// Shows the page in every view, takes its screenshots, and records its faults.
    async fn look(&self, page: &str) {
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
