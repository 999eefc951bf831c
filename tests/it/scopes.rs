//! Scopes: which requests pass, and everything that a client learns from a refusal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::issuers::{Issuer, IssuerError, clerk, oidc, supabase};
use tower_step_up::keys::Algorithm;
use tower_step_up::layer::IssuerFinding;
use tower_step_up::testing::{self, TestIssuer, TestSessions};
use tower_step_up::{
    BearerChallenge, Factor, Grant, Negotiated, Policy, Rejection, Respond, StepUpLayer, Verifier,
};
use tracing::Level;

use crate::events::{log_of, logged};
use crate::renewal::World;
use crate::support::{self, TestResponse, bearer, inner, seconds, send};

type Body = Full<Bytes>;

const TYPES: &str = "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html";
/// The scopes that most guards here require, as a challenge lists them.
const BOTH: &str = "payments:read payments:write";

fn oidc() -> Issuer {
    oidc::access_tokens("https://login.example.com", "https://api.example.com")
        .acr_values(["silver", "gold"])
        .algorithms([Algorithm::EdDsa])
}

fn issuer() -> &'static TestIssuer {
    static ISSUER: OnceLock<TestIssuer> = OnceLock::new();
    ISSUER.get_or_init(|| TestIssuer::standing_in_for(oidc()).unwrap())
}

/// Returns a guard that requires gold and both scopes.
fn guard() -> StepUpLayer {
    issuer().guard().require(Policy::acr("gold").named("pay")).require_scopes(BOTH.split(' '))
}

fn with_claims(claims: &Value) -> Request<Body> {
    let token = bearer(&issuer().mint_with(claims));
    Request::get("/").header("authorization", token).body(Body::default()).unwrap()
}

/// Returns a request whose token has this level and these scopes.
fn with_token(acr: &str, scope: &str) -> Request<Body> {
    with_claims(&json!({"acr": acr, "scope": scope}))
}

async fn respond(guard: &StepUpLayer, request: Request<Body>) -> TestResponse {
    send(&guard.layer(service_fn(inner::<Body>)), request).await
}

fn body(response: &TestResponse) -> Value {
    serde_json::from_str(&response.body).unwrap()
}

#[tokio::test]
async fn a_token_needs_all_scopes_exactly() {
    let guard = issuer().guard().require_scopes(["payments:read", "payments:write"]);
    for (claims, status) in [
        (json!({"scope": "payments:read payments:write"}), 200),
        (json!({"scope": "payments:write openid payments:read"}), 200),
        (json!({"scope": "  payments:write  payments:read "}), 200),
        (json!({"scope": ["payments:read", "payments:write"]}), 200),
        (json!({"scp": ["payments:read", "payments:write"]}), 200),
        (json!({"scp": "payments:read payments:write"}), 200),
        // `scope` counts alone if it is there.
        (json!({"scope": "payments:read", "scp": "payments:write"}), 403),
        (json!({"scope": "payments:read"}), 403),
        (json!({"scope": "payments:write"}), 403),
        (json!({"scope": "payments:readpayments:write"}), 403),
        (json!({"scope": "payments:read payments:writer"}), 403),
        (json!({"scope": "payments:read payments"}), 403),
        (json!({"scope": "payments:read,payments:write"}), 403),
        (json!({"scope": "payments:read\tpayments:write"}), 403),
        (json!({"scope": "payments:read\u{a0}payments:write"}), 403),
        (json!({"scope": "Payments:Read Payments:Write"}), 403),
        (json!({"scope": "payments:* *"}), 403),
        (json!({"scope": ""}), 403),
        (json!({"scope": []}), 403),
        (json!({}), 403),
        // The other claims of the token are not scopes.
        (json!({"permissions": ["payments:read", "payments:write"]}), 403),
    ] {
        let response = respond(&guard, with_claims(&claims)).await;
        assert_eq!(response.status, status, "{claims}");
    }
    // A claim of another type is a malformed token.
    for claims in [json!({"scope": 7}), json!({"scope": {"a": true}}), json!({"scope": [7]})] {
        assert_eq!(respond(&guard, with_claims(&claims)).await.status, 401, "{claims}");
    }
}

