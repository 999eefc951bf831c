use std::time::Duration;

use local_stytch::Failure;
use serde_json::{Value, json};
use stytch::consumer::users;

use crate::{
    official_rust_client::{assert_error, start},
    support::{Connection, EMAIL, Stand, assert_refused, response_to},
};

const FAIL: &str = "/local/fail_next";
const SEND: &str = "/v1/otps/email/login_or_create";

async fn waiting_after(stand: &Stand, body: Value) -> Value {
    let response = stand.request("POST", FAIL).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{body}");
    response.json::<Value>().await.unwrap()["waiting"].clone()
}

#[tokio::test]
async fn the_next_calls_to_a_path_are_refused_and_have_no_effect() {
    let stand = Stand::start().await;
    let body = json!({"path": "/v1/otps/", "status": 503, "count": 2});
    assert_eq!(waiting_after(&stand, body).await, 1);
    stand.ok("/v1/users/search", json!({})).await;
    for _ in 0..2 {
        stand.refused(SEND, json!({"email": EMAIL}), 503, "server_unavailable").await;
    }
    assert!(stand.stytch.messages().is_empty());
    stand.ok(SEND, json!({"email": EMAIL})).await;
}

#[tokio::test]
async fn each_status_has_a_type_and_any_call_can_fail() {
    let stand = Stand::start().await;
    for (status, kind) in [
        (429, "too_many_requests"),
        (500, "internal_server_error"),
        (503, "server_unavailable"),
        (418, "planned_failure"),
    ] {
        stand.stytch.fail_next(Failure::status(status)).unwrap();
        let keys = format!("/v1/sessions/jwks/{}", stand.stytch.project_id());
        assert_refused(&stand.get(&keys).await, status, kind, "the key set");
        assert_eq!(stand.get(&keys).await["status_code"], 200);
    }
}

#[tokio::test]
async fn a_dropped_connection_carries_no_response() {
    let stand = Stand::start().await;
    let body = json!({"drop": true, "path": "/v1/users"});
    assert_eq!(waiting_after(&stand, body).await, 1);
    let mut connection = Connection::open(stand.stytch.address()).await;
    connection
        .send("POST /v1/users HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}")
        .await;
    assert_eq!(connection.rest().await, "");
    assert_eq!(stand.get("/v1/users/user-test-1").await["error_type"], "user_not_found");
}

/// The delay is real time, which a test must not measure. A response that comes at all is enough.
#[tokio::test]
async fn a_delayed_call_responds_as_usual() {
    let stand = Stand::start().await;
    assert_eq!(waiting_after(&stand, json!({"delay_ms": 20})).await, 1);
    stand.ok(SEND, json!({"email": EMAIL})).await;
    let late = Failure::status(500).after(Duration::from_millis(20)).at(SEND);
    stand.stytch.fail_next(late).unwrap();
    stand.refused(SEND, json!({"email": EMAIL}), 500, "internal_server_error").await;
    assert_eq!(stand.stytch.messages().len(), 1);
}

#[tokio::test]
async fn the_stand_ins_own_routes_never_fail_and_a_reset_takes_failures_back() {
    let stand = Stand::start().await;
    stand.stytch.fail_next(Failure::status(500).times(1000)).unwrap();
    for path in ["/local/clock", "/local/messages", "/healthz"] {
        assert_eq!(stand.request("GET", path).send().await.unwrap().status(), 200, "{path}");
    }
    stand.stytch.reset();
    stand.ok(SEND, json!({"email": EMAIL})).await;
}

#[tokio::test]
async fn invalid_failures_are_refused() {
    let stand = Stand::start().await;
    for (body, kind) in [
        (json!({}), "invalid_argument"),
        (json!({"status": 500, "drop": true}), "invalid_argument"),
        (json!({"status": 200}), "invalid_argument"),
        (json!({"status": 600}), "invalid_argument"),
        (json!({"status": 500, "count": 0}), "invalid_argument"),
        (json!({"status": 500, "count": 1001}), "invalid_argument"),
        (json!({"delay_ms": 30_001}), "invalid_argument"),
        (json!({"status": 500, "path": "/local/clock"}), "invalid_argument"),
        (json!({"status": "500"}), "invalid_request"),
        (json!({"status": 500, "times": 2}), "invalid_request"),
    ] {
        stand.refused(FAIL, body, 400, kind).await;
    }
    let error = stand.stytch.fail_next(Failure::status(200)).unwrap_err();
    assert!(error.to_string().contains("400 to 599"), "{error}");
    for _ in 0..100 {
        stand.stytch.fail_next(Failure::dropped_connection()).unwrap();
    }
    let full = response_to(stand.request("POST", FAIL).json(&json!({"drop": true}))).await;
    assert_refused(&full, 507, "stand_in_full", "the 101st failure");
}

#[tokio::test]
async fn the_rust_sdk_sees_planned_failures() {
    let (stytch, client) = start().await;
    let get = || users::GetRequest { user_id: "user-test-1".into() };
    stytch.fail_next(Failure::status(429).at("/v1/users/")).unwrap();
    stytch.fail_next(Failure::dropped_connection()).unwrap();
    assert_error(client.users.get(get()).await, 429, "too_many_requests");
    let dropped = client.users.get(get()).await.unwrap_err();
    assert!(matches!(dropped, stytch::Error::Other(_)), "{dropped:?}");
    assert_error(client.users.get(get()).await, 404, "user_not_found");
}
