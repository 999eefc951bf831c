//! Sign-outs that are attacked, that fail, or that are tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;
use tower_step_up::sessions::{
    AdoptError, AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority, SignOutError,
};
use tower_step_up::testing::TestSessions;
use tower_step_up::token::LocalRevocations;
use tower_step_up::{Factor, Session, SessionTokens, Sessions, StepUpLayer};

use crate::renewal::{
    Scripted, World, outcome, renewing, renewing_with, respond, set_cookies, with_bearer,
    with_header,
};
use crate::sign_out::{OnDemand, headers, is_gone, session_of};
use crate::support::{ISSUER, bearer, proved, seconds};

/// An authority whose `revoke` can be down, and whose `revoke_by_token` never responds.
#[derive(Clone)]
struct Unsteady {
    sessions: TestSessions,
    is_down: Arc<AtomicBool>,
    by_token: Arc<AtomicUsize>,
}

impl Unsteady {
    fn new(world: &World) -> Self {
        Self { sessions: world.sessions.clone(), is_down: Arc::default(), by_token: Arc::default() }
    }
}

impl SessionAuthority for Unsteady {
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        self.sessions.authenticate(token)
    }

    fn revoke(&self, session_id: String) -> AuthorityFuture<()> {
        match self.is_down.load(Ordering::SeqCst) {
            true => Box::pin(async { Err(AuthorityError::unavailable("scripted")) }),
            false => self.sessions.revoke(session_id),
        }
    }

    fn revoke_by_token(&self, _token: PresentedToken) -> AuthorityFuture<()> {
        self.by_token.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            Notify::new().notified().await;
            Ok(())
        })
    }
}

/// Begins a session, steps it up, and adopts the new session. Returns the tokens and the session of
/// the first, which is now revoked, and the tokens of the second.
async fn step(world: &World, guard: &StepUpLayer) -> (SessionTokens, Session, SessionTokens) {
    let begin = || world.sessions.begin(&proved(&[Factor::Password]));
    let (weak, strong) = (begin(), begin());
    let session = session_of(guard, &weak).await;
    drop(guard.sessions().unwrap().adopt(&strong, Some(&session), &headers()).await.unwrap());
    (weak, session, strong)
}

#[tokio::test]
async fn a_successor_that_could_not_be_ended_is_ended_by_the_next_sign_out() {
    let world = World::new();
    let authority = Unsteady::new(&world);
    let guard = renewing(world.issuer.guard(), authority.clone());
    let sessions = guard.sessions().unwrap();
    let (weak, _, strong) = step(&world, &guard).await;
    authority.is_down.store(true, Ordering::SeqCst);
    assert!(sessions.sign_out_presented(with_bearer(&weak).headers()).await.revoked.is_err());
    authority.is_down.store(false, Ordering::SeqCst);
    assert!(sessions.sign_out_presented(with_bearer(&weak).headers()).await.revoked.is_ok());
    assert!(is_gone(&world, &strong).await);
    // After a sign-out of the second session, the first cannot have another successor.
    let (_, session, strong) = step(&world, &guard).await;
    let again = world.sessions.begin(&proved(&[Factor::Password]));
    assert!(sessions.sign_out_presented(with_bearer(&strong).headers()).await.revoked.is_ok());
    let error = sessions.adopt(&again, Some(&session), &headers()).await.unwrap_err();
    assert!(matches!(error, AdoptError::PredecessorRevoked { revoked: Ok(()) }), "{error}");
    assert!(is_gone(&world, &again).await);
}

