//! The whole answer of every built-in responder to every refusal, as files in `tests/it/wire`. After
//! a change on purpose, run the test with `UPDATE_WIRE=1` and read the difference.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_step_up::intent::{
    Found, Intent, IntentFuture, IntentId, IntentStore, IntentUser, IntentsUnavailable,
};
use tower_step_up::issuers::{self, Issuer, oidc};
use tower_step_up::keys::KeysUnavailable;
use tower_step_up::policy::PolicyError;
use tower_step_up::resource::ProtectedResource;
use tower_step_up::respond::{ClerkReverification, EntraClaimsChallenge, OryStepUp};
use tower_step_up::testing::{FixedClock, NOW, TestIssuer};
use tower_step_up::token::RevocationsUnavailable;
use tower_step_up::{
    Action, BearerChallenge, Factor, Intents, Negotiated, Once, Policy, Rejection, Respond,
    StepUpLayer,
};

use crate::support::{TestResponse, bearer, inner, issuer, proved, seconds, send, transfer};

type Responder = Arc<dyn Respond>;

/// A refused request: the guard that refuses it, and the headers that it has.
struct Refused {
    name: &'static str,
    guard: StepUpLayer,
    headers: Vec<(&'static str, String)>,
    /// The policy for one action, if the handler refuses the request.
    once: Option<Policy>,
    /// The rejection, if no request can cause it without a server that fails.
    made: Option<Rejection>,
}

impl Refused {
    fn new(name: &'static str, guard: StepUpLayer, token: Option<String>) -> Self {
        let headers = token.map(|token| ("authorization", bearer(&token)));
        Self { name, guard, headers: headers.into_iter().collect(), once: None, made: None }
    }

    fn made(name: &'static str, why: Rejection) -> Self {
        Self { made: Some(why), ..Self::new(name, issuer().guard(), None) }
    }

    /// Returns the refusal of a handler that needs a proof for one action.
    fn once(self, policy: Policy) -> Self {
        Self { once: Some(policy), ..self }
    }

    async fn answer(&self, responder: &Responder, client: &[(&str, &str)]) -> TestResponse {
        let (responder, made) = (Arc::clone(responder), self.made.clone());
        let guard = self.guard.respond_with(move |why: &Rejection, request: &Parts| {
            responder.respond(made.as_ref().unwrap_or(why), request)
        });
        let guard = match self.once.clone() {
            Some(policy) => guard.once(&Intents::new(OneIntent::default()), policy).unwrap(),
            None => guard,
        };
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let request = own
            .chain(client.iter().copied())
            .fold(Request::get("/pay?to=7"), |request, (name, value)| request.header(name, value));
        if self.once.is_none() {
            let request = request.body(Full::<Bytes>::default()).unwrap();
            return send(&guard.layer(service_fn(inner)), request).await;
        }
        let request = request.header("step-up-intent", INTENT);
        send(&guard.layer(service_fn(confirm)), request.body(Full::default()).unwrap()).await
    }
}

/// The id of the intent in all answers.
const INTENT: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// A store that has one intent, for the action that was asked for last. Its id is always the same.
#[derive(Default)]
struct OneIntent(Mutex<Option<Intent>>);

impl IntentStore for OneIntent {
    fn create(&self, mut intent: Intent) -> IntentFuture<()> {
        intent.id = INTENT.parse().unwrap();
        *self.0.lock().unwrap() = Some(intent);
        Box::pin(ready(Ok(())))
    }

    fn find(&self, _user: &IntentUser, _id: &IntentId) -> IntentFuture<Option<Found>> {
        let intent = self.0.lock().unwrap().clone();
        Box::pin(ready(Ok(intent.map(|intent| Found::Open { intent, spent: None }))))
    }

    fn consume(&self, _intent: Intent) -> IntentFuture<bool> {
        Box::pin(ready(Ok(false)))
    }
}

/// Asks for a proof twice. The second challenge names the intent of the store.
async fn confirm(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, _) = request.into_parts();
    let once = Once::of(&parts).unwrap();
    let action = Action::new("transfer").with("cents", 120_000);
    assert!(once.confirm(None, &action).await.is_err());
    let refused = once.confirm(None, &action).await.unwrap_err();
    Ok(refused.respond().map(Full::from))
}

fn openid() -> Issuer {
    oidc::access_tokens("https://login.example.com", "https://api.example.com")
        .acr_values(["silver", "gold"])
}

