//! Signing out, and adopting the tokens of a step-up.

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
    AdoptError, AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority, SetCookies,
    SignOutError,
};
use tower_step_up::testing::TestIssuer;
use tower_step_up::token::LocalRevocations;
use tower_step_up::{
    Factor, Grant, Session, SessionTokens, Sessions, StepUpLayer, Verifier, VerifyError,
};

use crate::renewal::{
    Body, Scripted, World, outcome, renewing, respond, set_cookies, with_bearer, with_cookies,
    with_header,
};
use crate::support::{ISSUER, proved, seconds, send};

pub(crate) fn headers() -> HeaderMap {
    HeaderMap::from_iter([(http::header::HOST, "app.example".parse().unwrap())])
}

pub(crate) async fn session_of(guard: &StepUpLayer, tokens: &SessionTokens) -> Session {
    guard.verifier().verify(&tokens.session_jwt).await.unwrap()
}

/// Returns whether the authority reports the session as unknown.
pub(crate) async fn is_gone(world: &World, tokens: &SessionTokens) -> bool {
    let token = PresentedToken::SessionToken(tokens.session_token.clone().into());
    let response = world.sessions.authenticate(token).await;
    matches!(response, Err(AuthorityError::UnknownSession))
}

#[tokio::test]
async fn a_sign_out_ends_the_session_at_once_and_everywhere() {
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
    // The authority has ended the session too.
    assert!(is_gone(&world, &tokens).await);
    // After the JWT has expired, the guard refuses it without asking the authority.
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
async fn a_failing_authority_does_not_keep_a_session_alive_here() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    // The `revoke` of this authority fails.
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
    // A panic of the authority does not prevent the revocation here.
    let unaware = || StepUpLayer::new(world.issuer.verifier().revocations(LocalRevocations::new()));
    let panicking = renewing(unaware(), Panics);
    assert!(panicking.sessions().unwrap().sign_out(&session, &headers()).await.revoked.is_err());
    assert_eq!(outcome(&panicking, with_cookies(&tokens)).await, (401, "session_revoked"));
    // Without an authority, a session can still be revoked here.
    let alone = unaware();
    assert!(alone.verifier().revoke_session(session.issuer(), session.id()).await.is_ok());
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

/// A handler gets the token of the session that the guard verified, whatever other tokens the
/// request presents.
#[tokio::test]
async fn the_token_for_a_step_up_is_that_of_the_verified_session() {
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
    // After a renewal the handler gets the fresh JWT, which a verifier accepts.
    let opaque = with_header("cookie", &format!("stytch_session={}", one.session_token));
    world.clock.advance(seconds(400));
    for request in [with_cookies(&one), opaque] {
        let fresh = jwt_of(request).await;
        let session = guard.verifier().verify(&fresh).await.unwrap();
        assert_eq!(session.user_id(), "user-test-00000000-0000-4000-8000-000000000000");
    }
}

#[tokio::test]
async fn sign_out_presented_ends_every_session_that_the_request_presents() {
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
    // An expired JWT names its session too. A token that names no session is not an error.
    let expired = world.expired(&proved(&[Factor::Password]));
    let bearer = with_bearer(&expired);
    assert!(sessions.sign_out_presented(bearer.headers()).await.revoked.is_ok());
    assert_eq!(outcome(&guard, with_bearer(&expired)).await, (401, "session_revoked"));
    let odd = with_header("cookie", "stytch_session_jwt=a.b.c; stytch_session=made-up");
    assert!(sessions.sign_out_presented(odd.headers()).await.revoked.is_ok());
    // If the session of a token cannot be determined, the sign-out does not report success.
    let silent = Scripted::new(|_| async { Err(AuthorityError::unavailable("scripted")) });
    let guard = renewing(world.issuer.guard(), silent);
    let opaque = with_header("cookie", "stytch_session=session-token-9");
    let out = guard.sessions().unwrap().sign_out_presented(opaque.headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::Authority(_))));
}

/// Signs out of every session that a cookie line presents.
async fn sign_out_cookies(guard: &StepUpLayer, line: &str) -> Result<(), SignOutError> {
    let request = with_header("cookie", line);
    guard.sessions().unwrap().sign_out_presented(request.headers()).await.revoked
}

