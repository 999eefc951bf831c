//! Revocation stores that several processes share and that may fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Notify;
use tower::{Layer, service_fn};
use tower_step_up::sessions::{
    AdoptError, AuthorityError, PresentedToken, SessionAuthority, SignOutError,
};
use tower_step_up::token::{
    LocalRevocations, RevocationError, RevocationFuture, Revocations, RevocationsUnavailable,
    Revoked,
};
use tower_step_up::{Factor, Policy, Session, StepUpLayer, VerifyError};
use tracing::Level;

use crate::events::logged;
use crate::renewal::{
    Body, Scripted, World, outcome, renewing, respond, set_cookies, with_bearer, with_cookies,
    with_header,
};
use crate::sign_out::{headers, is_gone, session_of};
use crate::support::{ISSUER, proved, seconds, send};

/// A replica of a shared store, which a test can make unavailable or stuck.
#[derive(Default)]
struct Replica {
    asked: AtomicUsize,
    told: AtomicUsize,
    /// The age of the replica in seconds.
    age: AtomicU64,
    is_lost: AtomicBool,
    is_stuck: AtomicBool,
    gate: Notify,
}

#[derive(Clone, Default)]
struct Shared(Arc<Replica>);

impl Shared {
    fn write(&self) -> RevocationFuture {
        let shared = self.clone();
        Box::pin(async move {
            if shared.0.is_stuck.load(Ordering::SeqCst) {
                shared.0.gate.notified().await;
            }
            if shared.0.is_lost.load(Ordering::SeqCst) {
                return Err(RevocationError::Failed("the store is unavailable".into()));
            }
            shared.0.told.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

impl Revocations for Shared {
    fn is_revoked(&self, _session: &Session) -> Result<bool, RevocationsUnavailable> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        match self.0.is_lost.load(Ordering::SeqCst) {
            true => Err(RevocationsUnavailable { retry_after: seconds(2) }),
            false => Ok(self.0.told.load(Ordering::SeqCst) > 0),
        }
    }

    fn replica_age(&self) -> Duration {
        seconds(self.0.age.load(Ordering::SeqCst))
    }

    fn keep_at_least(&self, _issuer: &str, _duration: Duration) {}

    fn revoke(&self, _revoked: Revoked, _at: OffsetDateTime) -> RevocationFuture {
        self.write()
    }
}

/// A guard that renews sessions, with these revocations.
fn guarded(world: &World, revocations: impl Revocations) -> StepUpLayer {
    let verifier = world.issuer.verifier().revocations(revocations);
    renewing(StepUpLayer::new(verifier), world.sessions.clone())
}

#[tokio::test]
async fn the_store_is_asked_at_every_request_and_can_be_shared() {
    let world = World::new();
    let shared = Shared::default();
    let (one, other) = (
        StepUpLayer::new(world.issuer.verifier().revocations(shared.clone())),
        StepUpLayer::new(world.issuer.verifier().revocations(shared.clone())),
    );
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    for asked in 1..4 {
        assert_eq!(outcome(&one, with_bearer(&tokens)).await, (200, ""));
        assert_eq!(shared.0.asked.load(Ordering::SeqCst), asked);
    }
    one.verifier()
        .revoke_user(ISSUER, "user-test-00000000-0000-4000-8000-000000000000")
        .await
        .unwrap();
    assert_eq!(outcome(&other, with_bearer(&tokens)).await, (401, "session_revoked"));
    // The default store can be shared within a process.
    let local = LocalRevocations::new();
    let (one, other) = (
        StepUpLayer::new(world.issuer.verifier().revocations(local.clone())),
        StepUpLayer::new(world.issuer.verifier().revocations(local.clone())),
    );
    let session = session_of(&one, &tokens).await;
    one.verifier().revoke_session(ISSUER, session.id()).await.unwrap();
    assert_eq!(outcome(&other, with_bearer(&tokens)).await, (401, "session_revoked"));
    assert_eq!(local.len(), 1);
    // The inner guard asks the store again, although the outer guard let the request pass.
    let nested = other.layer(service_fn(crate::support::inner::<Body>));
    assert_eq!(send(&one.layer(nested), with_bearer(&tokens)).await.status, 401);
}

#[tokio::test]
async fn an_unhealthy_store_makes_every_request_a_503() {
    let world = World::new();
    let shared = Shared::default();
    let guard = guarded(&world, shared.clone());
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &tokens).await;
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    shared.0.is_lost.store(true, Ordering::SeqCst);
    // Tokens that are cached or new, and JWTs or opaque tokens.
    let opaque = with_header("cookie", &format!("stytch_session={}", tokens.session_token));
    let new = world.sessions.begin(&proved(&[Factor::Password]));
    for request in [with_bearer(&tokens), with_bearer(&new), with_cookies(&tokens), opaque] {
        assert_eq!(outcome(&guard, request).await, (503, "revocations_unavailable"));
    }
    let refused = respond(&guard, with_bearer(&tokens)).await;
    assert_eq!((refused.header("retry-after"), refused.header("www-authenticate")), ("2", ""));
    assert!(
        refused.body.contains("problem/index.html#revocations-unavailable"),
        "{}",
        refused.body
    );
    // A sign-out whose write fails is never reported as done.
    let out = guard.sessions().unwrap().sign_out(&session, &headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::NotRevoked(RevocationError::Failed(_)))));
    let strong = world.sessions.begin(&proved(&[Factor::Password, Factor::Totp]));
    let adopted = guard.sessions().unwrap().adopt(&strong, Some(&session), &headers()).await;
    assert!(matches!(adopted, Err(AdoptError::Jwt(VerifyError::RevocationsUnavailable(_)))));
    shared.0.is_lost.store(false, Ordering::SeqCst);
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_store_delays_callers_no_longer_than_the_timeout() {
    let world = World::new();
    let shared = Shared::default();
    let guard = guarded(&world, shared.clone());
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &tokens).await;
    shared.0.is_stuck.store(true, Ordering::SeqCst);
    let sessions = guard.sessions().unwrap();
    let began = tokio::time::Instant::now();
    let out = sessions.sign_out(&session, &headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::NotRevoked(RevocationError::Failed(_)))));
    // The authority has ended the session nevertheless.
    assert!(is_gone(&world, &tokens).await);
    let strong = world.sessions.begin(&proved(&[Factor::Password, Factor::Totp]));
    let adopted = sessions.adopt(&strong, Some(&session), &headers()).await;
    assert!(matches!(adopted, Err(AdoptError::NotRevoked(RevocationError::Failed(_)))));
    assert_eq!(began.elapsed(), seconds(10));
}

