//! The cached responses of the authority, and what replaces them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, Request};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tower_step_up::credentials::CredentialSource;
use tower_step_up::sessions::{AuthorityError, PresentedToken, SessionAuthority};
use tower_step_up::testing;
use tower_step_up::{Factor, Policy, SessionTokens, StepUpLayer};

use crate::key_server::within_seconds;
use crate::renewal::{
    Body, Scripted, World, outcome, renewing, renewing_with, respond, set_cookies, with_bearer,
    with_cookies, with_header,
};
use crate::support::{TestResponse, proved, seconds};

fn with_opaque(token: &str) -> Request<Body> {
    with_header("cookie", &format!("stytch_session={token}"))
}

/// Returns an authority that holds back its responses about these tokens until the gate opens. Each
/// response states what was true when the call began.
fn held(
    world: &World,
    is_held: impl Fn(&PresentedToken) -> bool + Send + Sync + 'static,
) -> (Scripted, Arc<Notify>) {
    let (gate, sessions) = (Arc::new(Notify::new()), world.sessions.clone());
    let held = Arc::clone(&gate);
    let authority = Scripted::new(move |token| {
        let wait = is_held(&token).then(|| Arc::clone(&held));
        let response = sessions.authenticate(token);
        async move {
            if let Some(gate) = wait {
                gate.notified().await;
            }
            response.await
        }
    });
    (authority, gate)
}

/// Starts a request and waits until it has called the authority. Its task returns the status and
/// the number of cookies of the response.
async fn started(
    guard: &StepUpLayer,
    authority: &Scripted,
    request: Request<Body>,
) -> JoinHandle<(u16, usize)> {
    let (guard, calls) = (guard.clone(), authority.calls());
    let task = tokio::spawn(async move {
        let response = respond(&guard, request).await;
        (response.status.as_u16(), set_cookies(&response).len())
    });
    while authority.calls() == calls {
        tokio::task::yield_now().await;
    }
    task
}

#[tokio::test]
async fn the_newest_renewals_stay_cached_however_many_came_before() {
    let world = World::new();
    let guard = world.guard();
    let all: Vec<_> = (0..4_200)
        .map(|_| world.sessions.begin(&proved(&[Factor::Password]).ends_in(seconds(9_999))))
        .collect();
    let (old, new) = all.split_at(4_000);
    world.clock.advance(seconds(400));
    for tokens in old {
        assert_eq!(outcome(&guard, with_bearer(tokens)).await, (200, ""));
    }
    world.clock.advance(seconds(3_000));
    for _ in 0..2 {
        for tokens in new {
            assert_eq!(outcome(&guard, with_bearer(tokens)).await, (200, ""));
        }
    }
    assert_eq!(world.sessions.calls(), 4_200);
}

#[tokio::test]
async fn made_up_tokens_do_not_displace_a_pending_call() {
    let world = World::new();
    let real = world.sessions.begin(&proved(&[Factor::Password]));
    let token = PresentedToken::SessionToken(real.session_token.clone().into());
    let (authority, gate) = held(&world, move |asked| *asked == token);
    let guard = renewing(world.issuer.guard(), authority.clone());
    for number in 0..4_000 {
        assert_eq!(outcome(&guard, with_opaque(&format!("made-up-{number}"))).await.0, 401);
    }
    let first = started(&guard, &authority, with_opaque(&real.session_token)).await;
    for number in 0..300 {
        assert_eq!(outcome(&guard, with_opaque(&format!("more-{number}"))).await.0, 401);
    }
    let second = tokio::spawn({
        let (guard, request) = (guard.clone(), with_opaque(&real.session_token));
        async move { outcome(&guard, request).await }
    });
    tokio::task::yield_now().await;
    gate.notify_one();
    assert_eq!(first.await.unwrap(), (200, 2));
    assert_eq!(second.await.unwrap(), (200, ""));
    assert_eq!(authority.calls(), 4_301);
}

