//! Two instances over HTTP, each with its own store.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use http::Request;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower_step_up::testing::{FixedClock, SessionBuilder, TestIssuer};
use tower_step_up::{Action, Factor, Intents, Once, Policy, Unconfirmed};
use tower_step_up_redis::RedisIntents;

use crate::server::Redis;
use crate::support::{PATIENCE, issuer, seconds, server, within};

/// A bank with two instances. Each transfer needs a new code.
struct Bank {
    clock: FixedClock,
    issuer: TestIssuer,
    instances: [SocketAddr; 2],
}

/// The status of an answer, its intent, and its `Retry-After`.
#[derive(Debug, PartialEq)]
struct Answer(u16, Option<String>, Option<String>);

async fn transfer(once: Once, headers: HeaderMap) -> Result<String, Unconfirmed> {
    let cents: u64 = headers["cents"].to_str().unwrap().parse().unwrap();
    once.confirm(None, &Action::new("transfer").with("cents", cents)).await?;
    Ok("paid".into())
}

async fn instance(issuer: &TestIssuer, redis: &Redis, timeout: Duration) -> SocketAddr {
    let store = RedisIntents::new(server(&redis.url())).timeout(timeout);
    let code = Policy::any_of([Factor::OtpSms, Factor::Totp]);
    let guard = issuer.guard().once(&Intents::new(store), code).unwrap();
    let app = Router::new().route("/transfer", post(transfer).layer(guard));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

impl Bank {
    async fn start(redis: &Redis, timeout: Duration) -> Self {
        let clock = FixedClock::new();
        let issuer = issuer().clone().clock(clock.clone());
        let instances =
            [instance(&issuer, redis, timeout).await, instance(&issuer, redis, timeout).await];
        Self { clock, issuer, instances }
    }

    async fn send(
        &self,
        at: usize,
        session: &SessionBuilder,
        intent: Option<&str>,
        cents: u64,
    ) -> Answer {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut request = Request::post(format!("http://{}/transfer", self.instances[at]))
            .header("authorization", format!("Bearer {}", self.issuer.mint(session)))
            .header("cents", cents);
        if let Some(intent) = intent {
            request = request.header("step-up-intent", intent);
        }
        let request = request.body(Empty::<bytes::Bytes>::new()).unwrap();
        let answer = within(client.request(request)).await.unwrap();
        let header =
            |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        Answer(answer.status().as_u16(), header("step-up-intent"), header("retry-after"))
    }
}

fn password() -> SessionBuilder {
    crate::support::session("s")
}

fn with_code() -> SessionBuilder {
    password().proved(Factor::OtpSms)
}

#[tokio::test]
async fn an_action_that_begins_at_one_instance_is_confirmed_at_another_once() {
    let Some(redis) = Redis::start().await else { return };
    let bank = Bank::start(&redis, PATIENCE).await;
    let Answer(401, Some(intent), None) = bank.send(0, &password(), None, 1).await else {
        panic!("a challenge")
    };
    let open = Answer(401, Some(intent.clone()), None);
    assert_eq!(bank.send(1, &password(), Some(&intent), 1).await, open);
    bank.clock.advance(seconds(20));
    let after = with_code();
    // Another amount, and another user.
    for (session, cents) in [(after.clone(), 2), (after.clone().user("user-test-2"), 1)] {
        let Answer(status, new, _) = bank.send(1, &session, Some(&intent), cents).await;
        assert!(status == 401 && new.is_some_and(|new| new != intent));
    }
    assert_eq!(bank.send(1, &after, Some(&intent), 1).await, Answer(200, None, None));
    for at in [0, 1, 0] {
        let Answer(status, used, _) = bank.send(at, &after, Some(&intent), 1).await;
        assert_eq!((status, used), (409, Some(intent.clone())));
    }
    // The code does not confirm another action at the other instance.
    let Answer(401, Some(next), None) = bank.send(0, &after, None, 3).await else {
        panic!("a challenge")
    };
    assert_eq!(bank.send(1, &after, Some(&next), 3).await, Answer(401, Some(next.clone()), None));
    // The intent expires by the clock of the instances.
    bank.clock.advance(seconds(600));
    let Answer(status, new, _) = bank.send(0, &with_code(), Some(&next), 3).await;
    assert!(status == 401 && new.is_some_and(|new| new != next));
}

#[tokio::test]
async fn of_many_retries_at_both_instances_one_passes() {
    let Some(redis) = Redis::start().await else { return };
    let bank = Bank::start(&redis, PATIENCE).await;
    for _ in 0..10 {
        let Answer(_, Some(intent), _) = bank.send(0, &password(), None, 1).await else {
            panic!("a challenge")
        };
        bank.clock.advance(seconds(20));
        let session = with_code();
        let (bank, session, intent) = (&bank, &session, &intent);
        let both = [0, 1].map(|at| async move {
            let send = || bank.send(at, session, Some(intent), 1);
            let (one, two, three) = tokio::join!(send(), send(), send());
            [one.0, two.0, three.0]
        });
        let [one, other] = both;
        let (one, other) = tokio::join!(one, other);
        let mut statuses = [one, other].concat();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
    }
}

#[tokio::test]
async fn an_outage_is_a_503_until_it_ends() {
    let Some(mut redis) = Redis::start().await else { return };
    let bank = Bank::start(&redis, Duration::from_millis(500)).await;
    let unavailable = Answer(503, None, Some("1".into()));
    redis.stop();
    assert_eq!(bank.send(0, &password(), None, 1).await, unavailable);
    redis.go_on();
    redis.kill();
    assert_eq!(bank.send(1, &password(), None, 1).await, unavailable);
    redis.restart().await;
    for at in [0, 1] {
        let mut last = bank.send(at, &password(), None, 1).await;
        let recovered = async {
            while last.0 == 503 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                last = bank.send(at, &password(), None, 1).await;
            }
        };
        within(recovered).await;
        assert_eq!(last.0, 401);
    }
}
