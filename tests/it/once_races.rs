//! Proofs for one action, if something happens between two steps of a confirmation.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use time::OffsetDateTime;
use tower::{Layer, service_fn};
use tower_step_up::intent::{
    Found, Intent, IntentFuture, IntentId, IntentStore, IntentUser, IntentsUnavailable,
    LocalIntents,
};
use tower_step_up::testing::{FixedClock, TestIssuer};
use tower_step_up::token::{
    LocalRevocations, RevocationFuture, Revocations, RevocationsUnavailable, Revoked,
};
use tower_step_up::{Action, Factor, Intents, Once, Session, StepUpLayer};

use crate::support::{bearer, issuer, proved, seconds, send};

/// What happens once a request has found its intent.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    /// Another request uses the intent that was created in this place.
    Uses(usize),
    /// The store fails.
    Fails,
    /// The store returns the intent that was created first, whatever it was asked for.
    MixesUp,
}

/// A store in which something happens between the two steps of a confirmation.
#[derive(Clone)]
struct Store {
    intents: LocalIntents,
    created: Arc<Mutex<Vec<Intent>>>,
    then: Arc<Mutex<Then>>,
}

impl IntentStore for Store {
    fn create(&self, intent: Intent) -> IntentFuture<()> {
        self.created.lock().unwrap().push(intent.clone());
        self.intents.create(intent)
    }

    fn find(&self, user: &IntentUser, id: &IntentId) -> IntentFuture<Option<Found>> {
        let (store, user, id) = (self.clone(), user.clone(), id.clone());
        Box::pin(async move {
            let found = store.intents.find(&user, &id).await;
            let used = match *store.then.lock().unwrap() {
                Then::Uses(place) => Some(store.created.lock().unwrap()[place].clone()),
                Then::MixesUp => {
                    let intent = store.created.lock().unwrap()[0].clone();
                    return Ok(Some(Found::Open { intent, spent: None }));
                }
                Then::Nothing | Then::Fails => None,
            };
            if let Some(intent) = used {
                store.intents.consume(intent).await?;
            }
            found
        })
    }

    fn consume(&self, intent: Intent) -> IntentFuture<bool> {
        match *self.then.lock().unwrap() {
            Then::Fails => {
                let error = IntentsUnavailable::new(seconds(7), "the answer was lost");
                Box::pin(async { Err(error) })
            }
            Then::Nothing | Then::Uses(_) | Then::MixesUp => self.intents.consume(intent),
        }
    }
}

/// A bank whose guard has this store.
struct Bank {
    clock: FixedClock,
    issuer: TestIssuer,
    store: Store,
    guard: StepUpLayer,
}

impl Bank {
    fn new() -> Self {
        let clock = FixedClock::new();
        let issuer = issuer().clone().clock(clock.clone());
        let store = Store {
            intents: LocalIntents::new(),
            created: Arc::default(),
            then: Arc::new(Mutex::new(Then::Nothing)),
        };
        let guard = issuer.guard().once(&Intents::new(store.clone()), Factor::OtpSms).unwrap();
        Self { clock, issuer, store, guard }
    }

    /// Begins this many transfers, and returns the ids of their intents and a token with a new code.
    async fn begin(&self, count: u64) -> (Vec<String>, String) {
        let token = self.issuer.mint(&proved(&[Factor::Password]));
        for cents in 0..count {
            assert!(self.send(&token, "", cents).await.0.starts_with("step_up_required"));
        }
        self.clock.advance(seconds(20));
        let created = self.store.created.lock().unwrap();
        let ids = created.iter().map(|intent| intent.id.to_string()).collect();
        (ids, self.issuer.mint(&proved(&[Factor::Password]).proved(Factor::OtpSms)))
    }

    /// Returns "paid", or the reason and the cause, and the intent that the response names.
    async fn send(&self, token: &str, intent: &str, cents: u64) -> (String, String) {
        let request = Request::post("/")
            .header("authorization", bearer(token))
            .header("step-up-intent", intent)
            .header("cents", cents);
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let response = send(&self.guard.layer(service_fn(transfer)), request).await;
        (response.body.clone(), response.header("step-up-intent").to_owned())
    }
}

