//! A transfer of more than 1,000 euros, with its own code.

use crate::bank::Bank;
use crate::browser::Browser;
use crate::chromium::{Scripts, browse};
use crate::steps::ORDER;

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_large_transfer_needs_a_code_of_its_own() {
    for scripts in [Scripts::On, Scripts::Off] {
        browse(scripts, async |bank, browser| {
            browser.with_two_factors(bank).await;
            browser.is_asked(bank, "1200").await;
            assert_eq!(browser.text("h1").await, "Confirm this transfer");
            for part in ["€1,200.00", ORDER[0].1, "DE0212030009", ORDER[3].1] {
                browser.assert_text("order", part).await;
            }
            browser.assert_text("kept", "This step sends no money yet").await;

            browser.proves_for_transfer(bank).await;
            browser.assert_text("resumed", "If you change it, we ask for a new code").await;
            assert_eq!(browser.value("amount").await, "1200");
            browser.click("#submit").await;
            browser.is_at("/account").await;
            browser.assert_text("sent", "€1,200.00 was sent to Grace").await;
            browser.assert_text("balance", "€1,300.00").await;
        })
        .await;
    }
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn changing_the_amount_after_the_code_was_sent_needs_another_code() {
    browse(Scripts::On, async |bank, browser| {
        browser.with_two_factors(bank).await;
        browser.is_asked(bank, "1200").await;
        browser.proves_for_transfer(bank).await;

        browser.send_order("1900").await;
        browser.is_at("/second-factor").await;
        browser.assert_text("asked", "You need a new code").await;
        browser.assert_text("asked", "These details have changed: the amount.").await;
        browser.assert_text("order", "€1,900.00").await;
        has_balance(browser, "€2,500.00").await;

        browser.back().await;
        browser.is_at("/second-factor").await;
        browser.proves_for_transfer(bank).await;
        assert_eq!(browser.value("amount").await, "1900");
        browser.click("#submit").await;
        browser.is_at("/account").await;
        browser.assert_text("balance", "€600.00").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_confirmed_form_that_is_sent_twice_makes_one_transfer() {
    browse(Scripts::On, async |bank: &Bank, browser: &Browser| {
        browser.with_two_factors(bank).await;
        browser.is_asked(bank, "1200").await;
        browser.proves_for_transfer(bank).await;
        // The same form in a second tab.
        let (first, form) =
            (browser.driver.window().await.unwrap(), browser.driver.current_url().await.unwrap());
        let second = browser.new_tab().await;
        browser.driver.goto(form.as_str()).await.unwrap();
        assert_eq!(browser.value("amount").await, "1200");

        // With a double click, the browser shows the response to the first or the second click.
        browser.driver.switch_to_window(first).await.unwrap();
        let button = browser.find("#submit").await;
        let twice = browser.driver.action_chain().move_to_element_center(&button).double_click();
        browser.leave(twice.perform()).await;
        let text = browser.text("main").await;
        assert!(text.contains("€1,200.00 was sent to Grace"), "{text}");
        has_balance(browser, "€1,300.00").await;

        browser.driver.switch_to_window(second).await.unwrap();
        browser.click("#submit").await;
        assert_eq!(browser.text("h1").await, "This transfer was already made");
        browser.assert_text("problem", "We have not sent it a second time").await;
        has_balance(browser, "€1,300.00").await;
    })
    .await;
}

async fn has_balance(browser: &Browser, balance: &str) {
    browser.open("/account").await;
    browser.assert_text("balance", balance).await;
}
