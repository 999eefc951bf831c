//! Proofs for one action: every outcome, through a guard.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::Value;
use tower::{Layer, service_fn};
use tower_step_up::credentials::CredentialSource;
use tower_step_up::intent::{
    Found, Intent, IntentFuture, IntentId, IntentStore, IntentUser, IntentsUnavailable,
    LocalIntents,
};
use tower_step_up::issuers::{Issuer, oidc};
use tower_step_up::layer::MissingOnce;
use tower_step_up::profile::{
    Capabilities, ClaimError, Claims, Evidence, Names, Profile, StepUpBy,
};
use tower_step_up::testing::{self, FixedClock, SessionBuilder, TestIssuer};
use tower_step_up::{Action, Factor, Intents, Negotiated, Once, Policy, Rejection, StepUpLayer};
use tracing::Level;

use crate::events::logged;
use crate::support::{TestResponse, bearer, issuer, proved, seconds, send};

const NANOSECOND: Duration = Duration::from_nanos(1);

fn code() -> Policy {
    Policy::any_of([Factor::OtpSms, Factor::Totp]).named("transfer")
}

/// A bank with one route, on which each transfer needs a new code.
struct Bank {
    clock: FixedClock,
    issuer: TestIssuer,
    store: LocalIntents,
    guard: StepUpLayer,
}

/// How a request ended.
#[derive(Debug, PartialEq)]
struct Ending {
    /// "paid", or the section of the problem.
    outcome: String,
    /// The intent in the header of the answer.
    intent: Option<String>,
    /// The cause that the handler learns, if the guard let the request through.
    cause: Option<String>,
}

/// The header in which the handler of the tests returns the cause.
const CAUSE: &str = "test-cause";

impl Bank {
    fn new() -> Self {
        let (clock, store) = (FixedClock::new(), LocalIntents::new());
        let issuer = issuer().clone().clock(clock.clone());
        let guard = issuer.guard().once(&Intents::new(store.clone()), code()).unwrap();
        Self { clock, issuer, store, guard }
    }

    fn with(self, change: impl FnOnce(&StepUpLayer) -> StepUpLayer) -> Self {
        Self { guard: change(&self.guard), ..self }
    }

    fn token(&self, session: &SessionBuilder) -> String {
        self.issuer.mint(session)
    }

