//! The whole round trip: a refusal, the authentication that its challenge asks for, and the page.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower::{Layer, service_fn};
use tower_step_up::testing::FixedClock;
use tower_step_up::{Policy, StepUpLayer};

use super::client::{Browser, Provider, Tokens, advance_to, claims, time_of};
use super::{API, NONE, api};
use crate::key_server::within_seconds;
use crate::support::{TestResponse, bearer, inner, seconds, send};

/// A client whose user has signed in. It obeys the one rule for clients: one round trip for one
/// answer, then it shows the answer.
struct Client<'a> {
    guard: StepUpLayer,
    clock: FixedClock,
    browser: Browser<'a>,
    tokens: Tokens,
    /// The level that Ada proves if the provider asks her.
    level: &'static str,
}

/// How a request of a client ended.
#[derive(Debug, PartialEq)]
struct Ending {
    status: u16,
    /// The requests that the client sent to the provider, one for each round trip.
    asked: Vec<String>,
    /// The body of the answer that the client shows.
    shown: String,
}

impl<'a> Client<'a> {
    /// Signs Ada in at this level, without asking for one.
    async fn sign_in(provider: &'a Provider, policy: Policy, level: &'static str) -> Self {
        let clock = FixedClock::new();
        let verifier = api(provider).verifier().unwrap().clock(clock.clone());
        let guard = StepUpLayer::new(verifier).require(policy);
        let mut browser = provider.browser();
        let tokens = browser.sign_in("web", API, level, NONE).await;
        advance_to(&clock, time_of(&tokens.access, "iat"));
        Self { guard, clock, browser, tokens, level }
    }

    /// Sets the level that Ada proves from now on.
    fn proves(self, level: &'static str) -> Self {
        Self { level, ..self }
    }

    /// Sets both the provider's clock and the guard's to the real time plus this many seconds.
    async fn move_clocks(&self, provider: &Provider, offset: i64) {
        provider.move_clock(offset).await;
        let now = provider.control("health", None).await["now"].as_i64().unwrap();
        advance_to(&self.clock, OffsetDateTime::from_unix_timestamp(now).unwrap());
    }

    /// Opens the guarded page.
    async fn open(&mut self) -> Ending {
        let first = self.send().await;
        let parameters = parameters(first.header("www-authenticate"));
        let request: Vec<_> = ["acr_values", "max_age"]
            .into_iter()
            .filter_map(|name| Some((name, parameters.get(name)?.as_str())))
            .collect();
        let is_step_up = parameters
            .get("error")
            .is_some_and(|error| error == "insufficient_user_authentication");
        if first.status != 401 || !is_step_up || request.is_empty() {
            return Ending { status: first.status.into(), asked: vec![], shown: first.body };
        }
        self.tokens = self.browser.sign_in("web", API, self.level, &request).await;
        advance_to(&self.clock, time_of(&self.tokens.access, "iat"));
        let asked: Vec<_> = request.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let second = self.send().await;
        Ending { status: second.status.into(), asked: vec![asked.join("&")], shown: second.body }
    }

    async fn send(&self) -> TestResponse {
        let request = Request::get("/").header("authorization", bearer(&self.tokens.access));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        within_seconds(send(&self.guard.layer(service_fn(inner)), request)).await
    }

    fn level(&self) -> String {
        claims(&self.tokens.access)["acr"].as_str().unwrap().to_owned()
    }
}

/// Returns the parameters of a challenge. No value in these tests contains a quote or a comma.
fn parameters(challenge: &str) -> BTreeMap<&str, String> {
    let Some(("Bearer", parameters)) = challenge.split_once(' ') else { return BTreeMap::new() };
    let pairs = parameters.split(", ").filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name, value.trim_matches('"').to_owned())).collect()
}

/// Returns how a request ended that was granted after these requests to the provider.
fn granted(asked: &[&str]) -> Ending {
    let asked = asked.iter().map(|&asked| asked.to_owned()).collect();
    Ending { status: 200, asked, shown: "inner".to_owned() }
}