#[tokio::test]
async fn sign_out_presented_ends_each_of_several_tokens_in_one_place() {
    let world = World::new();
    let guard = world.guard();
    let begin = |user: usize| {
        world.sessions.begin(&proved(&[Factor::Password]).user(&format!("user-test-{user}")))
    };
    let [one, two, three, four] = [1, 2, 3, 4].map(begin);
    let line = format!(
        "stytch_session_jwt={}; stytch_session_jwt={}; stytch_session_jwt={1}; stytch_session={}; \
         stytch_session={}; stytch_session_jwt=a.b.c",
        one.session_jwt, two.session_jwt, three.session_token, four.session_token
    );
    sign_out_cookies(&guard, &line).await.unwrap();
    for tokens in [&one, &two, &three, &four] {
        assert_eq!(outcome(&guard, with_bearer(tokens)).await, (401, "session_revoked"));
        assert!(is_gone(&world, tokens).await);
    }
    // An invalid JWT does not hide the session token beside it.
    let begun = begin(5);
    let line = format!("stytch_session_jwt=a.b.c; stytch_session={}", begun.session_token);
    sign_out_cookies(&guard, &line).await.unwrap();
    assert!(is_gone(&world, &begun).await);
    assert_eq!(outcome(&guard, with_bearer(&begun)).await, (401, "session_revoked"));
    // The sign-out is an error if it leaves tokens unread.
    let line = |tokens: usize| {
        (0..tokens).map(|token| format!("stytch_session=t{token}; ")).collect::<String>()
    };
    assert!(sign_out_cookies(&guard, &line(8)).await.is_ok());
    let calls = world.sessions.calls();
    assert!(matches!(
        sign_out_cookies(&guard, &line(500)).await,
        Err(SignOutError::TooManyTokens { max: 8 })
    ));
    assert!(world.sessions.calls() <= calls + 8);
}

#[tokio::test]
async fn signing_out_of_a_session_ends_the_others_that_the_request_presents() {
    let world = World::new();
    let guard = world.guard();
    let begin = |user: &str| world.sessions.begin(&proved(&[Factor::Password]).user(user));
    let (one, other) = (begin("user-test-1"), begin("user-test-2"));
    let request = with_header(
        "cookie",
        &format!("stytch_session_jwt={}; stytch_session={}", one.session_jwt, other.session_token),
    );
    let session = session_of(&guard, &one).await;
    let out = guard.sessions().unwrap().sign_out(&session, request.headers()).await;
    assert!(out.revoked.is_ok());
    for tokens in [&one, &other] {
        assert!(is_gone(&world, tokens).await);
        assert_eq!(outcome(&guard, with_bearer(tokens)).await, (401, "session_revoked"));
    }
}

/// If this process cannot determine the session of a token, the authority can.
#[tokio::test]
async fn a_session_that_is_not_known_here_is_ended_by_its_token_and_reported() {
    let world = World::new();
    let begin = || world.sessions.begin(&proved(&[Factor::Password]));
    let other = TestIssuer::new().clock(world.clock.clone());
    let verifier = Verifier::new(other.clone(), [world.issuer.name()], world.issuer.audience());
    let sessions = Sessions::new(verifier, world.sessions.clone());
    // An unknown key may still arrive. Anyone can make up a key id, so the authority is not asked.
    let tokens = begin();
    let calls = world.sessions.calls();
    let out = sessions.sign_out_presented(with_bearer(&tokens).headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::Unverified(VerifyError::Token(_)))));
    assert!(world.sessions.calls() == calls && !is_gone(&world, &tokens).await);
    // This verifier refuses the fresh JWT of an exchange, so the opaque token's session is unknown.
    let tokens = begin();
    let opaque = with_header("cookie", &format!("stytch_session={}", tokens.session_token));
    let out = sessions.sign_out_presented(opaque.headers()).await;
    assert!(matches!(out.revoked, Err(SignOutError::Authority(_))));
    assert!(is_gone(&world, &tokens).await);
}

