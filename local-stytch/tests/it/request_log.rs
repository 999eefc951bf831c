use local_stytch::Failure;
use serde_json::{Value, json};

use crate::support::{EMAIL, Stand};

#[tokio::test]
async fn the_log_has_method_path_status_error_type_and_time() {
    let stand = Stand::start().await;
    let at = stand.stytch.now();
    stand.ada().await;
    stand.advance(60);
    stand.refused("/v1/passwords", json!({"email": "ada"}), 400, "invalid_request").await;
    stand.get("/v1/oauth/google/start?token=hidden").await;
    stand.stytch.fail_next(Failure::dropped_connection()).unwrap();
    stand.request("DELETE", "/v1/users/user-test-1").send().await.unwrap_err();

    let response = stand.request("GET", "/local/requests").send().await.unwrap();
    let log: Value = response.json().await.unwrap();
    let entry = |at: usize| {
        let it = &log["requests"][at];
        (it["method"].clone(), it["path"].clone(), it["status"].clone(), it["error_type"].clone())
    };
    let want = |method: &str, path: &str, status: Value, error_type: Value| {
        (json!(method), json!(path), status, error_type)
    };
    assert_eq!(log["requests"].as_array().unwrap().len(), 4, "newest first: {log}");
    assert_eq!(entry(0), want("DELETE", "/v1/users/user-test-1", Value::Null, Value::Null));
    let unknown = json!("route_not_found");
    assert_eq!(entry(1), want("GET", "/v1/oauth/google/start", json!(404), unknown));
    assert_eq!(entry(2), want("POST", "/v1/passwords", json!(400), json!("invalid_request")));
    assert_eq!(entry(3), want("POST", "/v1/passwords", json!(200), Value::Null));

    let requests = stand.stytch.requests();
    assert_eq!((requests[3].at, requests[3].status), (at, Some(200)));
    assert_eq!(requests[2].at, at + time::Duration::MINUTE);
    assert_eq!((requests[0].status, requests[1].error_type), (None, Some("route_not_found")));
}

#[tokio::test]
async fn the_log_has_no_queries_bodies_tokens_or_codes() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    stand.get("/v1/sessions?user_id=hidden").await;
    let token = json!({"session_token": ada["session_token"]});
    stand.ok("/v1/sessions/authenticate", token).await;
    let log = stand.request("GET", "/local/requests").send().await.unwrap().text().await.unwrap();
    let shown = format!("{log} {:?}", stand.stytch.requests());
    let [code, token] = [stand.code(), ada["session_token"].as_str().unwrap().to_owned()];
    for secret in ["hidden", EMAIL, stand.stytch.secret(), &token, &format!("\"{code}\"")] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn a_long_path_is_shortened_in_the_log_and_in_the_refusal() {
    let stand = Stand::start().await;
    let path = format!("/v1/{}", "a".repeat(5000));
    let refusal = stand.get(&path).await;
    assert!(refusal["error_message"].as_str().unwrap().len() < 300, "{refusal}");
    assert_eq!(stand.stytch.requests()[0].path.len(), 200);
}
