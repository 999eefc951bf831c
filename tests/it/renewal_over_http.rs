//! Guards that renew sessions with the API, over real HTTP on loopback.

use std::time::Duration;

use serde_json::{Value, json};
use tower_step_up::sessions::{PresentedToken, SessionAuthority};
use tower_step_up::stytch::Project;
use tower_step_up::testing::{FixedClock, SessionBuilder, TestIssuer, TestSessions};
use tower_step_up::{Factor, SessionTokens, StepUpLayer};

use crate::api_server::{ApiServer, Received, Reply};
use crate::renewal::{
    hammer, outcome, renewing, respond, set_cookies, with_bearer, with_cookies, with_header,
};
use crate::support::{issuer, proved, seconds};

const SECRET: &str = "secret-test-1";

/// An issuer, its sessions, and the API in front of them.
struct Service {
    clock: FixedClock,
    issuer: TestIssuer,
    sessions: TestSessions,
    server: ApiServer,
}

impl Service {
    /// Starts a server that sends these replies first, and then those of the API.
    async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::of(issuer().clone(), replies).await
    }

    async fn of(issuer: TestIssuer, replies: impl IntoIterator<Item = Reply>) -> Self {
        let clock = FixedClock::new();
        let issuer = issuer.clock(clock.clone());
        let sessions = TestSessions::new(&issuer);
        let kept = sessions.clone();
        let server = ApiServer::start_with(replies, move |received| reply(&kept, received)).await;
        Self { clock, issuer, sessions, server }
    }

    fn guard(&self) -> StepUpLayer {
        self.guard_of(&Project::new(self.issuer.audience()).unwrap())
    }

    fn guard_of(&self, project: &Project) -> StepUpLayer {
        let api = project
            .sessions_api(SECRET)
            .base_url(&self.server.url)
            .unwrap()
            .timeout(Duration::from_secs(10));
        let verifier = self.issuer.verifier();
        let sessions = project.sessions_with(verifier.clone(), api);
        project.guard_with(verifier).renew_with(&sessions.timeout(Duration::from_secs(20)))
    }

    fn expired(&self, session: &SessionBuilder) -> SessionTokens {
        let tokens = self.sessions.begin(session);
        self.clock.advance(seconds(400));
        tokens
    }

    fn requests(&self) -> usize {
        self.server.counts().0
    }
}