fn fresh() -> Policy {
    Policy::session().within(seconds(300))
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_client_that_does_what_the_challenge_says_is_granted() {
    let provider = Provider::start().await;
    let mut client = Client::sign_in(&provider, Policy::acr("gold"), "silver").await.proves("gold");
    assert_eq!(client.open().await, granted(&["acr_values=gold"]));
    assert_eq!(client.level(), "gold");
    assert_eq!(client.open().await, granted(&[]));
    client.tokens = provider.refresh("web", &client.tokens).await;
    assert_eq!(client.open().await, granted(&[]));
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_stale_sign_in_is_repeated_as_the_challenge_says() {
    let provider = Provider::start().await;
    let mut client = Client::sign_in(&provider, fresh(), "silver").await;
    assert_eq!(client.open().await, granted(&[]));
    for round in 1..=2 {
        client.move_clocks(&provider, 301 * round).await;
        assert_eq!(client.open().await, granted(&["max_age=240"]), "{round}");
        assert_eq!(client.open().await, granted(&[]), "{round}");
    }
    assert_eq!(client.level(), "silver");
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_level_and_a_fresh_sign_in_are_asked_for_at_once() {
    let provider = Provider::start().await;
    let policy = Policy::acr("gold").and(fresh());
    let mut client = Client::sign_in(&provider, policy, "silver").await.proves("gold");
    let asked = ["acr_values=gold&max_age=240"];
    assert_eq!(client.open().await, granted(&asked));
    client.move_clocks(&provider, 299).await;
    assert_eq!(client.open().await, granted(&[]));
    // The level is still gold, and the challenge covers the whole policy nevertheless.
    client.move_clocks(&provider, 310).await;
    assert_eq!(client.open().await, granted(&asked));
    client.move_clocks(&provider, 620).await;
    assert_eq!(client.open().await, granted(&asked));
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn every_level_that_suffices_is_asked_for_and_a_higher_one_is_served() {
    let provider = Provider::start().await;
    for level in ["silver", "gold"] {
        let mut client = Client::sign_in(&provider, Policy::acr("silver"), "0").await.proves(level);
        assert_eq!(client.open().await, granted(&["acr_values=silver gold"]), "{level}");
        assert_eq!(client.level(), level);
    }
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_provider_that_answers_with_a_higher_level_than_asked_is_served() {
    let provider = Provider::start().await;
    let policy = Policy::acr("silver").and(fresh());
    let mut client = Client::sign_in(&provider, policy, "0").await.proves("gold");
    assert_eq!(client.open().await, granted(&["acr_values=silver gold&max_age=240"]));
    assert_eq!(client.level(), "gold");
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_policy_that_no_request_meets_is_looked_at_once() {
    let provider = Provider::start().await;
    for policy in [
        // The token does not say when the level was reached.
        Policy::acr("gold").within(seconds(300)),
        // No level is declared to guarantee two factors.
        Policy::mfa(),
    ] {
        let mut client = Client::sign_in(&provider, policy.clone(), "silver").await.proves("gold");
        let ending = client.open().await;
        assert_eq!((ending.status, &*ending.asked), (401, &[][..]), "{policy}");
        let body: Value = serde_json::from_str(&ending.shown).unwrap();
        assert_eq!(body["retryable"], false, "{body}");
        assert_eq!(body.get("authentication_request"), None, "{body}");
    }
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_provider_that_does_less_than_it_was_asked_is_asked_once() {
    let provider = Provider::start().await;
    provider.control("levels", Some(json!({"voluntary": true}))).await;
    let mut client = Client::sign_in(&provider, Policy::acr("gold"), "silver").await;
    let ending = client.open().await;
    assert_eq!((ending.status, &*ending.asked), (401, &["acr_values=gold".to_owned()][..]));
    assert_eq!(client.level(), "silver");
}
