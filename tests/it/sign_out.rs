//! Sessions that are ended here, and tokens of a step.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Router, extract::State};
use http::{Request, Response};
use tokio::sync::Notify;
use tower::{Layer, service_fn};
use tower_step_up::credentials::CredentialSource;
use tower_step_up::keys::{KeySet, KeySource, KeysUnavailable, Refresh};
use tower_step_up::sessions::{
    AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority, SetCookies, SignOutError,
};
use tower_step_up::testing::TestIssuer;
use tower_step_up::token::LocalRevocations;
use tower_step_up::{
    Factor, Grant, Session, SessionTokens, Sessions, StepUpLayer, Verifier, VerifyError,
};

use crate::renewal::{
    Body, Scripted, World, answer, outcome, renewing, set_cookies, with_bearer, with_cookies,
    with_header,
};
use crate::support::{proved, seconds, send};

pub(crate) fn headers() -> HeaderMap {
    HeaderMap::from_iter([(http::header::HOST, "app.example".parse().unwrap())])
}

pub(crate) async fn session_of(guard: &StepUpLayer, tokens: &SessionTokens) -> Session {
    guard.verifier().verify(&tokens.session_jwt).await.unwrap()
}

/// Whether the authority says that there is no such session.
pub(crate) async fn is_gone(world: &World, tokens: &SessionTokens) -> bool {
    let token = PresentedToken::SessionToken(tokens.session_token.clone().into());
    let answer = world.sessions.authenticate(token).await;
    matches!(answer, Err(AuthorityError::UnknownSession))
}

#[tokio::test]
async fn whoever_signs_out_is_out_at_once_and_everywhere() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let others = world.sessions.begin(&proved(&[Factor::Password]));
    let guard = world.guard();
    let app = Router::new()
        .route("/sign-out", post(sign_out))
        .route("/", get(|| async { "inside" }))
        .layer(guard.clone())
        .with_state(guard.clone());
    let request = |method: &str, path: &str| {
        let mut request = with_cookies(&tokens);
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = path.parse().unwrap();
        request.map(axum::body::Body::new)
    };
    assert_eq!(send(&app, request("GET", "/")).await.body, "inside");
    let out = send(&app, request("POST", "/sign-out")).await;
    assert_eq!(
        (out.status.as_u16(), set_cookies(&out)),
        (
            200,
            vec![
                "stytch_session_jwt=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
                "stytch_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0",
            ]
        )
    );
    assert_eq!(out.header("cache-control"), "no-store");
    let refused = send(&app, request("GET", "/")).await;
    assert_eq!((refused.status.as_u16(), set_cookies(&refused).len()), (401, 0));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (401, "session_revoked"));
    assert_eq!(outcome(&guard, with_bearer(&others)).await, (200, ""));
    // The authority knows it too.
    assert!(is_gone(&world, &tokens).await);
    // And when the JWT has expired, nobody is asked.
    let calls = world.sessions.calls();
    world.clock.advance(seconds(400));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (401, "session_revoked"));
    assert_eq!(world.sessions.calls(), calls);
}

async fn sign_out(
    State(guard): State<StepUpLayer>,
    grant: Grant,
    request: HeaderMap,
) -> (SetCookies, &'static str) {
    let out = guard.sessions().unwrap().sign_out(&grant, &request).await;
    out.revoked.unwrap();
    (out.cookies, "signed out")
}