    async fn answer(&self, token: &str, named: Option<&str>, cents: u64) -> TestResponse {
        let mut request = Request::post("/transfer")
            .header("authorization", bearer(token))
            .header("cents", cents);
        if let Some(named) = named {
            request = request.header("form-intent", named);
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        send(&self.guard.layer(service_fn(transfer)), request).await
    }

    async fn send(&self, token: &str, named: Option<&str>, cents: u64) -> Ending {
        Ending::of(&self.answer(token, named, cents).await)
    }

    /// Begins a transfer and returns the id of its intent.
    async fn begin(&self, token: &str, cents: u64) -> String {
        self.send(token, None, cents).await.asked()
    }
}

impl Ending {
    fn of(answer: &TestResponse) -> Self {
        let intent = answer.headers.get("step-up-intent");
        let intent = intent.map(|intent| intent.to_str().unwrap().to_owned());
        let outcome = match answer.status.as_u16() {
            200 => answer.body.clone(),
            status => {
                let body: Value = serde_json::from_str(&answer.body).unwrap();
                assert_eq!(body["status"], status, "{body}");
                assert_eq!(body["intent"].as_str(), intent.as_deref(), "{body}");
                body["type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned()
            }
        };
        let cause = answer.headers.get(CAUSE).map(|cause| cause.to_str().unwrap().to_owned());
        Self { outcome, intent, cause }
    }

    #[track_caller]
    fn asked(self) -> String {
        assert_eq!(self.outcome, "step-up-required");
        self.intent.expect("the challenge names it")
    }
}

/// Pays after a confirmation. The client names the intent in a field of the form, or in the header.
async fn transfer(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, _) = request.into_parts();
    let header = |name| parts.headers.get(name).map(|value| value.to_str().unwrap());
    let cents: u64 = header("cents").unwrap().parse().unwrap();
    let action = Action::new("transfer").with("payee", "ada").with("cents", cents);
    let once = Once::of(&parts).unwrap();
    Ok(match once.confirm(header("form-intent"), &action).await {
        Ok(_) => Response::new("paid".into()),
        Err(refused) => {
            assert_eq!(
                Rejection::of(&refused.respond()).unwrap().reason(),
                refused.rejection().reason()
            );
            let mut response = refused.respond().map(Full::from);
            let cause = refused.cause().name().parse().unwrap();
            response.headers_mut().insert(CAUSE, cause);
            response
        }
    })
}

fn password() -> SessionBuilder {
    proved(&[Factor::Password])
}

/// Returns a session in which a code was proved just now too.
fn with_code() -> SessionBuilder {
    password().proved(Factor::OtpSms)
}

#[tokio::test]
async fn an_action_is_confirmed_once_by_a_code_that_was_made_for_it() {
    let bank = Bank::new();
    let before = bank.token(&password());
    let intent = bank.begin(&before, 120_000).await;
    bank.clock.advance(seconds(20));
    let after = bank.token(&with_code());
    assert_eq!(bank.send(&after, Some(&intent), 120_000).await.outcome, "paid");
    // Any later use is refused with another status.
    for _ in 0..2 {
        let again = bank.answer(&after, Some(&intent), 120_000).await;
        assert_eq!(again.status, 409);
        assert_eq!(again.header("www-authenticate"), "");
        let (intent, cause) = (Some(intent.clone()), Some("used".to_owned()));
        let used = Ending { outcome: "intent-used".into(), intent, cause };
        assert_eq!(Ending::of(&again), used);
    }
    // The code was made for the first transfer.
    let next = bank.begin(&after, 120_000).await;
    assert_ne!(next, intent);
    assert_eq!(bank.send(&after, Some(&next), 120_000).await.asked(), next);
    bank.clock.advance(seconds(20));
    let fresh = bank.token(&with_code());
    assert_eq!(bank.send(&fresh, Some(&next), 120_000).await.outcome, "paid");
}

#[tokio::test]
async fn a_recent_code_is_not_one_for_this_action() {
    let bank = Bank::new();
    for session in [with_code(), password().proved_ago(Factor::Totp, seconds(3))] {
        let token = bank.token(&session);
        let intent = bank.begin(&token, 1).await;
        assert_eq!(bank.send(&token, Some(&intent), 1).await.asked(), intent);
    }
}

#[tokio::test]
async fn another_action_needs_another_code() {
    let bank = Bank::new();
    let before = bank.token(&password());
    let intent = bank.begin(&before, 120_000).await;
    bank.clock.advance(seconds(20));
    let after = bank.token(&with_code());
    // The amount is changed after the code was sent.
    let other = bank.send(&after, Some(&intent), 990_000).await.asked();
    assert_ne!(other, intent);
    assert_eq!(bank.send(&after, Some(&other), 990_000).await.asked(), other);
    // The first transfer can still be confirmed, and a used intent confirms no other action.
    assert_eq!(bank.send(&after, Some(&intent), 120_000).await.outcome, "paid");
    let third = bank.send(&after, Some(&intent), 990_000).await.asked();
    assert_ne!(third, intent);
    // Confirming one has dropped the other, so that one code does not confirm both.
    let fourth = bank.send(&after, Some(&other), 990_000).await.asked();
    assert_ne!(fourth, other);
}

#[tokio::test]
async fn one_code_confirms_one_of_several_actions() {
    let bank = Bank::new();
    let before = bank.token(&password());
    let intents = [bank.begin(&before, 1).await, bank.begin(&before, 2).await];
    bank.clock.advance(seconds(20));
    let after = bank.token(&with_code());
    assert_eq!(bank.send(&after, Some(&intents[1]), 2).await.outcome, "paid");
    let asked = bank.send(&after, Some(&intents[0]), 1).await.asked();
    assert_eq!(bank.send(&after, Some(&asked), 1).await.asked(), asked);
    bank.clock.advance(seconds(20));
    let fresh = bank.token(&with_code());
    assert_eq!(bank.send(&fresh, Some(&asked), 1).await.outcome, "paid");
}

/// The old token does not show the code, and the code is hardly older than the second intent.
#[tokio::test]
async fn an_old_token_does_not_make_a_used_code_new() {
    let bank = Bank::new();
    let before = bank.token(&password());
    let intent = bank.begin(&before, 1).await;
    bank.clock.advance(seconds(20));
    let after = bank.token(&with_code());
    assert_eq!(bank.send(&after, Some(&intent), 1).await.outcome, "paid");
    let second = bank.begin(&before, 990_000).await;
    assert_eq!(bank.send(&after, Some(&second), 990_000).await.asked(), second);
    bank.clock.advance(seconds(20));
    let fresh = bank.token(&with_code());
    assert_eq!(bank.send(&fresh, Some(&second), 990_000).await.outcome, "paid");
    // The first intent was confirmed in its last second. Its code is remembered for longer.
    let last = bank.begin(&before, 1).await;
    bank.clock.advance(seconds(599));
    let (stale, after) = (bank.token(&password()), bank.token(&with_code()));
    assert_eq!(bank.send(&after, Some(&last), 1).await.outcome, "paid");
    bank.clock.advance(seconds(2));
    let next = bank.begin(&stale, 2).await;
    assert_eq!(bank.send(&after, Some(&next), 2).await.asked(), next);
    assert_eq!(bank.send(&after, Some(&last), 1).await.outcome, "intent-used");
}

/// With a long leeway, a new intent accepts older codes. So a used code is remembered for longer than
/// an intent lives.
#[tokio::test]
async fn a_used_code_is_remembered_for_twice_the_leeway() {
    // How far the issuer's clock is ahead, and how long after the first action the second one begins.
    for (ahead, after) in [(0, 21), (19, 31), (20, 40), (20, 30)] {
        let Bank { clock, issuer, store, .. } = Bank::new();
        let verifier = issuer.verifier().leeway(seconds(20));
        let intents = Intents::new(store.clone()).lifetime(seconds(30));
        let guard = StepUpLayer::new(verifier).once(&intents, code()).unwrap();
        let bank = Bank { clock, issuer, store, guard };
        let before = bank.token(&password());
        let first = bank.begin(&before, 1).await;
        bank.clock.advance(seconds(1));
        let with_code = bank.token(&password().proved_ahead(Factor::OtpSms, seconds(ahead)));
        assert_eq!(bank.send(&with_code, Some(&first), 1).await.outcome, "paid");
        bank.clock.advance(seconds(after));
        // The old token does not show the code.
        let second = bank.begin(&before, 990_000).await;
        let again = bank.send(&with_code, Some(&second), 990_000).await;
        assert_eq!(again.asked(), second, "{ahead} {after}");
    }
}

#[tokio::test]
async fn what_names_no_open_intent_of_the_user_gets_a_new_one() {
    let bank = Bank::new();
    let before = bank.token(&password());
    let intent = bank.begin(&before, 1).await;
    bank.clock.advance(seconds(20));
    let after = bank.token(&with_code());
    let others = [
        bank.token(&with_code().user("user-test-2")),
        bank.token(&with_code().id("session-test-2").user("user-test-3")),
    ];
    for token in &others {
        assert_ne!(bank.send(token, Some(&intent), 1).await.asked(), intent);
    }
    let long = "A".repeat(4_000);
    for named in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", "../../etc/passwd", &long] {
        assert_ne!(bank.send(&after, Some(named), 1).await.asked(), named, "{named}");
    }
    assert_eq!(bank.send(&after, Some(&intent), 1).await.outcome, "paid");
}

