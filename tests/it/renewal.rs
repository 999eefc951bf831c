//! Renewal and confirmation of sessions.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_step_up::Sessions;
use tower_step_up::credentials::CredentialSource;
use tower_step_up::sessions::{AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority};
use tower_step_up::testing::{self, FixedClock, SessionBuilder, TestIssuer, TestSessions};
use tower_step_up::{Factor, Grant, Policy, SessionTokens, StepUpLayer, Verifier};
use tracing::Level;

use crate::events::logged;
use crate::support::{TestResponse, bearer, issuer, proved, seconds, send};

pub(crate) type Body = Full<Bytes>;

/// An issuer and its sessions, with a clock that can be advanced.
pub(crate) struct World {
    pub(crate) clock: FixedClock,
    pub(crate) issuer: TestIssuer,
    pub(crate) sessions: TestSessions,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(issuer().clone())
    }

    pub(crate) fn of(issuer: TestIssuer) -> Self {
        let clock = FixedClock::new();
        let issuer = issuer.clock(clock.clone());
        Self { sessions: TestSessions::new(&issuer), issuer, clock }
    }

    pub(crate) fn guard(&self) -> StepUpLayer {
        renewing(self.issuer.guard(), self.sessions.clone())
    }

    /// Begins a session and returns its tokens once the JWT has expired.
    pub(crate) fn expired(&self, session: &SessionBuilder) -> SessionTokens {
        let tokens = self.sessions.begin(session);
        self.clock.advance(seconds(400));
        tokens
    }
}

/// Returns the guard, set up to renew sessions with this authority.
pub(crate) fn renewing(guard: StepUpLayer, authority: impl SessionAuthority) -> StepUpLayer {
    renewing_with(guard, authority, |sessions| sessions)
}

pub(crate) fn renewing_with(
    guard: StepUpLayer,
    authority: impl SessionAuthority,
    settings: impl FnOnce(Sessions) -> Sessions,
) -> StepUpLayer {
    let sessions = Sessions::new(guard.verifier().clone(), authority);
    guard.renew_with(&settings(sessions))
}

/// An authority that counts its calls and returns scripted results.
#[derive(Clone)]
pub(crate) struct Scripted {
    calls: Arc<AtomicUsize>,
    authenticate: Arc<dyn Fn(PresentedToken) -> AuthorityFuture<SessionTokens> + Send + Sync>,
}

impl Scripted {
    pub(crate) fn new<F, A>(authenticate: F) -> Self
    where
        F: Fn(PresentedToken) -> A + Send + Sync + 'static,
        A: Future<Output = Result<SessionTokens, AuthorityError>> + Send + 'static,
    {
        Self {
            calls: Arc::default(),
            authenticate: Arc::new(move |token| Box::pin(authenticate(token))),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl SessionAuthority for Scripted {
    fn authenticate(&self, token: PresentedToken) -> AuthorityFuture<SessionTokens> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        (self.authenticate)(token)
    }

    fn revoke(&self, _session_id: String) -> AuthorityFuture<()> {
        Box::pin(async { Err(AuthorityError::unavailable("scripted")) })
    }
}

pub(crate) fn with_header(name: &str, value: &str) -> Request<Body> {
    Request::get("/")
        .header("host", "app.example")
        .header(name, value)
        .body(Body::default())
        .unwrap()
}

pub(crate) fn with_cookies(tokens: &SessionTokens) -> Request<Body> {
    let SessionTokens { session_token, session_jwt } = tokens;
    with_header(
        "cookie",
        &format!("stytch_session={session_token}; theme=dark; stytch_session_jwt={session_jwt}"),
    )
}

pub(crate) fn with_bearer(tokens: &SessionTokens) -> Request<Body> {
    with_header("authorization", &bearer(&tokens.session_jwt))
}

/// Sends `rounds` requests of each user at once, with each kind of token in turn. Every response
/// must be about the user who sent the request, and must not bring another user's session token.
pub(crate) async fn hammer(
    guard: &StepUpLayer,
    rounds: usize,
    users: &[String],
    begun: &[SessionTokens],
) {
    let of_all = |round| {
        users.iter().zip(begun).map(move |(user, tokens)| (round, user.clone(), tokens.clone()))
    };
    let ask = |(round, user, tokens): (usize, String, SessionTokens)| {
        let guard = guard.clone();
        let request = match round % 3 {
            0 => with_cookies(&tokens),
            1 => with_bearer(&tokens),
            _ => with_header("cookie", &format!("stytch_session={}", tokens.session_token)),
        };
        tokio::spawn(async move {
            let response = respond(&guard, request).await;
            assert_eq!(response.body, format!("{user} 1"));
            let opaque =
                set_cookies(&response).into_iter().find(|line| line.starts_with("stytch_session="));
            assert!(
                opaque.is_none_or(|line| line.contains(&format!("={};", tokens.session_token)))
            );
        })
    };
    let asked: Vec<_> = (0..rounds).flat_map(of_all).map(ask).collect();
    for asked in asked {
        asked.await.unwrap();
    }
}

/// Sends the request through the guard to a handler that responds with the session's user and the
/// number of its factors.
pub(crate) async fn respond(guard: &StepUpLayer, request: Request<Body>) -> TestResponse {
    let service = guard.layer(service_fn(|request: Request<Body>| async move {
        let session = request.extensions().get::<Grant>().unwrap().session().clone();
        let text = format!("{} {}", session.user_id(), session.factors().len());
        Ok::<_, Infallible>(Response::new(Body::from(text)))
    }));
    send(&service, request).await
}

/// Returns the status of the response and, for a refusal, the reason.
pub(crate) async fn outcome(guard: &StepUpLayer, request: Request<Body>) -> (u16, &'static str) {
    use tower::ServiceExt;
    use tower_step_up::Rejection;

    let service = guard.layer(service_fn(crate::support::inner::<Body>));
    let response = service.oneshot(request).await.unwrap();
    (response.status().as_u16(), Rejection::of(&response).map_or("", Rejection::reason))
}

/// Returns the `Set-Cookie` lines of a response.
pub(crate) fn set_cookies(response: &TestResponse) -> Vec<&str> {
    response.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect()
}

fn value_of<'a>(line: &'a str, name: &str) -> &'a str {
    line.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('='))
        .and_then(|rest| rest.split(';').next())
        .unwrap()
}