#[tokio::test]
async fn an_authority_that_fails_keeps_nobody_signed_in_here() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    // Its `revoke` fails.
    let guard = renewing(
        world.issuer.guard(),
        Scripted::new(|_| async { Err(AuthorityError::UnknownSession) }),
    );
    let session = session_of(&guard, &tokens).await;
    let out = guard.sessions().unwrap().sign_out(&session, &headers()).await;
    assert!(matches!(
        out.revoked,
        Err(SignOutError::Authority(AuthorityError::Unavailable { .. }))
    ));
    assert_eq!(outcome(&guard, with_cookies(&tokens)).await, (401, "session_revoked"));
    // One that panics takes nothing with it.
    let unaware = || StepUpLayer::new(world.issuer.verifier().revocations(LocalRevocations::new()));
    let panicking = renewing(unaware(), Panics);
    assert!(panicking.sessions().unwrap().sign_out(&session, &headers()).await.revoked.is_err());
    assert_eq!(outcome(&panicking, with_cookies(&tokens)).await, (401, "session_revoked"));
    // Without an authority a session is ended here.
    let alone = unaware();
    assert!(alone.verifier().revoke_session(session.id()).await.is_ok());
    assert_eq!(outcome(&alone, with_cookies(&tokens)).await, (401, "session_revoked"));
}

struct Panics;

impl SessionAuthority for Panics {
    fn authenticate(&self, _token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        panic!("scripted")
    }

    fn revoke(&self, _session_id: String) -> AuthorityFuture<()> {
        panic!("scripted")
    }
}

/// A handler's token is that of the session that the guard judged, whatever else the request
/// presents.
#[tokio::test]
async fn the_token_for_a_step_is_that_of_the_session_that_was_judged() {
    let world = World::new();
    let guard = world.guard();
    let one = world.sessions.begin(&proved(&[Factor::Password]));
    let other = world.sessions.begin(&proved(&[Factor::Password]).user("user-test-2"));
    let both = |jwt: &str, opaque: &str| {
        with_header("cookie", &format!("stytch_session_jwt={jwt}; stytch_session={opaque}"))
    };
    let jwt_of = async |request: Request<Body>| {
        let service = guard.layer(service_fn(|request: Request<Body>| async move {
            let grant = request.extensions().get::<Grant>().unwrap().clone();
            Ok::<_, Infallible>(Response::new(Body::from(
                grant.session().jwt().as_str().to_owned(),
            )))
        }));
        send(&service, request).await.body
    };
    assert_eq!(jwt_of(both(&one.session_jwt, &other.session_token)).await, one.session_jwt);
    assert_eq!(jwt_of(with_bearer(&one)).await, one.session_jwt);
    // After a renewal it is the fresh token, which a verifier accepts.
    let opaque = with_header("cookie", &format!("stytch_session={}", one.session_token));
    world.clock.advance(seconds(400));
    for request in [with_cookies(&one), opaque] {
        let fresh = jwt_of(request).await;
        let session = guard.verifier().verify(&fresh).await.unwrap();
        assert_eq!(session.user_id(), "user-test-00000000-0000-4000-8000-000000000000");
    }
}

#[tokio::test]
async fn signing_out_what_a_request_presents_ends_each_of_its_sessions() {
    let world = World::new();
    let guard = world.guard();
    let sessions = guard.sessions().unwrap();
    let begin = |user: &str| world.sessions.begin(&proved(&[Factor::Password]).user(user));
    let (one, other) = (begin("user-test-1"), begin("user-test-2"));
    let request = with_header(
        "cookie",
        &format!("stytch_session_jwt={}; stytch_session={}", one.session_jwt, other.session_token),
    );
    let out = sessions.sign_out_presented(request.headers()).await;
    assert!(out.revoked.is_ok());
    for tokens in [&one, &other] {
        assert_eq!(outcome(&guard, with_bearer(tokens)).await, (401, "session_revoked"));
        assert!(is_gone(&world, tokens).await);
    }
    // An expired JWT names its session too, and what names none is no error.
    let expired = world.expired(&proved(&[Factor::Password]));
    let bearer = with_bearer(&expired);
    assert!(sessions.sign_out_presented(bearer.headers()).await.revoked.is_ok());
    assert_eq!(outcome(&guard, with_bearer(&expired)).await, (401, "session_revoked"));
    let odd = with_header("cookie", "stytch_session_jwt=a.b.c; stytch_session=made-up");
    assert!(sessions.sign_out_presented(odd.headers()).await.revoked.is_ok());
    // If nobody can say whose token it is, it does not say that the session has ended.
    let silent = Scripted::new(|_| async { Err(AuthorityError::unavailable("scripted")) });
    let guard = renewing(world.issuer.guard(), silent);
    let opaque = with_header("cookie", "stytch_session=session-token-9");
    let out = guard.sessions().unwrap().sign_out_presented(opaque.headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::Authority(_))));
    // Of two cookies of one name the other may be used later.
    let two = with_header("cookie", "stytch_session_jwt=a.b.c; stytch_session_jwt=d.e.f");
    let out = sessions.sign_out_presented(two.headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::Unreadable(_))));
}