/// Each refusal says at once everything that the request needs.
#[tokio::test]
async fn one_answer_names_the_level_and_the_scopes() {
    const STEP_UP: &str = "insufficient_user_authentication";
    for (acr, scope, status, error, missing) in [
        ("gold", BOTH, 200, "", &[][..]),
        ("gold", "payments:read", 403, "insufficient_scope", &["payments:write"]),
        ("gold", "", 403, "insufficient_scope", &["payments:read", "payments:write"]),
        ("silver", BOTH, 401, STEP_UP, &[]),
        ("silver", "payments:write", 401, STEP_UP, &["payments:read"]),
        ("silver", "openid", 401, STEP_UP, &["payments:read", "payments:write"]),
    ] {
        let response = respond(&guard(), with_token(acr, scope)).await;
        assert_eq!(response.status, status, "{acr} {scope:?}");
        if status == 200 {
            assert!(!response.headers.contains_key("www-authenticate"));
            continue;
        }
        let challenge = response.header("www-authenticate");
        let begin = format!("Bearer realm=\"api\", error=\"{error}\", error_description=\"");
        assert!(challenge.starts_with(&begin), "{challenge}");
        assert!(challenge.contains(&format!(", scope=\"{BOTH}\"")), "{challenge}");
        assert_eq!(challenge.matches("scope=\"").count(), 1, "{challenge}");
        let body = body(&response);
        let names_scopes = !missing.is_empty();
        assert_eq!(body.get("missing_scopes"), names_scopes.then(|| json!(missing)).as_ref());
        assert_eq!(body["scope"], BOTH);
        assert_eq!(body.get("unmet").is_some(), status == 401);
    }
}

#[tokio::test]
async fn missing_scopes_are_a_403_with_all_of_them() {
    let response = respond(&guard(), with_token("gold", "openid payments:read")).await;
    assert_eq!(response.status, 403);
    assert_eq!(
        response.header("www-authenticate"),
        "Bearer realm=\"api\", error=\"insufficient_scope\", \
         error_description=\"the token lacks the scope payments:write\", \
         acr_values=\"gold\", scope=\"payments:read payments:write\""
    );
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("content-type"), "application/problem+json");
    assert_eq!(
        response.body,
        format!(
            "{{\"type\":\"{TYPES}#insufficient-scope\",\"title\":\"Insufficient scope\",\"status\":403,\
             \"detail\":\"the token lacks the scope payments:write\",\
             \"scope\":\"payments:read payments:write\",\"missing_scopes\":[\"payments:write\"],\
             \"authentication_request\":{{\"acr_values\":\"gold\"}}}}"
        )
    );
    let response = respond(&guard().require_scopes(["c"]), with_token("gold", "")).await;
    assert_eq!(
        body(&response)["detail"],
        "the token lacks the scopes payments:read, payments:write and c"
    );
}

