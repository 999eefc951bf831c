//! The whole round trip for one action: the challenge, a new sign-in, and the confirmation.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::Value;
use time::OffsetDateTime;
use tower::{Layer, service_fn};
use tower_step_up::intent::LocalIntents;
use tower_step_up::testing::FixedClock;
use tower_step_up::{Action, Intents, Once, Policy, StepUpLayer};

use super::client::{Provider, Tokens, advance_to, claims, time_of};
use super::{API, NONE, api};
use crate::key_server::within_seconds;
use crate::support::{TestResponse, bearer, seconds, send};

/// A service with one guarded route, at a provider.
struct Service {
    provider: Provider,
    clock: FixedClock,
    guard: StepUpLayer,
}

impl Service {
    async fn start(require: Policy) -> Self {
        let provider = Provider::start().await;
        let clock = FixedClock::new();
        let verifier = api(&provider).verifier().unwrap().clock(clock.clone());
        let intents = Intents::new(LocalIntents::new());
        let guard = StepUpLayer::new(verifier).require(require);
        let guard = guard.once(&intents, Policy::session().named("again")).unwrap();
        Self { provider, clock, guard }
    }

    /// Sets both clocks to the real time plus this many seconds.
    async fn move_clocks(&self, offset: i64) {
        self.provider.move_clock(offset).await;
        let now = self.provider.control("health", None).await["now"].as_i64().unwrap();
        advance_to(&self.clock, OffsetDateTime::from_unix_timestamp(now).unwrap());
    }

    async fn call(&self, tokens: &Tokens, named: &str, cents: u64) -> TestResponse {
        advance_to(&self.clock, time_of(&tokens.access, "iat"));
        let request = Request::post("/transfer")
            .header("authorization", bearer(&tokens.access))
            .header("step-up-intent", named)
            .header("cents", cents);
        let request = request.body(Full::<Bytes>::default()).unwrap();
        within_seconds(send(&self.guard.layer(service_fn(transfer)), request)).await
    }
}

async fn transfer(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, _) = request.into_parts();
    let once = Once::of(&parts).unwrap();
    let action = Action::new("transfer").with("cents", parts.headers["cents"].to_str().unwrap());
    Ok(match once.confirm(None, &action).await {
        Ok(_) => Response::new("paid".into()),
        Err(refused) => refused.respond().map(Full::from),
    })
}

/// Returns the parameters of the request that a challenge asks for.
fn asked(answer: &TestResponse) -> Vec<(String, String)> {
    assert_eq!(answer.status, 401, "{}", answer.body);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["intent"], answer.header("step-up-intent"));
    let request = body["authentication_request"].as_object().unwrap();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    request.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_new_sign_in_confirms_one_action() {
    let service = Service::start(Policy::acr("silver")).await;
    let mut browser = service.provider.browser();
    let before = browser.sign_in("web", API, "silver", NONE).await;
    let first = service.call(&before, "", 120_000).await;
    let request = asked(&first);
    let pairs: Vec<_> =
        request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // The provider answers with a new token at once if it is not asked for a new sign-in.
    assert_eq!(pairs, [("acr_values", "silver gold"), ("max_age", "1")]);
    let intent = first.header("step-up-intent");

    service.move_clocks(10).await;
    let refreshed = service.provider.refresh("web", &before).await;
    let signed_on = browser.sign_in("web", API, "silver", NONE).await;
    for tokens in [&refreshed, &signed_on] {
        let again = service.call(tokens, intent, 120_000).await;
        assert_eq!((again.status.as_u16(), again.header("step-up-intent")), (401, intent));
    }
    let after = browser.sign_in("web", API, "silver", &pairs).await;
    assert!(time_of(&after.access, "auth_time") > time_of(&before.access, "auth_time"));
    assert_eq!(service.call(&after, intent, 120_000).await.body, "paid");
    assert_eq!(service.call(&after, intent, 120_000).await.status, 409);
    assert_eq!(claims(&before.access)["sid"], claims(&after.access)["sid"]);

    // A further transfer needs a further sign-in, and each is asked for once.
    for round in 2..4 {
        let first = service.call(&after, "", round).await;
        let intent = first.header("step-up-intent");
        service.move_clocks(10 * i64::try_from(round).unwrap()).await;
        let request = asked(&first);
        let pairs: Vec<_> =
            request.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let fresh = browser.sign_in("web", API, "silver", &pairs).await;
        // The amount is changed meanwhile.
        let changed = service.call(&fresh, intent, 990_000).await;
        assert_eq!(changed.status, 401);
        assert_ne!(changed.header("step-up-intent"), intent);
        assert_eq!(service.call(&fresh, intent, round).await.body, "paid", "{round}");
    }
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_sign_in_before_the_intent_confirms_nothing() {
    let service = Service::start(Policy::session().within(seconds(300))).await;
    let mut browser = service.provider.browser();
    let old = browser.sign_in("web", API, "silver", NONE).await;
    service.move_clocks(30).await;
    let recent = browser.sign_in("web", API, "silver", &[("max_age", "1")]).await;
    service.move_clocks(40).await;
    // The session of the first token had an older sign-in.
    let first = service.call(&old, "", 1).await;
    let intent = first.header("step-up-intent");
    assert_eq!(asked(&first), [("max_age".to_owned(), "1".to_owned())]);
    let second = service.call(&recent, intent, 1).await;
    assert_eq!((second.status.as_u16(), second.header("step-up-intent")), (401, intent));
}