#[tokio::test]
async fn an_expired_jwt_in_a_cookie_is_renewed_and_both_fresh_tokens_are_sent_back() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    let guard = world.guard();
    let first = respond(&guard, with_cookies(&tokens)).await;
    assert_eq!(
        (first.status.as_u16(), &*first.body),
        (200, "user-test-00000000-0000-4000-8000-000000000000 1")
    );
    let [jwt, token] = set_cookies(&first).try_into().unwrap();
    // The session ends an hour after it began.
    assert!(jwt.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3200"), "{jwt}");
    assert_eq!(
        token,
        "stytch_session=session-token-1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3200"
    );
    assert_eq!(first.header("cache-control"), "no-store");
    assert!(first.headers.get_all("set-cookie").iter().all(HeaderValue::is_sensitive));

    let fresh = SessionTokens { session_jwt: value_of(jwt, "stytch_session_jwt").into(), ..tokens };
    let second = respond(&guard, with_cookies(&fresh)).await;
    assert_eq!((second.status.as_u16(), set_cookies(&second).len()), (200, 0));
    assert_eq!((second.header("cache-control"), world.sessions.calls()), ("private", 1));
}

#[tokio::test]
async fn a_browser_on_loopback_gets_cookies_that_it_can_use() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    let mut request = with_cookies(&tokens);
    request.headers_mut().insert("host", "127.0.0.1:3000".parse().unwrap());
    let response = respond(&world.guard(), request).await;
    assert!(
        set_cookies(&response).iter().all(|line| !line.contains("Secure")),
        "{:?}",
        set_cookies(&response)
    );
}

#[tokio::test]
async fn a_bearer_client_gets_the_fresh_jwt_if_that_is_turned_on() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    let quiet = respond(&world.guard(), with_bearer(&tokens)).await;
    assert_eq!(
        (quiet.status.as_u16(), quiet.header("stytch-session-jwt"), set_cookies(&quiet).len()),
        (200, "", 0)
    );
    let guard = renewing_with(world.issuer.guard(), world.sessions.clone(), |sessions| {
        sessions.send_fresh_jwt()
    });
    let with_jwt = respond(&guard, with_bearer(&tokens)).await;
    assert!(guard.verifier().verify(with_jwt.header("stytch-session-jwt")).await.is_ok());
    assert_eq!((with_jwt.header("cache-control"), set_cookies(&with_jwt).len()), ("no-store", 0));
    assert!(with_jwt.headers["stytch-session-jwt"].is_sensitive());
}

