//! Changed, copied and kept cookies.

use crate::bank::Bank;
use crate::browser::{Browser, JWT, OPAQUE};
use crate::chromium::{Scripts, browse};
use crate::steps::PASSWORD;

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_changed_token_is_refused() {
    browse(Scripts::On, async |bank, browser| {
        browser.with_two_factors(bank).await;
        let mut cookies = browser.cookies().await;
        cookies.retain(|cookie| cookie.name != OPAQUE);
        browser.put_cookies(cookies.clone()).await;
        browser.open("/account").await;
        assert!(browser.has("#balance").await, "the JWT alone is enough until it expires");

        let jwt = cookies.iter_mut().find(|cookie| cookie.name == JWT).unwrap();
        let (head, signature) = jwt.value.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { 'B' } else { 'A' };
        jwt.value = format!("{head}.{other}{}", &signature[1..]);
        browser.put_cookies(cookies).await;
        sees_no_account(browser).await;
        browser.sign_in(PASSWORD).await;
        browser.is_at("/second-factor").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn a_second_tab_with_the_old_session_is_redirected_to_sign_in() {
    browse(Scripts::On, async |bank, browser| {
        browser.with_password().await;
        let (first, old) = (browser.driver.window().await.unwrap(), browser.cookies().await);
        assert_eq!(old.len(), 2);
        browser.new_tab().await;
        browser.open("/account").await;
        browser.prove_phone(bank).await;
        browser.assert_text("balance", "€2,500.00").await;

        // With the browser's own cookies, the first tab is as strong as the second.
        browser.driver.switch_to_window(first).await.unwrap();
        browser.is_at("/second-factor").await;
        let new = browser.cookies().await;
        assert!(old.iter().all(|old| new.iter().all(|new| new.value != old.value)));

        // The cookies from before the step-up belong to a session that has ended.
        browser.put_cookies(old).await;
        browser.click("#send").await;
        browser.is_at("/sign-in").await;
        sees_no_account(browser).await;

        browser.put_cookies(new).await;
        browser.open("/account").await;
        browser.assert_text("balance", "€2,500.00").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_back_button_shows_no_account_after_signing_out() {
    browse(Scripts::On, async |bank: &Bank, browser: &Browser| {
        // This page is the response to the step-up. For such a page, Chromium's back button is most
        // likely to ignore `no-store`.
        browser.with_two_factors(bank).await;
        browser.assert_text("balance", "€2,500.00").await;
        let cookies = browser.cookies().await;
        browser.click("#sign-out").await;
        browser.find("#sign-in-link").await;
        assert!(browser.cookies().await.is_empty());

        browser.back().await;
        browser.is_at("/sign-in").await;
        let text = browser.text("body").await;
        assert!(!text.contains("2,500.00") && !text.contains("Balance"), "{text}");

        // A thief who kept the cookies cannot open the account either.
        browser.put_cookies(cookies).await;
        sees_no_account(browser).await;
    })
    .await;
}

async fn sees_no_account(browser: &Browser) {
    browser.open("/account").await;
    browser.is_at("/sign-in").await;
    assert!(!browser.has("#balance").await);
}
