//! Stytch's sessions API over real HTTP on loopback, from servers that behave and servers that do
//! not.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64_simd::STANDARD;
use tower_step_up::SessionTokens;
use tower_step_up::keys::{EndpointError, RemoteKeys};
use tower_step_up::sessions::{AuthorityError, PresentedToken, SessionAuthority};
use tower_step_up::stytch::{ApiError, Project, SessionsApi};
use tracing::Level;

use crate::api_server::{ApiServer, Reply};
use crate::events::logged;
use crate::key_server::{serve_over_tls, within_seconds};
use crate::support::seconds;

const ID: &str = "project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94";
const SECRET: &str = "secret-test-QbJ4y2fNhrcNjVeKXUGQ==";
const OLD_TOKEN: &str = "old-opaque-WJtR5BCy38Szd5AfoDpf0iqFKEt4EE5JhjlWUY7l3FtY";
const OLD_JWT: &str = "old-jwt-eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl";
const NEW_TOKEN: &str = "new-opaque-mZAYn5aLEqKUlZ_Ad9U_fWr38GaAQ1oFAhT8ds245v7Q";
const NEW_JWT: &str = "new-jwt-eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl";

fn api(server: &ApiServer) -> SessionsApi {
    Project::new(ID).unwrap().sessions_api(SECRET).base_url(&server.url).unwrap()
}

fn b2b(server: &ApiServer) -> SessionsApi {
    Project::b2b(ID).unwrap().sessions_api(SECRET).base_url(&server.url).unwrap()
}

fn old_token() -> PresentedToken {
    PresentedToken::SessionToken(OLD_TOKEN.into())
}

fn old_jwt() -> PresentedToken {
    PresentedToken::SessionJwt(OLD_JWT.into())
}

fn new_tokens() -> SessionTokens {
    SessionTokens { session_token: NEW_TOKEN.into(), session_jwt: NEW_JWT.into() }
}

/// Returns the API's response about a live session, with members that the crate does not read.
fn alive() -> Reply {
    Reply::json(
        200,
        &format!(
            r#"{{"request_id":"request-id-test-1","session":{{"session_id":"session-test-1","roles":[]}},
                "session_jwt":"{NEW_JWT}","session_token":"{NEW_TOKEN}","status_code":200,"user":{{"user_id":"user-test-1"}}}}"#
        ),
    )
}

fn revoked() -> Reply {
    Reply::json(200, r#"{"request_id":"request-id-test-1","status_code":200}"#)
}

/// Returns an error object of the API. Its message quotes the request's secrets, in case a real one
/// ever does.
fn error_object(status: u16, error_type: &str) -> String {
    format!(
        r#"{{"status_code":{status},"request_id":"request-id-test-1","error_type":"{error_type}",
            "error_message":"{OLD_TOKEN} {OLD_JWT} {SECRET}","error_url":"https://stytch.com/docs/api/errors/{status}"}}"#
    )
}

fn error(status: u16, error_type: &str) -> Reply {
    Reply::json(status, &error_object(status, error_type))
}