/// The session token lives as long as the session, but an attacker may find an old JWT in a log.
#[tokio::test]
async fn a_client_with_only_an_expired_jwt_does_not_receive_the_session_token() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    let guard = world.guard();
    let (jwt, token) = (&tokens.session_jwt, &tokens.session_token);
    for (line, want) in [
        (format!("stytch_session_jwt={jwt}"), 1),
        (format!("stytch_session_jwt={jwt}; stytch_session="), 1),
        (format!("stytch_session_jwt={jwt}; stytch_session=made-up"), 1),
        (format!("stytch_session_jwt={jwt}; stytch_session={token}x"), 1),
        (format!("stytch_session_jwt={jwt}; other={token}"), 1),
        (format!("stytch_session_jwt={jwt}; stytch_session={token}"), 2),
        (format!("stytch_session={token}"), 2),
    ] {
        let renewed = respond(&guard, with_header("cookie", &line)).await;
        let lines = set_cookies(&renewed);
        assert_eq!((renewed.status.as_u16(), lines.len()), (200, want), "{line}");
        assert!(lines[0].starts_with("stytch_session_jwt=ey"), "{line}");
        let has_token = lines.iter().any(|line| line.contains(token.as_str()));
        assert_eq!(has_token, want == 2, "{line}");
    }
}

/// An authority may change the opaque token when it is exchanged.
#[tokio::test]
async fn a_client_receives_the_opaque_token_that_replaces_its_own() {
    let world = World::new();
    let issuer = world.issuer.clone();
    let rotating = Scripted::new(move |_| {
        let session_jwt = issuer.mint(&proved(&[Factor::Password]));
        async { Ok(SessionTokens { session_token: "the-next".into(), session_jwt }) }
    });
    let guard = renewing(world.issuer.guard(), rotating);
    let opaque = respond(&guard, with_header("cookie", "stytch_session=the-first")).await;
    assert!(set_cookies(&opaque)[1].starts_with("stytch_session=the-next; "));
}

#[tokio::test]
async fn a_jwt_that_was_issued_long_ago_is_not_renewed() {
    let world = World::new();
    let session = proved(&[Factor::Password]).ends_in(seconds(30 * 86_400));
    let tokens = world.sessions.begin(&session);
    let guard = world.guard();
    world.clock.advance(seconds(86_400));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    world.clock.advance(seconds(1));
    let calls = world.sessions.calls();
    let jwt = with_header("cookie", &format!("stytch_session_jwt={}", tokens.session_jwt));
    for request in [with_bearer(&tokens), jwt] {
        assert_eq!(outcome(&guard, request).await, (401, "token_expired"));
    }
    assert_eq!(world.sessions.calls(), calls);
    // The guard exchanges the session token beside it, and the browser receives both tokens.
    let renewed = respond(&guard, with_cookies(&tokens)).await;
    assert_eq!((renewed.status.as_u16(), set_cookies(&renewed).len()), (200, 2));
    assert_eq!(world.sessions.calls(), calls + 1);
    // The same holds if the guard has to wait for the JWT's key.
    let keys = crate::sign_out::OnDemand::new(&world.issuer, true);
    let verifier = Verifier::new(keys, [world.issuer.name()], world.issuer.audience());
    let waiting = StepUpLayer::new(verifier.clock(world.clock.clone()));
    let waiting = renewing(waiting, world.sessions.clone());
    assert_eq!(respond(&waiting, with_cookies(&tokens)).await.status, 200);
    let patient = renewing_with(world.issuer.guard(), world.sessions.clone(), |sessions| {
        sessions.max_renewable_age(seconds(90_000))
    });
    assert_eq!(outcome(&patient, with_bearer(&tokens)).await, (200, ""));
}

