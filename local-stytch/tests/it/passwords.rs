use serde_json::json;

use crate::support::{EMAIL, PASSWORD, Stand, factors};

#[tokio::test]
async fn a_password_creates_a_user_and_signs_in() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    assert_eq!(factors(&ada), ["password/knowledge"]);
    assert_eq!(ada["user"]["emails"][0]["email_id"], ada["email_id"]);
    assert_eq!(
        ada["user"]["emails"][0]["verified"], false,
        "a password does not verify an address"
    );
    assert_eq!(ada["session"]["user_id"], ada["user_id"]);

    let again = stand
        .ok("/v1/passwords/authenticate", json!({"email": "Ada@Example.com", "password": PASSWORD}))
        .await;
    assert_eq!(again["user_id"], ada["user_id"]);
    assert_eq!(again["session_token"], "");
    assert_eq!(again["session_jwt"], "");
    assert!(again["session"].is_null(), "no session without a duration");
}

#[tokio::test]
async fn no_response_contains_a_password_or_its_hash() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let user = stand.get(&format!("/v1/users/{}", ada["user_id"].as_str().unwrap())).await;
    for response in [ada, user] {
        let text = response.to_string();
        assert!(
            !text.contains("argon2") && !text.contains(PASSWORD) && !text.contains("hash"),
            "{text}"
        );
        assert!(text.contains("password-test-"), "{text}");
    }
}

#[tokio::test]
async fn invalid_password_requests_are_refused() {
    let stand = Stand::start().await;
    stand.ada().await;
    let create = "/v1/passwords";
    let authenticate = "/v1/passwords/authenticate";
    let someone = |email: &str, password: &str| json!({"email": email, "password": password});
    stand.refused(create, someone("bob@example.com", "password123"), 400, "weak_password").await;
    stand
        .refused(create, someone("bob@example.com", "bob@example.com"), 400, "weak_password")
        .await;
    stand.refused(create, someone(EMAIL, PASSWORD), 400, "duplicate_email").await;
    stand.refused(create, someone("ADA@example.com", PASSWORD), 400, "duplicate_email").await;
    stand.refused(create, someone("bob", PASSWORD), 400, "invalid_email").await;
    stand
        .refused(create, someone("bob@example.com", &"long ".repeat(60)), 400, "invalid_argument")
        .await;
    stand
        .refused(authenticate, someone(EMAIL, "another one"), 401, "unauthorized_credentials")
        .await;
    stand.refused(authenticate, someone("bob@example.com", PASSWORD), 404, "email_not_found").await;

    stand.ok("/v1/users", json!({"email": "eve@example.com"})).await;
    stand
        .refused(authenticate, someone("eve@example.com", PASSWORD), 400, "no_user_password")
        .await;
}

#[tokio::test]
async fn creating_a_user_does_not_use_the_named_session() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let body = json!({
        "email": "eve@example.com", "password": PASSWORD,
        "session_token": ada["session_token"], "session_duration_minutes": 60,
    });
    let eve = stand.ok("/v1/passwords", body).await;
    assert_eq!(eve["session"]["user_id"], eve["user_id"]);
    assert_ne!(eve["user_id"], ada["user_id"]);
}

#[tokio::test]
async fn ten_failures_lock_a_user_for_five_minutes() {
    let stand = Stand::start().await;
    stand.ada().await;
    let path = "/v1/passwords/authenticate";
    for _ in 0..10 {
        stand
            .refused(
                path,
                json!({"email": EMAIL, "password": "wrong"}),
                401,
                "unauthorized_credentials",
            )
            .await;
    }
    stand
        .refused(path, json!({"email": EMAIL, "password": PASSWORD}), 429, "too_many_requests")
        .await;
    stand.advance(300);
    stand.ok(path, json!({"email": EMAIL, "password": PASSWORD})).await;
}

#[tokio::test]
async fn the_strength_of_a_password_is_reported() {
    let stand = Stand::start().await;
    let weak = stand.ok("/v1/passwords/strength_check", json!({"password": "password"})).await;
    assert_eq!((&weak["valid_password"], &weak["score"]), (&json!(false), &json!(0)));
    assert_ne!(weak["feedback"]["warning"], "");
    let strong = stand
        .ok("/v1/passwords/strength_check", json!({"password": PASSWORD, "email": null}))
        .await;
    assert_eq!((&strong["valid_password"], &strong["score"]), (&json!(true), &json!(4)));
    assert_eq!(strong["strength_policy"], "zxcvbn");
}