fn clerk() -> Issuer {
    issuers::clerk("https://clerk.example.com", ["https://app.example.com"])
}

/// Returns a refusal of this issuer's token.
fn other(name: &'static str, issuer: Issuer, claims: &Value, policy: Policy) -> Refused {
    let test = TestIssuer::standing_in_for(issuer).unwrap();
    Refused::new(name, test.guard().require(policy), Some(test.mint_with(claims)))
}

/// Returns every refusal, in the order of README's table.
fn refusals() -> Vec<Refused> {
    let guard = issuer().guard();
    let mint = |factors: &[Factor]| Some(issuer().mint(&proved(factors)));
    let password = || mint(&[Factor::Password]);
    let ago = |seconds: i64| NOW.unix_timestamp() - seconds;
    let silver = json!({"acr": "silver", "auth_time": ago(1_000), "scope": "payments:read"});
    let fresh = || Policy::session().within(seconds(300));
    let second = || Policy::amr("second_factor").within(seconds(600)).named("transfer");
    let resource = ProtectedResource::new("https://api.example.com/pay").unwrap();
    let scoped = |name, policy| {
        let mut refused = other(name, openid(), &silver, policy);
        refused.guard = refused
            .guard
            .require_scopes(["payments:read", "payments:write"])
            .protected_resource(&resource);
        refused
    };
    let retry_after = seconds(7);
    let clock = FixedClock::new();
    let later = issuer().clone().clock(clock.clone());
    let expired = later.mint(&proved(&[Factor::Password]));
    clock.advance(seconds(305));
    let mut conflict = Refused::new("two session cookies that differ", guard.clone(), None);
    conflict.headers = vec![("cookie", "stytch_session_jwt=a; stytch_session_jwt=b".to_owned())];
    let mut unreadable = Refused::new("an unreadable Authorization header", guard.clone(), None);
    unreadable.headers = vec![("authorization", "Bearer".to_owned())];
    vec![
        Refused::new("no credentials", guard.clone(), None),
        Refused {
            headers: Vec::new(),
            ..scoped("no credentials, with scopes and a resource", fresh())
        },
        unreadable,
        conflict,
        Refused::new("an invalid token", guard.clone(), Some("a.b.c".to_owned())),
        Refused::new("an expired token", later.guard(), Some(expired)),
        Refused::new("Stytch: a second factor", guard.require(transfer()), password()),
        Refused::new(
            "Stytch: a new session",
            guard.require(Policy::session_within(seconds(1)).named("fresh")),
            Some(issuer().mint(&proved(&[Factor::Password]).started_ago(seconds(60)))),
        ),
        Refused::new("Stytch: no way", guard.require(Policy::acr("gold")), password()),
        other("OpenID Connect: a level", openid(), &silver, Policy::acr("gold").named("transfer")),
        other("OpenID Connect: a fresh sign-in", openid(), &silver, fresh()),
        other(
            "OpenID Connect: both",
            openid(),
            &silver,
            Policy::acr("gold").and(fresh()).named("transfer"),
        ),
        other("OpenID Connect: any level", openid(), &json!({"acr": "0"}), Policy::acr("silver")),
        other("OpenID Connect: no way", openid(), &silver, Policy::mfa()),
        other(
            "Supabase: a method",
            issuers::supabase("https://ref.supabase.co"),
            &json!({"amr": [{"method": "password", "timestamp": ago(60)}]}),
            Policy::mfa().named("account"),
        ),
        other("Clerk: the second factor", clerk(), &json!({"fva": [0, 20]}), second()),
        other("Clerk: no second factor", clerk(), &json!({"fva": [0, -1]}), second()),
        scoped("a level and scopes", Policy::acr("gold")),
        scoped("scopes", Policy::session()),
        Refused::made(
            "keys unavailable",
            Rejection::KeysUnavailable(KeysUnavailable { retry_after }),
        ),
        Refused::made("authority unavailable", Rejection::AuthorityUnavailable { retry_after }),
        Refused::made(
            "revocations unavailable",
            Rejection::RevocationsUnavailable(RevocationsUnavailable { retry_after }),
        ),
        Refused::new("Stytch: a proof for one action", guard.clone(), password())
            .once(Policy::any_of([Factor::OtpSms, Factor::Totp]).named("transfer")),
        other("OpenID Connect: a sign-in for one action", openid(), &silver, Policy::acr("silver"))
            .once(Policy::session()),
        Refused::made("a used intent", Rejection::IntentUsed(INTENT.parse().unwrap())),
        Refused::made(
            "intents unavailable",
            Rejection::IntentsUnavailable(IntentsUnavailable::new(retry_after, "the reason")),
        ),
        Refused::made("a policy error", Rejection::PolicyError(PolicyError::Panicked)),
    ]
}