async fn transfer(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, _) = request.into_parts();
    let cents = parts.headers["cents"].to_str().unwrap();
    let once = Once::of(&parts).unwrap();
    Ok(match once.confirm(None, &Action::new("transfer").with("cents", cents)).await {
        Ok(_) => Response::new("paid".into()),
        Err(refused) => {
            let outcome = format!("{} {}", refused.rejection().reason(), refused.cause().name());
            refused.respond().map(|_| outcome.into())
        }
    })
}

#[tokio::test]
async fn a_request_that_another_one_overtakes_is_refused() {
    // Of two intents, the request names the first.
    for (then, outcome, names_it) in [
        (Then::Nothing, "paid", false),
        (Then::Uses(0), "intent_used used", true),
        (Then::Uses(1), "step_up_required unknown", false),
        (Then::Fails, "intents_unavailable unavailable", false),
    ] {
        let bank = Bank::new();
        let (ids, token) = bank.begin(2).await;
        *bank.store.then.lock().unwrap() = then;
        let (got, named) = bank.send(&token, &ids[0], 0).await;
        assert_eq!((&*got, named == ids[0]), (outcome, names_it));
    }
}

#[tokio::test]
async fn a_store_that_mixes_up_its_users_or_intents_costs_a_challenge_only() {
    let bank = Bank::new();
    let (ids, token) = bank.begin(2).await;
    *bank.store.then.lock().unwrap() = Then::MixesUp;
    assert_eq!(bank.send(&token, &ids[1], 0).await.0, "step_up_required unknown");
    let other = proved(&[Factor::Password]).proved(Factor::OtpSms).user("user-test-2");
    let other = bank.issuer.mint(&other);
    assert_eq!(bank.send(&other, &ids[0], 0).await.0, "step_up_required unknown");
    assert_eq!(bank.send(&token, &ids[0], 0).await.0, "paid");
}

/// A store of revocations whose replica has an age.
#[derive(Clone, Default)]
struct Aged {
    revocations: LocalRevocations,
    age: Arc<Mutex<Duration>>,
}

impl Revocations for Aged {
    fn is_revoked(&self, session: &Session) -> Result<bool, RevocationsUnavailable> {
        self.revocations.is_revoked(session)
    }

    fn replica_age(&self) -> Duration {
        *self.age.lock().unwrap()
    }

    fn keep_at_least(&self, issuer: &str, duration: Duration) {
        self.revocations.keep_at_least(issuer, duration);
    }

    fn revoke(&self, revoked: Revoked, at: OffsetDateTime) -> RevocationFuture {
        self.revocations.revoke(revoked, at)
    }
}

#[tokio::test]
async fn a_replica_that_became_too_old_while_the_handler_ran_confirms_nothing() {
    let bank = Bank::new();
    let (ids, token) = bank.begin(1).await;
    let aged = Aged::default();
    let guard = StepUpLayer::new(bank.issuer.verifier().revocations(aged.clone()))
        .max_replica_age(seconds(10))
        .once(&Intents::new(bank.store.clone()), Factor::OtpSms)
        .unwrap();
    let slow = move |request: Request<Full<Bytes>>| {
        let age = Arc::clone(&aged.age);
        async move {
            *age.lock().unwrap() = seconds(11);
            transfer(request).await
        }
    };
    let request = Request::post("/")
        .header("authorization", bearer(&token))
        .header("step-up-intent", &ids[0])
        .header("cents", 0);
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let response = send(&guard.layer(service_fn(slow)), request).await;
    assert_eq!(
        (response.status.as_u16(), &*response.body),
        (503, "revocations_unavailable session")
    );
    assert_eq!(response.header("retry-after"), "1");
    // The intent is still open.
    assert_eq!(bank.send(&token, &ids[0], 0).await.0, "paid");
}
