//! The pages need no JavaScript.

use crate::browser::Browser;
use crate::chromium::{Scripts, browse};
use crate::steps::ORDER;

/// A page whose script changes its title, if scripts run.
const PROBE: &str = "data:text/html,<title>off</title><script>document.title = 'on'</script>";

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_journey_works_without_scripts() {
    browse(Scripts::On, async |_, browser| assert_eq!(title_of_probe(browser).await, "on")).await;
    browse(Scripts::Off, async |bank, browser| {
        assert_eq!(title_of_probe(browser).await, "off");

        browser.open("/").await;
        browser.with_two_factors(bank).await;
        browser.assert_text("balance", "€2,500.00").await;
        browser.open("/transfer").await;
        browser.fill_order().await;
        bank.minutes_pass(11);
        browser.click("#submit").await;
        browser.prove_phone(bank).await;
        assert_eq!(browser.value("payee").await, ORDER[0].1);
        browser.click("#submit").await;
        browser.assert_text("balance", "€2,374.50").await;
    })
    .await;
}

async fn title_of_probe(browser: &Browser) -> String {
    browser.driver.goto(PROBE).await.unwrap();
    browser.driver.title().await.unwrap()
}
