//! Faults during the renewal of a session.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use tokio::sync::Notify;
use tower_step_up::keys::{KeySet, KeySource, Refresh};
use tower_step_up::sessions::{AuthorityError, SessionAuthority};
use tower_step_up::testing::{FixedClock, TestIssuer, TestSessions};
use tower_step_up::{Factor, SessionTokens, StepUpLayer, Verifier};
use tracing::Level;

use crate::events::log_of;
use crate::renewal::{
    Body, Scripted, World, hammer, outcome, renewing, renewing_with, respond, set_cookies,
    with_bearer, with_cookies, with_header,
};
use crate::support::{ISSUER, issuer, proved, seconds};

fn tokens(jwt: String) -> SessionTokens {
    SessionTokens { session_token: "session-token-1".into(), session_jwt: jwt }
}

fn unavailable(retry_after: Option<Duration>) -> AuthorityError {
    match retry_after {
        Some(time) => AuthorityError::unavailable("scripted").retry_after(time),
        None => AuthorityError::unavailable("scripted"),
    }
}

/// Returns an authority that waits for the gate before it responds.
fn gated(world: &World) -> (Scripted, Arc<Notify>) {
    let (gate, sessions) = (Arc::new(Notify::new()), world.sessions.clone());
    let waiting = Arc::clone(&gate);
    let authority = Scripted::new(move |token| {
        let (gate, sessions) = (Arc::clone(&waiting), sessions.clone());
        async move {
            gate.notified().await;
            sessions.authenticate(token).await
        }
    });
    (authority, gate)
}

const SESSION: &str = "session-test-00000000-0000-4000-8000-000000000001";
const USER: &str = "user-test-00000000-0000-4000-8000-000000000000";

#[tokio::test]
async fn a_thousand_requests_with_one_expired_token_cause_one_call() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let (authority, gate) = gated(&world);
    let guard = renewing(world.issuer.guard(), authority.clone());
    let requests: Vec<_> = (0..1_000)
        .map(|_| {
            let (guard, request) = (guard.clone(), with_cookies(&expired));
            tokio::spawn(async move { respond(&guard, request).await.status.as_u16() })
        })
        .collect();
    while authority.calls() == 0 {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(authority.calls(), 1);
}

#[tokio::test]
async fn a_cancelled_request_does_not_cancel_the_call_that_others_wait_for() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let (authority, gate) = gated(&world);
    let guard = renewing(world.issuer.guard(), authority.clone());
    let request = |expired: &SessionTokens| {
        let (guard, request) = (guard.clone(), with_cookies(expired));
        tokio::spawn(async move { outcome(&guard, request).await })
    };
    let leader = request(&expired);
    while authority.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let follower = request(&expired);
    tokio::task::yield_now().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.notify_one();
    assert_eq!(follower.await.unwrap(), (200, ""));
    assert_eq!(authority.calls(), 1);
}

#[tokio::test]
async fn no_user_gets_another_users_session() {
    let world = World::new();
    let users: Vec<_> = (0..50).map(|user| format!("user-test-{user}")).collect();
    let begun: Vec<_> = users
        .iter()
        .map(|user| world.sessions.begin(&proved(&[Factor::Password]).user(user)))
        .collect();
    world.clock.advance(seconds(400));
    let guard = world.guard();
    hammer(&guard, 20, &users, &begun).await;
    // Each session causes one call for its JWT and one for its opaque token.
    assert_eq!(world.sessions.calls(), 100);
}

#[tokio::test]
async fn a_session_of_another_user_or_project_is_refused() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let another_user = world.issuer.mint(&proved(&[Factor::Password]).user("user-test-2"));
    let another_project = issuer().clone().clock(world.clock.clone()).project("project-test-2");
    let stranger = TestIssuer::new().clock(world.clock.clone());
    for jwt in [
        another_user,
        another_project.mint(&proved(&[Factor::Password])),
        stranger.mint(&proved(&[Factor::Password])),
        String::new(),
        "a.b.c".into(),
        expired.session_jwt.clone(),
    ] {
        let authority = Scripted::new(move |_| {
            let tokens = tokens(jwt.clone());
            async { Ok(tokens) }
        });
        let guard = renewing(world.issuer.guard(), authority.clone());
        for _ in 0..3 {
            let refused = respond(&guard, with_cookies(&expired)).await;
            assert_eq!((refused.status.as_u16(), set_cookies(&refused).len()), (503, 0));
            assert_eq!(refused.header("retry-after"), "1");
        }
        assert_eq!(authority.calls(), 1);
    }
    for token in ["", "a;b", "a b", "a\r\nb", "\"a\"", &"x".repeat(1_025)] {
        let (jwt, token) = (world.issuer.mint(&proved(&[Factor::Password])), token.to_owned());
        let authority = Scripted::new(move |_| {
            let tokens = SessionTokens { session_token: token.clone(), session_jwt: jwt.clone() };
            async { Ok(tokens) }
        });
        let guard = renewing(world.issuer.guard(), authority);
        assert_eq!(outcome(&guard, with_cookies(&expired)).await, (503, "authority_unavailable"));
    }
}

