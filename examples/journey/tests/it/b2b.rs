//! Guards of a B2B project, with local-stytch's B2B API over HTTP. The bank itself has no members
//! of organizations, but this package is the one that has both the guards and the stand-in.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use local_stytch::LocalStytch;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower::ServiceExt as _;
use tower_step_up::stytch::Project;
use tower_step_up::{Clock, Grant, Policy, Session, Sessions, StepUpLayer};

const EMAIL: &str = "ada@example.com";
const PHONE: &str = "+12025550162";
const PASSWORD: &str = "correct-pontoon-17-gannet";

struct StandInClock(LocalStytch);

impl Clock for StandInClock {
    fn now(&self) -> OffsetDateTime {
        self.0.now()
    }
}

/// A project of the stand-in, with its sessions and its guard.
struct Guarded {
    sessions: Sessions,
    guard: StepUpLayer,
}

impl Guarded {
    fn new(stytch: &LocalStytch, project: Project) -> Self {
        let project = project.custom_domain(stytch.base_url()).unwrap();
        let verifier = project.verifier().clock(StandInClock(stytch.clone()));
        let api = project.sessions_api(stytch.secret());
        let sessions = project.sessions_with(verifier.clone(), api);
        let guard = project.guard_with(verifier).renew_with(&sessions);
        Self { sessions, guard }
    }

    fn b2b(stytch: &LocalStytch) -> Self {
        Self::new(stytch, Project::b2b(stytch.project_id()).unwrap())
    }

    fn consumer(stytch: &LocalStytch) -> Self {
        Self::new(stytch, Project::new(stytch.project_id()).unwrap())
    }

    fn routes(&self) -> Router {
        let vault = self.guard.require(Policy::mfa().named("vault"));
        let sessions = self.sessions.clone();
        let sign_out = async move |grant: Grant, headers: HeaderMap| {
            let out = sessions.sign_out(&grant, &headers).await;
            out.revoked.unwrap();
            out.cookies.into_response()
        };
        Router::new()
            .route("/profile", get(profile).layer(self.guard.clone()))
            .route("/vault", get("gold").layer(vault))
            .route("/sign-out", post(sign_out).layer(self.guard.clone()))
    }

    async fn send(&self, method: &str, path: &str, header: (&str, String)) -> Response {
        let request = Request::builder().method(method).uri(path).header(header.0, header.1);
        self.routes().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// Returns the reason why the verifier refuses the JWT of the response.
    async fn reason(&self, response: &Value) -> &'static str {
        let jwt = response["session_jwt"].as_str().unwrap();
        self.guard.verifier().verify(jwt).await.unwrap_err().reason()
    }

    async fn status(&self, path: &str, header: (&str, String)) -> u16 {
        self.send("GET", path, header).await.status().as_u16()
    }
}

async fn profile(session: Session) -> String {
    let organization = session.organization().map_or("none", |organization| organization.slug());
    format!("{} of {organization}", session.user_id())
}

/// The organization Acme with its member Ada, and the calls that an application makes for her.
struct Acme {
    stytch: LocalStytch,
    http: reqwest::Client,
    ada: Value,
}

impl Acme {
    async fn start(mfa_policy: &str) -> Self {
        let now = OffsetDateTime::now_utc();
        let stytch = LocalStytch::builder().stopped_clock(now).start().await.unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut acme = Self { stytch, http, ada: Value::Null };
        let body = json!({"organization_name": "Acme", "organization_slug": "acme",
            "mfa_policy": mfa_policy});
        acme.call("organizations", body).await;
        let body = json!({"email_address": EMAIL});
        acme.ada = acme.call("organizations/acme/members", body).await["member_id"].clone();
        let body = json!({"organization_id": "acme", "email_address": EMAIL});
        acme.call("passwords/email/reset/start", body).await;
        let link = acme.stytch.messages()[0].link.clone().unwrap();
        let token = link.split_once("token=").unwrap().1;
        let body = json!({"password_reset_token": token, "password": PASSWORD});
        acme.call("passwords/email/reset", body).await;
        acme
    }

    /// Calls the B2B API, which must succeed.
    async fn call(&self, path: &str, body: Value) -> Value {
        let response = self.post(&format!("/v1/b2b/{path}"), body).await;
        assert_eq!(response["status_code"], 200, "{path}: {response}");
        response
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.stytch.base_url())).json(&body);
        let request = request.basic_auth(self.stytch.project_id(), Some(self.stytch.secret()));
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn sign_in(&self) -> Value {
        let body = json!({"organization_id": "acme", "email_address": EMAIL,
            "password": PASSWORD});
        self.call("passwords/authenticate", body).await
    }

    /// Proves the phone, in the session or the intermediate session that this field names.
    async fn prove_phone(&self, name: &str, token: &Value) -> Value {
        let body = json!({"organization_id": "acme", "member_id": self.ada, name: token,
            "mfa_phone_number": PHONE});
        self.call("otps/sms/send", body).await;
        let code = self.stytch.messages()[0].code.clone();
        let body = json!({"organization_id": "acme", "member_id": self.ada, name: token,
            "code": code});
        self.call("otps/sms/authenticate", body).await
    }
}

fn bearer(response: &Value) -> (&'static str, String) {
    ("authorization", format!("Bearer {}", response["session_jwt"].as_str().unwrap()))
}

fn session_token(token: &Value) -> (&'static str, String) {
    ("cookie", format!("stytch_session={}", token.as_str().unwrap()))
}