/// Returns the failures that do not depend on the request: the reply, the text of the error, and
/// the number of connections.
fn failures() -> Vec<(Reply, &'static str, usize)> {
    let json = "content-type: application/json\r\n";
    let refused = |status: u16, text: &'static str| (error(status, "some_error"), text, 1);
    vec![
        refused(400, "the API responded with 400 some_error (request-id-test-1)"),
        refused(403, "the API responded with 403 some_error (request-id-test-1)"),
        refused(429, "the API responded with 429 some_error (request-id-test-1)"),
        refused(500, "the API responded with 500 some_error (request-id-test-1)"),
        refused(503, "the API responded with 503 some_error (request-id-test-1)"),
        (
            error(401, "unauthorized_credentials"),
            "the API responded with 401 unauthorized_credentials (request-id-test-1)",
            1,
        ),
        (
            error(404, "route_not_found"),
            "the API responded with 404 route_not_found (request-id-test-1)",
            1,
        ),
        (
            error(500, "session_not_found"),
            "the API responded with 500 session_not_found (request-id-test-1)",
            1,
        ),
        // The reply has no error type, or nothing shows that it is the API's.
        (Reply::with(404, json, ""), "the API responded with 404", 1),
        (Reply::with(404, json, "{}"), "the API responded with 404", 1),
        (
            Reply::with(404, json, r#"{"error_type":["session_not_found"]}"#),
            "the API responded with 404",
            1,
        ),
        (
            Reply::with(
                404,
                "content-type: text/html\r\n",
                &error_object(404, "session_not_found"),
            ),
            "the API responded with 404",
            1,
        ),
        (
            Reply::with(404, "", &error_object(404, "session_not_found")),
            "the API responded with 404",
            1,
        ),
        (
            Reply::with(502, "content-type: text/html\r\n", "<html>Bad Gateway</html>"),
            "the API responded with 502",
            1,
        ),
        (
            Reply::RawAndClose(
                b"HTTP/1.1 404 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
                    .into(),
            ),
            "the API responded with 404",
            1,
        ),
        (
            Reply::Endless("HTTP/1.1 503 X\r\ncontent-type: application/json\r\n\r\n"),
            "the API responded with 503",
            1,
        ),
        // Redirects are not followed, and only a 200 is a success.
        (
            Reply::with(302, "location: http://127.0.0.1:1/\r\n", ""),
            "the API responded with 302",
            1,
        ),
        (
            Reply::with(307, "location: /v1/sessions/authenticate\r\n", ""),
            "the API responded with 307",
            1,
        ),
        (Reply::with(204, "", ""), "the API responded with 204", 1),
        (Reply::with(201, json, "{}"), "the API responded with 201", 1),
        // A 200 that does not look like one of the API.
        (
            Reply::with(200, "", "{}"),
            "unexpected response from the API: its content type is not JSON",
            1,
        ),
        (
            Reply::with(200, "content-type: text/html\r\n", "<html>Sign in to the Wi-Fi</html>"),
            "unexpected response from the API: its content type is not JSON",
            1,
        ),
        (
            Reply::with(200, &format!("{json}content-type: text/html\r\n"), "{}"),
            "unexpected response from the API: its content type is not JSON",
            1,
        ),
        (
            Reply::with(200, &format!("{json}content-encoding: gzip\r\n"), "\u{1f}\u{8b}"),
            "unexpected response from the API: its content is compressed",
            1,
        ),
        (
            Reply::with(404, &format!("{json}content-encoding: gzip\r\n"), "\u{1f}\u{8b}"),
            "the API responded with 404",
            1,
        ),
        // Too much, too little, too late.
        (
            Reply::Endless("HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\r\n"),
            "the response from the API has more than 262144 bytes",
            1,
        ),
        (
            Reply::with(200, json, &" ".repeat((256 << 10) + 1)),
            "the response from the API has more than 262144 bytes",
            1,
        ),
        (
            Reply::RawAndClose(
                b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
                    .into(),
            ),
            "the response from the API broke off",
            1,
        ),
        (Reply::Silent, "no complete response from the API within 500ms", 1),
        (Reply::Drip, "no complete response from the API within 500ms", 1),
        // This is not HTTP, so another try would not help.
        (Reply::RawAndClose(b"SSH-2.0-OpenSSH_9.9\r\n\r\n".into()), "the API cannot be reached", 1),
        // Without a response, the client tries once more.
        (Reply::Close, "the API cannot be reached", 2),
        (
            Reply::RawAndClose(b"HTTP/1.1 200 X\r\ncontent-ty".into()),
            "the API cannot be reached",
            2,
        ),
    ]
}

/// Returns the text of the error without its causes, whose texts come from other crates.
fn reading(error: &ApiError) -> String {
    match error {
        ApiError::Unreachable(causes) => error.to_string().replace(&format!(": {causes}"), ""),
        _ => error.to_string(),
    }
}

/// Returns a short time limit for a reply that never ends, and a long one for all others.
fn time_limit(reply: &Reply) -> Duration {
    match reply {
        Reply::Silent | Reply::Drip => Duration::from_millis(500),
        _ => seconds(20),
    }
}

#[tokio::test]
async fn the_requests_are_exactly_those_of_the_api() {
    let replies = [alive(), alive(), revoked(), revoked(), revoked()];
    let server = ApiServer::start(replies.clone().into_iter().chain(replies)).await;
    for api in [api(&server), b2b(&server)] {
        assert_eq!(within_seconds(api.authenticate(&old_token())).await, Ok(new_tokens()));
        assert_eq!(within_seconds(api.authenticate(&old_jwt())).await, Ok(new_tokens()));
        assert_eq!(within_seconds(api.revoke("session-test-1")).await, Ok(()));
        for token in [old_token(), old_jwt()] {
            assert_eq!(within_seconds(api.revoke_by_token(&token)).await, Ok(()));
        }
    }
    let received = server.received();
    let asked: Vec<_> =
        received.iter().map(|request| (request.line.as_str(), request.body.as_str())).collect();
    let token = format!(r#"{{"session_token":"{OLD_TOKEN}"}}"#);
    let jwt = format!(r#"{{"session_jwt":"{OLD_JWT}"}}"#);
    assert_eq!(
        asked,
        [
            ("POST /v1/sessions/authenticate HTTP/1.1", token.as_str()),
            ("POST /v1/sessions/authenticate HTTP/1.1", &jwt),
            ("POST /v1/sessions/revoke HTTP/1.1", r#"{"session_id":"session-test-1"}"#),
            ("POST /v1/sessions/revoke HTTP/1.1", &token),
            ("POST /v1/sessions/revoke HTTP/1.1", &jwt),
            ("POST /v1/b2b/sessions/authenticate HTTP/1.1", &token),
            ("POST /v1/b2b/sessions/authenticate HTTP/1.1", &jwt),
            ("POST /v1/b2b/sessions/revoke HTTP/1.1", r#"{"member_session_id":"session-test-1"}"#),
            ("POST /v1/b2b/sessions/revoke HTTP/1.1", &token),
            ("POST /v1/b2b/sessions/revoke HTTP/1.1", &jwt),
        ]
    );
    let basic = format!("Basic {}", STANDARD.encode_to_string(format!("{ID}:{SECRET}")));
    for request in received {
        assert_eq!(request.header("authorization"), [&basic]);
        assert_eq!(request.header("host"), [server.url.strip_prefix("http://").unwrap()]);
        assert_eq!(request.header("content-type"), ["application/json"]);
        assert_eq!(request.header("accept"), ["application/json"]);
        assert_eq!(request.header("accept-encoding"), ["identity"]);
        assert_eq!(
            request.header("user-agent"),
            [concat!("tower-step-up/", env!("CARGO_PKG_VERSION"))]
        );
    }
}

/// Returns the API's list of these sessions.
fn list(ids: &[&str]) -> Reply {
    let sessions: Vec<_> =
        ids.iter().map(|id| serde_json::json!({"session_id": id, "user_id": "u"})).collect();
    Reply::json(200, &serde_json::json!({"sessions": sessions, "status_code": 200}).to_string())
}

/// Starts an API in which a user has these sessions, one list for each time it is asked.
async fn with_sessions(lists: &[&[&str]], revoke: fn(&str) -> Reply) -> ApiServer {
    let lists: Vec<_> = lists.iter().map(|ids| list(ids)).collect();
    let asked = AtomicUsize::new(0);
    ApiServer::start_with([], move |request| match request.line.starts_with("GET ") {
        true => lists[asked.fetch_add(1, Ordering::SeqCst)].clone(),
        false => revoke(&request.body),
    })
    .await
}

fn lines(server: &ApiServer) -> Vec<String> {
    let received = server.received();
    let lines = received.iter().map(|request| format!("{} {}", request.line, request.body));
    lines.map(|line| line.replace(" HTTP/1.1", "")).collect()
}

#[tokio::test]
async fn all_sessions_of_a_user_are_listed_and_revoked_until_none_is_alive() {
    const LIST: &str = "GET /v1/sessions?user_id=user-test-1 ";
    let revoke = |id: &str| format!(r#"POST /v1/sessions/revoke {{"session_id":"{id}"}}"#);
    let server = with_sessions(&[&["a", "b"], &["c"], &[]], |_| revoked()).await;
    assert_eq!(within_seconds(api(&server).revoke_user("user-test-1")).await, Ok(()));
    let mut asked = lines(&server);
    asked[1..3].sort(); // at the same time
    let [a, b, c] = ["a", "b", "c"].map(revoke);
    assert_eq!(asked, [LIST, &a, &b, LIST, &c, LIST]);
    for request in server.received() {
        let basic = format!("Basic {}", STANDARD.encode_to_string(format!("{ID}:{SECRET}")));
        assert_eq!(request.header("authorization"), [&basic]);
        assert_eq!(request.header("accept"), ["application/json"]);
    }

    // A list may lag behind. Sessions that have ended are not alive.
    let gone = |_: &str| error(404, "session_not_found");
    let server = with_sessions(&[&["a", "b"]], gone).await;
    assert_eq!(within_seconds(api(&server).revoke_user("a&b=c d")).await, Ok(()));
    assert_eq!(lines(&server)[0], "GET /v1/sessions?user_id=a%26b%3Dc+d ");

    let server = ApiServer::start([revoked()]).await;
    assert_eq!(within_seconds(b2b(&server).revoke_user("member-test-1")).await, Ok(()));
    let want = r#"POST /v1/b2b/sessions/revoke {"member_id":"member-test-1"}"#;
    assert_eq!(lines(&server), [want]);
}

#[tokio::test]
async fn one_failure_among_a_users_sessions_is_an_error_and_the_others_still_end() {
    let fails_once = |body: &str| match body.contains("\"b\"") {
        true => error(500, "internal_server_error"),
        false => revoked(),
    };
    let server = with_sessions(&[&["a", "b", "c"]], fails_once).await;
    let error = within_seconds(api(&server).revoke_user("u")).await.unwrap_err();
    assert_eq!(error.error_type(), Some("internal_server_error"));
    assert_eq!(server.counts().0, 4);

    let restless = with_sessions(&[&["a"], &["b"], &["c"], &["d"]], |_| revoked()).await;
    let error = within_seconds(api(&restless).revoke_user("u")).await.unwrap_err();
    assert_eq!(error, ApiError::UnexpectedResponse("the user has begun sessions meanwhile"));
    assert_eq!(restless.counts().0, 6);

    let ids: Vec<String> = (0..1_001).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let server = with_sessions(&[&ids], |_| revoked()).await;
    let error = within_seconds(api(&server).revoke_user("u")).await.unwrap_err();
    assert_eq!(error, ApiError::UnexpectedResponse("the user has too many sessions"));
    let (requests, connections) = server.counts();
    assert_eq!(requests, 1_001);
    assert!(connections <= 8, "{connections}");

    let endless = Reply::Endless("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n");
    let server = ApiServer::start([endless]).await;
    let error = within_seconds(api(&server).revoke_user("u")).await.unwrap_err();
    assert_eq!(error, ApiError::TooLarge(4 << 20));
}

#[tokio::test]
async fn a_users_sessions_have_ended_only_if_the_api_says_so() {
    for (reply, want) in [
        (list(&[]), "ok"),
        (error(404, "user_not_found"), "ok"),
        (error(404, "member_not_found"), "ok"),
        (error(404, "session_not_found"), "unavailable"),
        (error(500, "user_not_found"), "unavailable"),
        (Reply::json(200, "{}"), "unavailable"),
        (Reply::json(200, r#"{"sessions":[{}]}"#), "unavailable"),
    ] {
        let server = ApiServer::start([reply.clone()]).await;
        let authority: Box<dyn SessionAuthority> = Box::new(api(&server));
        let outcome = within_seconds(authority.revoke_user("u".into())).await;
        assert_eq!(verdict(&outcome), want, "{reply:?}");
    }
    for (reply, text, _) in failures() {
        let server = ApiServer::start([reply.clone(), reply.clone()]).await;
        let api: Box<dyn SessionAuthority> = Box::new(api(&server).timeout(time_limit(&reply)));
        let outcome = within_seconds(api.revoke_user("u".into())).await;
        assert_eq!(verdict(&outcome), "unavailable", "{text}");
    }
}

#[tokio::test]
async fn a_session_is_prolonged_only_if_that_is_set_and_within_stytchs_bounds() {
    for (time, minutes) in
        [(seconds(3_600), 60), (seconds(3_659), 60), (seconds(1), 5), (Duration::MAX, 527_040)]
    {
        let server = ApiServer::start([alive(), revoked()]).await;
        let api = api(&server).prolong(time);
        within_seconds(api.authenticate(&old_token())).await.unwrap();
        within_seconds(api.revoke("a")).await.unwrap();
        let [authenticated, revoked] = &server.received()[..] else {
            panic!("expected two requests")
        };
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&authenticated.body).unwrap(),
            serde_json::json!({ "session_token": OLD_TOKEN, "session_duration_minutes": minutes })
        );
        assert_eq!(revoked.body, r#"{"session_id":"a"}"#);
    }
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let server = ApiServer::start([alive()]).await;
    let api = api(&server).base_url(&format!("{}/stytch/", server.url)).unwrap();
    within_seconds(api.authenticate(&old_token())).await.unwrap();
    assert_eq!(server.received()[0].line, "POST /stytch/v1/sessions/authenticate HTTP/1.1");
}

#[test]
fn the_api_is_called_at_the_projects_address() {
    #[track_caller]
    fn check(project: Project, base_url: &str) {
        let api = project.sessions_api(SECRET);
        assert_eq!(
            format!("{api:?}"),
            format!("SessionsApi {{ project_id: {:?}, base_url: {base_url:?}, .. }}", project.id())
        );
    }
    let live = || Project::new("project-live-1").unwrap();
    check(live(), "https://api.stytch.com");
    check(Project::b2b("project-live-1").unwrap(), "https://api.stytch.com");
    check(Project::new(ID).unwrap(), "https://test.stytch.com");
    check(live().custom_domain("Login.example.com").unwrap(), "https://login.example.com");
}

#[test]
fn the_api_is_called_over_https_or_on_this_machine() {
    #[track_caller]
    fn check(url: &str, want: Result<&str, EndpointError>) {
        let api = Project::new(ID).unwrap().sessions_api(SECRET).base_url(url);
        let shown = api.map(|api| format!("{api:?}"));
        let want = want.map(|base_url| {
            format!("SessionsApi {{ project_id: {ID:?}, base_url: {base_url:?}, .. }}")
        });
        assert_eq!(shown, want, "{url}");
    }
    use EndpointError::*;
    check("https://gateway.example", Ok("https://gateway.example"));
    check("https://gateway.example/stytch/", Ok("https://gateway.example/stytch"));
    check("http://127.0.0.1:8080/", Ok("http://127.0.0.1:8080"));
    check("http://[::1]:8080", Ok("http://[::1]:8080"));
    check("http://gateway.example", Err(InsecureUrl));
    check("ftp://gateway.example", Err(InsecureUrl));
    check("https://name:word@gateway.example", Err(InsecureUrl));
    check("https://gateway.example?a=b", Err(InvalidUrl));
    check("gateway.example", Err(InvalidUrl));
    check("/stytch", Err(InvalidUrl));
    check("a b", Err(InvalidUrl));
    check("", Err(InvalidUrl));
}

#[tokio::test]
async fn every_failure_is_a_typed_error_and_never_a_session() {
    for (reply, text, connections) in failures() {
        let server = ApiServer::start([reply.clone(), reply.clone()]).await;
        let api = api(&server).timeout(time_limit(&reply));
        let error = within_seconds(api.authenticate(&old_token())).await.unwrap_err();
        assert_eq!(
            (reading(&error).as_str(), server.counts()),
            (text, (connections, connections)),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn no_failure_is_taken_for_a_revocation() {
    for (reply, text, connections) in failures() {
        let server = ApiServer::start([reply.clone(), reply.clone()]).await;
        let api = api(&server).timeout(time_limit(&reply));
        let error = within_seconds(api.revoke("session-test-1")).await.unwrap_err();
        assert_eq!(
            (reading(&error).as_str(), server.counts()),
            (text, (connections, connections)),
            "{reply:?}"
        );
    }
    for json in ["", "{}", "[]", "[", "<html>", r#"{"status_code":404}"#, &"[".repeat(100_000)] {
        let server = ApiServer::start([Reply::json(200, json)]).await;
        let error = within_seconds(api(&server).revoke("session-test-1")).await.unwrap_err();
        assert_eq!(
            error,
            ApiError::UnexpectedResponse("it does not confirm the revocation"),
            "{json}"
        );
    }
}

#[tokio::test]
async fn a_response_without_both_tokens_is_an_error() {
    for (json, why) in [
        ("", "it does not contain both tokens"),
        ("[", "it does not contain both tokens"),
        (&"[".repeat(100_000), "it does not contain both tokens"),
        ("{}", "it does not contain both tokens"),
        (r#"{"status_code":200}"#, "it does not contain both tokens"),
        (r#"{"status_code":200,"session_token":"a"}"#, "it does not contain both tokens"),
        (r#"{"status_code":200,"session_jwt":"a"}"#, "it does not contain both tokens"),
        (
            r#"{"status_code":200,"session_token":"a","session_jwt":{}}"#,
            "it does not contain both tokens",
        ),
        (
            r#"{"status_code":200,"session_token":"a","session_jwt":""}"#,
            "one of its tokens cannot be a cookie value",
        ),
        (
            r#"{"status_code":200,"session_token":"a; Domain=b","session_jwt":"a"}"#,
            "one of its tokens cannot be a cookie value",
        ),
    ] {
        let server = ApiServer::start([Reply::json(200, json)]).await;
        let error = within_seconds(api(&server).authenticate(&old_token())).await.unwrap_err();
        assert_eq!(error, ApiError::UnexpectedResponse(why), "{json}");
    }
}

#[tokio::test]
async fn a_refusal_is_recognized_by_its_status_even_if_its_body_does_not_end() {
    let head = "HTTP/1.1 429 X\r\ncontent-type: application/json\r\nretry-after: 30\r\ncontent-length: 99\r\n\r\n{";
    let server = ApiServer::start([Reply::RawAndHold(head.into())]).await;
    let error = api(&server)
        .timeout(Duration::from_millis(300))
        .authenticate(&old_token())
        .await
        .unwrap_err();
    assert_eq!(
        (error.status().map(|status| status.as_u16()), error.retry_after()),
        (Some(429), Some(seconds(30)))
    );
}

#[tokio::test]
async fn an_error_object_becomes_a_typed_error() {
    let server = ApiServer::start([
        error(404, "session_not_found"),
        Reply::with(
            429,
            "content-type: application/json\r\nretry-after: 7\r\n",
            &error_object(429, "too_many_requests"),
        ),
        Reply::with(503, "retry-after: 99999\r\n", ""),
        Reply::with(500, "retry-after: 7\r\n", ""),
    ])
    .await;
    let api = api(&server);
    for (status, error_type, request_id, retry_after) in [
        (404, Some("session_not_found"), Some("request-id-test-1"), None),
        (429, Some("too_many_requests"), Some("request-id-test-1"), Some(seconds(7))),
        (503, None, None, Some(seconds(3_600))),
        (500, None, None, None),
    ] {
        let error = within_seconds(api.authenticate(&old_token())).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(
            (error.error_type(), error.request_id(), error.retry_after()),
            (error_type, request_id, retry_after)
        );
    }
    assert_eq!(server.counts(), (4, 1)); // no request was sent again
}

#[tokio::test]
async fn a_request_is_sent_once_more_if_its_connection_fails_before_the_response() {
    for failure in [Reply::Reset, Reply::Close] {
        let server = ApiServer::start([failure.clone(), alive()]).await;
        assert_eq!(
            within_seconds(api(&server).authenticate(&old_token())).await,
            Ok(new_tokens()),
            "{failure:?}"
        );
        let received = server.received();
        assert_eq!(
            (received[0].line.as_str(), &received[0].body),
            (received[1].line.as_str(), &received[1].body)
        );
        assert_eq!(received[0].header("authorization"), received[1].header("authorization"));
        assert_eq!(server.counts(), (2, 2));

        let server = ApiServer::start([failure.clone(), revoked()]).await;
        assert_eq!(
            within_seconds(api(&server).revoke("session-test-1")).await,
            Ok(()),
            "{failure:?}"
        );
        assert_eq!(server.counts(), (2, 2));

        let server = ApiServer::start([failure.clone(), failure.clone(), alive()]).await;
        let outcome = within_seconds(api(&server).authenticate(&old_token())).await;
        assert!(matches!(outcome, Err(ApiError::Unreachable(_))), "{outcome:?}");
        assert_eq!(server.counts(), (2, 2));
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_made_is_tried_once_more() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counting.fetch_add(1, Ordering::SeqCst);
            drop(stream); // in the middle of the handshake
        }
    });
    let api = Project::new(ID).unwrap().sessions_api(SECRET).base_url(&url).unwrap();
    let outcome = within_seconds(api.authenticate(&old_token())).await;
    assert!(matches!(outcome, Err(ApiError::Unreachable(_))), "{outcome:?}");
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn both_tries_share_one_time_limit() {
    let server = ApiServer::start([Reply::Reset, Reply::Silent]).await;
    let outcome = within_seconds(api(&server).timeout(seconds(1)).authenticate(&old_token())).await;
    assert_eq!((outcome, server.counts()), (Err(ApiError::TimedOut(seconds(1))), (2, 2)));
}

#[tokio::test]
async fn a_server_that_is_down_cannot_be_reached() {
    let api =
        Project::new(ID).unwrap().sessions_api(SECRET).base_url("http://127.0.0.1:1").unwrap();
    let outcome = within_seconds(api.authenticate(&old_token())).await;
    assert!(matches!(outcome, Err(ApiError::Unreachable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_response_that_is_late_but_in_time_is_used() {
    let server = ApiServer::start([Reply::HeldBack(Box::new(alive()))]).await;
    let api = api(&server);
    let asking = tokio::spawn(async move { api.authenticate(&old_token()).await });
    within_seconds(async {
        while server.received().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!asking.is_finished());
    server.release();
    assert_eq!(within_seconds(asking).await.unwrap(), Ok(new_tokens()));
}

#[tokio::test]
async fn connections_are_kept_and_shared_by_clones() {
    let project = Project::new(ID).unwrap();
    let server = ApiServer::start([alive(), revoked(), alive()]).await;
    let api = || project.sessions_api(SECRET).base_url(&server.url).unwrap();
    assert_eq!(within_seconds(api().authenticate(&old_token())).await, Ok(new_tokens()));
    assert_eq!(within_seconds(api().revoke("session-test-1")).await, Ok(()));
    assert_eq!(within_seconds(api().clone().authenticate(&old_token())).await, Ok(new_tokens()));
    assert_eq!(server.counts(), (3, 1));
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_does_no_harm() {
    let Reply::Raw(alive) = alive() else { panic!("expected a raw reply") };
    let server =
        ApiServer::start([Reply::RawAndClose(alive.clone()), Reply::RawAndClose(alive)]).await;
    let api = api(&server);
    for _ in 0..2 {
        assert_eq!(within_seconds(api.authenticate(&old_token())).await, Ok(new_tokens()));
    }
    assert_eq!(server.counts(), (2, 2));
}

#[test]
fn a_kept_connection_ends_with_its_runtime_and_does_no_harm() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    };
    let serving = runtime();
    let server = serving.block_on(ApiServer::start([alive(), alive()]));
    let api = api(&server);
    for _ in 0..2 {
        let asking = runtime();
        assert_eq!(
            asking.block_on(within_seconds(api.authenticate(&old_token()))),
            Ok(new_tokens())
        );
    }
    assert_eq!(server.counts(), (2, 2));
}

#[test]
fn a_request_is_sent_once_more_if_the_runtime_of_its_connection_ends() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
    };
    let (serving, second) = (runtime(), runtime());
    let mut kept = 0;
    for _ in 0..50 {
        if kept == 2 {
            return;
        }
        let never = Reply::HeldBack(Box::new(alive()));
        let server = serving.block_on(ApiServer::start([alive(), never, alive()]));
        let first = runtime();
        let api = api(&server);
        // The first runtime drives the kept connection.
        let ask = |api: SessionsApi| async move { api.authenticate(&old_token()).await };
        assert_eq!(first.block_on(within_seconds(ask(api.clone()))), Ok(new_tokens()));
        let asking = second.spawn(ask(api));
        let connections = serving.block_on(within_seconds(async {
            while server.counts().0 < 2 {
                tokio::task::yield_now().await;
            }
            server.counts().1
        }));
        // The first runtime may not have returned the connection to the pool yet.
        if connections > 1 {
            asking.abort();
            continue;
        }
        kept += 1;
        first.shutdown_background();
        assert_eq!(second.block_on(within_seconds(asking)).unwrap(), Ok(new_tokens()));
        assert_eq!(server.counts(), (3, 2));
    }
    panic!("no connection was kept");
}

#[tokio::test]
async fn the_api_is_called_over_https_with_a_trusted_root_only() {
    let json = format!(r#"{{"session_token":"{NEW_TOKEN}","session_jwt":"{NEW_JWT}"}}"#);
    let (url, pem) = serve_over_tls(json).await;
    let untrusting = Project::new(ID).unwrap().sessions_api(SECRET).base_url(&url).unwrap();
    let outcome = within_seconds(untrusting.authenticate(&old_token())).await;
    assert!(matches!(outcome, Err(ApiError::Unreachable(_))), "{outcome:?}");
    let trusting = untrusting.clone().trust_roots(pem.as_bytes()).unwrap();
    assert_eq!(within_seconds(trusting.authenticate(&old_token())).await, Ok(new_tokens()));
    assert_eq!(untrusting.trust_roots(b"none").unwrap_err(), EndpointError::InvalidRoots);
}

#[test]
fn a_bundle_of_roots_with_a_bad_certificate_says_which() {
    let root =
        || rcgen::generate_simple_self_signed(["root.example".to_owned()]).unwrap().cert.pem();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let not_base64 = format!("{begin}\n!\n{end}\n");
    let not_a_certificate = format!("{begin}\nAAAA\n{end}\n");
    let (endless, beginless) = (root().replace(end, ""), root().replace(begin, "-----BEGIN CERT"));
    for (bad, why) in [
        (not_base64, "its base64 is invalid"),
        (not_a_certificate, "it is not an X.509 certificate"),
        (endless, "its END line is missing"),
        (beginless, "its BEGIN line is malformed"),
    ] {
        for good in [0, 1, 7] {
            let bundle = (0..good).map(|_| root()).collect::<String>() + &bad;
            let number = good + 1;
            let want = format!("certificate {number} of the roots cannot be used: {why}");
            let keys = RemoteKeys::new("https://login.example.com/jwks").unwrap();
            let error = keys.trust_roots(bundle.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), want, "{bundle}");
            let api = Project::new(ID).unwrap().sessions_api(SECRET);
            assert_eq!(api.trust_roots(bundle.as_bytes()).unwrap_err(), error);
        }
    }
    let bundle = format!("# two of them\n{}\n# and the second\n{}", root(), root());
    let api = Project::new(ID).unwrap().sessions_api(SECRET);
    assert!(api.trust_roots(bundle.as_bytes()).is_ok());
}

/// Summarizes an authority's result: `ok`, `unknown`, or `unavailable` with the seconds to wait.
fn verdict<T>(outcome: &Result<T, AuthorityError>) -> String {
    match outcome {
        Ok(_) => "ok".into(),
        Err(AuthorityError::UnknownSession) => "unknown".into(),
        Err(AuthorityError::Unavailable { retry_after: None, .. }) => "unavailable".into(),
        Err(AuthorityError::Unavailable { retry_after: Some(time), .. }) => {
            format!("unavailable {}", time.as_secs())
        }
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_session_is_unknown_only_if_the_api_says_so() {
    let json = "content-type: application/json\r\n";
    let busy = |status| {
        Reply::with(status, &format!("{json}retry-after: 7\r\n"), &error_object(status, "busy"))
    };
    for (reply, authenticate, revoke, revoke_by_token) in [
        (alive(), "ok", "ok", "ok"),
        (revoked(), "unavailable", "ok", "ok"),
        (error(404, "session_not_found"), "unknown", "ok", "unknown"),
        (error(400, "session_not_found"), "unknown", "ok", "unknown"),
        (error(400, "unable_to_parse_session_jwt"), "unknown", "unavailable", "unknown"),
        (error(400, "invalid_session_token"), "unknown", "unavailable", "unknown"),
        (error(400, "invalid_session_id"), "unavailable", "unavailable", "unavailable"),
        (error(400, "jwt_invalid_audience"), "unavailable", "unavailable", "unavailable"),
        (error(400, "no_session_arguments"), "unavailable", "unavailable", "unavailable"),
        (error(401, "unauthorized_credentials"), "unavailable", "unavailable", "unavailable"),
        (busy(429), "unavailable 7", "unavailable 7", "unavailable 7"),
        (busy(503), "unavailable 7", "unavailable 7", "unavailable 7"),
    ] {
        for api in [api, b2b] {
            let server = ApiServer::start(std::iter::repeat_n(reply.clone(), 3)).await;
            let authority: Box<dyn SessionAuthority> = Box::new(api(&server));
            let authenticated = within_seconds(authority.authenticate(old_jwt())).await;
            let revoked = within_seconds(authority.revoke("session-test-1".into())).await;
            let by_token = within_seconds(authority.revoke_by_token(old_jwt())).await;
            assert_eq!(
                [verdict(&authenticated), verdict(&revoked), verdict(&by_token)],
                [authenticate, revoke, revoke_by_token],
                "{reply:?}"
            );
        }
    }
    for (reply, text, _) in failures() {
        let server =
            ApiServer::start([reply.clone(), reply.clone(), reply.clone(), reply.clone()]).await;
        let api: Box<dyn SessionAuthority> = Box::new(api(&server).timeout(time_limit(&reply)));
        let authenticated = within_seconds(api.authenticate(old_token())).await;
        let revoked = within_seconds(api.revoke("session-test-1".into())).await;
        assert_eq!(
            (verdict(&authenticated), verdict(&revoked)),
            ("unavailable".into(), "unavailable".into()),
            "{text}"
        );
        let error = authenticated.unwrap_err();
        assert_eq!(reading(error.source().unwrap().downcast_ref().unwrap()), text);
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_a_token_is_unknown_without_a_request() {
    let server = ApiServer::start([alive()]).await;
    let authority: Box<dyn SessionAuthority> = Box::new(api(&server));
    for text in ["", " ", "a b", "ä", "a\0", "a;b", "\"a\"", &"a".repeat(16 * 1024 + 1)] {
        for token in
            [PresentedToken::SessionToken(text.into()), PresentedToken::SessionJwt(text.into())]
        {
            let outcome = within_seconds(authority.authenticate(token.clone())).await;
            assert_eq!(verdict(&outcome), "unknown", "{text}");
            let outcome = within_seconds(authority.revoke_by_token(token)).await;
            assert_eq!(verdict(&outcome), "unknown", "{text}");
        }
    }
    assert_eq!(server.counts(), (0, 0));
}

#[test]
fn neither_the_secret_nor_a_token_is_shown_or_logged() {
    let replies = failures().into_iter().map(|(reply, ..)| reply).chain([
        alive(),
        revoked(),
        Reply::Reset,
        error(404, "session_not_found"),
        error(400, "invalid_session_token"),
        // These replies have half of the expected tokens, which serde's own message would quote.
        Reply::json(
            200,
            &format!(r#"{{"session_token":"{NEW_TOKEN}","session_jwt":["{NEW_JWT}"]}}"#),
        ),
        Reply::json(
            200,
            &format!(
                r#"{{"status_code":"{NEW_JWT}","session_token":"{NEW_TOKEN}","session_jwt":"a b"}}"#
            ),
        ),
        Reply::json(200, &format!(r#""{NEW_JWT}""#)),
        Reply::RawAndClose(format!("{NEW_JWT}\r\n\r\n").into()),
        Reply::RawAndClose(format!("HTTP/1.1 200 X\r\n{NEW_JWT}\r\n\r\n").into()),
    ]);
    let act = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut shown = String::new();
            for reply in replies {
                for api in [api, b2b] {
                    let server = ApiServer::start(std::iter::repeat_n(reply.clone(), 6)).await;
                    let api = api(&server).timeout(time_limit(&reply));
                    let authenticated = within_seconds(api.authenticate(&old_token())).await;
                    let revoked =
                        within_seconds(SessionAuthority::revoke(&api, "session-test-1".into()))
                            .await;
                    let answered =
                        within_seconds(SessionAuthority::authenticate(&api, old_jwt())).await;
                    shown += &format!(
                        "{api:?} {:?} {:?} {authenticated:?} {revoked:?} {answered:?}\n",
                        old_token(),
                        old_jwt()
                    );
                    if let Err(error) = &authenticated {
                        shown += &format!("{error} {error:#?} {:?}\n", error.source());
                    }
                    if let Err(error) = &answered {
                        shown += &format!(
                            "{error} {error:#?} {:?}\n",
                            error.source().map(ToString::to_string)
                        );
                    }
                }
            }
            tracing::trace!("the log is on");
            shown
        })
    };
    let (shown, log) = logged(Level::TRACE, act);
    assert!(log.iter().any(|line| line.contains("the log is on")));
    let credentials = STANDARD.encode_to_string(format!("{ID}:{SECRET}"));
    for text in [shown, log.join("\n")] {
        for hidden in
            [SECRET, &credentials, &credentials[..40], OLD_TOKEN, OLD_JWT, NEW_TOKEN, NEW_JWT]
        {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
}
