//! Sessions that are ended here, and tokens that take the place of others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Router, extract::State};
use time::OffsetDateTime;
use tower_step_up::{
    AuthorityAnswer, AuthorityError, Factor, Grant, LocalRevocations, PresentedToken, Revocations,
    Session, SessionAuthority, SessionTokens, SetCookies, StepUpLayer, TakeUpError, TokenError,
};

use crate::renewal::{
    Body, Scripted, World, answer, outcome, set_cookies, with_bearer, with_cookies, with_header,
};
use crate::support::{proved, seconds, send};

fn headers() -> HeaderMap {
    HeaderMap::from_iter([(http::header::HOST, "app.example".parse().unwrap())])
}

async fn session_of(guard: &StepUpLayer, tokens: &SessionTokens) -> Session {
    guard.verifier().verify(&tokens.session_jwt).await.unwrap()
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
    let gone = world
        .sessions
        .authenticate(PresentedToken::SessionToken(tokens.session_token.clone().into()))
        .await;
    assert!(matches!(gone, Err(AuthorityError::UnknownSession)));
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
    let out = guard.sign_out(&grant, &request).await;
    out.revoked.unwrap();
    (out.cookies, "signed out")
}

#[tokio::test]
async fn an_authority_that_fails_keeps_nobody_signed_in_here() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    // Its `revoke` fails.
    let guard = world
        .issuer
        .guard()
        .renew_with(Scripted::new(|_| async { Err(AuthorityError::UnknownSession) }));
    let session = session_of(&guard, &tokens).await;
    let out = guard.sign_out(&session, &headers()).await;
    assert!(matches!(out.revoked, Err(AuthorityError::Unavailable { .. })));
    assert_eq!(outcome(&guard, with_cookies(&tokens)).await, (401, "session_revoked"));
    // One that panics takes nothing with it.
    let unaware = || StepUpLayer::new(world.issuer.verifier().revocations(LocalRevocations::new()));
    let panicking = unaware().renew_with(Panics);
    assert!(panicking.sign_out(&session, &headers()).await.revoked.is_err());
    assert_eq!(outcome(&panicking, with_cookies(&tokens)).await, (401, "session_revoked"));
    // Without an authority a session is ended here.
    let alone = unaware();
    assert!(alone.sign_out(&session, &headers()).await.revoked.is_ok());
    assert_eq!(outcome(&alone, with_cookies(&tokens)).await, (401, "session_revoked"));
}

struct Panics;

impl SessionAuthority for Panics {
    fn authenticate(&self, _token: PresentedToken) -> AuthorityAnswer<SessionTokens> {
        panic!("scripted")
    }

    fn revoke(&self, _session_id: String) -> AuthorityAnswer<()> {
        panic!("scripted")
    }
}

#[test]
fn the_token_for_a_step_is_the_opaque_one_or_else_the_jwt() {
    let world = World::new();
    let guard = world.guard();
    let presented =
        |name: &str, value: &str| guard.presented_token(with_header(name, value).headers());
    let opaque = |token: &str| Some(PresentedToken::SessionToken(token.into()));
    let jwt = |token: &str| Some(PresentedToken::SessionJwt(token.into()));
    for (name, value, want) in [
        ("cookie", "stytch_session_jwt=a.b.c; stytch_session=x", opaque("x")),
        ("cookie", "stytch_session=x", opaque("x")),
        ("cookie", "stytch_session_jwt=a.b.c", jwt("a.b.c")),
        ("cookie", "stytch_session=\"x\"; stytch_session_jwt=a.b.c", jwt("a.b.c")),
        ("cookie", "stytch_session=x; stytch_session=y; stytch_session_jwt=a.b.c", jwt("a.b.c")),
        ("cookie", "stytch_session_jwt=a.b.c; stytch_session_jwt=d.e.f", None),
        ("authorization", "Bearer a.b.c", jwt("a.b.c")),
        ("authorization", "Basic a", None),
        ("cookie", "theme=dark", None),
    ] {
        assert_eq!(presented(name, value), want, "{value}");
    }
}

#[tokio::test]
async fn the_guards_of_one_project_know_of_each_others_sign_outs() {
    let world = World::new();
    let project = tower_step_up::stytch::Project::new(world.issuer.audience()).unwrap();
    let guard = || {
        StepUpLayer::new(
            project.clone().verifier_with(world.issuer.clone()).clock(world.clock.clone()),
        )
    };
    let (one, other) = (guard(), guard());
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&one, &tokens).await;
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
    guard.verifier().revoke_user(&user);
    world.clock.advance(seconds(10));
    let after = world.sessions.begin(&proved(&[Factor::Password]).started_ago(seconds(1)));
    assert_eq!(outcome(&guard, with_bearer(&before)).await, (401, "session_revoked"));
    assert_eq!(outcome(&guard, with_bearer(&others)).await, (200, ""));
    assert_eq!(outcome(&guard, with_bearer(&after)).await, (200, ""));
    // One that does not say when it began might have.
    let undated = world.sessions.begin(&proved(&[Factor::Password]).without_start());
    let opaque = with_header("cookie", &format!("stytch_session={}", undated.session_token));
    assert_eq!(outcome(&guard, opaque).await, (401, "session_unknown"));
}