fn both_cookies(response: &Value) -> (&'static str, String) {
    let text = |name: &str| response[name].as_str().unwrap().to_owned();
    let (jwt, token) = (text("session_jwt"), text("session_token"));
    ("cookie", format!("stytch_session_jwt={jwt}; stytch_session={token}"))
}

#[tokio::test]
async fn a_member_of_a_strict_organization_has_a_session_only_after_mfa() {
    let acme = Acme::start("REQUIRED_FOR_ALL").await;
    let guarded = Guarded::b2b(&acme.stytch);
    let pending = acme.sign_in().await;
    assert_eq!(pending["member_authenticated"], false);
    let intermediate = &pending["intermediate_session_token"];
    let as_bearer = ("authorization", format!("Bearer {}", intermediate.as_str().unwrap()));
    let own_name = format!("stytch_intermediate_session_token={}", intermediate.as_str().unwrap());
    for header in [session_token(intermediate), as_bearer, ("cookie", own_name)] {
        assert_eq!(guarded.status("/profile", header.clone()).await, 401, "{}", header.0);
        assert_eq!(guarded.status("/vault", header).await, 401);
    }

    let session = acme.prove_phone("intermediate_session_token", intermediate).await;
    for header in [bearer(&session), session_token(&session["session_token"])] {
        assert_eq!(guarded.status("/vault", header.clone()).await, 200);
        let response = guarded.send("GET", "/profile", header).await;
        let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
        let expected = format!("{} of acme", acme.ada.as_str().unwrap());
        assert_eq!(String::from_utf8(body.to_vec()).unwrap(), expected);
    }
}

#[tokio::test]
async fn a_member_of_a_lenient_organization_steps_up_for_the_vault() {
    let acme = Acme::start("OPTIONAL").await;
    let guarded = Guarded::b2b(&acme.stytch);
    let session = acme.sign_in().await;
    assert_eq!(guarded.status("/profile", bearer(&session)).await, 200);
    let refused = guarded.send("GET", "/vault", bearer(&session)).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    let stepped = acme.prove_phone("session_token", &session["session_token"]).await;
    assert_eq!(guarded.status("/vault", bearer(&stepped)).await, 200);
}

#[tokio::test]
async fn a_members_session_is_renewed_and_ended_through_the_b2b_api() {
    let acme = Acme::start("OPTIONAL").await;
    let guarded = Guarded::b2b(&acme.stytch);
    let session = acme.sign_in().await;
    acme.stytch.advance(Duration::from_secs(400));
    assert_eq!(guarded.reason(&session).await, "token_expired");
    let renewed = guarded.send("GET", "/profile", both_cookies(&session)).await;
    assert_eq!(renewed.status(), StatusCode::OK);
    let cookies: Vec<_> = renewed.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    let fresh = cookies.iter().find_map(|cookie| {
        let value = cookie.to_str().unwrap().strip_prefix("stytch_session_jwt=")?;
        value.split(';').next().map(str::to_owned)
    });
    let fresh = ("authorization", format!("Bearer {}", fresh.unwrap()));
    assert_eq!(guarded.status("/profile", fresh.clone()).await, 200);

    let out = guarded.send("POST", "/sign-out", both_cookies(&session)).await;
    assert_eq!(out.status(), StatusCode::OK);
    assert_eq!(guarded.status("/profile", fresh).await, 401, "the session was revoked");
    let token = &session["session_token"];
    assert_eq!(guarded.status("/profile", session_token(token)).await, 401);
    let asked = acme.post("/v1/b2b/sessions/authenticate", json!({"session_token": token})).await;
    assert_eq!(asked["error_type"], "session_not_found");
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_sessions_of_a_member() {
    let acme = Acme::start("OPTIONAL").await;
    let guarded = Guarded::b2b(&acme.stytch);
    let sessions = [acme.sign_in().await, acme.sign_in().await];
    let jwt = sessions[0]["session_jwt"].as_str().unwrap();
    let verified = guarded.sessions.verifier().verify(jwt).await.unwrap();
    let out = guarded.sessions.sign_out_everywhere(verified.issuer(), verified.user_id()).await;
    out.unwrap();
    for session in &sessions {
        assert_eq!(guarded.status("/profile", bearer(session)).await, 401);
        let body = json!({"session_token": session["session_token"]});
        let asked = acme.post("/v1/b2b/sessions/authenticate", body).await;
        assert_eq!(asked["error_type"], "session_not_found");
    }
}

/// Both projects of the stand-in have the same id and the same keys, so only the claims and the
/// APIs tell their sessions apart.
#[tokio::test]
async fn a_guard_refuses_the_sessions_of_the_other_kind_of_project() {
    let acme = Acme::start("OPTIONAL").await;
    let member = acme.sign_in().await;
    let body = json!({"email": EMAIL, "password": PASSWORD, "session_duration_minutes": 60});
    let user = acme.post("/v1/passwords", body).await;
    let (b2b, consumer) = (Guarded::b2b(&acme.stytch), Guarded::consumer(&acme.stytch));
    for (guarded, own, other, expected) in [
        (&b2b, &member, &user, "token_no_organization"),
        (&consumer, &user, &member, "token_unexpected_organization"),
    ] {
        assert_eq!(guarded.status("/profile", bearer(own)).await, 200);
        assert_eq!(guarded.status("/profile", bearer(other)).await, 401);
        assert_eq!(guarded.reason(other).await, expected);
        let token = session_token(&other["session_token"]);
        assert_eq!(guarded.status("/profile", token).await, 401, "{expected}");
        assert_eq!(guarded.status("/profile", both_cookies(other)).await, 401, "{expected}");
    }
}