/// A first sign-out that reached nobody is made good by the next.
#[tokio::test]
async fn a_session_that_is_revoked_only_here_is_ended_with_its_authority_too() {
    let world = World::new();
    let guard = world.guard();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &tokens).await;
    guard.verifier().revoke_session(session.id()).await.unwrap();
    let opaque = with_header("cookie", &format!("stytch_session={}", tokens.session_token));
    assert_eq!(outcome(&guard, opaque.clone()).await, (401, "session_revoked"));
    let out = guard.sessions().unwrap().sign_out_presented(opaque.headers()).await;
    assert!(out.revoked.is_ok());
    assert!(is_gone(&world, &tokens).await);
}

/// Keys that come when they are asked for, or not at all.
#[tokio::test]
async fn a_presented_jwt_is_ended_before_the_first_keys_are_there_or_it_says_so() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    for (come, wanted) in [(true, true), (false, false)] {
        let keys = OnDemand { issuer: world.issuer.clone(), come, asked: Arc::default() };
        let issuer = &world.issuer;
        let verifier = Verifier::new(keys, [issuer.name()], issuer.audience());
        let verifier = verifier.clock(world.clock.clone());
        let sessions = Sessions::new(verifier.clone(), world.sessions.clone());
        let out = sessions.sign_out_presented(with_bearer(&tokens).headers()).await;
        assert_eq!(out.revoked.is_ok(), wanted);
        match out.revoked {
            Ok(()) => assert_eq!(
                outcome(&StepUpLayer::new(verifier), with_bearer(&tokens)).await,
                (401, "session_revoked")
            ),
            Err(error) => {
                assert!(matches!(error, SignOutError::Unverified(VerifyError::KeysUnavailable(_))))
            }
        }
    }
}

struct OnDemand {
    issuer: TestIssuer,
    come: bool,
    asked: Arc<AtomicBool>,
}

impl KeySource for OnDemand {
    fn current(&self) -> Option<Arc<KeySet>> {
        let is_there = self.come && self.asked.load(Ordering::SeqCst);
        is_there.then(|| self.issuer.current()).flatten()
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        self.asked.store(true, Ordering::SeqCst);
        let come = self.come;
        Some(Box::pin(async move {
            if come { Ok(()) } else { Err(KeysUnavailable { retry_after: seconds(1) }) }
        }))
    }
}

#[tokio::test]
async fn the_guards_of_one_project_know_of_each_others_sign_outs() {
    let world = World::new();
    let project = tower_step_up::stytch::Project::new(world.issuer.audience()).unwrap();
    let guard =
        || StepUpLayer::new(project.verifier_with(world.issuer.clone()).clock(world.clock.clone()));
    let (one, other) = (guard(), guard());
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&one, &tokens).await;
    let one = project.sessions_with(one.verifier().clone(), world.sessions.clone());
    assert!(one.sign_out(&session, &headers()).await.revoked.is_ok());
    assert_eq!(outcome(&other, with_bearer(&tokens)).await, (401, "session_revoked"));
}