/// Writes an answer as HTTP/1 would, with one header on a line, in the order of their names.
fn written(name: &str, response: &TestResponse) -> String {
    let mut text = format!("# {name}\n{}\n", response.status.as_u16());
    let mut headers: Vec<_> = response.headers.iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    if !response.body.is_empty() {
        writeln!(text, "\n{}", response.body.trim_end()).unwrap();
    }
    text
}

async fn check(file: &str, responder: impl Respond, client: &[(&str, &str)]) {
    let responder: Responder = Arc::new(responder);
    let mut answers = Vec::new();
    for refused in refusals() {
        answers.push(written(refused.name, &refused.answer(&responder, client).await));
    }
    compare(file, &answers.join("\n"));
}

/// Compares the answers to which this responder gives another form than the challenge.
async fn check_form(file: &str, responder: impl Respond) {
    let responder: Responder = Arc::new(responder);
    let bearer: Responder = Arc::new(BearerChallenge::default());
    let mut answers = Vec::new();
    for refused in refusals() {
        let [own, challenge] = [
            written(refused.name, &refused.answer(&responder, &[]).await),
            written(refused.name, &refused.answer(&bearer, &[]).await),
        ];
        answers.extend((own != challenge).then_some(own));
        let grpc = [("content-type", "application/grpc")];
        let own = refused.answer(&responder, &grpc).await;
        let challenge = refused.answer(&bearer, &grpc).await;
        assert_eq!(written(refused.name, &own), written(refused.name, &challenge));
        assert_eq!(own.header("content-type"), "application/grpc", "{}", refused.name);
    }
    compare(file, &answers.join("\n"));
}

fn compare(file: &str, got: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/wire").join(file);
    if std::env::var_os("UPDATE_WIRE").is_some() {
        std::fs::write(&path, got).unwrap();
    }
    let want = std::fs::read_to_string(&path).unwrap();
    let lines = got.lines().zip(want.lines()).enumerate();
    for (number, (got, want)) in lines {
        assert_eq!(got, want, "{file}:{}", number + 1);
    }
    assert_eq!(got.len(), want.len(), "{file}");
}

fn pages() -> Negotiated {
    Negotiated::new().sign_in("/sign-in").unwrap().step_up("/step-up").unwrap()
}

#[tokio::test]
async fn the_bearer_challenge_answers_as_its_file_says() {
    check("bearer.txt", BearerChallenge::default(), &[]).await;
}

#[tokio::test]
async fn a_browser_is_answered_as_its_file_says() {
    check("browser.txt", pages(), &[("sec-fetch-mode", "navigate")]).await;
}

#[tokio::test]
async fn a_browser_without_pages_to_go_to_is_answered_as_its_file_says() {
    check("browser_without_pages.txt", Negotiated::new(), &[("sec-fetch-mode", "navigate")]).await;
}

#[tokio::test]
async fn htmx_is_answered_as_its_file_says() {
    check("htmx.txt", pages(), &[("hx-request", "true")]).await;
}

#[tokio::test]
async fn a_grpc_client_is_answered_as_its_file_says() {
    check("grpc.txt", pages(), &[("content-type", "application/grpc")]).await;
}

#[tokio::test]
async fn clients_of_clerk_are_answered_as_their_file_says() {
    check_form("clerk.txt", ClerkReverification::new()).await;
}

#[tokio::test]
async fn clients_of_entra_are_answered_as_their_file_says() {
    check_form("entra.txt", EntraClaimsChallenge::new()).await;
}

#[tokio::test]
async fn clients_of_ory_are_answered_as_their_file_says() {
    let responder = OryStepUp::new("https://login.example.com", "https://shop.example.com");
    check_form("ory.txt", responder.unwrap()).await;
}

#[tokio::test]
async fn a_program_is_answered_like_with_the_bearer_challenge() {
    let responder: Responder = Arc::new(pages());
    let bearer: Responder = Arc::new(BearerChallenge::default());
    for refused in refusals() {
        let program = refused.answer(&responder, &[("accept", "application/json")]).await;
        let want = refused.answer(&bearer, &[]).await;
        assert_eq!(written(refused.name, &program), written(refused.name, &want));
    }
}
