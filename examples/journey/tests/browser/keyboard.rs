//! Tab and Enter are enough, and whoever uses them sees where they are.

use thirtyfour::Key;
use thirtyfour::error::WebDriverResult;

use crate::browser::Browser;
use crate::chromium::{Scripts, browse};
use crate::steps::{EMAIL, PASSWORD, PHONE};

/// More than a page has to step through.
const MAX_ENTRIES: usize = 40;

/// Of the element that has the focus: its id, and what shows that it has it.
const FOCUS: &str = "
    const it = document.activeElement, style = getComputedStyle(it),
        box = it.getBoundingClientRect();
    return [it.id || it.className || it.tagName, style.outlineStyle, parseFloat(style.outlineWidth),
        box.width > 1 && box.height > 1 && box.top >= 0 && box.bottom <= innerHeight];";

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_account_is_reached_with_the_keyboard_alone() {
    browse(Scripts::On, async |bank, browser| {
        browser.open("/").await;
        assert_eq!(tab(browser).await, "skip", "the first is the link past the header");
        tab_to(browser, "sign-in-link").await;
        enter(browser).await;

        browser.is_at("/sign-in").await;
        tab_to(browser, "email").await;
        type_in(browser, EMAIL).await;
        assert_eq!(tab(browser).await, "password");
        type_in(browser, PASSWORD).await;
        assert_eq!(tab(browser).await, "submit");
        enter(browser).await;

        browser.is_at("/second-factor").await;
        tab_to(browser, "send").await;
        enter(browser).await;
        tab_to(browser, "code").await;
        type_in(browser, &bank.wrong_code(PHONE)).await;
        enter(browser).await;

        // After a mistake the page begins at the field that it is in.
        browser.says("code-error", "not the right code").await;
        assert_eq!(focus(browser).await, "code");
        type_in(browser, &bank.code(PHONE)).await;
        enter(browser).await;
        browser.is_at("/account").await;
        browser.says("balance", "€2,500.00").await;
    })
    .await;
}

async fn tab_to(browser: &Browser, id: &str) {
    for _ in 0..MAX_ENTRIES {
        if tab(browser).await == id {
            return;
        }
    }
    browser.fail(format!("Tab does not lead to #{id}")).await;
}

/// One step on: to what, which shows that it has the focus.
async fn tab(browser: &Browser) -> String {
    press(browser, Key::Tab).await.unwrap();
    focus(browser).await
}

async fn focus(browser: &Browser) -> String {
    let focus = browser.driver.execute(FOCUS, []).await.unwrap();
    let focus = focus.json().clone();
    let (id, style, width, is_in_view): (String, String, f64, bool) =
        serde_json::from_value(focus.clone()).unwrap_or_else(|error| panic!("{error}: {focus}"));
    assert!(
        style == "solid" && width >= 2.0,
        "the focus on {id} does not show: {style}, {width} px"
    );
    assert!(is_in_view, "{id} has the focus and is not in view");
    id
}

async fn enter(browser: &Browser) {
    browser.leave(press(browser, Key::Enter)).await;
}

async fn press(browser: &Browser, key: Key) -> WebDriverResult<()> {
    browser.driver.action_chain().send_keys(key).perform().await
}

async fn type_in(browser: &Browser, text: &str) {
    browser.driver.action_chain().send_keys(text).perform().await.unwrap();
}