#[tokio::test]
async fn a_users_sessions_are_revoked_that_began_before() {
    let world = World::new();
    let guard = world.guard();
    let before = world.sessions.begin(&proved(&[Factor::Password]));
    let others = world.sessions.begin(&proved(&[Factor::Password]).user("user-test-2"));
    let user = session_of(&guard, &before).await.user_id().to_owned();
    guard.verifier().revoke_user(&user).await.unwrap();
    world.clock.advance(seconds(10));
    let after = world.sessions.begin(&proved(&[Factor::Password]).started_ago(seconds(1)));
    assert_eq!(outcome(&guard, with_bearer(&before)).await, (401, "session_revoked"));
    assert_eq!(outcome(&guard, with_bearer(&others)).await, (200, ""));
    assert_eq!(outcome(&guard, with_bearer(&after)).await, (200, ""));
    // One that does not say when it began might have.
    let undated = world.sessions.begin(&proved(&[Factor::Password]).without_start());
    let opaque = with_header("cookie", &format!("stytch_session={}", undated.session_token));
    assert_eq!(outcome(&guard, opaque).await, (401, "session_revoked"));
}

#[tokio::test]
async fn the_weaker_session_dies_when_the_stronger_one_is_born() {
    let world = World::new();
    let guard = world.guard();
    let weak = world.sessions.begin(&proved(&[Factor::Password]));
    let strong = world.sessions.begin(&proved(&[Factor::Password, Factor::OtpSms]));
    let weak_session = session_of(&guard, &weak).await;
    let adopted =
        guard.sessions().unwrap().adopt(&strong, Some(&weak_session), &headers()).await.unwrap();
    assert_eq!(adopted.session.factors().len(), 2);
    let mut response = HeaderMap::new();
    adopted.cookies.append_to(&mut response);
    let lines: Vec<_> =
        response.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(
        lines,
        [
            &format!(
                "stytch_session_jwt={}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600",
                strong.session_jwt
            ),
            "stytch_session=session-token-2; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600",
        ]
    );
    // Another tab still has the old JWT: it is challenged, and with the fresh tokens, which the
    // browser has, it passes.
    let stale = answer(&guard, with_cookies(&weak)).await;
    assert_eq!((stale.status.as_u16(), set_cookies(&stale).len()), (401, 0));
    assert!(stale.header("www-authenticate").contains("invalid_token"));
    assert_eq!(outcome(&guard, with_cookies(&strong)).await, (200, ""));
    // Where it has the opaque one alone, renewal gives it both.
    let renewed =
        answer(&guard, with_header("cookie", &format!("stytch_session={}", strong.session_token)))
            .await;
    assert_eq!((renewed.status.as_u16(), set_cookies(&renewed).len()), (200, 2));
    world.clock.advance(seconds(400));
    assert_eq!(outcome(&guard, with_cookies(&strong)).await, (200, ""));
}

#[tokio::test]
async fn a_step_that_keeps_the_sessions_id_revokes_nothing() {
    let world = World::new();
    let guard = world.guard();
    let weak = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &weak).await;
    world.clock.advance(seconds(1));
    let strong = SessionTokens {
        session_jwt: world.issuer.mint(&proved(&[Factor::Password, Factor::Totp]).id(session.id())),
        ..weak.clone()
    };
    assert!(guard.sessions().unwrap().adopt(&strong, Some(&session), &headers()).await.is_ok());
    assert_eq!(outcome(&guard, with_cookies(&strong)).await, (200, ""));
    assert_eq!(outcome(&guard, with_cookies(&weak)).await, (200, ""));
}

#[tokio::test]
async fn tokens_that_cannot_be_trusted_are_not_adopted() {
    let world = World::new();
    let guard = world.guard();
    let old = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &old).await;
    let another = world.sessions.begin(&proved(&[Factor::Password]).user("user-test-2"));
    let check = async |tokens: &SessionTokens, want: &str| {
        let error =
            guard.sessions().unwrap().adopt(tokens, Some(&session), &headers()).await.unwrap_err();
        assert_eq!(error.to_string(), want);
        assert_eq!(outcome(&guard, with_cookies(&old)).await, (200, ""));
    };
    check(&another, "the session belongs to another user than the one before").await;
    let forged = SessionTokens { session_jwt: format!("{}AAAA", old.session_jwt), ..old.clone() };
    check(&forged, "the signature is invalid").await;
    let unusable = SessionTokens { session_token: "a;b".into(), ..old.clone() };
    check(&unusable, "the session token cannot stand in a cookie").await;
    assert!(guard.sessions().unwrap().adopt(&another, None, &headers()).await.is_ok());
}

