//! Instances whose clocks are apart.

use tower_step_up::testing::{self, FixedClock, NOW};
use tower_step_up::token::Revoked;
use tower_step_up::{Clock, Factor, Session};
use tower_step_up_redis::Settings;

use crate::server::Redis;
use crate::support::{ISSUER, Instance, KEY, eventually, issuer, seconds, server, within};

/// The slow clock stands at `NOW` and the fast one 5 s later, which is the leeway of a verifier.
#[tokio::test]
async fn users_are_revoked_alike_by_instances_whose_clocks_are_apart_by_the_leeway() {
    let Some(redis) = Redis::start().await else { return };
    let (slow, fast) = (FixedClock::new(), FixedClock::new());
    fast.advance(seconds(5));
    let start = |clock| Instance::start_with(server(&redis.url()), Settings::new(), clock);
    let instances = [("slow", start(slow)), ("fast", start(fast))];
    for (user, revoking) in &instances {
        within(revoking.revocations.ready()).await;
        let write = revoking.revocations.write(Revoked::user(ISSUER, user), revoking.clock.now());
        let written = within(write).await.unwrap();
        for (clock, checking) in &instances {
            within(checking.revocations.wait_for(&written)).await;
            // When sessions began, by the issuer's clock in seconds after `NOW`, and whether they
            // are over. The issuer's clock is between the two.
            for (began, want) in [(-60, true), (0, true), (5, true), (11, false), (60, false)] {
                let is_over = checking.refuses(&session_of(user, began));
                assert_eq!(is_over, want, "user of {user}, at {clock}, began {began}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_from_a_fast_clock_is_accepted_until_its_session_is_revoked() {
    let Some(redis) = Redis::start().await else { return };
    let fast = FixedClock::new();
    fast.advance(seconds(5));
    let slow = Instance::ready(server(&redis.url())).await;
    let fast = Instance::start_with(server(&redis.url()), Settings::new(), fast);
    assert_eq!(slow.status_of_token("/", &fast.token("s")).await, 200);
    for (id, revoking) in [("by-slow", &slow), ("by-fast", &fast)] {
        within(revoking.revocations.ready()).await;
        let written = revoking.revoke(id).await.unwrap();
        for instance in [&slow, &fast] {
            within(instance.revocations.wait_for(&written)).await;
            for token in [slow.token(id), fast.token(id)] {
                assert_eq!(instance.status_of_token("/", &token).await, 401, "{id}");
            }
        }
    }
}

/// The ids state the time of the server only.
#[tokio::test]
async fn a_server_whose_clock_is_an_hour_behind_weakens_no_revocation() {
    let Some(redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    let now = NOW.unix_timestamp() * 1_000;
    let hour = 3_600_000;
    redis
        .run::<()>(&format!("XADD {KEY} {}-0 kind user issuer {ISSUER} id u at {now}", now - hour))
        .await;
    eventually("the session is over", || instance.refuses(&session_of("u", -600))).await;
    assert!(!instance.refuses(&session_of("u", 60)));
    let new = Instance::ready(server(&redis.url())).await;
    assert!(new.refuses(&session_of("u", -600)));
    assert!(!new.refuses(&session_of("u", 60)));
}

#[tokio::test]
async fn a_date_in_the_future_ends_no_session_that_begins_later() {
    let Some(redis) = Redis::start().await else { return };
    let instance = Instance::ready(server(&redis.url())).await;
    let hour = NOW.unix_timestamp() * 1_000 + 3_600_000;
    redis.run::<()>(&format!("XADD {KEY} * kind user issuer {ISSUER} id u at {hour}")).await;
    eventually("the session is over", || instance.refuses(&session_of("u", 0))).await;
    assert!(!instance.refuses(&session_of("u", 60)));
}

/// Returns a session of this user, which began this many seconds after `NOW`.
fn session_of(user: &str, began: i64) -> Session {
    let later = FixedClock::new();
    later.advance(seconds(120));
    let age = seconds(120_u64.checked_add_signed(-began).unwrap());
    let session = testing::session().user(user).started_ago(age).proved(Factor::Password);
    let token = issuer().clone().clock(later.clone()).mint(&session);
    issuer().verifier().verify_at(&token, later.now()).unwrap()
}
