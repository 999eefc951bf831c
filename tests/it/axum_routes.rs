//! Guards on axum's routers, and the pitfalls of placing them.

use axum::body::Body;
use axum::extract::Request;
use axum::routing::{any, get, post};
use axum::{Router, middleware};
use http::{Method, header};
use tower_http::cors::{Any, CorsLayer};
use tower_step_up::{Factor, Grant, Policy, Session, StepUpLayer};

use crate::support::{bearer, issuer, proved, send};

fn guard() -> StepUpLayer {
    issuer().guard()
}

async fn ok() -> &'static str {
    "inner"
}

fn request(method: Method, path: &str, factors: Option<&[Factor]>) -> Request {
    let builder = Request::builder().method(method).uri(path);
    let builder = match factors {
        Some(factors) => {
            builder.header(header::AUTHORIZATION, bearer(&issuer().mint(&proved(factors))))
        }
        None => builder,
    };
    builder.body(Body::empty()).unwrap()
}

#[track_caller]
fn status(router: &Router, method: Method, path: &str, factors: Option<&[Factor]>) -> u16 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(send(router, request(method, path, factors))).status.as_u16()
}

const PASSWORD: Option<&[Factor]> = Some(&[Factor::Password]);
const MFA: Option<&[Factor]> = Some(&[Factor::Password, Factor::Totp]);

#[test]
fn each_method_router_has_its_own_policy() {
    let router = Router::new()
        .route("/healthz", get(ok))
        .route("/profile", get(ok).layer(guard()))
        .route("/account", get(ok).post(ok).layer(guard().require(Policy::mfa())));
    assert_eq!(status(&router, Method::GET, "/healthz", None), 200);
    assert_eq!(status(&router, Method::GET, "/profile", None), 401);
    assert_eq!(status(&router, Method::GET, "/profile", PASSWORD), 200);
    for method in [Method::GET, Method::POST, Method::HEAD] {
        assert_eq!(status(&router, method.clone(), "/account", PASSWORD), 401, "{method}");
        assert_eq!(status(&router, method, "/account", MFA), 200);
    }
    assert_eq!(status(&router, Method::GET, "/unknown", None), 404);
}

#[test]
fn a_method_added_after_the_guard_is_open() {
    let router = Router::new().route("/x", post(ok).layer(guard()).get(ok));
    assert_eq!(status(&router, Method::POST, "/x", None), 401);
    assert_eq!(status(&router, Method::GET, "/x", None), 200);
}

#[test]
fn a_layer_covers_the_fallback_and_a_route_layer_does_not() {
    let layered = Router::new().route("/x", get(ok)).layer(guard());
    assert_eq!(status(&layered, Method::GET, "/x", None), 401);
    assert_eq!(status(&layered, Method::GET, "/unknown", None), 401);
    assert_eq!(status(&layered, Method::GET, "/unknown", PASSWORD), 404);

    let route_layered =
        Router::new().route("/x", get(ok)).route_layer(guard()).route("/later", get(ok));
    assert_eq!(status(&route_layered, Method::GET, "/x", None), 401);
    assert_eq!(status(&route_layered, Method::GET, "/unknown", None), 404);
    assert_eq!(status(&route_layered, Method::GET, "/later", None), 200);
}

#[test]
fn in_a_tuple_of_layers_the_first_is_the_outermost() {
    /// Responds itself, without calling the inner service.
    async fn stop(_: Request, _: middleware::Next) -> &'static str {
        "stopped"
    }
    let inside = Router::new().route("/x", get(ok).layer((guard(), middleware::from_fn(stop))));
    assert_eq!(status(&inside, Method::GET, "/x", None), 401);
    let outside = Router::new().route("/x", get(ok).layer((middleware::from_fn(stop), guard())));
    assert_eq!(status(&outside, Method::GET, "/x", None), 200);
}

#[test]
fn nested_and_merged_routers_and_the_fallback_have_their_own_policies() {
    let admin =
        Router::new().route("/keys", get(ok)).layer(guard().require(Policy::phishing_resistant()));
    let account = Router::new().route("/account", get(ok)).layer(guard().require(Policy::mfa()));
    let router = Router::new()
        .nest("/admin", admin)
        .merge(account)
        .route("/healthz", get(ok))
        .fallback_service(any(ok).layer(guard()));
    assert_eq!(status(&router, Method::GET, "/admin/keys", MFA), 401);
    assert_eq!(status(&router, Method::GET, "/admin/keys", Some(&[Factor::WebAuthn])), 200);
    assert_eq!(status(&router, Method::GET, "/account", PASSWORD), 401);
    assert_eq!(status(&router, Method::GET, "/account", MFA), 200);
    assert_eq!(status(&router, Method::GET, "/healthz", None), 200);
    assert_eq!(status(&router, Method::GET, "/unknown", None), 401);
    assert_eq!(status(&router, Method::GET, "/unknown", PASSWORD), 200);
}