/// On the second try, the authority no longer knows the session.
#[tokio::test]
async fn a_failed_sign_out_does_not_succeed_just_because_it_is_tried_again() {
    let world = World::new();
    let opaque = |tokens: &SessionTokens| {
        with_header("cookie", &format!("stytch_session={}", tokens.session_token))
    };
    // The store is full, and later has room.
    let store = LocalRevocations::new().max_entries(1);
    let verifier = world.issuer.verifier().revocations(store);
    verifier.revoke_session(ISSUER, "session-of-another").await.unwrap();
    let guard = renewing(StepUpLayer::new(verifier.clone()), world.sessions.clone());
    let sessions = guard.sessions().unwrap();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    for _ in 0..2 {
        let out = sessions.sign_out_presented(opaque(&tokens).headers()).await;
        assert!(matches!(out.revoked, Err(SignOutError::NotRevoked(_))));
        assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    }
    world.clock.advance(seconds(700));
    let out = sessions.sign_out_presented(opaque(&tokens).headers()).await;
    assert!(out.revoked.is_ok());
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (401, "session_revoked"));

    // The session could be ended only by its token, so its id is not known.
    let mute = Scripted::new(|_| async { Err(AuthorityError::unavailable("scripted")) });
    let authority = ByToken { mute, sessions: world.sessions.clone() };
    let guard = renewing(world.issuer.guard(), authority);
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    for _ in 0..2 {
        let sessions = guard.sessions().unwrap();
        let out = sessions.sign_out_presented(opaque(&tokens).headers()).await;
        assert!(matches!(out.revoked, Err(SignOutError::Authority(_))));
    }

    // A successor could not be ended.
    let authority = Unsteady::new(&world);
    let guard = renewing(world.issuer.guard(), authority.clone());
    let sessions = guard.sessions().unwrap();
    let (weak, session, strong) = step(&world, &guard).await;
    authority.is_down.store(true, Ordering::SeqCst);
    assert!(sessions.sign_out_presented(opaque(&weak).headers()).await.revoked.is_err());
    world.sessions.revoke(session.id().to_owned()).await.unwrap();
    authority.is_down.store(false, Ordering::SeqCst);
    assert!(sessions.sign_out_presented(opaque(&weak).headers()).await.revoked.is_ok());
    assert!(is_gone(&world, &strong).await);
}

/// An authority that can only revoke sessions by token. Everything else fails.
struct ByToken {
    mute: Scripted,
    sessions: TestSessions,
}

impl SessionAuthority for ByToken {
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        self.mute.authenticate(token)
    }

    fn revoke(&self, session_id: String) -> AuthorityFuture<()> {
        self.mute.revoke(session_id)
    }

    fn revoke_by_token(&self, token: PresentedToken) -> AuthorityFuture<()> {
        self.sessions.revoke_by_token(token)
    }
}

#[tokio::test]
async fn signing_out_ends_every_session_that_the_same_step_ups_began() {
    let world = World::new();
    let guard = world.guard();
    let sessions = guard.sessions().unwrap();
    let begin = || world.sessions.begin(&proved(&[Factor::Password]));
    let [first, second, beside, third, late] = [(); 5].map(|()| begin());
    let of_first = session_of(&guard, &first).await;
    let of_second = session_of(&guard, &second).await;
    for (tokens, predecessor) in [(&second, &of_first), (&beside, &of_first), (&third, &of_second)]
    {
        drop(sessions.adopt(tokens, Some(predecessor), &headers()).await.unwrap());
    }
    assert!(sessions.sign_out_presented(with_bearer(&third).headers()).await.revoked.is_ok());
    assert!(is_gone(&world, &beside).await);
    let error = sessions.adopt(&late, Some(&of_first), &headers()).await.unwrap_err();
    assert!(matches!(error, AdoptError::PredecessorRevoked { revoked: Ok(()) }), "{error}");

    // Tokens that are adopted repeatedly count as one session.
    let (weak, strong) = (begin(), begin());
    let session = session_of(&guard, &weak).await;
    for _ in 0..20 {
        drop(sessions.adopt(&strong, Some(&session), &headers()).await.unwrap());
    }
    // The first session expires, and the one that follows it does not.
    let short = world.sessions.begin(&proved(&[Factor::Password]).ends_in(seconds(60)));
    let session = session_of(&guard, &short).await;
    let follower = begin();
    drop(sessions.adopt(&follower, Some(&session), &headers()).await.unwrap());
    world.clock.advance(seconds(1_200));
    guard.verifier().revoke_session(ISSUER, "session-1").await.unwrap();
    guard.verifier().revoke_session(ISSUER, "session-2").await.unwrap();
    assert!(sessions.sign_out_presented(with_bearer(&short).headers()).await.revoked.is_ok());
    assert!(is_gone(&world, &follower).await);
}

