//! Sessions that are ended here, and tokens that take the place of others.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Router, extract::State};
use http::{Request, Response};
use time::OffsetDateTime;
use tower::{Layer, service_fn};
use tower_step_up::sessions::{
    AdoptError, AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority, SetCookies,
    SignOutError,
};
use tower_step_up::token::{
    LocalRevocations, RevocationError, RevocationFuture, Revocations, RevocationsUnavailable,
};
use tower_step_up::{Factor, Grant, Session, SessionTokens, StepUpLayer, VerifyError};

use crate::renewal::{
    Body, Scripted, World, answer, outcome, renewing, set_cookies, with_bearer, with_cookies,
    with_header,
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
        let gone = PresentedToken::SessionToken(tokens.session_token.clone().into());
        let gone = world.sessions.authenticate(gone).await;
        assert!(matches!(gone, Err(AuthorityError::UnknownSession)));
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
    assert_eq!(outcome(&guard, opaque).await, (401, "session_unknown"));
}

#[tokio::test]
async fn the_weaker_session_dies_when_the_stronger_one_is_born() {
    let world = World::new();
    let guard = world.guard();
    let weak = world.sessions.begin(&proved(&[Factor::Password]));
    let strong = world.sessions.begin(&proved(&[Factor::Password, Factor::OtpSms]));
    let weak_session = session_of(&guard, &weak).await;
    let taken =
        guard.sessions().unwrap().adopt(&strong, Some(&weak_session), &headers()).await.unwrap();
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
    assert!(guard.sessions().unwrap().adopt(&strong, Some(&session), &headers()).await.is_ok());
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

/// A replica that somebody else feeds.
#[derive(Default)]
struct Replica {
    asked: AtomicUsize,
    told: AtomicUsize,
    is_lost: AtomicBool,
}

#[derive(Clone, Default)]
struct Shared(Arc<Replica>);

impl Shared {
    fn write(&self) -> RevocationFuture {
        let shared = self.clone();
        Box::pin(async move {
            if shared.0.is_lost.load(Ordering::SeqCst) {
                return Err(RevocationError::Failed("the store is away".into()));
            }
            shared.0.told.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

impl Revocations for Shared {
    fn is_revoked(&self, _session: &Session) -> bool {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.told.load(Ordering::SeqCst) > 0
    }

    fn health(&self) -> Result<(), RevocationsUnavailable> {
        match self.0.is_lost.load(Ordering::SeqCst) {
            true => Err(RevocationsUnavailable { retry_after: seconds(2) }),
            false => Ok(()),
        }
    }

    fn revoke_session(&self, _session_id: String, _now: OffsetDateTime) -> RevocationFuture {
        self.write()
    }

    fn revoke_user(&self, _user_id: String, _now: OffsetDateTime) -> RevocationFuture {
        self.write()
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
    one.verifier().revoke_user("user-test-00000000-0000-4000-8000-000000000000").await.unwrap();
    assert_eq!(outcome(&other, with_bearer(&tokens)).await, (401, "session_revoked"));
    // In this process the default can be shared too.
    let local = LocalRevocations::new();
    let (one, other) = (
        guard(world.issuer.verifier().revocations(local.clone())),
        guard(world.issuer.verifier().revocations(local.clone())),
    );
    let session = session_of(&one, &tokens).await;
    one.verifier().revoke_session(session.id()).await.unwrap();
    assert_eq!(outcome(&other, with_bearer(&tokens)).await, (401, "session_revoked"));
    assert_eq!(local.len(), 1);
    // Where an outer guard let it pass, the inner one asks again.
    let nested = other.layer(service_fn(crate::support::inner::<Body>));
    assert_eq!(send(&one.layer(nested), with_bearer(&tokens)).await.status, 401);
}

#[tokio::test]
async fn a_store_that_cannot_be_trusted_refuses_everybody_and_says_so() {
    let world = World::new();
    let shared = Shared::default();
    let verifier = world.issuer.verifier().revocations(shared.clone());
    let guard = renewing(StepUpLayer::new(verifier), world.sessions.clone());
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &tokens).await;
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    shared.0.is_lost.store(true, Ordering::SeqCst);
    // Remembered or new, by JWT or by opaque token.
    let opaque = with_header("cookie", &format!("stytch_session={}", tokens.session_token));
    let new = world.sessions.begin(&proved(&[Factor::Password]));
    for request in [with_bearer(&tokens), with_bearer(&new), with_cookies(&tokens)] {
        assert_eq!(outcome(&guard, request).await, (503, "revocations_unavailable"));
    }
    assert_eq!(outcome(&guard, opaque).await.0, 503);
    let refused = answer(&guard, with_bearer(&tokens)).await;
    assert_eq!((refused.header("retry-after"), refused.header("www-authenticate")), ("2", ""));
    assert!(
        refused.body.contains("problem/index.html#revocations-unavailable"),
        "{}",
        refused.body
    );
    // A write that fails is never "signed out".
    let out = guard.sessions().unwrap().sign_out(&session, &headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::NotRevoked(RevocationError::Failed(_)))));
    let strong = world.sessions.begin(&proved(&[Factor::Password, Factor::Totp]));
    let adopted = guard.sessions().unwrap().adopt(&strong, Some(&session), &headers()).await;
    assert!(matches!(adopted, Err(AdoptError::Jwt(VerifyError::RevocationsUnavailable(_)))));
    shared.0.is_lost.store(false, Ordering::SeqCst);
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
}

#[test]
#[should_panic(expected = "the guard and the sessions must share one verifier")]
fn a_guard_does_not_renew_with_the_sessions_of_another_verifier() {
    let world = World::new();
    let other = world.issuer.verifier().leeway(seconds(6));
    let _ = StepUpLayer::new(other).renew_with(&world.issuer.sessions(world.sessions.clone()));
}