#[tokio::test]
async fn a_pending_renewal_does_not_bring_back_the_weaker_tokens() {
    let world = World::new();
    let weak = world.sessions.begin(&proved(&[Factor::Password]));
    let id = world.guard().verifier().verify(&weak.session_jwt).await.unwrap().id().to_owned();
    world.clock.advance(seconds(400));
    let (authority, gate) = held(&world, |_| true);
    let guard = renewing(world.issuer.guard(), authority.clone());
    let one_tab = started(&guard, &authority, with_cookies(&weak)).await;
    // Another tab completes a step-up that keeps the session's id.
    world.clock.advance(seconds(1));
    let session_jwt = world.issuer.mint(&proved(&[Factor::Password, Factor::Totp]).id(&id));
    let strong = SessionTokens { session_token: "stronger".into(), session_jwt };
    assert!(guard.sessions().unwrap().adopt(&strong, None, &HeaderMap::new()).await.is_ok());
    gate.notify_one();
    assert_eq!(one_tab.await.unwrap(), (200, 0));
}

#[tokio::test]
async fn a_failure_does_not_replace_a_cached_renewal_that_is_still_valid() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let (is_down, sessions) = (Arc::new(AtomicBool::new(false)), world.sessions.clone());
    let down = Arc::clone(&is_down);
    let authority = Scripted::new(move |token| {
        let (response, is_down) = (sessions.authenticate(token), down.load(Ordering::SeqCst));
        async move { if is_down { Err(AuthorityError::unavailable("down")) } else { response.await } }
    });
    let guard = renewing(world.issuer.guard(), authority.clone());
    let transfer = guard.require(Policy::mfa());
    assert_eq!(outcome(&guard, with_cookies(&expired)).await, (200, ""));
    is_down.store(true, Ordering::SeqCst);
    world.clock.advance(seconds(2));
    for _ in 0..2 {
        assert_eq!(outcome(&transfer, with_cookies(&expired)).await, (401, "step_up_required"));
        assert_eq!(outcome(&guard, with_cookies(&expired)).await, (200, ""));
    }
    assert_eq!(authority.calls(), 2);
    // The cached renewal is used for as long as it would have been without the failure.
    world.clock.advance(seconds(28));
    assert_eq!(outcome(&guard, with_cookies(&expired)).await, (200, ""));
    world.clock.advance(seconds(1));
    assert_eq!(outcome(&guard, with_cookies(&expired)).await, (503, "authority_unavailable"));
    assert_eq!(outcome(&transfer, with_cookies(&expired)).await, (503, "authority_unavailable"));
}

#[tokio::test]
async fn a_response_about_another_user_is_retried_after_the_stated_pause() {
    let world = World::new();
    let expired = world.expired(&proved(&[Factor::Password]));
    let session_jwt = world.issuer.mint(&proved(&[Factor::Password]).user("user-test-2"));
    let tokens = SessionTokens { session_token: "opaque".into(), session_jwt };
    let authority = Scripted::new(move |_| std::future::ready(Ok(tokens.clone())));
    let guard = renewing(world.issuer.guard(), authority.clone());
    let refused = respond(&guard, with_cookies(&expired)).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, "1"));
    assert_eq!(outcome(&guard, with_cookies(&expired)).await.0, 503);
    assert_eq!(authority.calls(), 1);
    world.clock.advance(seconds(1));
    assert_eq!(outcome(&guard, with_cookies(&expired)).await.0, 503);
    assert_eq!(authority.calls(), 2);
}

#[tokio::test]
async fn cookies_are_set_under_the_names_that_are_read() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    let sources =
        [CredentialSource::cookie("jwt"), CredentialSource::session_token_cookie("token")];
    let guard = renewing_with(world.issuer.guard(), world.sessions.clone(), |sessions| {
        sessions.credentials(sources)
    });
    let line = format!("jwt={}; token={}", tokens.session_jwt, tokens.session_token);
    let renewed = respond(&guard, with_header("cookie", &line)).await;
    let names: Vec<_> =
        set_cookies(&renewed).iter().filter_map(|line| line.split('=').next()).collect();
    assert_eq!(names, ["jwt", "token"]);
    let mut headers = HeaderMap::new();
    guard.sessions().unwrap().clear_cookies(&HeaderMap::new()).append_to(&mut headers);
    let lines: Vec<_> =
        headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert!(
        lines.iter().zip(["jwt=;", "token=;"]).all(|(line, name)| line.starts_with(name)),
        "{lines:?}"
    );
    assert!(lines.iter().all(|line| line.ends_with("Max-Age=0")), "{lines:?}");
}