/// One exchange serves all requests with the token, whether there is an old JWT beside it or not.
#[tokio::test]
async fn an_opaque_token_is_exchanged_once() {
    let world = World::new();
    let session = proved(&[Factor::Password]).ends_in(seconds(30 * 86_400));
    let tokens = world.sessions.begin(&session);
    let guard = world.guard();
    world.clock.advance(seconds(90_000));
    let SessionTokens { session_token, session_jwt } = &tokens;
    let alone = with_header("cookie", &format!("stytch_session={session_token}"));
    let beside = format!("stytch_session={session_token}; stytch_session_jwt={session_jwt}");
    let beside = with_header("cookie", &beside);
    let calls = world.sessions.calls();
    for _ in 0..10 {
        for request in [&alone, &beside] {
            assert_eq!(outcome(&guard, request.clone()).await, (200, ""));
        }
    }
    assert_eq!(world.sessions.calls(), calls + 1);
}

/// If the store is full, two sessions can each follow the other.
#[tokio::test]
async fn sessions_that_follow_each_other_are_ended_once() {
    let world = World::new();
    let store = LocalRevocations::new().max_entries(1);
    let verifier = world.issuer.verifier().revocations(store);
    verifier.revoke_session(ISSUER, "session-of-another").await.unwrap();
    let guard = renewing(StepUpLayer::new(verifier), world.sessions.clone());
    let sessions = guard.sessions().unwrap();
    let (one, other) = (
        world.sessions.begin(&proved(&[Factor::Password])),
        world.sessions.begin(&proved(&[Factor::Password])),
    );
    for (from, to) in [(&one, &other), (&other, &one)] {
        let session = session_of(&guard, from).await;
        let adopted = sessions.adopt(to, Some(&session), &headers()).await;
        assert!(matches!(adopted, Err(AdoptError::NotRevoked(_))));
    }
    let request = with_bearer(&one);
    let ended = sessions.sign_out_presented(request.headers());
    let ended = crate::key_server::within_seconds(ended).await;
    assert!(matches!(ended.revoked, Err(SignOutError::NotRevoked(_))));
    assert!(is_gone(&world, &one).await && is_gone(&world, &other).await);
}

/// Tokens that an attacker plants beside a session do not keep it alive.
#[tokio::test(start_paused = true)]
async fn a_session_ends_at_once_although_the_request_has_planted_tokens() {
    let world = World::new();
    let authority = Unsteady::new(&world);
    let keys = OnDemand::new(&world.issuer, false);
    let away = tower_step_up::Verifier::new(keys, [world.issuer.name()], world.issuer.audience());
    let verifier = world.issuer.verifier();
    let guard = renewing(StepUpLayer::new(verifier), authority.clone());
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &tokens).await;
    let made_up = |index: usize| {
        let issuer = &world.issuer;
        let header = format!(r#"{{"alg":"RS256","kid":"made-up-{index}"}}"#);
        format!("stytch_session_jwt={}; ", issuer.sign(&header, "{}"))
    };
    let planted: String = (0..6).map(made_up).collect();
    let request = with_header("cookie", &planted);
    let sessions = guard.sessions().unwrap();
    let out = sessions.sign_out(&session, request.headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::Unverified(_))));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (401, "session_revoked"));
    assert!(is_gone(&world, &tokens).await);
    assert_eq!(authority.by_token.load(Ordering::SeqCst), 0);
    // Without keys, the authority is asked to end each session whose token may be genuine. A
    // limited number of these calls run at a time, and a call without a response times out.
    let sessions = Sessions::new(away, authority.clone());
    let began = tokio::time::Instant::now();
    let asking: Vec<_> = (0..40)
        .map(|index| {
            let planted: String = (6 * index..6 * index + 6).map(made_up).collect();
            let (sessions, request) = (sessions.clone(), with_header("cookie", &planted));
            tokio::spawn(async move { sessions.sign_out_presented(request.headers()).await })
        })
        .collect();
    for asked in asking {
        assert!(asked.await.unwrap().revoked.is_err());
    }
    assert!(began.elapsed() <= seconds(12), "{:?}", began.elapsed());
    assert!(authority.by_token.load(Ordering::SeqCst) <= 128);
}