#[tokio::test]
async fn a_session_that_follows_one_that_was_signed_out_is_ended() {
    let world = World::new();
    let guard = world.guard();
    let sessions = guard.sessions().unwrap();
    let begin = || world.sessions.begin(&proved(&[Factor::Password]));
    let is_out = async |tokens: &SessionTokens| {
        is_gone(&world, tokens).await
            && outcome(&guard, with_bearer(tokens)).await == (401, "session_revoked")
    };

    // The sign-out comes first.
    let (weak, strong) = (begin(), begin());
    let session = session_of(&guard, &weak).await;
    sessions.sign_out_presented(with_cookies(&weak).headers()).await.revoked.unwrap();
    let error = sessions.adopt(&strong, Some(&session), &headers()).await.unwrap_err();
    assert!(matches!(error, AdoptError::PredecessorRevoked { revoked: Ok(()) }), "{error}");
    assert!(is_out(&strong).await);

    // The step-up comes first, and the browser still has the old tokens.
    let (weak, strong, stronger) = (begin(), begin(), begin());
    let session = session_of(&guard, &weak).await;
    let strong_session = session_of(&guard, &strong).await;
    drop(sessions.adopt(&strong, Some(&session), &headers()).await.unwrap());
    drop(sessions.adopt(&stronger, Some(&strong_session), &headers()).await.unwrap());
    assert_eq!(outcome(&guard, with_bearer(&stronger)).await, (200, ""));
    sessions.sign_out_presented(with_cookies(&weak).headers()).await.revoked.unwrap();
    assert!(is_out(&strong).await && is_out(&stronger).await);

    // A form that is sent twice does not sign the user out.
    let (weak, strong, again) = (begin(), begin(), begin());
    let session = session_of(&guard, &weak).await;
    for tokens in [&strong, &again] {
        drop(sessions.adopt(tokens, Some(&session), &headers()).await.unwrap());
    }
    assert_eq!(outcome(&guard, with_bearer(&again)).await, (200, ""));

    // If the authority cannot be reached, the error says so.
    let silent = Scripted::new(|_| async { Err(AuthorityError::unavailable("scripted")) });
    let guard = renewing(world.issuer.guard(), silent);
    let (weak, strong) = (begin(), begin());
    let session = session_of(&guard, &weak).await;
    guard.verifier().revoke_session(session.issuer(), session.id()).await.unwrap();
    let sessions = guard.sessions().unwrap();
    let error = sessions.adopt(&strong, Some(&session), &headers()).await.unwrap_err();
    let AdoptError::PredecessorRevoked { revoked } = error else { panic!("{error}") };
    assert!(matches!(revoked, Err(SignOutError::Authority(_))));
    assert_eq!(outcome(&guard, with_bearer(&strong)).await, (401, "session_revoked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_successor_survives_a_race_between_a_step_up_and_a_sign_out() {
    let world = World::new();
    let guard = world.guard();
    let sessions = guard.sessions().unwrap();
    for round in 0..200 {
        let begin = || world.sessions.begin(&proved(&[Factor::Password]));
        let (weak, strong) = (begin(), begin());
        let session = session_of(&guard, &weak).await;
        let step = {
            let (sessions, strong) = (sessions.clone(), strong.clone());
            async move { sessions.adopt(&strong, Some(&session), &headers()).await.map(drop) }
        };
        let sign_out = {
            let (sessions, request) = (sessions.clone(), with_cookies(&weak));
            async move { sessions.sign_out_presented(request.headers()).await.revoked }
        };
        let (step, sign_out) = match round % 2 {
            0 => (tokio::spawn(step), tokio::spawn(sign_out)),
            _ => {
                let sign_out = tokio::spawn(sign_out);
                (tokio::spawn(step), sign_out)
            }
        };
        sign_out.await.unwrap().unwrap();
        let _ = step.await.unwrap();
        assert!(is_gone(&world, &strong).await, "{round}");
        assert_eq!(outcome(&guard, with_bearer(&strong)).await, (401, "session_revoked"));
    }
}

/// The next sign-out makes up for one that did not reach the authority.
#[tokio::test]
async fn a_session_that_is_revoked_only_here_is_ended_by_the_authority_too() {
    let world = World::new();
    let guard = world.guard();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let session = session_of(&guard, &tokens).await;
    guard.verifier().revoke_session(session.issuer(), session.id()).await.unwrap();
    let opaque = with_header("cookie", &format!("stytch_session={}", tokens.session_token));
    assert_eq!(outcome(&guard, opaque.clone()).await, (401, "session_revoked"));
    let out = guard.sessions().unwrap().sign_out_presented(opaque.headers()).await;
    assert!(out.revoked.is_ok());
    assert!(is_gone(&world, &tokens).await);
}

/// The keys arrive when they are requested, or not at all.
#[tokio::test]
async fn a_jwt_presented_before_the_first_keys_is_ended_or_reported() {
    let world = World::new();
    for (come, wanted) in [(true, true), (false, false)] {
        let tokens = world.sessions.begin(&proved(&[Factor::Password]));
        let keys = OnDemand::new(&world.issuer, come);
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
                assert!(matches!(error, SignOutError::Unverified(VerifyError::KeysUnavailable(_))));
                // On the second try, the authority no longer knows the session, but the JWT is as
                // valid as before.
                let again = sessions.sign_out_presented(with_bearer(&tokens).headers()).await;
                assert!(matches!(again.revoked, Err(SignOutError::Unverified(_))));
            }
        }
        assert!(is_gone(&world, &tokens).await);
    }
}

pub(crate) struct OnDemand {
    issuer: TestIssuer,
    come: bool,
    asked: Arc<AtomicBool>,
}

