//! Signing a user out on all devices.

use std::sync::{Arc, Mutex};

use tower_step_up::sessions::{
    AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority, SignOutError,
};
use tower_step_up::testing::{TestIssuer, TestSessions};
use tower_step_up::token::{LocalRevocations, RevocationError};
use tower_step_up::{Factor, SessionTokens, Sessions, StepUpLayer, Verifier};

use crate::renewal::{Scripted, World, outcome, renewing, with_bearer, with_cookies, with_header};
use crate::sign_out::{is_gone, session_of};
use crate::support::{proved, seconds};

const ADA: &str = "user-test-1";

fn begin(world: &World, user: &str) -> SessionTokens {
    world.sessions.begin(&proved(&[Factor::Password]).user(user))
}

async fn sign_out(guard: &StepUpLayer, issuer: &str, user: &str) -> Result<(), SignOutError> {
    guard.sessions().unwrap().sign_out_everywhere(issuer, user).await
}

#[tokio::test]
async fn every_session_of_the_user_ends_and_no_other() {
    let world = World::new();
    let guard = world.guard();
    let [phone, laptop] = [begin(&world, ADA), begin(&world, ADA)];
    let other = begin(&world, "user-test-2");
    world.clock.advance(seconds(400));
    // These renewals are cached.
    let opaque = with_header("cookie", &format!("stytch_session={}", laptop.session_token));
    assert_eq!(outcome(&guard, opaque).await, (200, ""));
    for tokens in [&phone, &laptop, &other] {
        assert_eq!(outcome(&guard, with_cookies(tokens)).await, (200, ""));
    }
    sign_out(&guard, &world.issuer.name(), ADA).await.unwrap();
    for tokens in [&phone, &laptop] {
        assert_eq!(outcome(&guard, with_cookies(tokens)).await, (401, "session_revoked"));
        assert!(is_gone(&world, tokens).await);
    }
    let opaque = with_header("cookie", &format!("stytch_session={}", laptop.session_token));
    assert_eq!(outcome(&guard, opaque).await.0, 401);
    assert_eq!(outcome(&guard, with_cookies(&other)).await, (200, ""));

    world.clock.advance(seconds(60));
    let again =
        world.sessions.begin(&proved(&[Factor::Password]).user(ADA).started_ago(seconds(0)));
    assert_eq!(outcome(&guard, with_cookies(&again)).await, (200, ""));
}

/// An authority that records the users whose sessions it is asked to end.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

impl SessionAuthority for Recorder {
    fn authenticate(&self, _token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        Box::pin(async { Err(AuthorityError::UnknownSession) })
    }

    fn revoke(&self, _session_id: String) -> AuthorityFuture<()> {
        Box::pin(async { Ok(()) })
    }

    fn revoke_user(&self, user_id: String) -> AuthorityFuture<()> {
        self.0.lock().unwrap().push(user_id);
        Box::pin(async { Err(AuthorityError::UnknownSession) })
    }
}

impl Recorder {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[tokio::test]
async fn a_failure_of_the_authority_or_of_the_store_is_an_error_and_both_are_asked() {
    let world = World::new();
    let tokens = begin(&world, ADA);
    let name = world.issuer.name();
    // By default, an authority cannot end all sessions of a user.
    let unaware = Scripted::new(|_| async { Err(AuthorityError::UnknownSession) });
    let revocations = || world.issuer.verifier().revocations(LocalRevocations::new());
    let guard = renewing(StepUpLayer::new(revocations()), unaware);
    let failed = sign_out(&guard, &name, ADA).await;
    assert!(matches!(failed, Err(SignOutError::Authority(AuthorityError::Unavailable { .. }))));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (401, "session_revoked"));

    let full = LocalRevocations::new().max_entries(1);
    let recorder = Recorder::default();
    let guard = StepUpLayer::new(world.issuer.verifier().revocations(full));
    let guard = renewing(guard, recorder.clone());
    // A session that the authority does not know has ended.
    sign_out(&guard, &name, "user-test-2").await.unwrap();
    let failed = sign_out(&guard, &name, ADA).await;
    assert!(matches!(failed, Err(SignOutError::NotRevoked(RevocationError::Full { .. }))));
    assert_eq!(recorder.asked(), ["user-test-2", ADA]);
}

#[tokio::test]
async fn the_authority_is_asked_only_about_users_of_its_issuer() {
    let other = TestIssuer::new().project("project-test-b");
    let world = World::of(TestIssuer::new().project("project-test-a"));
    let both = Verifier::any_of([world.issuer.verifier(), other.verifier()]).unwrap();
    let recorder = Recorder::default();
    let sessions = Sessions::new(both.clone(), recorder.clone());
    let guard = StepUpLayer::new(both).renew_with(&sessions);
    let elsewhere = TestSessions::new(&other).begin(&proved(&[Factor::Password]).user(ADA));
    let here = begin(&world, ADA);
    let session = session_of(&guard, &elsewhere).await;

    sessions.sign_out_everywhere(session.issuer(), session.user_id()).await.unwrap();
    assert_eq!(outcome(&guard, with_bearer(&elsewhere)).await, (401, "session_revoked"));
    assert_eq!(outcome(&guard, with_bearer(&here)).await, (200, ""));
    assert!(recorder.asked().is_empty());

    let unknown = sessions.sign_out_everywhere("stytch.com/project-test-c", ADA).await;
    assert!(matches!(unknown, Err(SignOutError::NotRevoked(RevocationError::UnknownIssuer(_)))));
    assert!(recorder.asked().is_empty());
    sessions.sign_out_everywhere(&world.issuer.name(), ADA).await.unwrap();
    assert_eq!(recorder.asked(), [ADA]);
    assert_eq!(outcome(&guard, with_bearer(&here)).await, (401, "session_revoked"));
}

#[test]
fn without_a_runtime_it_is_an_error() {
    let world = World::new();
    let guard = world.guard();
    let sessions = guard.sessions().unwrap();
    let name = world.issuer.name();
    let mut signing_out = std::pin::pin!(sessions.sign_out_everywhere(&name, ADA));
    let waker = std::task::Waker::noop();
    let outcome = signing_out.as_mut().poll(&mut std::task::Context::from_waker(waker));
    assert!(matches!(outcome, std::task::Poll::Ready(Err(SignOutError::NotRevoked(_)))));
}