/// Browsers drop a cookie that is too long and keep the old one.
#[test]
fn a_jwt_too_long_for_a_cookie_is_removed_and_the_session_token_is_set() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = World::new();
    let long = || proved(&[Factor::Password]).claim("cart", "x".repeat(4_000));
    let tokens = world.expired(&long());
    let guard = world.guard();
    let removed = "stytch_session_jwt=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";
    let check = |lines: &[&str]| {
        assert_eq!(lines[0], removed);
        let token = format!("stytch_session={}; ", tokens.session_token);
        assert!(lines.len() == 2 && lines[1].starts_with(&token), "{lines:?}");
    };
    let (renewed, lines) =
        logged(Level::WARN, || runtime.block_on(respond(&guard, with_cookies(&tokens))));
    assert_eq!(renewed.status, 200);
    check(&set_cookies(&renewed));
    let [line] = lines.try_into().unwrap();
    assert!(line.contains("a session JWT does not fit into a cookie"), "{line}");
    assert!(line.contains(" bytes=6") && line.contains(" max_bytes=4096"), "{line}");
    assert!(!line.contains("eyJ"), "{line}");
    // The same holds for the tokens of a step-up.
    let fresh = world.sessions.begin(&long());
    let adopted = guard.sessions().unwrap();
    let headers = crate::sign_out::headers();
    let (adopted, lines) =
        logged(Level::WARN, || runtime.block_on(adopted.adopt(&fresh, None, &headers)));
    let [line] = lines.try_into().unwrap();
    assert!(
        line.contains("for other guards the JWT must be shorter or sent in a header"),
        "{line}"
    );
    let mut response = http::HeaderMap::new();
    adopted.unwrap().cookies.append_to(&mut response);
    assert_eq!(response["set-cookie"], removed);
    // From then on the browser sends only the session token, and that works.
    let next = with_header("cookie", &format!("stytch_session={}", tokens.session_token));
    let next = runtime.block_on(respond(&guard, next));
    assert_eq!(next.status, 200);
    check(&set_cookies(&next));
}