/// RFC 6750, section 3: `scope` is in a challenge without an error too. A bad request is not about
/// scopes.
#[tokio::test]
async fn every_challenge_of_a_401_lists_the_scopes() {
    let request = |headers: &[(&str, &str)]| {
        let builder =
            headers.iter().fold(Request::get("/"), |it, (name, value)| it.header(*name, *value));
        builder.body(Body::default()).unwrap()
    };
    for (headers, status, want) in [
        (&[][..], 401, format!("Bearer realm=\"api\", scope=\"{BOTH}\"")),
        (
            &[("authorization", "Bearer x")],
            401,
            format!(
                "Bearer realm=\"api\", error=\"invalid_token\", \
                 error_description=\"the token is invalid\", scope=\"{BOTH}\""
            ),
        ),
        (
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
            400,
            "Bearer realm=\"api\", error=\"invalid_request\", \
             error_description=\"more than one Authorization header\""
                .to_owned(),
        ),
    ] {
        let response = respond(&guard(), request(headers)).await;
        assert_eq!(response.status, status);
        assert_eq!(response.header("www-authenticate"), want);
        let scope = (status == 401).then(|| json!(BOTH));
        assert_eq!(body(&response).get("scope"), scope.as_ref(), "{}", response.body);
    }
    // Another guard is not affected.
    let response = respond(&issuer().guard(), request(&[])).await;
    assert_eq!(response.header("www-authenticate"), "Bearer realm=\"api\"");
    // A failed function is an error of the server, and other scopes would not help.
    let failing = guard().require_with(|_| Err::<Policy, _>(std::io::Error::other("no policy")));
    let response = respond(&failing, with_token("gold", "")).await;
    assert_eq!(response.status, 500);
    assert!(!response.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn calls_add_up_in_order_and_undo_optional() {
    let guard = issuer().guard().require_scopes(["b", "a"]).require_scopes(vec!["c".to_owned()]);
    let guard = guard.require_scopes(["a", "d", "d"]).require(Policy::session());
    let response = respond(&guard, with_token("", "c b")).await;
    assert_eq!(response.status, 403);
    assert_eq!(body(&response)["scope"], "b a c d");
    assert_eq!(body(&response)["missing_scopes"], json!(["a", "d"]));
    assert_eq!(respond(&guard, with_token("", "a b c d")).await.status, 200);

    let anonymous = || Request::get("/").body(Body::default()).unwrap();
    let optional = issuer().guard().optional().require_scopes(["a"]);
    assert_eq!(respond(&optional, anonymous()).await.status, 401);
    let optional = issuer().guard().require_scopes(["a"]).optional();
    assert_eq!(respond(&optional, anonymous()).await.status, 200);
    assert_eq!(respond(&optional, with_token("", "b")).await.status, 403);
    assert_eq!(respond(&optional, with_token("", "a")).await.status, 200);
}

#[tokio::test]
async fn the_scopes_are_checked_after_the_policy_of_the_request() {
    let guard = issuer().guard().require_scopes(["a"]).require_with(|request| {
        if request.uri.path() == "/gold" { Policy::acr("gold") } else { Policy::session() }
    });
    for (path, acr, scope, reason) in [
        ("/", "", "a", None),
        ("/", "", "", Some("insufficient_scope")),
        ("/gold", "gold", "a", None),
        ("/gold", "gold", "b", Some("insufficient_scope")),
        ("/gold", "silver", "b", Some("step_up_required")),
    ] {
        let mut request = with_token(acr, scope);
        *request.uri_mut() = path.parse().unwrap();
        let response = guard.layer(service_fn(inner::<Body>)).oneshot(request).await.unwrap();
        assert_eq!(Rejection::of(&response).map(Rejection::reason), reason, "{path} {acr} {scope}");
    }
}

/// A grant is remembered with its session, and so is the session with its token.
#[tokio::test]
async fn a_remembered_grant_does_not_skip_the_scopes() {
    let open = issuer().guard().require(Policy::acr("gold"));
    let strict = open.require_scopes(["a"]);
    let token = bearer(&issuer().mint_with(&json!({"acr": "gold", "scope": "b"})));
    for _ in 0..3 {
        for (guard, status) in [(&open, 200), (&strict, 403)] {
            let request = Request::get("/").header("authorization", &token);
            let response = respond(guard, request.body(Body::default()).unwrap()).await;
            assert_eq!(response.status, status);
        }
    }
    // Nor does the grant of an outer guard, or its session.
    let nested = open.layer(strict.layer(service_fn(inner::<Body>)));
    let request = Request::get("/").header("authorization", &token).body(Body::default()).unwrap();
    assert_eq!(send(&nested, request).await.status, 403);
}

/// A client that asked for the inner scopes alone would be refused by the outer guard.
#[tokio::test]
async fn nested_guards_require_their_scopes_together() {
    let outer = issuer().guard().require_scopes(["read"]);
    let inner_guard =
        issuer().guard().require(Policy::acr("gold")).require_scopes(["write", "read"]);
    let plain = issuer().guard().require(Policy::acr("gold"));
    let ask = async |inner_guard: &StepUpLayer, acr, scope| {
        let service = outer.layer(inner_guard.layer(service_fn(inner::<Body>)));
        send(&service, with_token(acr, scope)).await
    };
    assert_eq!(ask(&inner_guard, "gold", "read write").await.status, 200);
    for (guard, acr, scope, status, scopes, missing) in [
        (&inner_guard, "gold", "write", 403, "read", json!(["read"])),
        (&inner_guard, "gold", "read", 403, "read write", json!(["write"])),
        (&inner_guard, "silver", "read", 401, "read write", json!(["write"])),
        (&inner_guard, "silver", "read write", 401, "read write", Value::Null),
        (&plain, "silver", "read", 401, "read", Value::Null),
    ] {
        let response = ask(guard, acr, scope).await;
        assert_eq!(response.status, status, "{acr} {scope}");
        let challenge = response.header("www-authenticate");
        assert!(challenge.contains(&format!("scope=\"{scopes}\"")), "{challenge}");
        assert_eq!(body(&response)["missing_scopes"], missing, "{acr} {scope}");
    }
    // An optional outer guard still checks the token that the client brings next.
    let outer = outer.optional();
    let service = outer.layer(inner_guard.layer(service_fn(inner::<Body>)));
    let response = send(&service, Request::get("/").body(Body::default()).unwrap()).await;
    assert_eq!(response.header("www-authenticate"), "Bearer realm=\"api\", scope=\"read write\"");
}

#[tokio::test]
async fn a_confirmed_session_needs_the_scopes_too() {
    let keeper = TestSessions::new(support::issuer());
    let tokens = keeper.begin(&testing::session().proved(Factor::Password));
    let sessions = support::issuer().sessions(keeper);
    let guard = support::issuer().guard().renew_with(&sessions).confirmed_within(seconds(0));
    let ask = async |guard: &StepUpLayer| {
        let request = Request::get("/").header("authorization", bearer(&tokens.session_jwt));
        respond(guard, request.body(Body::default()).unwrap()).await
    };
    assert_eq!(ask(&guard).await.status, 200);
    let response = ask(&guard.require_scopes(["a"])).await;
    assert_eq!(response.status, 403);
    assert_eq!(body(&response)["missing_scopes"], json!(["a"]));
}

/// The user may have granted more scopes elsewhere, so a cached renewal does not count for long.
#[tokio::test]
async fn a_renewed_session_without_the_scopes_is_asked_about_again() {
    let world = World::new();
    let guard = world.guard().require_scopes(["a"]);
    let tokens = world.expired(&testing::session().proved(Factor::Password));
    let cookie = format!("stytch_session_jwt={}", tokens.session_jwt);
    for (wait, calls) in [(0, 1), (0, 1), (2, 2)] {
        world.clock.advance(seconds(wait));
        let request = Request::get("/").header("cookie", &cookie);
        let response = respond(&guard, request.body(Body::default()).unwrap()).await;
        assert_eq!((response.status.as_u16(), world.sessions.calls()), (403, calls));
        // The token is genuine, so the client gets the fresh one.
        assert!(response.headers.contains_key("set-cookie"));
    }
}

/// The whole answer if both a factor and scopes are missing.
#[tokio::test]
async fn a_step_up_lists_the_scopes_in_header_and_body() {
    let guard = support::issuer().guard().require(Factor::Totp).require_scopes(["a", "b"]);
    let response = respond(&guard, support::request("/", &[Factor::Password])).await;
    assert_eq!(response.status, 401);
    assert_eq!(
        response.header("www-authenticate"),
        "Bearer realm=\"api\", error=\"insufficient_user_authentication\", \
         error_description=\"authenticate with totp\", scope=\"a b\""
    );
    assert_eq!(
        body(&response),
        json!({
            "type": format!("{TYPES}#step-up-required"),
            "title": "Step-up authentication required",
            "status": 401,
            "detail": "authenticate with totp",
            "scope": "a b",
            "missing_scopes": ["a", "b"],
            "unmet": [{"requirement": "factor", "factor": "totp", "reason": "missing"}],
            "retryable": true,
            "prompts": [[{"factor": "totp", "reason": "missing"}]],
        })
    );
}

#[tokio::test]
async fn a_browser_gets_a_page_and_no_redirect() {
    let pages = Negotiated::new().sign_in("/sign-in").unwrap().step_up("/second-factor").unwrap();
    let guard = guard().respond_with(pages);
    let ask = async |acr, scope, name: &'static str, value: &'static str| {
        let mut request = with_token(acr, scope);
        request.headers_mut().insert(name, value.parse().unwrap());
        respond(&guard, request).await
    };
    let page = ask("gold", "payments:read", "sec-fetch-mode", "navigate").await;
    assert_eq!(page.status, 403);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("www-authenticate").contains("error=\"insufficient_scope\""));
    assert!(!page.headers.contains_key("location"));
    assert!(page.body.contains("<h1>Insufficient scope</h1>"), "{}", page.body);
    assert!(
        page.body.contains("<p>The token lacks the scope payments:write.</p>"),
        "{}",
        page.body
    );
    let fragment = ask("gold", "payments:read", "hx-request", "true").await;
    assert_eq!((fragment.status.as_u16(), fragment.header("hx-redirect")), (403, ""));
    // A user can step up, even if the token lacks scopes too.
    assert_eq!(ask("silver", "", "sec-fetch-mode", "navigate").await.status, 303);
}

#[tokio::test]
async fn a_responder_of_the_application_gets_the_same_parameters() {
    let guard = guard().respond_with(|why: &Rejection, request: &Parts| {
        let mut response = BearerChallenge::new("shop").respond(why, request);
        if let Rejection::InsufficientScope(lack) = why {
            let lists = [lack.required().collect::<Vec<_>>(), lack.missing().collect()];
            let lists = lists.map(|list| list.join("+")).join(" ") + " " + lack.session().user_id();
            response.headers_mut().insert("x-scopes", lists.parse().unwrap());
        }
        response
    });
    let response = respond(&guard, Request::get("/").body(Body::default()).unwrap()).await;
    assert_eq!(
        response.header("www-authenticate"),
        format!("Bearer realm=\"shop\", scope=\"{BOTH}\"")
    );
    let claims = json!({"acr": "gold", "scope": "payments:read", "sub": "ada"});
    let response = respond(&guard, with_claims(&claims)).await;
    assert_eq!(response.header("x-scopes"), "payments:read+payments:write payments:write ada");
}

/// A test of a responder needs no guard.
#[tokio::test]
async fn a_rejection_knows_its_scopes_without_a_guard() {
    let service = guard().layer(service_fn(inner::<Body>));
    let response = service.oneshot(with_token("gold", "payments:read")).await.unwrap();
    let (request, ()) = Request::get("/").body(()).unwrap().into_parts();
    let again = BearerChallenge::default().respond(Rejection::of(&response).unwrap(), &request);
    assert_eq!(again.status(), 403);
    assert_eq!(again.headers()["www-authenticate"], response.headers()["www-authenticate"]);
    assert_eq!(*again.body(), TestResponse::of(response).await.body);
}

#[test]
fn the_log_says_what_is_missing_and_of_whom() {
    let claims = json!({"acr": "gold", "scope": "payments:read", "sub": "ada", "sid": "s-1"});
    assert_eq!(
        log_of(Level::INFO, &guard(), with_claims(&claims)),
        [
            "INFO tower_step_up::guard: decision=\"refused\" policy=pay reason=\"insufficient_scope\" \
             detail=the token lacks the scope payments:write scope=\"payments:read payments:write\" \
             status=403 issuer=\"https://login.example.com\" session_id=\"s-1\" user_id=\"ada\""
        ]
    );
}

#[test]
fn a_guard_reports_issuers_whose_tokens_have_no_scopes() -> Result<(), IssuerError> {
    let of = TestIssuer::standing_in_for;
    for (test, has_scopes) in [
        (issuer().clone(), true),
        (of(clerk("https://clerk.example.com", ["https://app.example.com"]))?, true),
        (of(supabase("https://ref.supabase.co"))?, false),
        (of(oidc::id_tokens("https://login.example.com", "app"))?, false),
        (support::issuer().clone(), false),
    ] {
        let (guard, errors) = logged(Level::ERROR, || test.guard().require_scopes(["a"]));
        let findings = guard.findings();
        assert_eq!(findings.is_empty(), has_scopes, "{}: {findings:?}", test.name());
        assert_eq!(errors.len(), findings.len(), "{errors:?}");
        assert!(findings.iter().all(|it| matches!(it, IssuerFinding::NoScopes { .. })));
        // Each call reports what is new.
        assert_eq!(logged(Level::ERROR, || guard.require(Policy::session())).1.len(), 0);
        assert!(test.guard().findings().is_empty());
    }
    let both = Verifier::any_of([issuer().verifier(), support::issuer().verifier()]).unwrap();
    let findings = StepUpLayer::new(both).require_scopes(["a"]).findings();
    assert_eq!(
        findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [format!(
            "the accepted tokens of {} never have scopes; remove `require_scopes`, or accept access \
             tokens of an issuer that grants scopes, as with `oidc::access_tokens`",
            support::ISSUER
        )]
    );
    Ok(())
}

/// A scope goes into a header, so nothing that could end a quoted string is one.
#[test]
fn what_is_no_scope_is_refused_when_the_guard_is_built() {
    let guard = issuer().guard();
    let builds = |scopes: &[&str]| {
        catch_unwind(AssertUnwindSafe(|| drop(guard.require_scopes(scopes)))).is_ok()
    };
    for bad in ["", " ", "a b", "a\"", "a\\", "a\r\nSet-Cookie: x", "a\t", "\u{7f}", "é", "a\u{0}"]
    {
        assert!(!builds(&["a", bad]), "{bad:?}");
    }
    assert!(!builds(&[]));
    for good in ["a", "!", "#[]^~", "https://www.googleapis.com/auth/drive", "a,b", "'"] {
        assert!(builds(&[good]), "{good:?}");
    }
}

#[tokio::test]
async fn a_handler_gets_the_grant_of_a_token_with_the_scopes() {
    let service = guard().layer(service_fn(async |request: Request<Body>| {
        let grant = request.extensions().get::<Grant>().unwrap();
        let scopes = grant.session().scopes().collect::<Vec<_>>().join("+");
        Ok::<_, std::convert::Infallible>(http::Response::new(Body::from(scopes)))
    }));
    let response = send(&service, with_token("gold", BOTH)).await;
    assert_eq!(response.body, "payments:read+payments:write");
}