#[tokio::test]
async fn another_session_of_the_user_can_confirm() {
    let bank = Bank::new();
    let intent = bank.begin(&bank.token(&password()), 1).await;
    bank.clock.advance(seconds(20));
    let other = with_code().id("session-test-2").started_ago(seconds(1));
    assert_eq!(bank.send(&bank.token(&other), Some(&intent), 1).await.outcome, "paid");
}

#[tokio::test]
async fn the_organization_is_part_of_the_user() {
    let clock = FixedClock::new();
    let issuer = TestIssuer::b2b().clock(clock.clone());
    let store = LocalIntents::new();
    let guard = issuer.guard().once(&Intents::new(store.clone()), code()).unwrap();
    let bank = Bank { clock, issuer, store, guard };
    let member = |session: SessionBuilder, organization| {
        bank.token(&session.organization(organization, "slug"))
    };
    let intent = bank.begin(&member(password(), "organization-1"), 1).await;
    bank.clock.advance(seconds(20));
    let elsewhere = member(with_code(), "organization-2");
    assert_ne!(bank.send(&elsewhere, Some(&intent), 1).await.asked(), intent);
    let here = member(with_code(), "organization-1");
    assert_eq!(bank.send(&here, Some(&intent), 1).await.outcome, "paid");
}

#[tokio::test]
async fn the_header_names_the_intent_if_the_handler_does_not() {
    let bank = Bank::new();
    let intent = bank.begin(&bank.token(&password()), 1).await;
    bank.clock.advance(seconds(20));
    let token = bank.token(&with_code());
    let with = async |headers: &[(&str, &str)]| {
        let request =
            Request::post("/transfer").header("authorization", bearer(&token)).header("cents", 1);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        Ending::of(&send(&bank.guard.layer(service_fn(transfer)), request).await)
    };
    let header = ("step-up-intent", &*intent);
    // The handler's argument counts, and a header that appears twice does not.
    assert_ne!(with(&[header, ("form-intent", "x")]).await.asked(), intent);
    assert_ne!(with(&[header, header]).await.asked(), intent);
    // An empty field of a form does not count.
    assert_eq!(with(&[header, ("form-intent", "")]).await.outcome, "paid");
    assert_eq!(with(&[header]).await.outcome, "intent-used");
}

