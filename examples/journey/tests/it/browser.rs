//! A browser without a window. It keeps cookies, follows redirects and sends the headers of a
//! browser.

use std::sync::Arc;

use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Method, Request, Response, StatusCode, Url, redirect};

pub(crate) use crate::page::Page;

pub(crate) struct Browser {
    base: Url,
    jar: Arc<Jar>,
    client: Client,
}

impl Browser {
    pub(crate) fn new(base: &str) -> Self {
        let jar = Arc::new(Jar::default());
        let client =
            Client::builder().cookie_provider(jar.clone()).redirect(redirect::Policy::none());
        Self { base: base.parse().unwrap(), jar, client: client.build().unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        let response = self.send(Method::GET, path, &[]).await;
        self.follow(response).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Page {
        let response = self.send(Method::POST, path, form).await;
        self.follow(response).await
    }

    /// Sends the first form of the page, with its hidden fields and the typed ones.
    pub(crate) async fn submit(&self, page: &Page, typed: &[(&str, &str)]) -> Page {
        let hidden = page.hidden();
        let form: Vec<_> = hidden
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .chain(typed.iter().copied())
            .collect();
        self.post(&page.action(), &form).await
    }

    /// Sends one request, and does not follow a redirect.
    pub(crate) async fn send(&self, method: Method, path: &str, form: &[(&str, &str)]) -> Response {
        let mut request = self.client.request(method.clone(), self.url(path));
        for (name, value) in [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
            ("accept", "text/html"),
        ] {
            request = request.header(name, value);
        }
        if method == Method::POST {
            request = request.form(form);
        }
        request.send().await.unwrap()
    }

    /// Sends a POST with a browser's headers and this body.
    pub(crate) async fn post_body(&self, path: &str, kind: &str, body: String) -> Page {
        let request = self.client.post(self.url(path)).header("content-type", kind).body(body);
        let request = request.header("sec-fetch-mode", "navigate").header("accept", "text/html");
        Page::read(request.send().await.unwrap()).await
    }

    /// Sends a request without a browser's headers.
    pub(crate) async fn raw(&self, change: impl FnOnce(&mut Request)) -> Response {
        let mut request = Request::new(Method::GET, self.base.clone());
        change(&mut request);
        self.client.execute(request).await.unwrap()
    }

    /// Returns the cookies of this browser, as it sends them.
    pub(crate) fn cookies(&self) -> String {
        self.jar
            .cookies(&self.base)
            .map(|line| line.to_str().unwrap().to_owned())
            .unwrap_or_default()
    }

    pub(crate) fn cookie(&self, name: &str) -> String {
        let cookies = self.cookies();
        let pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned()).unwrap()
    }

    /// Sets a cookie, as a user can in the browser's developer tools.
    pub(crate) fn tamper(&self, name: &str, value: &str) {
        self.jar.add_cookie_str(&format!("{name}={value}; Path=/"), &self.base);
    }

    pub(crate) fn restore(&self, cookies: &str) {
        cookies
            .split("; ")
            .for_each(|pair| self.jar.add_cookie_str(&format!("{pair}; Path=/"), &self.base));
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        self.base.join(path).unwrap()
    }

    async fn follow(&self, mut response: Response) -> Page {
        for _ in 0..6 {
            if response.status() != StatusCode::SEE_OTHER {
                return Page::read(response).await;
            }
            let to = self.base.join(response.headers()[LOCATION].to_str().unwrap()).unwrap();
            assert_eq!(to.authority(), self.base.authority(), "a redirect to another site");
            response = self.send(Method::GET, to.as_str(), &[]).await;
        }
        panic!("more than six redirects");
    }
}

/// Checks the headers that every response of the application must have.
#[track_caller]
pub(crate) fn assert_protected(headers: &HeaderMap) {
    let policy = headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(headers["x-content-type-options"], "nosniff");
}