/// Returns the reply that the API would send.
fn reply(sessions: &TestSessions, received: &Received) -> Reply {
    let body: Value = serde_json::from_str(&received.body).unwrap();
    let text = |name: &str| body[name].as_str().map(Box::<str>::from);
    if received.line.contains("/sessions/revoke ") {
        let id = text("session_id").or_else(|| text("member_session_id")).unwrap();
        ready(sessions.revoke(id.into_string())).unwrap();
        return Reply::json(200, r#"{"status_code":200,"request_id":"request-id-1"}"#);
    }
    let token = text("session_jwt").map(PresentedToken::SessionJwt);
    let token = token.or_else(|| text("session_token").map(PresentedToken::SessionToken)).unwrap();
    match ready(sessions.authenticate(token)) {
        Ok(SessionTokens { session_token, session_jwt }) => {
            let tokens = json!({"session_token": session_token, "session_jwt": session_jwt,
                "status_code": 200});
            Reply::json(200, &tokens.to_string())
        }
        Err(_) => Reply::json(
            404,
            r#"{"status_code":404,"request_id":"request-id-1","error_type":"session_not_found"}"#,
        ),
    }
}

/// Returns the output of a future that is ready at once.
fn ready<T>(mut response: std::pin::Pin<Box<dyn Future<Output = T> + Send>>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(response) = response.as_mut().poll(&mut context) else {
        panic!("the future is not ready")
    };
    response
}

#[tokio::test]
async fn a_session_is_renewed_until_it_is_ended() {
    let service = Service::start([]).await;
    let guard = service.guard();
    let tokens = service.expired(&proved(&[Factor::Password]));
    let renewed = respond(&guard, with_cookies(&tokens)).await;
    assert_eq!((renewed.status.as_u16(), set_cookies(&renewed).len()), (200, 2));
    let session = guard
        .verifier()
        .verify(&service.sessions.begin(&proved(&[Factor::Password])).session_jwt)
        .await;
    assert!(
        guard
            .sessions()
            .unwrap()
            .sign_out(&session.unwrap(), &http::HeaderMap::new())
            .await
            .revoked
            .is_ok()
    );
    let lines: Vec<_> =
        service.server.received().into_iter().map(|received| received.line).collect();
    assert_eq!(
        lines,
        ["POST /v1/sessions/authenticate HTTP/1.1", "POST /v1/sessions/revoke HTTP/1.1"]
    );
    // If the session is revoked elsewhere, the next renewal is refused.
    service
        .sessions
        .revoke("session-test-00000000-0000-4000-8000-000000000001".into())
        .await
        .unwrap();
    service.clock.advance(seconds(31));
    assert_eq!(outcome(&guard, with_cookies(&tokens)).await, (401, "session_unknown"));
}

#[tokio::test]
async fn a_members_session_is_renewed_too() {
    let service = Service::of(TestIssuer::b2b(), []).await;
    let guard = service.guard_of(&Project::b2b(service.issuer.audience()).unwrap());
    let member = proved(&[Factor::Password])
        .user("member-test-1")
        .organization("organization-test-1", "acme");
    let tokens = service.expired(&member);
    let renewed = respond(&guard, with_cookies(&tokens)).await;
    assert_eq!((renewed.status.as_u16(), set_cookies(&renewed).len()), (200, 2));
    assert!(renewed.body.starts_with("member-test-1 "), "{}", renewed.body);
    let fresh = ready(
        service.sessions.authenticate(PresentedToken::SessionToken(tokens.session_token.into())),
    )
    .unwrap();
    let session = guard.verifier().verify(&fresh.session_jwt).await.unwrap();
    assert_eq!(session.organization().map(|it| it.slug()), Some("acme"));
    assert!(
        guard.sessions().unwrap().sign_out(&session, &http::HeaderMap::new()).await.revoked.is_ok()
    );
    let lines: Vec<_> =
        service.server.received().into_iter().map(|received| received.line).collect();
    assert_eq!(
        lines,
        ["POST /v1/b2b/sessions/authenticate HTTP/1.1", "POST /v1/b2b/sessions/revoke HTTP/1.1"]
    );
}

#[tokio::test]
async fn a_thousand_requests_with_one_expired_token_cause_one_request_to_the_api() {
    let service = Service::start([]).await;
    let (guard, tokens) = (service.guard(), service.expired(&proved(&[Factor::Password])));
    let asked: Vec<_> = (0..1_000)
        .map(|_| {
            let (guard, request) = (guard.clone(), with_bearer(&tokens));
            tokio::spawn(async move { outcome(&guard, request).await })
        })
        .collect();
    for asked in asked {
        assert_eq!(asked.await.unwrap(), (200, ""));
    }
    assert_eq!(service.requests(), 1);
}

#[tokio::test]
async fn every_failure_of_the_api_is_a_503_for_the_sessions_that_need_it_until_it_recovers() {
    let json = "content-type: application/json\r\n";
    let wrong_type = r#"{"session_token":"t","session_jwt":"j","status_code":200}"#;
    let short = Duration::from_millis(100);
    let long = Duration::from_secs(10);
    for (replies, retry_after, timeout) in [
        (vec![Reply::json(500, "{}")], "1", long),
        (vec![Reply::with(429, &format!("{json}retry-after: 7\r\n"), "{}")], "7", long),
        (vec![Reply::with(503, &format!("{json}retry-after: 86400\r\n"), "{}")], "60", long),
        (vec![Reply::with(429, &format!("{json}retry-after: soon\r\n"), "{}")], "1", long),
        (vec![Reply::json(401, r#"{"error_type":"unauthorized_credentials"}"#)], "1", long),
        (vec![Reply::with(200, "content-type: text/html\r\n", wrong_type)], "1", long),
        (vec![Reply::json(200, "<html>")], "1", long),
        (vec![Reply::json(200, r#"{"session_token":"t","session_jwt":"a.b.c"}"#)], "1", long),
        (vec![Reply::with(302, "location: http://127.0.0.1:1/\r\n", "")], "1", long),
        (
            vec![Reply::RawAndClose(
                format!("HTTP/1.1 200 OK\r\n{json}content-length: 99\r\n\r\n{{").into(),
            )],
            "1",
            long,
        ),
        (
            vec![Reply::Endless("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")],
            "1",
            long,
        ),
        (vec![Reply::Reset, Reply::Reset], "1", long),
        (vec![Reply::Close, Reply::Close], "1", long),
        (vec![Reply::Silent], "1", short),
        (vec![Reply::Drip], "1", short),
    ] {
        let shown = format!("{:.60}", format!("{replies:?}"));
        let service = Service::start(replies).await;
        let project = Project::new(service.issuer.audience()).unwrap();
        let api =
            project.sessions_api(SECRET).base_url(&service.server.url).unwrap().timeout(timeout);
        let guard = renewing(project.guard_with(service.issuer.verifier()), api);
        let tokens = service.expired(&proved(&[Factor::Password]));
        let alive = service.sessions.begin(&proved(&[Factor::Password]));
        let refused = respond(&guard, with_cookies(&tokens)).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("retry-after")),
            (503, retry_after),
            "{shown}"
        );
        assert_eq!(set_cookies(&refused).len(), 0, "{shown}");
        let requests = service.requests();
        assert_eq!(outcome(&guard, with_cookies(&alive)).await, (200, ""), "{shown}");
        assert_eq!(
            outcome(&guard, with_cookies(&tokens)).await,
            (503, "authority_unavailable"),
            "{shown}"
        );
        assert_eq!(service.requests(), requests, "{shown}");
        service.clock.advance(seconds(retry_after.parse().unwrap()));
        assert_eq!(outcome(&guard, with_cookies(&tokens)).await, (200, ""), "{shown}");
    }
}

#[tokio::test]
async fn a_response_after_a_reset_is_used_and_one_that_has_expired_is_not() {
    let service = Service::start([Reply::Reset]).await;
    let (guard, tokens) = (service.guard(), service.expired(&proved(&[Factor::Password])));
    assert_eq!(outcome(&guard, with_cookies(&tokens)).await, (200, ""));
    assert_eq!(service.requests(), 2);

    let jwt = service.issuer.mint(&proved(&[Factor::Password]));
    let late = json!({"session_token": "t", "session_jwt": jwt, "status_code": 200}).to_string();
    let service = Service::start([Reply::HeldBack(Box::new(Reply::json(200, &late)))]).await;
    let (guard, tokens) = (service.guard(), service.expired(&proved(&[Factor::Password])));
    service.clock.advance(seconds(400));
    let asked = tokio::spawn({
        let (guard, request) = (
            guard.clone(),
            with_header("cookie", &format!("stytch_session={}", tokens.session_token)),
        );
        async move { outcome(&guard, request).await }
    });
    while service.requests() == 0 {
        tokio::task::yield_now().await;
    }
    service.server.release();
    // The JWT in the late response has expired meanwhile.
    assert_eq!(asked.await.unwrap(), (503, "authority_unavailable"));
}

#[tokio::test]
async fn no_user_gets_another_users_session_over_http() {
    let service = Service::start([]).await;
    let users: Vec<_> = (0..40).map(|user| format!("user-test-{user}")).collect();
    let begun: Vec<_> = users
        .iter()
        .map(|user| service.sessions.begin(&proved(&[Factor::Password]).user(user)))
        .collect();
    service.clock.advance(seconds(400));
    let guard = service.guard();
    hammer(&guard, 10, &users, &begun).await;
    assert_eq!(service.requests(), 80);
}