#[tokio::test]
async fn an_intent_counts_for_ten_minutes() {
    for (after, outcome) in [
        (seconds(600) - NANOSECOND, "paid"),
        (seconds(600), "step-up-required"),
        (seconds(3_600), "step-up-required"),
    ] {
        let bank = Bank::new();
        let intent = bank.begin(&bank.token(&password()), 1).await;
        bank.clock.advance(after);
        let token = bank.token(&with_code());
        let ending = bank.send(&token, Some(&intent), 1).await;
        assert_eq!(ending.outcome, outcome, "{after:?}");
        assert_eq!(ending.intent.is_some_and(|new| new != intent), outcome != "paid");
    }
}

#[tokio::test]
async fn the_life_of_an_intent_has_limits() {
    for (lifetime, lives) in [(0, 30), (30, 30), (60, 60), (3_600, 3_600), (9_999, 3_600)] {
        let bank = Bank::new();
        let intents = Intents::new(bank.store.clone()).lifetime(seconds(lifetime));
        let bank = bank.with(|guard| guard.once(&intents, code()).unwrap());
        for (rest, outcome) in [(NANOSECOND, "paid"), (Duration::ZERO, "step-up-required")] {
            let intent = bank.begin(&bank.token(&password()), 1).await;
            bank.clock.advance(seconds(lives) - rest);
            let token = bank.token(&with_code());
            assert_eq!(bank.send(&token, Some(&intent), 1).await.outcome, outcome, "{lifetime}");
        }
    }
}

/// The dates are exact here, unlike those of most issuers.
#[tokio::test]
async fn a_proof_counts_after_the_newest_and_not_before_the_intent_less_the_leeway() {
    let ahead = |session: SessionBuilder, ahead| session.proved_ahead(Factor::OtpSms, ahead);
    let ago = |session: SessionBuilder, ago| session.proved_ago(Factor::OtpSms, ago);
    for (before, after, outcome) in [
        // The issuer's clock is late.
        (password(), ago(password(), seconds(5)), "paid"),
        (password(), ago(password(), seconds(5) + NANOSECOND), "step-up-required"),
        // Or early.
        (password(), ahead(password(), seconds(5)), "paid"),
        (password(), ahead(password(), seconds(5) + NANOSECOND), "step-up-required"),
        // Strictly later than the newest proof, whatever it proves.
        (ago(password(), seconds(2)), ago(password(), seconds(2)), "step-up-required"),
        (ago(password(), seconds(2)), ago(password(), seconds(2) - NANOSECOND), "paid"),
        (
            password().proved_ago(Factor::WebAuthn, seconds(1)),
            ago(password(), seconds(1)),
            "step-up-required",
        ),
        (ahead(password(), seconds(3)), ahead(password(), seconds(3)), "step-up-required"),
        (ahead(password(), seconds(3)), ahead(password(), seconds(3) + NANOSECOND), "paid"),
        // A factor that the policy does not name, and a proof without a date.
        (password(), password().proved(Factor::WebAuthn), "step-up-required"),
        (password(), password().undated(Factor::OtpSms), "step-up-required"),
        (password(), password().unreadable(Factor::OtpSms), "step-up-required"),
    ] {
        let bank = Bank::new();
        let intent = bank.begin(&bank.token(&before), 1).await;
        let ending = bank.send(&bank.token(&after), Some(&intent), 1).await;
        assert_eq!(ending.outcome, outcome, "{:?}", after.build());
        if outcome != "paid" {
            assert_eq!(ending.asked(), intent);
        }
    }
}

#[tokio::test]
async fn a_proof_that_will_count_later_does_not_count_for_an_intent_that_is_younger() {
    let bank = Bank::new();
    // The issuer's clock is seven seconds early. The code counts two seconds later.
    let token = bank.token(&password().proved_ahead(Factor::OtpSms, seconds(7)));
    let intent = bank.begin(&token, 1).await;
    bank.clock.advance(seconds(3));
    assert_eq!(bank.send(&token, Some(&intent), 1).await.asked(), intent);
}

/// A support person who acts as the user can begin a new session at any time.
#[tokio::test]
async fn an_impersonation_is_no_proof_of_the_user() {
    let bank = Bank::new();
    let intents = Intents::new(bank.store.clone());
    let guard = bank.issuer.guard().once(&intents, Policy::session()).unwrap();
    let bank = Bank { guard, ..bank };
    let impersonated = |id| bank.token(&testing::session().id(id).proved(Factor::Impersonated));
    let intent = bank.begin(&impersonated("session-test-1"), 1).await;
    bank.clock.advance(seconds(20));
    let again = bank.send(&impersonated("session-test-2"), Some(&intent), 1).await;
    assert_eq!(again.asked(), intent);
    let user = bank.token(&testing::session().proved(Factor::Password));
    assert_eq!(bank.send(&user, Some(&intent), 1).await.outcome, "paid");
}

