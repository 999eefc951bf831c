//! Attacks that try to gain too much from renewal, or to deny it to other users.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderName, Request, Response};
use tokio::sync::Notify;
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::credentials::CredentialSource;
use tower_step_up::sessions::{AuthorityError, PresentedToken, SessionAuthority};
use tower_step_up::{Factor, Grant, Policy, SessionTokens, StepUpLayer};

use crate::renewal::{
    Body, Scripted, World, outcome, renewing, renewing_with, respond, set_cookies, with_bearer,
    with_cookies, with_header,
};
use crate::support::{TestResponse, inner, proved, seconds, send};

fn with_opaque(token: &str) -> Request<Body> {
    with_header("cookie", &format!("stytch_session={token}"))
}

/// Begins this many requests with made-up tokens, and drops each after one poll.
fn flood(guard: &StepUpLayer, many: usize) {
    let service = guard.layer(service_fn(inner::<Body>));
    for number in 0..many {
        let mut request =
            Box::pin(service.clone().oneshot(with_opaque(&format!("made-up-{number}"))));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(request.as_mut().poll(&mut context).is_pending());
    }
}

#[tokio::test]
async fn made_up_tokens_begin_a_limited_number_of_calls() {
    let world = World::new();
    let silent = Scripted::new(|_| std::future::pending());
    let timeout = Duration::from_millis(50);
    let guard = renewing_with(world.issuer.guard(), silent.clone(), |it| it.timeout(timeout));
    flood(&guard, 10_000);
    let alive = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert!(alive <= 64, "{alive} tasks");
    // The calls time out, and no other calls take their place.
    let all_over = async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all_over).await.unwrap();
    assert_eq!(silent.calls(), 64);
}

#[tokio::test]
async fn abandoned_requests_do_not_block_the_others() {
    let world = World::new();
    let (real, sessions) =
        (world.sessions.begin(&proved(&[Factor::Password])), world.sessions.clone());
    let authority = Scripted::new(move |token| {
        let sessions = sessions.clone();
        async move {
            tokio::task::yield_now().await;
            sessions.authenticate(token).await
        }
    });
    let guard = renewing(world.issuer.guard(), authority.clone());
    flood(&guard, 5_000);
    assert_eq!(outcome(&guard, with_opaque(&real.session_token)).await, (200, ""));
    assert!(authority.calls() <= 65, "{}", authority.calls());
}

#[tokio::test]
async fn a_pause_after_a_made_up_token_does_not_block_requests_with_a_jwt() {
    let world = World::new();
    let sessions = world.sessions.clone();
    let authority = Scripted::new(move |token| {
        let sessions = sessions.clone();
        async move {
            match &token {
                PresentedToken::SessionJwt(_) => sessions.authenticate(token).await,
                PresentedToken::SessionToken(_) => {
                    Err(AuthorityError::unavailable("scripted").retry_after(seconds(60)))
                }
            }
        }
    });
    let guard = renewing(world.issuer.guard(), authority.clone());
    let expired = world.expired(&proved(&[Factor::Password]));
    let valid = world.sessions.begin(&proved(&[Factor::Password]));
    assert_eq!(outcome(&guard, with_opaque("made-up")).await, (503, "authority_unavailable"));
    assert_eq!(outcome(&guard, with_opaque("another")).await, (503, "authority_unavailable"));
    assert_eq!(authority.calls(), 1);
    assert_eq!(outcome(&guard, with_cookies(&expired)).await, (200, ""));
    assert_eq!(
        outcome(&guard.confirmed_within(seconds(60)), with_cookies(&valid)).await,
        (200, "")
    );
}

#[tokio::test]
async fn a_failure_is_cached_from_the_moment_when_it_arrives() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let clock = world.clock.clone();
    let slow = Scripted::new(move |_| {
        clock.advance(seconds(2));
        async { Err(AuthorityError::unavailable("scripted")) }
    });
    let guard = renewing(world.issuer.guard(), slow.clone());
    for _ in 0..3 {
        assert_eq!(outcome(&guard, with_cookies(&expired)).await, (503, "authority_unavailable"));
    }
    assert_eq!(slow.calls(), 1);
}

#[tokio::test]
async fn a_session_is_not_confirmed_by_a_call_that_began_too_long_ago() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let (gate, sessions) = (Arc::new(Notify::new()), world.sessions.clone());
    let held_back = Arc::clone(&gate);
    let authority = Scripted::new(move |token| {
        let (response, gate) = (sessions.authenticate(token), Arc::clone(&held_back));
        async move {
            gate.notified().await;
            response.await
        }
    });
    let guard = renewing(world.issuer.guard(), authority.clone()).confirmed_within(seconds(3));
    let ask = || {
        let (guard, request) = (guard.clone(), with_bearer(&tokens));
        tokio::spawn(async move { outcome(&guard, request).await })
    };
    let calls = async |want| {
        while authority.calls() < want {
            tokio::task::yield_now().await;
        }
    };
    let first = ask();
    calls(1).await;
    world.clock.advance(seconds(3));
    let in_time = ask();
    world
        .sessions
        .revoke("session-test-00000000-0000-4000-8000-000000000001".into())
        .await
        .unwrap();
    tokio::task::yield_now().await;
    world.clock.advance(seconds(1));
    let too_late = ask();
    calls(2).await;
    gate.notify_waiters();
    assert_eq!(first.await.unwrap(), (200, ""));
    assert_eq!(in_time.await.unwrap(), (200, ""));
    assert_eq!(too_late.await.unwrap(), (401, "session_unknown"));
}

