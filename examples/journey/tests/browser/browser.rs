//! A user's actions and observations. If something does not appear in time, the test fails and
//! reports the page that it was on.

use std::fmt::Display;

use thirtyfour::prelude::*;
use thirtyfour::{Cookie, WindowHandle};

use crate::chromium::{PAUSE, TIMEOUT};

/// The cookies that carry the session.
pub(crate) const OPAQUE: &str = "stytch_session";
pub(crate) const JWT: &str = "stytch_session_jwt";

pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    base: String,
}

impl Browser {
    pub(crate) fn new(driver: WebDriver, base: &str) -> Self {
        Self { driver, base: base.to_owned() }
    }

    pub(crate) async fn open(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// Clicks an element that leads to another page, and waits for that page.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.leave(element.click()).await;
    }

    /// Performs an action that leads to another page, which may have the same address. The action
    /// may return an error if the page goes away before chromedriver reports success.
    pub(crate) async fn leave(&self, act: impl Future<Output = WebDriverResult<()>>) {
        let old = self.driver.find(By::Tag("html")).await.unwrap();
        let acted = act.await;
        if old.wait_until().stale().await.is_err() {
            self.fail(format!("the page did not change: {acted:?}")).await;
        }
        self.is_loaded().await;
    }

    /// Waits until the page, its stylesheet and its focus are ready.
    async fn is_loaded(&self) {
        const LOADED: &str = "return document.readyState === 'complete' && document.querySelector('footer') !== null;";
        let is_loaded = async {
            while self.driver.execute(LOADED, []).await.ok().and_then(|it| it.convert().ok())
                != Some(true)
            {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(TIMEOUT, is_loaded).await.is_err() {
            self.fail("the page is not loaded").await;
        }
    }

    pub(crate) async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    /// Types into a field, and replaces its value.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field = self.find(&format!("#{id}")).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    pub(crate) async fn find(&self, css: &str) -> WebElement {
        match self.driver.query(By::Css(css)).first().await {
            Ok(element) => element,
            Err(_) => self.fail(format!("there is no {css}")).await,
        }
    }

    /// Returns whether the current page has such an element.
    pub(crate) async fn has(&self, css: &str) -> bool {
        !self.driver.find_all(By::Css(css)).await.unwrap().is_empty()
    }

    pub(crate) async fn value(&self, id: &str) -> String {
        self.find(&format!("#{id}")).await.prop("value").await.unwrap().unwrap_or_default()
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub(crate) async fn assert_text(&self, id: &str, part: &str) {
        let text = self.text(&format!("#{id}")).await;
        if !text.contains(part) {
            self.fail(format!("#{id} is {text:?}, without {part:?}")).await;
        }
    }

    pub(crate) async fn path(&self) -> String {
        self.driver.current_url().await.unwrap().path().to_owned()
    }

    /// Returns the prompts of the challenge in the address.
    pub(crate) async fn prompts(&self) -> Vec<String> {
        let url = self.driver.current_url().await.unwrap();
        let pairs = url.query_pairs().into_owned();
        pairs.filter(|pair| pair.0 == "prompt").map(|pair| pair.1).collect()
    }

    pub(crate) async fn is_at(&self, path: &str) {
        let is_there = async {
            while self.path().await != path {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(TIMEOUT, is_there).await.is_err() {
            self.fail(format!("the browser did not reach {path}")).await;
        }
    }

    pub(crate) async fn cookies(&self) -> Vec<Cookie> {
        let mut cookies = self.driver.get_all_cookies().await.unwrap();
        cookies.retain(|cookie| [OPAQUE, JWT].contains(&&*cookie.name));
        cookies
    }

    /// Replaces the browser's cookies with these.
    pub(crate) async fn put_cookies(&self, cookies: Vec<Cookie>) {
        self.driver.delete_all_cookies().await.unwrap();
        for cookie in cookies {
            self.driver.add_cookie(cookie).await.unwrap();
        }
    }

    pub(crate) async fn new_tab(&self) -> WindowHandle {
        let tab = self.driver.new_tab().await.unwrap();
        self.driver.switch_to_window(tab.clone()).await.unwrap();
        tab
    }

    pub(crate) async fn fail(&self, what: impl Display) -> ! {
        let url = self
            .driver
            .current_url()
            .await
            .map_or_else(|error| error.to_string(), |url| url.to_string());
        let text = match self.driver.find(By::Tag("body")).await {
            Ok(body) => body.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        panic!("at {url}: {what}\n{text}");
    }
}
