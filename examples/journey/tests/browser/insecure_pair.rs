//! A password and a code by email are two factors, but anyone who controls the mailbox has both.

use crate::chromium::{Scripts, browse};

const EMAIL: &str = "ben@example.com";
const PHONE: &str = "+12025550187";

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_code_by_email_does_not_open_the_account_and_the_page_says_why() {
    browse(Scripts::On, async |bank, browser| {
        browser.sign_up("Ben <b>", EMAIL).await;
        browser.assert_text("email", EMAIL).await;
        browser.enter_code(&bank.code(EMAIL)).await;

        browser.is_at("/second-factor").await;
        browser
            .assert_text("one-possession", "You have proved a password and a code by email")
            .await;
        browser
            .assert_text(
                "one-possession",
                "Anyone who controls the mailbox can provide all of them",
            )
            .await;
        browser.open("/account").await;
        browser.is_at("/second-factor").await;
        assert!(!browser.has("#balance").await);

        // A factor that does not depend on the mailbox opens the account.
        browser.fill("phone_number", "+1 202 555 0187").await;
        browser.click("#send").await;
        browser.enter_code(&bank.code(PHONE)).await;
        browser.is_at("/account").await;
        browser.assert_text("balance", "€2,500.00").await;
    })
    .await;
}