#[tokio::test]
async fn an_unavailable_authority_is_a_503_only_for_requests_that_need_it() {
    let world = World::new();
    let (old, alive) = (
        world.expired(&proved(&[Factor::Password])),
        world.sessions.begin(&proved(&[Factor::Password])),
    );
    for (says, want, quiet_for) in
        [(None, "1", 1), (Some(0), "1", 1), (Some(7), "7", 7), (Some(9_999), "60", 60)]
    {
        let authority = Scripted::new(move |_| async move { Err(unavailable(says.map(seconds))) });
        let guard = renewing(world.issuer.guard(), authority.clone());
        let refused = respond(&guard, with_cookies(&old)).await;
        assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, want));
        assert_eq!((refused.header("www-authenticate"), set_cookies(&refused).len()), ("", 0));
        assert_eq!(outcome(&guard, with_cookies(&alive)).await, (200, ""));
        // For a while the guard does not ask about this session again. If the authority stated a
        // pause, it does not ask about the other session either.
        assert_eq!(outcome(&guard, with_cookies(&old)).await, (503, "authority_unavailable"));
        assert_eq!(authority.calls(), 1);
        let other = with_header("cookie", "stytch_session=another");
        assert_eq!(outcome(&guard, other).await, (503, "authority_unavailable"));
        assert_eq!(authority.calls(), if says.is_some() { 1 } else { 2 });
        world.clock.advance(seconds(quiet_for));
        let calls = authority.calls();
        assert_eq!(outcome(&guard, with_cookies(&old)).await, (503, "authority_unavailable"));
        assert_eq!(authority.calls(), calls + 1);
    }
    let confirmed =
        renewing(world.issuer.guard(), Scripted::new(|_| async { Err(unavailable(None)) }));
    let alive = world.sessions.begin(&proved(&[Factor::Password]));
    assert_eq!(
        outcome(&confirmed.confirmed_within(seconds(60)), with_cookies(&alive)).await,
        (503, "authority_unavailable")
    );
}

#[tokio::test]
async fn an_authority_that_never_responds_or_panics_is_a_503_in_time() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let silent = Scripted::new(|_| std::future::pending());
    let time_limit = Duration::from_millis(20);
    let guard = renewing_with(world.issuer.guard(), silent.clone(), |sessions| {
        sessions.timeout(time_limit)
    });
    assert_eq!(outcome(&guard, with_cookies(&expired)).await, (503, "authority_unavailable"));
    world.clock.advance(seconds(1));
    assert_eq!(outcome(&guard, with_cookies(&expired)).await, (503, "authority_unavailable"));
    assert_eq!(silent.calls(), 2);

    let panics = Scripted::new(|_| async { panic!("scripted") });
    let guard = renewing(world.issuer.guard(), panics.clone());
    for calls in 1..3 {
        assert_eq!(outcome(&guard, with_cookies(&expired)).await, (503, "authority_unavailable"));
        assert_eq!(panics.calls(), calls);
    }
}

#[test]
fn a_call_lost_with_its_runtime_is_made_again_on_a_living_one() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for opaque in [false, true] {
        let (is_first, sessions) = (AtomicBool::new(true), world.sessions.clone());
        let authority = Scripted::new(move |token| {
            let is_first = is_first.swap(false, Ordering::SeqCst);
            let response = sessions.authenticate(token);
            async move { if is_first { std::future::pending().await } else { response.await } }
        });
        let guard = renewing(world.issuer.guard(), authority.clone());
        let ask = || {
            let request = match opaque {
                false => with_cookies(&expired),
                true => with_header("cookie", &format!("stytch_session={}", expired.session_token)),
            };
            let guard = guard.clone();
            async move { outcome(&guard, request).await }
        };
        let (leading, following) = (runtime(), runtime());
        let leader = leading.spawn(ask());
        leading.block_on(async {
            while authority.calls() == 0 {
                tokio::task::yield_now().await;
            }
        });
        let followers: Vec<_> = (0..50).map(|_| following.spawn(ask())).collect();
        following.block_on(tokio::task::yield_now());
        drop(leading);
        for follower in followers {
            assert_eq!(following.block_on(follower).unwrap(), (200, ""));
        }
        assert_eq!(authority.calls(), 2);
        drop(leader);
    }
}