/// Only the issuer makes session ids unique, so the sessions of two users may have the same id.
#[tokio::test]
async fn a_renewal_is_used_only_for_the_user_of_the_token() {
    let world = World::new();
    let gate = Arc::new(Notify::new());
    let issuer = world.issuer.clone();
    let users = ["user-test-1", "user-test-2"];
    let mint =
        move |user: &str| issuer.mint(&proved(&[Factor::Password]).id("session-test-1").user(user));
    let [one, two] = users.map(&mint);
    world.clock.advance(seconds(400));
    let (first, opened) = (one.clone(), Arc::clone(&gate));
    let authority = Scripted::new(move |token| {
        let is_first = token == PresentedToken::SessionJwt(first.as_str().into());
        let user = users[usize::from(!is_first)];
        let tokens =
            SessionTokens { session_token: format!("opaque-of-{user}"), session_jwt: mint(user) };
        let opened = Arc::clone(&opened);
        async move {
            opened.notified().await;
            Ok(tokens)
        }
    });
    let guard = renewing(world.issuer.guard(), authority.clone());
    let cookies = |jwt: &str| with_header("cookie", &format!("stytch_session_jwt={jwt}"));
    let check = |answered: &TestResponse, user: &str| {
        assert_eq!(answered.body, format!("{user} 1"));
        let jwts = set_cookies(answered).into_iter().map(|line| line.split(['=', ';']).nth(1));
        for jwt in jwts {
            let now = testing::NOW + seconds(400);
            let session = guard.verifier().verify_at(jwt.unwrap(), now).unwrap();
            assert_eq!(session.user_id(), user);
        }
    };
    // First while the calls are pending, and then when their results are cached.
    let asking = [&one, &two, &one].map(|jwt| {
        let (guard, request) = (guard.clone(), cookies(jwt));
        tokio::spawn(async move { respond(&guard, request).await })
    });
    within_seconds(async {
        while authority.calls() < 2 {
            tokio::task::yield_now().await;
        }
        while asking.iter().any(|asked| !asked.is_finished()) {
            gate.notify_waiters();
            tokio::task::yield_now().await;
        }
    })
    .await;
    for (asked, user) in asking.into_iter().zip([users[0], users[1], users[0]]) {
        check(&asked.await.unwrap(), user);
    }
    for (jwt, user) in [(&two, users[1]), (&one, users[0]), (&two, users[1])] {
        gate.notify_one();
        let answered = respond(&guard, cookies(jwt)).await;
        check(&answered, user);
        assert_eq!(set_cookies(&answered).len(), 1);
    }
}

#[tokio::test]
async fn an_authority_may_be_shared() {
    let world = World::new();
    let shared: Arc<dyn SessionAuthority> = Arc::new(world.sessions.clone());
    let guard = renewing(world.issuer.guard(), shared);
    let tokens = world.expired(&proved(&[Factor::Password]));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    let session = guard
        .verifier()
        .verify(&world.sessions.begin(&proved(&[Factor::Password])).session_jwt)
        .await
        .unwrap();
    assert!(guard.sessions().unwrap().sign_out(&session, &HeaderMap::new()).await.revoked.is_ok());
    // A shared authority passes every call on. By default an authority cannot revoke by token.
    let shared: Arc<dyn SessionAuthority> = Arc::new(Arc::new(world.sessions.clone()));
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let token = || PresentedToken::SessionToken(tokens.session_token.clone().into());
    assert!(shared.revoke_by_token(token()).await.is_ok());
    assert!(crate::sign_out::is_gone(&world, &tokens).await);
    let scripted = Scripted::new(|_| async { Err(AuthorityError::UnknownSession) });
    assert!(matches!(
        scripted.revoke_by_token(token()).await,
        Err(AuthorityError::Unavailable { .. })
    ));
}