#[tokio::test]
async fn a_session_is_not_confirmed_by_a_response_about_another_session_of_the_user() {
    let world = World::new();
    let weaker = world.sessions.begin(&proved(&[Factor::Password]));
    world.clock.advance(seconds(10));
    let asked = world.sessions.begin(&proved(&[Factor::Password, Factor::Totp]));
    let authority = Scripted::new(move |_| {
        let response = weaker.clone();
        async { Ok(response) }
    });
    let guard = renewing(world.issuer.guard(), authority)
        .require(Policy::mfa())
        .confirmed_within(Duration::ZERO);
    assert_eq!(outcome(&guard, with_bearer(&asked)).await, (401, "step_up_required"));
}

/// Sends the request to a handler that passes the guard, the grant and the headers to `act`.
async fn handled<F, A>(guard: &StepUpLayer, request: Request<Body>, act: F) -> TestResponse
where
    F: Fn(StepUpLayer, Grant, HeaderMap) -> A + Clone,
    A: Future<Output = ()>,
{
    let own = guard.clone();
    let service = guard.layer(service_fn(move |request: Request<Body>| {
        let done = act(
            own.clone(),
            request.extensions().get::<Grant>().unwrap().clone(),
            request.headers().clone(),
        );
        async {
            done.await;
            Ok::<_, Infallible>(Response::new(Body::default()))
        }
    }));
    send(&service, request).await
}

#[tokio::test]
async fn fresh_tokens_of_a_session_that_ended_meanwhile_are_not_sent() {
    let world = World::new();
    let guard = renewing_with(world.issuer.guard(), world.sessions.clone(), |sessions| {
        sessions.send_fresh_jwt()
    });
    for request in [with_bearer, with_cookies] {
        let expired = world.expired(&proved(&[Factor::Password]));
        let signed_out = handled(&guard, request(&expired), async |guard, grant, headers| {
            guard.sessions().unwrap().sign_out(&grant, &headers).await.revoked.unwrap();
        });
        let signed_out = signed_out.await;
        assert_eq!(
            (signed_out.header("stytch-session-jwt"), set_cookies(&signed_out).len()),
            ("", 0)
        );

        let (weak, strong) = (
            world.expired(&proved(&[Factor::Password])),
            world.sessions.begin(&proved(&[Factor::Password, Factor::Totp])),
        );
        let stepped_up = handled(&guard, request(&weak), move |guard, grant, headers| {
            let strong = strong.clone();
            async move {
                drop(
                    guard
                        .sessions()
                        .unwrap()
                        .adopt(&strong, Some(grant.session()), &headers)
                        .await
                        .unwrap(),
                );
            }
        });
        let stepped_up = stepped_up.await;
        assert_eq!(
            (stepped_up.header("stytch-session-jwt"), set_cookies(&stepped_up).len()),
            ("", 0)
        );
    }
}

#[tokio::test]
async fn a_step_up_that_keeps_the_session_drops_the_cached_renewal() {
    let world = World::new();
    let factors = Arc::new(Mutex::new(vec![Factor::Password]));
    let (issuer, now) = (world.issuer.clone(), Arc::clone(&factors));
    let tokens = move || SessionTokens {
        session_token: "opaque-1".into(),
        session_jwt: issuer.mint(&proved(&now.lock().unwrap())),
    };
    let mint = tokens.clone();
    let authority = Scripted::new(move |_| {
        let tokens = mint();
        async { Ok(tokens) }
    });
    let header = CredentialSource::SessionTokenHeader(HeaderName::from_static("x-session-token"));
    let guard = renewing(world.issuer.guard(), authority.clone()).credentials([header]);
    let transfer = guard.require(Policy::mfa());
    let ask = || with_header("x-session-token", "opaque-1");
    assert_eq!(outcome(&transfer, ask()).await, (401, "step_up_required"));
    let old = guard.verifier().verify(&tokens().session_jwt).await.unwrap();
    factors.lock().unwrap().push(Factor::Totp);
    assert_eq!(outcome(&transfer, ask()).await, (401, "step_up_required"));
    drop(guard.sessions().unwrap().adopt(&tokens(), Some(&old), &HeaderMap::new()).await.unwrap());
    assert_eq!(outcome(&transfer, ask()).await, (200, ""));
    assert_eq!(authority.calls(), 2);
}

#[tokio::test]
async fn a_step_up_in_another_process_is_noticed_after_a_second() {
    let world = World::new();
    let strong = Arc::new(Mutex::new(false));
    let (issuer, now) = (world.issuer.clone(), Arc::clone(&strong));
    let authority = Scripted::new(move |_| {
        let factors = if *now.lock().unwrap() {
            vec![Factor::Password, Factor::Totp]
        } else {
            vec![Factor::Password]
        };
        let tokens = SessionTokens {
            session_token: "opaque-1".into(),
            session_jwt: issuer.mint(&proved(&factors)),
        };
        async { Ok(tokens) }
    });
    let guard = renewing(world.issuer.guard(), authority.clone()).require(Policy::mfa());
    assert_eq!(outcome(&guard, with_opaque("opaque-1")).await, (401, "step_up_required"));
    *strong.lock().unwrap() = true;
    for (passed, want, calls) in [(1, 401, 1), (1, 200, 2), (20, 200, 2)] {
        world.clock.advance(seconds(passed));
        assert_eq!(outcome(&guard, with_opaque("opaque-1")).await.0, want, "{passed}");
        assert_eq!(authority.calls(), calls, "{passed}");
    }
}

#[tokio::test]
async fn a_session_without_a_known_end_has_cookies_until_the_browser_is_closed() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]).without_end());
    let got = respond(&world.guard(), with_cookies(&expired)).await;
    assert_eq!(set_cookies(&got).len(), 2);
    assert!(
        set_cookies(&got)
            .iter()
            .all(|line| line.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"))
    );
}