#[test]
fn a_call_lost_with_its_runtime_twice_leaves_no_request_waiting() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let silent = Scripted::new(|_| std::future::pending());
    let guard = renewing(world.issuer.guard(), silent.clone());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ask = || {
        let (guard, request) = (guard.clone(), with_cookies(&expired));
        async move { outcome(&guard, request).await }
    };
    let until_calls = async |calls| {
        while silent.calls() < calls {
            tokio::task::yield_now().await;
        }
    };
    let (first, second, living) = (runtime(), runtime(), runtime());
    drop(first.spawn(ask()));
    first.block_on(until_calls(1));
    let waiting = living.spawn(ask());
    living.block_on(tokio::task::yield_now());
    drop(first);
    // Before the waiting request notices, a second call begins, which is lost in the same way.
    drop(second.spawn(ask()));
    second.block_on(until_calls(2));
    living.block_on(tokio::task::yield_now());
    drop(second);
    assert_eq!(living.block_on(waiting).unwrap(), (503, "authority_unavailable"));
    // Outside a runtime the guard cannot ask the authority.
    let mut future = Box::pin(outcome(&guard, with_cookies(&expired)));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(got) = future.as_mut().poll(&mut context) else {
        panic!("the request waits")
    };
    assert_eq!(got, (503, "authority_unavailable"));
}

#[tokio::test]
async fn a_session_that_is_revoked_during_its_renewal_is_not_renewed() {
    for by_user in [false, true] {
        let world = World::new();
        let expired = world.expired(&proved(&[Factor::Password]));
        let (authority, gate) = gated(&world);
        let guard = renewing(StepUpLayer::new(world.issuer.verifier()), authority.clone());
        for opaque in [false, true] {
            let request = match opaque {
                false => with_cookies(&expired),
                true => with_header("cookie", "stytch_session=session-token-1"),
            };
            let asked = tokio::spawn({
                let guard = guard.clone();
                async move { respond(&guard, request).await }
            });
            while authority.calls() <= usize::from(opaque) {
                tokio::task::yield_now().await;
            }
            let verifier = guard.verifier();
            let revoked = match by_user {
                false => verifier.revoke_session(ISSUER, SESSION).await,
                true => verifier.revoke_user(ISSUER, USER).await,
            };
            revoked.unwrap();
            gate.notify_one();
            let refused = asked.await.unwrap();
            assert_eq!((refused.status.as_u16(), set_cookies(&refused).len()), (401, 0));
            if !opaque {
                // The next request does not even ask the authority.
                assert_eq!(outcome(&guard, with_cookies(&expired)).await, (401, "session_revoked"));
                assert_eq!(authority.calls(), 1);
                break;
            }
        }
    }
}

#[tokio::test]
async fn clocks_that_differ_cause_no_repeated_renewals() {
    // By how many seconds our clock is ahead of the authority's, and the status that follows.
    for (ahead, want) in
        [(0, 200), (30, 200), (290, 200), (310, 503), (-3, 200), (-30, 503), (-4_000, 503)]
    {
        let theirs = FixedClock::new();
        theirs.advance(seconds(10_000));
        let ours = FixedClock::new();
        ours.advance(Duration::from_secs(10_000_u64.saturating_add_signed(ahead)));
        let issuer = issuer().clone().clock(theirs);
        let sessions = TestSessions::new(&issuer);
        let begun = sessions.begin(&proved(&[Factor::Password]));
        let verifier =
            Verifier::new(issuer.clone(), [issuer.name()], issuer.audience()).clock(ours);
        let guard = renewing(StepUpLayer::new(verifier), sessions.clone());
        let opaque = || with_header("cookie", &format!("stytch_session={}", begun.session_token));
        for _ in 0..3 {
            assert_eq!(outcome(&guard, opaque()).await.0, want, "{ahead}");
        }
        assert_eq!(sessions.calls(), 1, "{ahead}");
    }
}

/// Keys whose next set arrives with a refresh.
struct Rotating {
    current: Mutex<Arc<KeySet>>,
    next: Arc<KeySet>,
}

#[derive(Clone)]
struct Handle(Arc<Rotating>);

impl KeySource for Handle {
    fn current(&self) -> Option<Arc<KeySet>> {
        Some(Arc::clone(&self.0.current.lock().unwrap()))
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        let Self(keys) = self.clone();
        Some(Box::pin(async move {
            *keys.current.lock().unwrap() = Arc::clone(&keys.next);
            Ok(())
        }))
    }
}