#[tokio::test]
async fn an_opaque_token_is_exchanged_if_there_is_no_jwt() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password, Factor::OtpSms]));
    let guard = world.guard().require(Policy::mfa());
    let opaque = || with_header("cookie", &format!("stytch_session={}", tokens.session_token));
    let answered = respond(&guard, opaque()).await;
    assert_eq!((answered.status.as_u16(), set_cookies(&answered).len()), (200, 2));
    // The renewal is cached briefly, for clients that do not keep cookies.
    assert_eq!((respond(&guard, opaque()).await.status.as_u16(), world.sessions.calls()), (200, 1));
    world.clock.advance(seconds(31));
    assert_eq!((respond(&guard, opaque()).await.status.as_u16(), world.sessions.calls()), (200, 2));

    let header = CredentialSource::SessionTokenHeader(HeaderName::from_static("x-session-token"));
    let guard = guard.credentials(CredentialSource::defaults().into_iter().chain([header]));
    let by_header = respond(&guard, with_header("x-session-token", &tokens.session_token)).await;
    assert_eq!((by_header.status.as_u16(), set_cookies(&by_header).len()), (200, 0));
    // The guard does not ask the authority about a value that cannot be a token.
    for odd in [&b"caf\xe9"[..], b"\x80", b"a b", b"a;b", b""] {
        let request =
            Request::builder().header("x-session-token", HeaderValue::from_bytes(odd).unwrap());
        let (status, _) = outcome(&guard, request.body(Body::default()).unwrap()).await;
        assert!([400, 401].contains(&status), "{status} {odd:?}");
    }
    assert_eq!(world.sessions.calls(), 2);
    // If there is a JWT cookie, it decides alone, even if it is invalid.
    let both = with_header(
        "cookie",
        &format!("stytch_session={}; stytch_session_jwt=x", tokens.session_token),
    );
    assert_eq!(outcome(&guard, both).await, (401, "token_not_three_parts"));
    // A guard that does not renew sessions ignores the session token.
    assert_eq!(outcome(&world.issuer.guard(), opaque()).await, (401, "no_credentials"));
    assert_eq!(
        respond(&renewing(world.issuer.guard().optional(), world.sessions.clone()), opaque())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_renewal_is_cached_briefly_and_never_outlives_the_fresh_jwt() {
    let world = World::new();
    let session = proved(&[Factor::Password]);
    let tokens = world.expired(&session);
    let guard = renewing_with(world.issuer.guard(), world.sessions.clone(), |sessions| {
        sessions.cache_for(seconds(9_999))
    });
    for (passed, calls) in [(0, 1), (0, 1), (299, 1), (6, 2)] {
        world.clock.advance(seconds(passed));
        assert_eq!(respond(&guard, with_bearer(&tokens)).await.status, 200);
        assert_eq!(world.sessions.calls(), calls, "{passed}");
    }
    let without_cache = renewing_with(world.issuer.guard(), world.sessions.clone(), |sessions| {
        sessions.cache_for(Duration::ZERO)
    });
    for calls in 3..5 {
        world.clock.advance(seconds(1));
        assert_eq!(respond(&without_cache, with_bearer(&tokens)).await.status, 200);
        assert_eq!(world.sessions.calls(), calls);
    }
}

#[tokio::test]
async fn a_jwt_is_renewed_only_if_nothing_but_its_age_is_wrong() {
    let world = World::new();
    let begun = world.sessions.begin(&proved(&[Factor::Password]));
    let mut claims = world.issuer.claims(&proved(&[Factor::Password]));
    claims["iss"] = "stytch.com/another".into();
    let ended = world.issuer.mint(&proved(&[Factor::Password]).ends_in(seconds(60)));
    let machine = world.issuer.mint(&proved(&[Factor::Password]).claim("scope", "read"));
    let early = world.issuer.mint_claims(&{
        let mut claims = world.issuer.claims(&proved(&[Factor::Password]));
        claims["nbf"] = (testing::NOW + seconds(500)).unix_timestamp().into();
        claims
    });
    world.clock.advance(seconds(400));
    let guard = world.guard();
    let (signed, tail) = begun.session_jwt.rsplit_once('.').unwrap();
    let flipped = if tail.starts_with('A') { 'B' } else { 'A' };
    for (token, want) in [
        (format!("{signed}.{flipped}{}", &tail[1..]), "token_invalid_signature"),
        (world.issuer.mint_claims(&claims), "token_wrong_issuer"),
        (ended, "session_ended"),
        (machine, "token_not_a_session"),
        (early, "token_not_yet_valid"),
        (
            TestIssuer::new().clock(world.clock.clone()).mint(&proved(&[Factor::Password])),
            "token_unknown_key",
        ),
    ] {
        assert_eq!(
            outcome(&guard, with_header("authorization", &bearer(&token))).await,
            (401, want)
        );
        let cookie = with_header(
            "cookie",
            &format!("stytch_session_jwt={token}; stytch_session=session-token-1"),
        );
        assert_eq!(outcome(&guard, cookie).await, (401, want));
    }
    assert_eq!(world.sessions.calls(), 0);
    // A JWT that is too old for the verifier is exchanged for a younger one.
    let strict = world.issuer.verifier().max_token_age(seconds(60));
    let guard = renewing(StepUpLayer::new(strict), world.sessions.clone());
    world.clock.advance(seconds(61));
    assert_eq!(outcome(&guard, with_bearer(&begun)).await, (200, ""));
}

#[tokio::test]
async fn an_ended_session_is_refused_and_its_cookies_are_not_cleared() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    world
        .sessions
        .revoke("session-test-00000000-0000-4000-8000-000000000001".into())
        .await
        .unwrap();
    let guard = world.guard();
    for (passed, calls) in [(0, 1), (0, 1), (30, 1), (1, 2)] {
        world.clock.advance(seconds(passed));
        let refused = respond(&guard, with_cookies(&tokens)).await;
        assert_eq!((refused.status.as_u16(), set_cookies(&refused).len()), (401, 0));
        assert!(refused.header("www-authenticate").contains("the session has ended"));
        assert_eq!(world.sessions.calls(), calls);
    }
    assert_eq!(outcome(&guard, with_cookies(&tokens)).await, (401, "session_unknown"));
    for opaque in ["x", &*"x".repeat(1_024)] {
        assert_eq!(
            outcome(&guard, with_header("cookie", &format!("stytch_session={opaque}"))).await.1,
            "session_unknown"
        );
    }
    assert_eq!(world.sessions.calls(), 4);
    // The guard does not ask about a value that cannot be a session token.
    for opaque in ["", "a b", &*"x".repeat(1_025)] {
        assert_eq!(
            outcome(&guard, with_header("cookie", &format!("stytch_session={opaque}"))).await.1,
            "session_unknown"
        );
    }
    assert_eq!(world.sessions.calls(), 4);
}

#[tokio::test]
async fn a_session_that_does_not_meet_the_policy_is_challenged_and_receives_its_fresh_tokens() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    let guard = world.guard().require(Policy::mfa().named("account"));
    let refused = respond(&guard, with_cookies(&tokens)).await;
    assert_eq!((refused.status.as_u16(), set_cookies(&refused).len()), (401, 2));
    assert!(refused.header("www-authenticate").contains("insufficient_user_authentication"));
    assert_eq!(refused.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_handlers_own_cookies_take_precedence() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password]));
    let handler = service_fn(|_: Request<Body>| async {
        let response = Response::builder().header("set-cookie", "stytch_session_jwt=; Max-Age=0");
        Ok::<_, Infallible>(
            response.header("set-cookie", "theme=light").body(Body::default()).unwrap(),
        )
    });
    let response = send(&world.guard().layer(handler), with_cookies(&tokens)).await;
    assert_eq!(set_cookies(&response), ["stytch_session_jwt=; Max-Age=0", "theme=light"]);
}

