//! The pages, checked with axe-core. The stand-in's page is one of them.

use relying_party::{Settings, Site};

use crate::axe;
use crate::browser::Browser;
use crate::chromedriver::{Scripts, drive};

#[tokio::test]
#[ignore = "needs chromium, chromedriver and axe-core, which .ci/run installs"]
async fn every_page_is_accessible() {
    let axe = axe::script();
    let site = Site::start(Settings::on_loopback(None)).await.unwrap();
    let url = site.url();
    tokio::spawn(site.serve(std::future::pending()));
    drive(Scripts::On, async |driver| {
        let browser = &Browser::new(driver, &url);
        let check = async |page: &str| {
            let violations = axe::violations(browser, &axe).await;
            assert!(violations.is_empty(), "{page}: {violations:#?}");
        };
        browser.open("/").await;
        check("home").await;
        browser.click("#sign-in").await;
        check("the stand-in").await;
        browser.prove("silver").await;
        browser.is_at("/", "Sign out").await;
        check("home, signed in").await;
        browser.open("/account").await;
        check("account").await;

        browser.click("a[href='/']").await;
        browser.click("#transfer").await;
        assert!(browser.find("#asked").await.text().await.unwrap().contains("gold"));
        browser.click("#cancel").await;
        browser.find("#trouble").await;
        check("trouble").await;
        browser.click("#again").await;
        browser.prove("gold").await;
        browser.is_at("/transfer?to=7", "account 7").await;
        check("transfer").await;

        browser.click("a[href='/']").await;
        browser.click("#sign-out").await;
        browser.is_at("/", "Sign in").await;

        // A step-up as another user.
        browser.open("/account").await;
        browser.prove("silver").await;
        browser.click("a[href='/']").await;
        browser.click("#transfer").await;
        browser.prove_as("bob", "gold").await;
        browser.find("#trouble").await;
        check("another user").await;
        browser.click("#sign-out").await;
        browser.is_at("/", "Sign in").await;

        browser.open("/sign-in").await;
        axe::finds_faults(browser, &axe).await;
    })
    .await;
}