#[tokio::test]
async fn a_sign_out_continues_if_its_caller_is_cancelled() {
    let world = World::new();
    let shared = Shared::default();
    let guard = guarded(&world, shared.clone());
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &tokens).await;
    shared.0.is_stuck.store(true, Ordering::SeqCst);
    let sessions = guard.sessions().unwrap().clone();
    let caller = tokio::spawn(async move { sessions.sign_out(&session, &headers()).await });
    tokio::task::yield_now().await;
    caller.abort();
    assert!(caller.await.is_err());
    shared.0.gate.notify_one();
    while !is_gone(&world, &tokens).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (401, "session_revoked"));
}

/// If neither the store nor the authority has ended the session, no cached renewal keeps it alive.
#[tokio::test]
async fn a_failed_sign_out_clears_the_cached_renewal() {
    let world = World::new();
    let shared = Shared::default();
    let verifier = world.issuer.verifier().revocations(shared.clone());
    let sessions = world.sessions.clone();
    let authority = Scripted::new(move |token| sessions.authenticate(token));
    let guard = renewing(StepUpLayer::new(verifier), authority.clone());
    let tokens = world.expired(&proved(&[Factor::Password]));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    assert_eq!(authority.calls(), 1);
    let token = PresentedToken::SessionToken(tokens.session_token.clone().into());
    let renewed = world.sessions.authenticate(token).await.unwrap();
    let session = session_of(&guard, &renewed).await;
    shared.0.is_lost.store(true, Ordering::SeqCst);
    let out = guard.sessions().unwrap().sign_out(&session, &headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::NotRevoked(_))));
    shared.0.is_lost.store(false, Ordering::SeqCst);
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    assert_eq!(authority.calls(), 2);
}

#[test]
fn the_log_states_why_the_authority_did_not_end_a_session_either() {
    let (_, lines) = logged(Level::WARN, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let shared = Shared::default();
            let verifier = world.issuer.verifier().revocations(shared.clone());
            let authority = Scripted::new(|_| async { Err(AuthorityError::UnknownSession) });
            let guard = renewing(StepUpLayer::new(verifier), authority);
            let tokens = world.sessions.begin(&proved(&[Factor::Password]));
            let session = session_of(&guard, &tokens).await;
            shared.0.is_lost.store(true, Ordering::SeqCst);
            let _ = guard.sessions().unwrap().sign_out(&session, &headers()).await;
        });
    });
    let line = "the authority did not end the session either reason=scripted";
    assert_eq!(lines, [format!("WARN tower_step_up::sessions::sign_out: {line}")]);
}

#[tokio::test]
async fn a_store_that_panics_does_not_stop_the_authority() {
    let world = World::new();
    let guard = guarded(&world, Panics);
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &tokens).await;
    let out = guard.sessions().unwrap().sign_out(&session, &headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::NotRevoked(RevocationError::Failed(_)))));
    assert!(is_gone(&world, &tokens).await);
}

