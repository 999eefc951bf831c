//! The application under test, with local-stytch and the codes that it sends.

use std::time::Duration;

use journey::{Journey, Settings};
use local_stytch::LocalStytch;
use serde_json::{Value, json};
use time::macros::datetime;
use tower_step_up::Intents;
use tower_step_up::intent::LocalIntents;

use crate::browser::{Browser, Page};

pub(crate) const DEMO: (&str, &str) = ("ada@harbour.example", "lantern-tide-42-anchor");
pub(crate) const DEMO_PHONE: &str = "+12025550143";
pub(crate) const BENS_PHONE: &str = "+12025550187";
pub(crate) const STRONG: &str = "correct-pontoon-17-gannet";

pub(crate) struct Bank {
    pub(crate) url: String,
    pub(crate) stytch: LocalStytch,
}

impl Bank {
    pub(crate) async fn open() -> Self {
        Self::open_with(Intents::new(LocalIntents::new())).await
    }

    pub(crate) async fn open_with(intents: Intents) -> Self {
        let stytch = LocalStytch::builder()
            .stopped_clock(datetime!(2026-11-24 12:00 UTC))
            .start()
            .await
            .unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let journey = Journey::start_with_intents(address, stytch.clone(), intents).await.unwrap();
        let url = journey.url();
        tokio::spawn(journey.serve());
        Self { url, stytch }
    }

    /// Opens the bank with a project, for browsers that reach it through an HTTPS proxy. The proxy
    /// itself uses HTTP.
    pub(crate) async fn open_behind_https() -> Self {
        let stytch = LocalStytch::builder().start().await.unwrap();
        let variable = |name: &str| {
            Some(match name {
                "STYTCH_PROJECT_ID" => stytch.project_id().to_owned(),
                "STYTCH_SECRET" => stytch.secret().to_owned(),
                "STYTCH_BASE_URL" => stytch.base_url().to_owned(),
                "PUBLIC_URL" => "https://bank.example".to_owned(),
                _ => return None,
            })
        };
        let settings = Settings::read(["127.0.0.1:0".to_owned()], variable).unwrap();
        let journey = Journey::start(settings).await.unwrap();
        let url = journey.url();
        tokio::spawn(journey.serve());
        let bank = Self { url, stytch };
        let account = json!({ "email": DEMO.0, "password": DEMO.1 });
        assert_eq!(bank.api("/v1/passwords", account).await.0, 200);
        bank
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.url)
    }

    /// Returns the code of the latest message to an address or a number.
    pub(crate) fn code(&self, to: &str) -> String {
        let message = self.stytch.messages().into_iter().find(|message| message.to == to);
        message.and_then(|message| message.code).unwrap_or_else(|| panic!("no code went to {to}"))
    }

    /// Returns a code of six digits that is not the latest.
    pub(crate) fn wrong_code(&self, to: &str) -> String {
        if self.code(to) == "000000" { "000001".into() } else { "000000".into() }
    }

    /// Calls Stytch's API directly, like another application of the project. Returns the status and
    /// the body.
    pub(crate) async fn api(&self, path: &str, body: Value) -> (u16, Value) {
        let request = reqwest::Client::new().post(format!("{}{path}", self.stytch.base_url()));
        let request = request.basic_auth(self.stytch.project_id(), Some(self.stytch.secret()));
        let response = request.json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Removes a phone from its user at Stytch, as the support of the bank might.
    pub(crate) async fn remove_phone(&self, number: &str) {
        let (_, sent) = self.api("/v1/otps/sms/send", json!({ "phone_number": number })).await;
        let id = sent["phone_id"].as_str().unwrap();
        let url = format!("{}/v1/users/phone_numbers/{id}", self.stytch.base_url());
        let request = reqwest::Client::new().delete(url);
        let request = request.basic_auth(self.stytch.project_id(), Some(self.stytch.secret()));
        assert_eq!(request.send().await.unwrap().status(), 200);
    }

    /// Returns the current code of an authenticator app with this key.
    pub(crate) fn app_code(&self, key: &str) -> String {
        let secret = totp_rs::Secret::try_from_base32(key.replace(' ', "")).unwrap();
        let app = totp_rs::Builder::new().with_secret(secret).build_noncompliant();
        app.generate(self.stytch.now().unix_timestamp().try_into().unwrap()).to_string()
    }

    pub(crate) fn minutes_pass(&self, minutes: u64) {
        self.stytch.advance(Duration::from_secs(60 * minutes));
    }

    /// Returns a browser that has signed in with the demonstration account's password.
    pub(crate) async fn with_password(&self) -> (Browser, Page) {
        let browser = self.browser();
        let page = browser.post("/sign-in", &[("email", DEMO.0), ("password", DEMO.1)]).await;
        assert_eq!(page.path(), "/second-factor", "{}", page.html);
        (browser, page)
    }

    /// Returns a browser that has proved the phone too, and is at the account.
    pub(crate) async fn with_two_factors(&self) -> Browser {
        let (browser, page) = self.with_password().await;
        let page = self.prove_phone(&browser, &page, DEMO_PHONE).await;
        assert_eq!(page.path(), "/account", "{}", page.html);
        browser
    }

    /// On the page that asks for a second factor, has a code sent and types it.
    pub(crate) async fn prove_phone(&self, browser: &Browser, page: &Page, phone: &str) -> Page {
        let page = browser.submit(page, &[("step", "send")]).await;
        browser.submit(&page, &[("step", "take"), ("code", &self.code(phone))]).await
    }

    /// Returns the browser of a second customer, with two factors.
    pub(crate) async fn another_user(&self) -> Browser {
        let browser = self.browser();
        let email = "ben@harbour.example";
        let typed = [("name", "Ben"), ("email", email), ("password", STRONG)];
        let page = browser.post("/sign-up", &typed).await;
        let code = self.code(email);
        browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
        let page = browser.get("/second-factor").await;
        let typed = [("step", "send"), ("phone_number", BENS_PHONE)];
        let page = browser.submit(&page, &typed).await;
        let code = self.code(BENS_PHONE);
        let page = browser.submit(&page, &[("step", "take"), ("code", &code)]).await;
        assert_eq!(page.path(), "/account", "{}", page.main());
        browser
    }
}