/// Old tokens of ended sessions, from a log for example, do not fill the store.
#[tokio::test]
async fn a_session_that_has_ended_takes_no_room_in_the_store() {
    let world = World::new();
    let store = LocalRevocations::new().max_entries(3);
    let verifier = world.issuer.verifier().revocations(store.clone());
    let guard = renewing(StepUpLayer::new(verifier), world.sessions.clone());
    let session = proved(&[Factor::Password]).ends_in(seconds(60));
    let over: Vec<_> = (0..20).map(|_| world.sessions.begin(&session)).collect();
    world.clock.advance(seconds(400));
    let sessions = guard.sessions().unwrap();
    for tokens in &over {
        let out = sessions.sign_out_presented(with_bearer(tokens).headers()).await;
        assert!(out.revoked.is_ok());
    }
    assert!(store.is_empty());
    let live = world.sessions.begin(&proved(&[Factor::Password]));
    assert!(sessions.sign_out_presented(with_bearer(&live).headers()).await.revoked.is_ok());
    assert_eq!(outcome(&guard, with_bearer(&live)).await, (401, "session_revoked"));
}

/// An application may restore revocations before it makes a verifier.
#[tokio::test]
async fn revocations_made_before_a_verifier_has_the_store_are_kept() {
    use tower_step_up::token::{Revocations, Revoked};

    let world = World::new();
    let store = LocalRevocations::new();
    let tokens: Vec<_> =
        (0..4).map(|_| world.sessions.begin(&proved(&[Factor::Password]))).collect();
    for tokens in &tokens {
        let session = session_of(&world.issuer.guard(), tokens).await;
        let now = tower_step_up::testing::NOW;
        store.revoke(Revoked::session(ISSUER, session.id()), now).await.unwrap();
    }
    let guard = StepUpLayer::new(world.issuer.verifier().revocations(store));
    for tokens in &tokens {
        assert_eq!(outcome(&guard, with_bearer(tokens)).await, (401, "session_revoked"));
    }
}

/// The guard does not use the opaque token of another user beside an old JWT, or one beside a
/// header.
#[tokio::test]
async fn an_opaque_token_replaces_only_an_old_jwt_of_the_same_user() {
    let world = World::new();
    let session = |user: &str| proved(&[Factor::Password]).user(user).ends_in(seconds(30 * 86_400));
    let [one, other] =
        ["user-test-1", "user-test-2"].map(|user| world.sessions.begin(&session(user)));
    let guard = renewing_with(world.issuer.guard(), world.sessions.clone(), |sessions| {
        sessions.send_fresh_jwt()
    });
    world.clock.advance(seconds(90_000));
    let cookies = |jwt: &str, opaque: &str| {
        with_header("cookie", &format!("stytch_session_jwt={jwt}; stytch_session={opaque}"))
    };
    let mixed = cookies(&one.session_jwt, &other.session_token);
    let refused = respond(&guard, mixed.clone()).await;
    assert_eq!((refused.status.as_u16(), set_cookies(&refused).len()), (401, 0));
    // The cached renewals of neither user are used for the mixed request.
    let own = respond(&guard, cookies(&other.session_jwt, &other.session_token)).await;
    assert_eq!((own.status.as_u16(), &*own.body), (200, "user-test-2 1"));
    let opaque = with_header("cookie", &format!("stytch_session={}", other.session_token));
    assert_eq!(respond(&guard, opaque).await.body, "user-test-2 1");
    assert_eq!(respond(&guard, mixed).await.status, 401);

    let mut in_a_header = with_header("cookie", &format!("stytch_session={}", other.session_token));
    let header = bearer(&one.session_jwt).parse().unwrap();
    in_a_header.headers_mut().insert("authorization", header);
    let refused = respond(&guard, in_a_header).await;
    assert_eq!((refused.status.as_u16(), refused.header("stytch-session-jwt")), (401, ""));
}