#[tokio::test]
async fn a_policy_of_several_factors_needs_all_of_them_again() {
    let bank = Bank::new();
    let intents = Intents::new(bank.store.clone());
    let guard = bank.issuer.guard().once(&intents, Policy::mfa()).unwrap();
    let bank = Bank { guard, ..bank };
    let mfa = proved(&[Factor::Password, Factor::OtpSms]);
    let intent = bank.begin(&bank.token(&mfa), 1).await;
    bank.clock.advance(seconds(20));
    let one = bank.token(&mfa.clone().proved(Factor::OtpSms));
    let answer = bank.answer(&one, Some(&intent), 1).await;
    assert_eq!(Ending::of(&answer).asked(), intent);
    // A second factor is missing. The old password does not count.
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["unmet"][0]["have"], 1, "{body}");
    let both = bank.token(&mfa.proved(Factor::OtpSms).proved(Factor::Password));
    assert_eq!(bank.send(&both, Some(&intent), 1).await.outcome, "paid");
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_confirms_nothing() {
    let bank = Bank::new();
    let intent = bank.begin(&bank.token(&password()), 1).await;
    bank.clock.advance(seconds(20));
    let token = bank.token(&with_code());
    let guard = bank.guard.clone();
    let clock = bank.clock.clone();
    for revoke in [true, false] {
        let (guard, clock, intent) = (guard.clone(), clock.clone(), intent.clone());
        // The handler takes long before it asks.
        let slow = {
            let guard = guard.clone();
            move |request: Request<Full<Bytes>>| {
                let (guard, clock) = (guard.clone(), clock.clone());
                async move {
                    let (parts, _) = request.into_parts();
                    let once = Once::of(&parts).unwrap();
                    let session = once.grant().session().clone();
                    match revoke {
                        true => guard
                            .verifier()
                            .revoke_session(session.issuer(), "session-test-gone")
                            .await
                            .unwrap(),
                        false => clock.advance(seconds(400)),
                    }
                    let header = parts.headers["form-intent"].to_str().unwrap();
                    let action = Action::new("transfer").with("payee", "ada").with("cents", 1);
                    let refused = once.confirm(Some(header), &action).await.unwrap_err();
                    assert!(refused.intent().is_none());
                    Ok::<_, Infallible>(refused.respond().map(Full::from))
                }
            }
        };
        let token = match revoke {
            true => bank.token(&with_code().id("session-test-gone")),
            false => token.clone(),
        };
        let request = Request::post("/")
            .header("authorization", bearer(&token))
            .header("form-intent", intent)
            .body(Full::<Bytes>::default())
            .unwrap();
        let answer = send(&guard.layer(service_fn(slow)), request).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").contains("invalid_token"));
    }
}

/// A store that can be switched off.
#[derive(Clone)]
struct Switched {
    store: LocalIntents,
    is_off: Arc<AtomicBool>,
}

impl Switched {
    fn answer<T: Send + 'static>(&self, future: IntentFuture<T>) -> IntentFuture<T> {
        let is_off = Arc::clone(&self.is_off);
        Box::pin(async move {
            match is_off.load(Ordering::Relaxed) {
                true => Err(IntentsUnavailable::new(seconds(7), "the store is off")),
                false => future.await,
            }
        })
    }
}

impl IntentStore for Switched {
    fn create(&self, intent: Intent) -> IntentFuture<()> {
        self.answer(self.store.create(intent))
    }

    fn find(&self, user: &IntentUser, id: &IntentId) -> IntentFuture<Option<Found>> {
        self.answer(self.store.find(user, id))
    }

    fn consume(&self, intent: Intent) -> IntentFuture<bool> {
        self.answer(self.store.consume(intent))
    }
}

#[tokio::test]
async fn without_its_store_a_guard_confirms_nothing_and_says_when_to_try_again() {
    let bank = Bank::new();
    let is_off = Arc::new(AtomicBool::new(false));
    let store = Switched { store: bank.store.clone(), is_off: Arc::clone(&is_off) };
    let intents = Intents::new(store);
    let bank = bank.with(|guard| guard.once(&intents, code()).unwrap());
    let intent = bank.begin(&bank.token(&password()), 1).await;
    bank.clock.advance(seconds(20));
    let token = bank.token(&with_code());
    is_off.store(true, Ordering::Relaxed);
    for named in [None, Some("x"), Some(&*intent)] {
        let answer = bank.answer(&token, named, 1).await;
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("retry-after"), "7");
        assert_eq!(Ending::of(&answer).outcome, "intents-unavailable");
        assert!(!answer.body.contains("is off"), "{}", answer.body);
    }
    is_off.store(false, Ordering::Relaxed);
    assert_eq!(bank.send(&token, Some(&intent), 1).await.outcome, "paid");
}