impl OnDemand {
    pub(crate) fn new(issuer: &TestIssuer, come: bool) -> Self {
        Self { issuer: issuer.clone(), come, asked: Arc::default() }
    }
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
async fn the_guards_of_one_project_share_their_sign_outs() {
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
async fn revoking_a_user_ends_the_sessions_that_began_before() {
    let world = World::new();
    let guard = world.guard();
    let before = world.sessions.begin(&proved(&[Factor::Password]));
    let others = world.sessions.begin(&proved(&[Factor::Password]).user("user-test-2"));
    let user = session_of(&guard, &before).await.user_id().to_owned();
    guard.verifier().revoke_user(ISSUER, &user).await.unwrap();
    world.clock.advance(seconds(10));
    let after = world.sessions.begin(&proved(&[Factor::Password]).started_ago(seconds(1)));
    assert_eq!(outcome(&guard, with_bearer(&before)).await, (401, "session_revoked"));
    assert_eq!(outcome(&guard, with_bearer(&others)).await, (200, ""));
    assert_eq!(outcome(&guard, with_bearer(&after)).await, (200, ""));
    // A session without a start may have begun before the revocation.
    let undated = world.sessions.begin(&proved(&[Factor::Password]).without_start());
    let opaque = with_header("cookie", &format!("stytch_session={}", undated.session_token));
    assert_eq!(outcome(&guard, opaque).await, (401, "session_revoked"));
}

#[tokio::test]
async fn adopting_a_stronger_session_ends_the_weaker_one() {
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
    // Another tab still sends the old JWT and is challenged. With the fresh tokens, which the
    // browser has by then, it passes.
    let stale = respond(&guard, with_cookies(&weak)).await;
    assert_eq!((stale.status.as_u16(), set_cookies(&stale).len()), (401, 0));
    assert!(stale.header("www-authenticate").contains("invalid_token"));
    assert_eq!(outcome(&guard, with_cookies(&strong)).await, (200, ""));
    // If the browser has only the session token, renewal brings both tokens.
    let renewed =
        respond(&guard, with_header("cookie", &format!("stytch_session={}", strong.session_token)))
            .await;
    assert_eq!((renewed.status.as_u16(), set_cookies(&renewed).len()), (200, 2));
    world.clock.advance(seconds(400));
    assert_eq!(outcome(&guard, with_cookies(&strong)).await, (200, ""));
}

#[tokio::test]
async fn a_step_up_that_keeps_the_sessions_id_revokes_nothing() {
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
    check(&another, "the new session belongs to a different user than the previous one").await;
    let forged = SessionTokens { session_jwt: format!("{}AAAA", old.session_jwt), ..old.clone() };
    check(&forged, "the signature is invalid").await;
    let unusable = SessionTokens { session_token: "a;b".into(), ..old.clone() };
    check(&unusable, "the session token cannot be a cookie value").await;
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
fn a_guard_cannot_read_a_cookie_that_its_sessions_would_not_clear() {
    let world = World::new();
    let sessions = world.issuer.sessions(world.sessions.clone());
    let own = || [CredentialSource::Bearer, CredentialSource::cookie("own")];
    let panics = |make: &dyn Fn() -> StepUpLayer| {
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(make)).err();
        panic.is_some_and(|text| {
            let text = text.downcast::<String>().unwrap();
            assert!(text.starts_with("the guard reads Cookie(\"own\"), which its"), "{text}");
            true
        })
    };
    let guard = || world.issuer.guard();
    assert!(panics(&|| guard().credentials(own()).renew_with(&sessions)));
    assert!(panics(&|| guard().renew_with(&sessions).credentials(own())));
    assert!(!panics(&|| guard().renew_with(&sessions).credentials([CredentialSource::Bearer])));
    let named = sessions.clone().credentials(own());
    assert!(!panics(&|| guard().credentials(own()).renew_with(&named)));
}

/// The guard of a project reads, sets and clears the cookies that its `Sessions` handle names.
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
    let renewed = respond(&guard, cookie.clone()).await;
    let names: Vec<_> =
        set_cookies(&renewed).iter().filter_map(|line| line.split('=').next()).collect();
    // The session token goes only to a client that has it.
    assert_eq!((renewed.status.as_u16(), names), (200, vec!["jwt"]));
    assert!(sessions.sign_out_presented(cookie.headers()).await.revoked.is_ok());
    assert_eq!(outcome(&guard, cookie).await, (401, "session_revoked"));
}

/// An opaque token is exchanged while a step-up strengthens its session and changes that token.
#[tokio::test]
async fn a_pending_exchange_does_not_overwrite_the_cookies_of_a_step_up() {
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
        respond(&asking, with_header("cookie", "stytch_session=opaque-1")).await
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