#[test]
fn guards_of_an_outer_and_an_inner_router_both_apply() {
    let guard = guard();
    let inner = Router::new().route("/transfer", post(ok)).layer(guard.require(Policy::mfa()));
    let router = Router::new().nest("/bank", inner).layer(guard.require(Factor::Totp));
    assert_eq!(status(&router, Method::POST, "/bank/transfer", Some(&[Factor::Totp])), 401);
    assert_eq!(
        status(&router, Method::POST, "/bank/transfer", Some(&[Factor::Password, Factor::OtpSms])),
        401
    );
    assert_eq!(status(&router, Method::POST, "/bank/transfer", MFA), 200);
}

#[tokio::test]
async fn a_preflight_is_answered_outside_and_the_challenge_is_exposed() {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        .expose_headers([header::WWW_AUTHENTICATE]);
    let router = Router::new().route("/x", get(ok)).layer(guard()).layer(cors);
    let mut preflight = request(Method::OPTIONS, "/x", None);
    preflight.headers_mut().insert(header::ORIGIN, "https://app.example".parse().unwrap());
    preflight.headers_mut().insert(header::ACCESS_CONTROL_REQUEST_METHOD, "GET".parse().unwrap());
    assert_eq!(send(&router, preflight).await.status, 200);
    let mut refused = request(Method::GET, "/x", None);
    refused.headers_mut().insert(header::ORIGIN, "https://app.example".parse().unwrap());
    let response = send(&router, refused).await;
    assert_eq!(
        (response.status.as_u16(), response.header("access-control-expose-headers")),
        (401, "www-authenticate")
    );
}

#[tokio::test]
async fn handlers_take_the_grant_or_the_session() {
    async fn by_grant(grant: Grant) -> String {
        format!("{} by {}", grant.session().user_id(), grant.policy())
    }
    async fn by_session(session: Session) -> String {
        session
            .factors()
            .iter()
            .map(|proof| proof.factor().to_string())
            .collect::<Vec<_>>()
            .join("+")
    }
    async fn perhaps(grant: Option<Grant>, session: Option<Session>) -> String {
        format!("{} {}", grant.is_some(), session.is_some())
    }
    let router = Router::new()
        .route("/grant", get(by_grant).layer(guard().require(Policy::mfa())))
        .route("/session", get(by_session).layer(guard()))
        .route("/perhaps", get(perhaps).layer(guard().optional()));
    let body = async |path, factors| send(&router, request(Method::GET, path, factors)).await.body;
    assert_eq!(body("/grant", MFA).await, "user-test-00000000-0000-4000-8000-000000000000 by mfa");
    assert_eq!(body("/session", MFA).await, "password+totp");
    assert_eq!(body("/perhaps", None).await, "false false");
    assert_eq!(body("/perhaps", PASSWORD).await, "true true");
}

#[tokio::test]
async fn a_handler_that_needs_a_grant_does_not_run_without_one() {
    async fn needs(_: Grant) -> &'static str {
        "ran"
    }
    async fn needs_session(_: Session) -> &'static str {
        "ran"
    }
    async fn perhaps(_: Option<Grant>) -> &'static str {
        "ran"
    }
    let router = Router::new()
        .route("/no-guard", get(needs))
        .route("/no-guard/session", get(needs_session))
        .route("/no-guard/perhaps", get(perhaps))
        .route("/optional", get(needs).layer(guard().optional()));
    for path in ["/no-guard", "/no-guard/session", "/no-guard/perhaps", "/optional"] {
        let response = send(&router, request(Method::GET, path, None)).await;
        assert_eq!(response.status, 500, "{path}");
        // Only a debug build names the missing layer.
        assert_eq!(
            response.body.contains("StepUpLayer"),
            cfg!(debug_assertions),
            "{}",
            response.body
        );
    }
    assert_eq!(send(&router, request(Method::GET, "/optional", PASSWORD)).await.body, "ran");
}

#[tokio::test]
async fn a_layer_outside_can_read_the_reason() {
    async fn note(request: Request, next: middleware::Next) -> axum::response::Response {
        let mut response = next.run(request).await;
        let reason = tower_step_up::Rejection::of(&response).map(|it| it.reason());
        if let Some(reason) = reason {
            response.headers_mut().insert("x-reason", reason.parse().unwrap());
        }
        response
    }
    let router = Router::new().route("/x", get(ok).layer(guard())).layer(middleware::from_fn(note));
    assert_eq!(
        send(&router, request(Method::GET, "/x", None)).await.header("x-reason"),
        "no_credentials"
    );
}
