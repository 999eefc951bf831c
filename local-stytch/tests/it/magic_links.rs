use serde_json::{Value, json};

use crate::support::{EMAIL, Stand, factors};

const SEND: &str = "/v1/magic_links/email/send";
const AUTHENTICATE: &str = "/v1/magic_links/authenticate";

/// Returns the link in the newest message, and its token.
fn link(stand: &Stand) -> (String, String) {
    let link = stand.stytch.messages()[0].link.clone().unwrap();
    let token = link.split_once("token=").unwrap().1.to_owned();
    (link, token)
}

#[tokio::test]
async fn a_link_signs_in_once_and_verifies_the_address() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let sent = stand
        .ok(
            SEND,
            json!({"email": EMAIL, "login_magic_link_url": "http://127.0.0.1:3000/in?next=%2F"}),
        )
        .await;
    assert_eq!(sent["user_id"], ada["user_id"]);
    let (link, token) = link(&stand);
    assert_eq!(
        link,
        format!("http://127.0.0.1:3000/in?next=%2F&stytch_token_type=magic_links&token={token}")
    );

    let body = json!({"token": token, "session_token": ada["session_token"]});
    let signed_in = stand.ok(AUTHENTICATE, body.clone()).await;
    assert_eq!(factors(&signed_in), ["password/knowledge", "magic_link/email"]);
    assert_eq!(signed_in["method_id"], sent["email_id"]);
    assert_eq!(signed_in["user"]["emails"][0]["verified"], true);
    stand.refused(AUTHENTICATE, body, 401, "unable_to_auth_magic_link").await;
    stand.refused(AUTHENTICATE, json!({"token": "unknown"}), 404, "magic_link_not_found").await;
}

#[tokio::test]
async fn a_link_expires_after_its_minutes() {
    let stand = Stand::start().await;
    stand.ada().await;
    stand.ok(SEND, json!({"email": EMAIL})).await;
    stand.advance(3600);
    stand
        .refused(AUTHENTICATE, json!({"token": link(&stand).1}), 401, "unable_to_auth_magic_link")
        .await;
    stand.ok(SEND, json!({"email": EMAIL, "login_expiration_minutes": 120})).await;
    stand.advance(3600);
    stand.ok(AUTHENTICATE, json!({"token": link(&stand).1})).await;
    stand
        .refused(
            SEND,
            json!({"email": EMAIL, "login_expiration_minutes": 1}),
            400,
            "invalid_expiration",
        )
        .await;
}

#[tokio::test]
async fn login_or_create_sends_new_users_to_the_signup_url() {
    let stand = Stand::start().await;
    let body = json!({
        "email": EMAIL,
        "login_magic_link_url": "http://127.0.0.1:3000/login",
            "signup_magic_link_url": "http://127.0.0.1:3000/signup",
    });
    let path = "/v1/magic_links/email/login_or_create";
    assert_eq!(stand.ok(path, body.clone()).await["user_created"], true);
    assert!(link(&stand).0.starts_with("http://127.0.0.1:3000/signup?"));
    assert_eq!(stand.ok(path, body).await["user_created"], false);
    assert!(link(&stand).0.starts_with("http://127.0.0.1:3000/login?"));
}

#[tokio::test]
async fn a_link_must_be_an_http_url() {
    let stand = Stand::start().await;
    stand.ada().await;
    for url in ["javascript:alert(1)", "file:///etc/passwd", "/authenticate"] {
        stand
            .refused(
                SEND,
                json!({"email": EMAIL, "login_magic_link_url": url}),
                400,
                "invalid_magic_link_url",
            )
            .await;
    }
}

#[tokio::test]
async fn a_code_challenge_requires_its_verifier() {
    let stand = Stand::start().await;
    stand.ada().await;
    // RFC 7636, appendix B
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    stand.ok(SEND, json!({"email": EMAIL, "code_challenge": challenge})).await;
    let token = link(&stand).1;
    let body = |verifier: Value| json!({"token": token, "code_verifier": verifier});
    stand.refused(AUTHENTICATE, body(Value::Null), 400, "pkce_expected_code_verifier").await;
    stand.refused(AUTHENTICATE, body(json!("another")), 401, "pkce_mismatch").await;
    stand.ok(AUTHENTICATE, body(json!("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))).await;
}
