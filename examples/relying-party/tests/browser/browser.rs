//! A user's actions and observations.

use std::fmt::Display;

use thirtyfour::prelude::*;

use crate::chromedriver::{PAUSE, TIMEOUT};

pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    site: String,
}

impl Browser {
    pub(crate) fn new(driver: WebDriver, site: &str) -> Self {
        Self { driver, site: site.to_owned() }
    }

    pub(crate) async fn open(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.site)).await.unwrap();
    }

    /// Clicks an element that leads to another page, and waits until this page is gone.
    pub(crate) async fn click(&self, css: &str) {
        let element = self.find(css).await;
        let old = self.driver.find(By::Tag("html")).await.unwrap();
        // The page may go away before chromedriver reports success.
        let clicked = element.click().await;
        if old.wait_until().stale().await.is_err() {
            self.fail(format!("the page did not change: {clicked:?}")).await;
        }
    }

    /// Signs in on the page of the provider.
    pub(crate) async fn prove(&self, level: &str) {
        self.prove_as("ada", level).await;
    }

    pub(crate) async fn prove_as(&self, name: &str, level: &str) {
        let user = self.find("input[autocomplete=username]").await;
        user.clear().await.unwrap();
        user.send_keys(name).await.unwrap();
        let select = self.find("select[name=level]").await;
        let select = thirtyfour::components::SelectElement::new(&select).await.unwrap();
        select.select_by_exact_text(level).await.unwrap();
        self.click("form button").await;
    }

    /// Returns the levels that the page of the provider offers.
    pub(crate) async fn levels(&self) -> Vec<String> {
        self.find("select[name=level]").await;
        let mut levels = Vec::new();
        for option in self.driver.find_all(By::Css("select[name=level] option")).await.unwrap() {
            levels.push(option.text().await.unwrap());
        }
        levels
    }

    pub(crate) async fn find(&self, css: &str) -> WebElement {
        match self.driver.query(By::Css(css)).first().await {
            Ok(element) => element,
            Err(_) => self.fail(format!("there is no {css}")).await,
        }
    }

    /// Waits until the site shows this path and query, with this text.
    pub(crate) async fn is_at(&self, place: &str, text: &str) {
        let address = format!("{}{place}", self.site);
        let is_there = async {
            while self.driver.current_url().await.unwrap().as_str() != address {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(TIMEOUT, is_there).await.is_err() {
            self.fail(format!("the browser did not reach {address}")).await;
        }
        let shown = self.find("main").await.text().await.unwrap();
        if !shown.contains(text) {
            self.fail(format!("the page does not say {text:?}")).await;
        }
    }

    pub(crate) async fn fail(&self, what: impl Display) -> ! {
        let url = self.driver.current_url().await.map(|url| url.to_string());
        let page = self.driver.source().await;
        panic!("at {url:?}: {what}\n{page:?}");
    }
}
