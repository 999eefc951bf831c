//! The whole round trip with a real OpenID provider.

use relying_party::{Settings, Site};
use serde_json::json;

use crate::browser::Browser;
use crate::chromedriver::{Scripts, drive};
use crate::provider::Provider;

/// Opens a site whose users sign in at this provider, and a browser.
async fn browse(provider: &Provider, story: impl AsyncFnOnce(&Browser)) {
    let settings = Settings::on_loopback(Some(provider.settings()));
    let site = Site::start_with(settings, provider.clock.clone()).await.unwrap();
    let url = site.url();
    provider.register(&url).await;
    tokio::spawn(site.serve(std::future::pending()));
    // No page needs a script.
    drive(Scripts::Off, async |driver| story(&Browser::new(driver, &url)).await).await;
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver, node, and `npm ci` in tests/provider"]
async fn a_user_steps_up_at_a_real_provider_and_lands_where_they_were() {
    let provider = Provider::start().await;
    browse(&provider, async |browser| {
        browser.open("/account").await;
        assert_eq!(browser.levels().await, ["0", "silver", "gold"]);
        browser.prove("silver").await;
        browser.is_at("/account", "You are signed in as ada").await;

        browser.open("/transfer?to=7").await;
        assert_eq!(browser.levels().await, ["gold"]);
        browser.prove("gold").await;
        browser.is_at("/transfer?to=7", "you may send money to account 7").await;
        browser.open("/transfer?to=8").await;
        browser.is_at("/transfer?to=8", "account 8").await;

        // The sign-in is now too old, and the provider's session alone does not help.
        provider.move_clocks(301).await;
        browser.open("/transfer?to=9").await;
        browser.prove("gold").await;
        browser.is_at("/transfer?to=9", "account 9").await;
    })
    .await;
    let both = json!({"acr_values": "gold", "max_age": "240"});
    assert_eq!(provider.requests().await, [json!({}), both.clone(), both]);
}

#[tokio::test]
#[ignore = "needs chromium, chromedriver, node, and `npm ci` in tests/provider"]
async fn a_real_provider_that_does_less_than_it_was_asked_is_asked_once() {
    let provider = Provider::start().await;
    provider.accept_lower_levels().await;
    browse(&provider, async |browser| {
        browser.open("/account").await;
        browser.prove("silver").await;
        browser.is_at("/account", "ada").await;

        browser.open("/transfer?to=7").await;
        browser.prove("silver").await;
        let page =
            "/step-up?return_to=/transfer%3Fto%3D7&policy=transfer&acr_values=gold&max_age=240";
        browser.is_at(page, "Your sign-in was not enough").await;
        assert_eq!(provider.requests().await.len(), 2);

        browser.click("#again").await;
        browser.prove("gold").await;
        browser.is_at("/transfer?to=7", "account 7").await;
    })
    .await;
}
