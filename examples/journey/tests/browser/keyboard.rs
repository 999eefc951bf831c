//! Tab and Enter are enough, and the focus is always visible.

use serde_json::json;
use thirtyfour::Key;
use thirtyfour::error::WebDriverResult;

use crate::browser::Browser;
use crate::chromium::{Scripts, browse};
use crate::steps::{EMAIL, PASSWORD, PHONE};

/// More elements than any page has.
const MAX_ENTRIES: usize = 40;

/// Returns the id of the element with the focus, its outline, and whether it is in view.
const FOCUS: &str = "
    const it = document.activeElement, style = getComputedStyle(it),
        box = it.getBoundingClientRect();
    return [it.id || it.className || it.tagName, style.outlineStyle, parseFloat(style.outlineWidth),
        box.width > 1 && box.height > 1 && box.top >= 0 && box.bottom <= innerHeight];";

#[tokio::test]
#[ignore = "needs chromium and chromedriver, which .ci/run installs"]
async fn the_account_can_be_reached_with_the_keyboard_alone() {
    browse(Scripts::On, async |bank, browser| {
        browser.open("/").await;
        assert_eq!(tab(browser).await, "skip", "the first stop is the link past the header");
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
        // The field for the code has the focus, and names the phone that gets the code.
        assert_eq!(focus(browser).await, "code");
        let code = browser.find("#code").await;
        let described_by = code.attr("aria-describedby").await.unwrap();
        assert_eq!(described_by.as_deref(), Some("code-for code-hint"));
        browser.assert_text("code-for", "••• 43").await;
        type_in(browser, &bank.wrong_code(PHONE)).await;
        enter(browser).await;

        // After a mistake, the faulty field has the focus.
        browser.assert_text("code-error", "not the right code").await;
        assert_eq!(focus(browser).await, "code");
        type_in(browser, &bank.code(PHONE)).await;
        enter(browser).await;
        browser.is_at("/account").await;
        browser.assert_text("balance", "€2,500.00").await;
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

/// Presses Tab, checks that the focus is visible, and returns the element's id.
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
        "the focus on {id} is not visible: {style}, {width} px"
    );
    assert!(is_in_view, "{id} has the focus but is not in view");
    id
}

/// Presses Enter, which leads to another page. chromedriver would repeat an action on the new page, and
/// would send the form there, because its field has the focus.
async fn enter(browser: &Browser) {
    let event = json!({ "type": "keyDown", "key": "Enter", "code": "Enter", "text": "\r",
        "windowsVirtualKeyCode": 13 });
    let cdp = browser.driver.cdp();
    browser.leave(async { cdp.send_raw("Input.dispatchKeyEvent", event).await.map(drop) }).await;
}

async fn press(browser: &Browser, key: Key) -> WebDriverResult<()> {
    browser.driver.action_chain().send_keys(key).perform().await
}

async fn type_in(browser: &Browser, text: &str) {
    browser.driver.action_chain().send_keys(text).perform().await.unwrap();
}