#[tokio::test]
async fn a_full_store_refuses_new_intents_only() {
    let bank = Bank::new();
    let intents = Intents::new(bank.store.clone().max_entries(1));
    let bank = bank.with(|guard| guard.once(&intents, code()).unwrap());
    let intent = bank.begin(&bank.token(&password()), 1).await;
    let other = bank.token(&password().user("user-test-2"));
    assert_eq!(bank.send(&other, None, 1).await.outcome, "intents-unavailable");
    bank.clock.advance(seconds(20));
    assert_eq!(bank.send(&bank.token(&with_code()), Some(&intent), 1).await.outcome, "paid");
    bank.clock.advance(seconds(600));
    bank.begin(&bank.token(&password().user("user-test-2")), 1).await;
    assert_eq!(bank.store.len(), 1);
}

#[tokio::test]
async fn a_client_that_asks_forever_takes_no_more_memory() {
    let bank = Bank::new();
    let token = bank.token(&password());
    for cents in 0..500 {
        bank.begin(&token, cents).await;
    }
    assert_eq!(bank.store.len(), 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_requests_that_race_exactly_one_is_confirmed() {
    let bank = Arc::new(Bank::new());
    for round in 0..20 {
        let before = bank.token(&password());
        let intents = [bank.begin(&before, 1).await, bank.begin(&before, 2).await];
        bank.clock.advance(seconds(20));
        let token = bank.token(&with_code());
        let tasks: Vec<_> = (0..32)
            .map(|task| {
                let (bank, token, which) = (Arc::clone(&bank), token.clone(), task % 2);
                let intent = intents[which].clone();
                tokio::spawn(async move {
                    (which, bank.send(&token, Some(&intent), [1, 2][which]).await.outcome)
                })
            })
            .collect();
        let (mut paid, mut lost) = (Vec::new(), Vec::new());
        for task in tasks {
            let (which, outcome) = task.await.unwrap();
            if outcome == "paid" { paid.push(which) } else { lost.push((which, outcome)) }
        }
        let [winner] = *paid else { panic!("{round}: {paid:?}") };
        for (which, outcome) in lost {
            let want = if which == winner { "intent-used" } else { "step-up-required" };
            assert_eq!(outcome, want, "{round}");
        }
    }
}

#[tokio::test]
async fn the_challenge_is_that_of_the_guard() {
    let bank = Bank::new().with(|guard| guard.offer_factors([Factor::Totp, Factor::Password]));
    let token = bank.token(&proved(&[Factor::Password, Factor::Totp]));
    let answer = bank.answer(&token, None, 1).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["policy"], "transfer");
    assert_eq!(body["detail"], "authenticate with otp/sms or totp for this action");
    assert_eq!(body["prompts"], serde_json::json!([[{"factor": "totp", "reason": "missing"}]]));
    assert_eq!(body["retryable"], true);
    assert_eq!(answer.header("cache-control"), "no-store");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");

    let pages = Negotiated::new().step_up("/second-factor").unwrap().home("/home").unwrap();
    let bank = bank.with(|guard| guard.respond_with(pages));
    let request = Request::post("/transfer")
        .header("authorization", bearer(&token))
        .header("cents", 1)
        .header("sec-fetch-mode", "navigate");
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let answer = send(&bank.guard.layer(service_fn(transfer)), request).await;
    let intent = answer.header("step-up-intent");
    assert_eq!(answer.status, 303);
    assert_eq!(
        answer.header("location"),
        format!("/second-factor?return_to=/home&policy=transfer&intent={intent}&prompt=totp")
    );
}

#[tokio::test]
async fn a_responder_that_knows_no_intents_names_them_too() {
    let responder = |why: &Rejection, _: &http::request::Parts| {
        let mut response = Response::new(Bytes::from(why.reason()));
        *response.status_mut() = why.status();
        response
    };
    let bank = Bank::new().with(|guard| guard.respond_with(responder));
    let answer = bank.answer(&bank.token(&password()), None, 1).await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (401, "step_up_required"));
    assert_eq!(answer.header("step-up-intent").len(), 22);
}

#[tokio::test]
async fn the_request_to_the_issuer_meets_the_policies_of_the_guards_too() {
    for demands_outside in [false, true] {
        check_request_to_issuer(demands_outside).await;
    }
}