#[tokio::test]
async fn the_weaker_session_dies_when_the_stronger_one_is_born() {
    let world = World::new();
    let guard = world.guard();
    let weak = world.sessions.begin(&proved(&[Factor::Password]));
    let strong = world.sessions.begin(&proved(&[Factor::Password, Factor::OtpSms]));
    let weak_session = session_of(&guard, &weak).await;
    let taken = guard.take_up(&strong, Some(&weak_session), &headers()).await.unwrap();
    assert_eq!(taken.session.factors().len(), 2);
    let mut response = HeaderMap::new();
    taken.cookies.append_to(&mut response);
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
    assert!(guard.take_up(&strong, Some(&session), &headers()).await.is_ok());
    assert_eq!(outcome(&guard, with_cookies(&strong)).await, (200, ""));
    assert_eq!(outcome(&guard, with_cookies(&weak)).await, (200, ""));
}

#[tokio::test]
async fn tokens_that_cannot_be_trusted_are_not_taken_up() {
    let world = World::new();
    let guard = world.guard();
    let old = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &old).await;
    let another = world.sessions.begin(&proved(&[Factor::Password]).user("user-test-2"));
    let check = async |tokens: &SessionTokens, want: TakeUpError| {
        let error = guard.take_up(tokens, Some(&session), &headers()).await.unwrap_err();
        assert_eq!(error, want);
        assert_eq!(outcome(&guard, with_cookies(&old)).await, (200, ""));
    };
    check(&another, TakeUpError::AnotherUser).await;
    let forged = SessionTokens { session_jwt: format!("{}AAAA", old.session_jwt), ..old.clone() };
    check(&forged, TakeUpError::Token(TokenError::InvalidSignature)).await;
    check(
        &SessionTokens { session_token: "a;b".into(), ..old.clone() },
        TakeUpError::UnusableToken,
    )
    .await;
    assert!(guard.take_up(&another, None, &headers()).await.is_ok());
}

/// A replica that somebody else feeds.
#[derive(Default)]
struct Replica {
    asked: AtomicUsize,
    told: AtomicUsize,
}

#[derive(Clone, Default)]
struct Shared(Arc<Replica>);

impl Revocations for Shared {
    fn is_revoked(&self, _session: &Session) -> bool {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.told.load(Ordering::SeqCst) > 0
    }

    fn revoke_session(&self, _session_id: &str, _now: OffsetDateTime) {
        self.0.told.fetch_add(1, Ordering::SeqCst);
    }

    fn revoke_user(&self, _user_id: &str, _now: OffsetDateTime) {
        self.0.told.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn revocations_are_asked_at_every_request_and_may_be_shared() {
    let world = World::new();
    let shared = Shared::default();
    let guard = |verifier| StepUpLayer::new(verifier);
    let (one, other) = (
        guard(world.issuer.verifier().revocations(shared.clone())),
        guard(world.issuer.verifier().revocations(shared.clone())),
    );
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    for asked in 1..4 {
        assert_eq!(outcome(&one, with_bearer(&tokens)).await, (200, ""));
        assert_eq!(shared.0.asked.load(Ordering::SeqCst), asked);
    }
    one.verifier().revoke_user("user-test-00000000-0000-4000-8000-000000000000");
    assert_eq!(outcome(&other, with_bearer(&tokens)).await, (401, "session_revoked"));
    // In this process the default can be shared too.
    let local = LocalRevocations::new();
    let (one, other) = (
        guard(world.issuer.verifier().revocations(local.clone())),
        guard(world.issuer.verifier().revocations(local.clone())),
    );
    one.verifier().revoke_session(session_of(&one, &tokens).await.id());
    assert_eq!(outcome(&other, with_bearer(&tokens)).await, (401, "session_revoked"));
    assert_eq!(local.len(), 1);
    // Where an outer guard let it pass, the inner one asks again.
    let nested = tower::Layer::layer(&other, tower::service_fn(crate::support::inner::<Body>));
    assert_eq!(send(&tower::Layer::layer(&one, nested), with_bearer(&tokens)).await.status, 401);
}