#[tokio::test]
async fn nested_guards_share_one_call_and_one_pair_of_cookies() {
    let world = World::new();
    let tokens = world.expired(&proved(&[Factor::Password, Factor::Totp]));
    let (outer, inner) = (world.guard(), world.guard().require(Policy::mfa()));
    let derived = outer.require(Policy::mfa());
    let service = outer.layer(derived.layer(service_fn(crate::support::inner::<Body>)));
    let response = send(&service, with_cookies(&tokens)).await;
    assert_eq!(
        (response.status.as_u16(), set_cookies(&response).len(), world.sessions.calls()),
        (200, 2, 1)
    );
    // Guards that do not share a `Sessions` handle ask the authority separately.
    assert_eq!(outcome(&inner, with_cookies(&tokens)).await, (200, ""));
    assert_eq!(world.sessions.calls(), 2);
}

#[tokio::test]
async fn confirmed_within_asks_the_authority_at_intervals() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    let (guard, usual) =
        (world.guard().confirmed_within(seconds(60)).confirmed_within(seconds(900)), world.guard());
    for (passed, calls) in [(0, 1), (60, 1), (1, 2), (0, 2)] {
        world.clock.advance(seconds(passed));
        assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""), "{passed}");
        assert_eq!(world.sessions.calls(), calls, "{passed}");
    }
    world
        .sessions
        .revoke("session-test-00000000-0000-4000-8000-000000000001".into())
        .await
        .unwrap();
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (200, ""));
    world.clock.advance(seconds(61));
    assert_eq!(outcome(&guard, with_bearer(&tokens)).await, (401, "session_unknown"));
    // For other guards the JWT is valid until it expires.
    assert_eq!(outcome(&usual, with_bearer(&tokens)).await, (200, ""));
    // A request that would be refused anyway causes no call.
    let calls = world.sessions.calls();
    let step_up = guard.require(Policy::mfa());
    assert_eq!(outcome(&step_up, with_bearer(&tokens)).await, (401, "step_up_required"));
    assert_eq!(world.sessions.calls(), calls);
}

#[tokio::test]
async fn confirmed_within_sends_the_fresh_jwt() {
    let world = World::new();
    let tokens = world.sessions.begin(&proved(&[Factor::Password]));
    world.clock.advance(seconds(100));
    let live =
        respond(&world.guard().confirmed_within(Duration::ZERO), with_cookies(&tokens)).await;
    assert_eq!((live.status.as_u16(), set_cookies(&live).len()), (200, 2));
    let unchanged = respond(&World::new().guard(), with_bearer(&tokens)).await;
    assert_eq!(set_cookies(&unchanged).len(), 0);
}

#[test]
#[should_panic(expected = "call renew_with before confirmed_within")]
fn confirmed_within_needs_an_authority() {
    let _ = issuer().guard().confirmed_within(seconds(60));
}

#[tokio::test]
async fn members_sessions_are_renewed_in_their_organization() {
    let world = World::of(TestIssuer::b2b());
    let member = testing::session()
        .user("member-test-1")
        .organization("organization-1", "acme")
        .proved(Factor::Totp);
    let tokens = world.expired(&member);
    assert_eq!(respond(&world.guard(), with_cookies(&tokens)).await.body, "member-test-1 1");
    // A member with this id in another organization is a different user.
    let elsewhere = world.issuer.mint(&member.organization("organization-2", "other"));
    let moved = Scripted::new(move |_| {
        let tokens = SessionTokens { session_token: "t".into(), session_jwt: elsewhere.clone() };
        async { Ok(tokens) }
    });
    let guard = renewing(world.issuer.guard(), moved);
    assert_eq!(outcome(&guard, with_cookies(&tokens)).await, (503, "authority_unavailable"));
    // An intermediate session token does not belong to a session.
    let intermediate = with_header("cookie", "stytch_intermediate_session_token=ist-1");
    assert_eq!(outcome(&world.guard(), intermediate).await, (401, "no_credentials"));
    let disguised = with_header("cookie", "stytch_session=ist-1");
    assert_eq!(outcome(&world.guard(), disguised).await, (401, "session_unknown"));
}