/// One guard has `once`, and the one outside or inside it demands a level.
async fn check_request_to_issuer(demands_outside: bool) {
    let clock = FixedClock::new();
    let openid = oidc::access_tokens("https://login.example.com", "https://api.example.com")
        .acr_values(["silver", "gold"]);
    let issuer = TestIssuer::standing_in_for(openid).unwrap().clock(clock.clone());
    let intents = Intents::new(LocalIntents::new());
    let demanding = issuer.guard().require(Policy::acr("silver"));
    let once = issuer.guard().once(&intents, Policy::session()).unwrap();
    let (outer, inner) = if demands_outside { (demanding, once) } else { (once, demanding) };
    let service = outer.layer(inner.layer(service_fn(transfer)));
    let call = async |acr: &str, auth_time: i64, named: &str| {
        let now = tower_step_up::Clock::now(&clock).unix_timestamp();
        let claims =
            serde_json::json!({"acr": acr, "auth_time": auth_time, "iat": now, "exp": now + 300});
        let request = Request::post("/")
            .header("authorization", bearer(&issuer.mint_with(&claims)))
            .header("cents", 1)
            .header("step-up-intent", named);
        send(&service, request.body(Full::<Bytes>::default()).unwrap()).await
    };
    let now = tower_step_up::Clock::now(&clock).unix_timestamp();
    let first = call("silver", now - 100, "").await;
    let body: Value = serde_json::from_str(&first.body).unwrap();
    let request = serde_json::json!({"acr_values": "silver gold", "max_age": 1});
    assert_eq!(body["authentication_request"], request);
    let intent = Ending::of(&first).asked();
    clock.advance(seconds(30));
    // A token that the provider has refreshed without asking the user.
    assert_eq!(Ending::of(&call("silver", now - 100, &intent).await).asked(), intent);
    // A new sign-in without the level that the other guard demands.
    assert_eq!(Ending::of(&call("0", now + 10, &intent).await).intent, None);
    assert_eq!(Ending::of(&call("gold", now + 10, &intent).await).outcome, "paid");
}

#[tokio::test]
async fn once_is_demanded_in_addition_if_it_is_set_twice() {
    let bank = Bank::new();
    let intents = Intents::new(bank.store.clone());
    let bank = bank.with(|guard| guard.once(&intents, Factor::Password).unwrap());
    let intent = bank.begin(&bank.token(&password()), 1).await;
    bank.clock.advance(seconds(20));
    assert_eq!(bank.send(&bank.token(&with_code()), Some(&intent), 1).await.asked(), intent);
    let both = with_code().proved(Factor::Password);
    assert_eq!(bank.send(&bank.token(&both), Some(&intent), 1).await.outcome, "paid");
}

#[tokio::test]
async fn a_handler_without_a_guard_that_has_once_gets_an_error() {
    let lacks = |request: Request<Full<Bytes>>| async move {
        let missing = Once::of(&request.into_parts().0).unwrap_err();
        let name = match missing {
            MissingOnce::NoGuard => "no guard",
            MissingOnce::NotOnce => "not once",
            MissingOnce::OptionalGuard => "optional",
            _ => "other",
        };
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(name)))
    };
    let bank = Bank::new();
    let request = || {
        let request = Request::get("/").header("authorization", bearer(&bank.token(&password())));
        request.body(Full::<Bytes>::default()).unwrap()
    };
    assert_eq!(send(&service_fn(lacks), request()).await.body, "no guard");
    let guard = bank.issuer.guard();
    assert_eq!(send(&guard.layer(service_fn(lacks)), request()).await.body, "not once");
    // The mark of the outer guard does not outlive its grant.
    let empty = Request::new(Full::<Bytes>::default());
    let optional = bank.guard.optional();
    assert_eq!(send(&optional.layer(service_fn(lacks)), empty).await.body, "optional");
    let nested = bank.guard.layer(guard.credentials([]).optional().layer(service_fn(lacks)));
    assert_eq!(send(&nested, request()).await.body, "optional");
}

#[test]
fn each_decision_about_an_action_is_logged_as_one_line() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bank = Bank::new();
    let (before, after) = (bank.token(&password()), bank.token(&with_code()));
    let log = |token: &str, named: Option<&str>, cents| {
        let (ending, lines) =
            logged(Level::DEBUG, || runtime.block_on(bank.send(token, named, cents)));
        let [granted, line] = lines.try_into().unwrap();
        assert!(granted.contains("decision=\"granted\""), "{granted}");
        assert!(!line.contains("ada") && !line.contains("120000"), "{line}");
        (ending, line)
    };
    let (ending, line) = log(&before, None, 120_000);
    let intent = ending.asked();
    let user = "issuer=\"stytch.com/project-test-00000000-0000-4000-8000-000000000000\" \
                session_id=\"session-test-00000000-0000-4000-8000-000000000000\" \
                user_id=\"user-test-00000000-0000-4000-8000-000000000000\"";
    let challenged = |cause: &str, intent: &str| {
        format!(
            "INFO tower_step_up::guard: decision=\"refused\" policy=transfer \
             reason=\"step_up_required\" cause=\"{cause}\" detail=otp/sms: missing; totp: missing \
             status=401 action=transfer intent=\"{intent}\" {user}"
        )
    };
    assert_eq!(line, challenged("no_intent", &intent));
    for (named, cents, cause) in
        [("x", 1, "unknown"), (&*intent, 1, "other_action"), (&*intent, 120_000, "not_proved")]
    {
        let (ending, line) = log(&before, Some(named), cents);
        assert_eq!(ending.cause.as_deref(), Some(cause));
        assert_eq!(line, challenged(cause, &ending.asked()));
    }
    bank.clock.advance(seconds(1));
    let (ending, line) = log(&after, Some(&intent), 120_000);
    assert_eq!(ending.outcome, "paid");
    assert_eq!(
        line,
        format!(
            "DEBUG tower_step_up::guard: decision=\"confirmed\" policy=transfer action=transfer \
             intent=\"{intent}\" {user}"
        )
    );
    let (ending, line) = log(&after, Some(&intent), 120_000);
    assert_eq!(ending.cause.as_deref(), Some("used"));
    assert_eq!(
        line,
        format!(
            "INFO tower_step_up::guard: decision=\"refused\" policy=transfer reason=\"intent_used\" \
             cause=\"used\" detail=this action was confirmed already status=409 \
             action=transfer intent=\"{intent}\" {user}"
        )
    );
}