/// Each guard decides how old the replica may be. It looks at the policy only if the replica is young
/// enough.
#[tokio::test]
async fn each_guard_limits_the_age_of_the_replica() {
    let world = World::new();
    let shared = Shared::default();
    let guard = guarded(&world, shared.clone());
    let (strict, lenient) =
        (guard.max_replica_age(seconds(10)), guard.max_replica_age(Duration::MAX));
    let mfa = strict.require(Policy::mfa());
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let expired = world.expired(&proved(&[Factor::Password]));
    let stale = (503, "revocations_unavailable");
    let unmet = (401, "step_up_required");
    for (age, default, strict_answer, mfa_answer) in [
        (0, (200, ""), (200, ""), unmet),
        (10, (200, ""), (200, ""), unmet),
        (11, (200, ""), stale, stale),
        (30, (200, ""), stale, stale),
        (31, stale, stale, stale),
        (u64::MAX, stale, stale, stale),
    ] {
        shared.0.age.store(age, Ordering::SeqCst);
        assert_eq!(outcome(&guard, with_bearer(&tokens)).await, default, "{age}");
        assert_eq!(outcome(&strict, with_bearer(&tokens)).await, strict_answer, "{age}");
        assert_eq!(outcome(&mfa, with_bearer(&tokens)).await, mfa_answer, "{age}");
        assert_eq!(outcome(&lenient, with_bearer(&tokens)).await, (200, ""), "{age}");
        // This applies to a session that the authority renews too.
        assert_eq!(outcome(&strict, with_bearer(&expired)).await, strict_answer, "{age}");
    }
    let service = strict.layer(service_fn(crate::support::inner::<Body>));
    assert_eq!(send(&service, with_bearer(&tokens)).await.header("retry-after"), "1");
    // A replica that has not been read yet suffices for nobody.
    shared.0.is_lost.store(true, Ordering::SeqCst);
    assert_eq!(outcome(&lenient, with_bearer(&tokens)).await, stale);
    assert_eq!(guard.verifier().replica_age(), seconds(u64::MAX));
}

struct Panics;

impl Revocations for Panics {
    fn is_revoked(&self, _session: &Session) -> Result<bool, RevocationsUnavailable> {
        Ok(false)
    }

    fn keep_at_least(&self, _issuer: &str, _duration: Duration) {}

    fn revoke(&self, _revoked: Revoked, _at: OffsetDateTime) -> RevocationFuture {
        panic!("scripted")
    }
}

#[tokio::test]
async fn fresh_tokens_are_not_sent_while_the_store_is_unavailable() {
    let world = World::new();
    for is_lost in [false, true] {
        let shared = Shared::default();
        let guard = guarded(&world, shared.clone());
        let tokens = world.expired(&proved(&[Factor::Password]));
        let service = guard.layer(service_fn(move |request| {
            shared.0.is_lost.store(is_lost, Ordering::SeqCst);
            crate::support::inner::<Body>(request)
        }));
        let answered = send(&service, with_cookies(&tokens)).await;
        let cookies = if is_lost { 0 } else { 2 };
        assert_eq!((answered.status.as_u16(), set_cookies(&answered).len()), (200, cookies));
    }
}

#[tokio::test]
async fn a_revocation_is_kept_as_long_as_a_verifier_accepts_the_token() {
    // The leeway, the greatest age of a token, how long the token is valid, and whether another
    // verifier with the default settings shares the store and writes the revocation.
    for (leeway, max_token_age, life, writes_other) in [
        (5, 600, 300, false),
        (600, 600, 300, false),
        (600, 600, 300, true),
        (600, 600, 7_200, true),
        (5, 7_200, 7_200, true),
        (900, 7_200, 3_600, true),
    ] {
        let world = World::new();
        let store = LocalRevocations::new();
        let lenient = world.issuer.verifier().leeway(seconds(leeway));
        let lenient = lenient.max_token_age(seconds(max_token_age)).revocations(store.clone());
        let other = world.issuer.verifier().revocations(store);
        let mut claims = world.issuer.claims(&proved(&[Factor::Password]).ends_in(seconds(99_999)));
        // The issuer's clock is ahead by as much as the leeway allows.
        let issued = claims["iat"].as_u64().unwrap() + leeway;
        for (name, value) in [("iat", issued), ("nbf", issued), ("exp", issued + life)] {
            claims[name] = value.into();
        }
        let token = world.issuer.mint_claims(&claims);
        let session = lenient.verify(&token).await.unwrap();
        let writer = if writes_other { &other } else { &lenient };
        writer.revoke_session(ISSUER, session.id()).await.unwrap();
        for passed in 0..20_000 / 50 {
            let error = lenient.verify(&token).await.unwrap_err();
            if error.reason() != "session_revoked" {
                let over = ["token_too_old", "token_expired"].contains(&error.reason());
                assert!(over, "{error} after {} s with a leeway of {leeway} s", passed * 50);
                break;
            }
            world.clock.advance(seconds(50));
            // Each write removes revocations that have expired.
            writer.revoke_session(ISSUER, &format!("session-{passed}")).await.unwrap();
        }
        // The store does not keep the revocation forever.
        world.clock.advance(seconds(20_000));
        writer.revoke_session(ISSUER, "session-late").await.unwrap();
        assert_ne!(lenient.verify(&token).await.unwrap_err().reason(), "session_revoked");
    }
}
