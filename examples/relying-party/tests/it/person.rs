//! A person with a browser that keeps cookies and follows redirects.

use std::fmt;
use std::time::Duration;

use relying_party::{Settings, Site};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use tower_step_up::testing::FixedClock;
use url::Url;

/// A site with a stand-in for its provider. It ends with the test.
pub(crate) struct World {
    pub(crate) site: Url,
    clock: FixedClock,
}

impl World {
    pub(crate) async fn start() -> Self {
        let clock = FixedClock::new();
        let site =
            Site::start_with(Settings::on_loopback(None), clock.clone()).await.expect("it starts");
        let url = site.url().parse().unwrap();
        tokio::spawn(site.serve(std::future::pending()));
        Self { site: url, clock }
    }

    pub(crate) fn seconds_pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn person(&self) -> Person {
        let client = Client::builder().cookie_store(true).redirect(Policy::none());
        Person { client: client.build().unwrap(), site: self.site.clone() }
    }
}

pub(crate) struct Person {
    pub(crate) client: Client,
    pub(crate) site: Url,
}

/// The page that a browser shows, and the addresses that led there.
pub(crate) struct View {
    pub(crate) status: StatusCode,
    pub(crate) trail: Vec<Url>,
    pub(crate) body: String,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trail: Vec<_> = self.trail.iter().map(Url::as_str).collect();
        write!(f, "{} at the end of {trail:#?}\n{}", self.status, self.body)
    }
}

impl View {
    pub(crate) fn url(&self) -> &Url {
        self.trail.last().unwrap()
    }

    /// Returns the path and query of the address.
    pub(crate) fn place(&self) -> &str {
        &self.url()[url::Position::BeforePath..]
    }

    /// Returns what a page on the way was asked for: `acr_values` and `max_age` of its address.
    pub(crate) fn asked(&self, path: &str) -> String {
        let url = self.trail.iter().find(|url| url.path() == path);
        let url = url.unwrap_or_else(|| panic!("{path} is not in {self:#?}"));
        let mut asked: Vec<_> = url
            .query_pairs()
            .filter(|(name, _)| ["acr_values", "max_age"].contains(&&**name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        asked.sort();
        asked.join("&")
    }

    /// Returns how often the browser was at this path.
    pub(crate) fn times_at(&self, path: &str) -> usize {
        self.trail.iter().filter(|url| url.path() == path).count()
    }

    #[track_caller]
    pub(crate) fn assert_shows(&self, place: &str, status: u16, part: &str) {
        assert_eq!((self.place(), self.status.as_u16()), (place, status), "{self:#?}");
        assert!(self.body.contains(part), "{self:#?}");
    }
}

impl Person {
    pub(crate) async fn open(&self, place: &str) -> View {
        let url = self.site.join(place).unwrap();
        self.follow(self.client.get(url)).await
    }

    /// Sends the form of the provider's page, and follows the redirects.
    pub(crate) async fn prove(&self, page: &View, level: &str) -> View {
        self.prove_as("ada", page, level).await
    }

    pub(crate) async fn prove_as(&self, user: &str, page: &View, level: &str) -> View {
        assert_eq!(page.url().path(), "/authorize", "{page:#?}");
        let form = [("user", user), ("level", level)];
        self.follow(self.client.post(page.url().clone()).form(&form)).await
    }

    pub(crate) async fn cancel(&self, page: &View) -> View {
        let form = [("user", "ada"), ("level", "silver"), ("cancel", "1")];
        self.follow(self.client.post(page.url().clone()).form(&form)).await
    }

    /// Signs in at this level from the home page.
    pub(crate) async fn sign_in(&self, level: &str) {
        let page = self.open("/sign-in").await;
        self.prove(&page, level).await.assert_shows("/", 200, "Sign out");
    }

    /// Sends a request as a browser does, and follows the redirects.
    pub(crate) async fn follow(&self, mut request: RequestBuilder) -> View {
        let mut trail = Vec::new();
        while trail.len() < 20 {
            let response = request.header("sec-fetch-mode", "navigate").send().await.unwrap();
            trail.push(response.url().clone());
            let location = response.headers().get("location").map(|it| it.to_str().unwrap());
            let Some(location) = location else {
                let status = response.status();
                return View { status, trail, body: response.text().await.unwrap() };
            };
            request = self.client.get(trail.last().unwrap().join(location).unwrap());
        }
        panic!("a circle: {trail:#?}");
    }
}