/// An issuer that adds methods to a session, and dates only the sign-in.
struct DatesTheSignIn;

impl Profile for DatesTheSignIn {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        claims.text("method")?.iter().for_each(|name| evidence.amr(name, None));
        Ok(evidence)
    }

    fn names(&self) -> Names {
        Names::new().amr("app", [Factor::Totp])
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::sign_in_only();
        capabilities.names_methods = true;
        capabilities
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::methods(["app"])
    }
}

#[tokio::test]
async fn a_method_without_a_date_is_not_asked_for() {
    let issuer = Issuer::new("https://acme.example", DatesTheSignIn).audience("api");
    let test = TestIssuer::standing_in_for(issuer).unwrap();
    let intents = Intents::new(LocalIntents::new());
    assert!(test.guard().once(&intents, Factor::Totp).is_err());
    let guard = test.guard().once(&intents, Policy::session()).unwrap();
    let request = Request::post("/")
        .header("authorization", bearer(&test.mint_with(&serde_json::json!({"method": "app"}))))
        .header("cents", 1);
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let answer = send(&guard.layer(service_fn(transfer)), request).await;
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&body["retryable"], &body["prompts"]), (&false.into(), &serde_json::json!([])));
}

/// The handler acts for the user of the inner guard, and the proofs would be those of another.
#[tokio::test]
async fn guards_with_different_users_confirm_nothing() {
    let bank = Bank::new();
    let inner = bank.issuer.guard().credentials([CredentialSource::cookie("stytch_session_jwt")]);
    let of_request = async |request: Request<Full<Bytes>>| {
        let (parts, _) = request.into_parts();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(match Once::of(&parts) {
            Ok(_) => "once",
            Err(MissingOnce::AnotherUser) => "another user",
            Err(_) => "none",
        })))
    };
    let service = bank.guard.layer(inner.layer(service_fn(of_request)));
    for (user, want) in [("mallory", "once"), ("victim", "another user")] {
        let cookie = bank.token(&password().user(user).id("session-of-cookie"));
        let request = Request::post("/")
            .header("authorization", bearer(&bank.token(&password().user("mallory"))))
            .header("cookie", format!("stytch_session_jwt={cookie}"));
        let answer = send(&service, request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.body, want, "{user}");
    }
}

#[tokio::test]
async fn the_policies_of_the_guards_have_to_hold_when_the_action_is_confirmed() {
    let fresh = || Policy::from(Factor::Password).within(seconds(100));
    for is_inner in [false, true] {
        let bank = Bank::new();
        let own = bank.guard.require(if is_inner { Policy::session() } else { fresh() });
        let inner = bank.issuer.guard().require(if is_inner { fresh() } else { Policy::session() });
        let clock = bank.clock.clone();
        // The handler takes long, for example to read a body.
        let slow = move |request: Request<Full<Bytes>>| {
            if request.headers().contains_key("slow") {
                clock.advance(seconds(101));
            }
            transfer(request)
        };
        let service = own.layer(inner.layer(service_fn(slow)));
        let call = async |session: &SessionBuilder, named: &str, speed: &'static str| {
            let request = Request::post("/transfer")
                .header("authorization", bearer(&bank.token(session)))
                .header("cents", 1)
                .header("form-intent", named)
                .header(speed, "1");
            Ending::of(&send(&service, request.body(Full::default()).unwrap()).await)
        };
        let intent = call(&password(), "", "fast").await.asked();
        bank.clock.advance(seconds(20));
        let slow = call(&with_code(), &intent, "slow").await;
        assert_eq!((&*slow.outcome, slow.cause.as_deref()), ("step-up-required", Some("session")));
        // The intent was not used.
        let fast = call(&with_code(), &intent, "fast").await;
        assert_eq!(fast.outcome, "paid", "{is_inner}");
    }
}