#[tokio::test]
async fn a_renewed_jwt_under_a_key_not_yet_seen_waits_for_the_key() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let successor = world.issuer.clone().with_new_key(tower_step_up::keys::Algorithm::Rs256);
    let both = {
        let read = |issuer: &TestIssuer| {
            serde_json::from_str::<serde_json::Value>(issuer.jwks()).unwrap()["keys"][0].clone()
        };
        serde_json::json!({"keys": [read(&world.issuer), read(&successor)]}).to_string()
    };
    let keys = Rotating {
        current: Mutex::new(world.issuer.current().unwrap()),
        next: Arc::new(KeySet::from_jwks(both.as_bytes()).unwrap()),
    };
    let verifier =
        Verifier::new(Handle(Arc::new(keys)), [world.issuer.name()], world.issuer.audience());
    let jwt = successor.mint(&proved(&[Factor::Password]));
    let authority = Scripted::new(move |_| {
        let tokens = tokens(jwt.clone());
        async { Ok(tokens) }
    });
    let guard = renewing(StepUpLayer::new(verifier.clock(world.clock.clone())), authority);
    assert_eq!(outcome(&guard, with_cookies(&expired)).await, (200, ""));
}

#[tokio::test]
async fn headers_of_any_size_and_kind_have_a_defined_outcome() {
    let world = World::new();
    let guard = world.guard();
    let jwt = world.sessions.begin(&proved(&[Factor::Password])).session_jwt;
    let megabyte = "x".repeat(1 << 20);
    let many = (0..10_000).map(|number| format!("c{number}=v; ")).collect::<String>();
    let raw = |value: &[u8]| {
        let value = http::HeaderValue::from_bytes(value).unwrap();
        Request::get("/").header("cookie", value).body(Body::default()).unwrap()
    };
    for (request, want) in [
        (raw(format!("stytch_session={megabyte}").as_bytes()), (401, "session_unknown")),
        (raw(format!("stytch_session_jwt={megabyte}").as_bytes()), (401, "token_too_large")),
        (raw(format!("other={megabyte}").as_bytes()), (401, "no_credentials")),
        (raw(format!("{many}stytch_session_jwt={jwt}").as_bytes()), (200, "")),
        (raw(many.as_bytes()), (401, "no_credentials")),
        (raw(b"stytch_session=\xff\xfe"), (401, "session_unknown")),
        (raw(b"stytch_session_jwt=\xff\xfe"), (400, "unreadable_cookie")),
        (raw(format!("\u{e4}=\u{fc}; stytch_session_jwt={jwt}").as_bytes()), (200, "")),
        (raw(b"stytch_session=a; stytch_session=b"), (400, "several_cookies")),
        (with_header("authorization", &format!("Bearer {megabyte}")), (401, "token_too_large")),
    ] {
        assert_eq!(outcome(&guard, request).await, want);
    }
    assert_eq!(world.sessions.calls(), 0);
}

#[test]
fn no_token_appears_in_logs_or_debug_output() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let fresh = world.sessions.begin(&proved(&[Factor::Password]));
    let another = world.sessions.begin(&proved(&[Factor::Password]).user("user-test-2"));
    let responses: [fn(SessionTokens) -> Result<SessionTokens, AuthorityError>; 4] = [
        Ok,
        |_| Err(AuthorityError::UnknownSession),
        |_| Err(unavailable(Some(seconds(7)))),
        |tokens| Ok(SessionTokens { session_jwt: format!("{}AAAA", tokens.session_jwt), ..tokens }),
    ];
    for respond in responses {
        for given in [&fresh, &another] {
            let tokens = given.clone();
            let authority = Scripted::new(move |_| {
                let response = respond(tokens.clone());
                async { response }
            });
            let guard = renewing_with(world.issuer.guard(), authority, |sessions| {
                sessions.send_fresh_jwt()
            });
            let opaque =
                with_header("cookie", &format!("stytch_session={}", expired.session_token));
            for request in [with_cookies(&expired), with_bearer(&expired), opaque] {
                let log = log_of(Level::TRACE, &guard, request).join("\n");
                assert!(log.contains("decision="), "{log}");
                let shown = format!("{log} {guard:?} {expired:?}");
                for hidden in [&expired, &fresh, &another].into_iter().flat_map(|tokens| {
                    let parts = tokens.session_jwt.split('.').skip(1).map(str::to_owned);
                    parts.chain([tokens.session_token.clone()])
                }) {
                    assert!(!shown.contains(&hidden), "{hidden} in {shown}");
                }
            }
        }
    }
}