#[test]
#[should_panic(expected = "the guard and the sessions must share one verifier")]
fn a_guard_does_not_renew_with_the_sessions_of_another_verifier() {
    let world = World::new();
    let other = world.issuer.verifier().leeway(seconds(6));
    let _ = StepUpLayer::new(other).renew_with(&world.issuer.sessions(world.sessions.clone()));
}

#[test]
fn a_guard_reads_no_cookie_that_its_sessions_would_not_clear() {
    let world = World::new();
    let sessions = world.issuer.sessions(world.sessions.clone());
    let own = || [CredentialSource::Bearer, CredentialSource::cookie("own")];
    let panics = |make: &dyn Fn() -> StepUpLayer| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(make)).is_err()
    };
    let guard = || world.issuer.guard();
    assert!(panics(&|| guard().credentials(own()).renew_with(&sessions)));
    assert!(panics(&|| guard().renew_with(&sessions).credentials(own())));
    assert!(!panics(&|| guard().renew_with(&sessions).credentials([CredentialSource::Bearer])));
    let named = sessions.clone().credentials(own());
    assert!(!panics(&|| guard().credentials(own()).renew_with(&named)));
}

/// The guard of a project reads, sets and clears what its handle names.
#[tokio::test]
async fn the_cookies_of_a_project_are_those_of_its_handle() {
    let world = World::new();
    let project = tower_step_up::stytch::Project::new(world.issuer.audience()).unwrap();
    let sources =
        [CredentialSource::cookie("jwt"), CredentialSource::session_token_cookie("token")];
    let verifier = world.issuer.verifier();
    let sessions = project.sessions_with(verifier.clone(), world.sessions.clone());
    let sessions = sessions.credentials(sources);
    let guard = project.guard_with(verifier).renew_with(&sessions);
    let tokens = world.expired(&proved(&[Factor::Password]));
    let cookie = with_header("cookie", &format!("jwt={}", tokens.session_jwt));
    let renewed = answer(&guard, cookie.clone()).await;
    let names: Vec<_> =
        set_cookies(&renewed).iter().filter_map(|line| line.split('=').next()).collect();
    assert_eq!((renewed.status.as_u16(), names), (200, vec!["jwt", "token"]));
    assert!(sessions.sign_out_presented(cookie.headers()).await.revoked.is_ok());
    assert_eq!(outcome(&guard, cookie).await, (401, "session_revoked"));
}

/// An opaque token is exchanged while a step strengthens its session and changes that token.
#[tokio::test]
async fn an_exchange_under_way_does_not_put_weaker_cookies_over_those_of_a_step() {
    let world = World::new();
    let gate = Arc::new(Notify::new());
    let (issuer, opened) = (world.issuer.clone(), Arc::clone(&gate));
    let weak = move || SessionTokens {
        session_token: "opaque-2".into(),
        session_jwt: issuer.mint(&proved(&[Factor::Password])),
    };
    let authority = Scripted::new(move |_| {
        let (tokens, opened) = (weak(), Arc::clone(&opened));
        async move {
            opened.notified().await;
            Ok(tokens)
        }
    });
    let guard = renewing(world.issuer.guard(), authority.clone());
    let asking = guard.clone();
    let request = tokio::spawn(async move {
        answer(&asking, with_header("cookie", "stytch_session=opaque-1")).await
    });
    while authority.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let strong = SessionTokens {
        session_token: "opaque-3".into(),
        session_jwt: world.issuer.mint(&proved(&[Factor::Password, Factor::Totp])),
    };
    drop(guard.sessions().unwrap().adopt(&strong, None, &headers()).await.unwrap());
    gate.notify_one();
    let answered = request.await.unwrap();
    assert_eq!((answered.status.as_u16(), set_cookies(&answered).len()), (200, 0));
}
