use serde_json::{Value, json};

use crate::support::{EMAIL, PASSWORD, PHONE, Stand, factors};

const START: &str = "/v1/passwords/email/reset/start";
const BY_EMAIL: &str = "/v1/passwords/email/reset";
const BY_PASSWORD: &str = "/v1/passwords/existing_password/reset";
const BY_SESSION: &str = "/v1/passwords/session/reset";
const AUTHENTICATE: &str = "/v1/passwords/authenticate";
const NEW: &str = "eleven quiet barges below the lock";

impl Stand {
    /// Starts a reset by email, and returns the token in the link.
    async fn reset_token(&self, more: Value) -> String {
        let mut body = json!({"email": EMAIL});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.ok(START, body).await;
        let link = self.stytch.messages()[0].link.clone().unwrap();
        link.split_once("&token=").unwrap().1.to_owned()
    }

    async fn signs_in(&self, password: &str) -> bool {
        let response = self.post(AUTHENTICATE, json!({"email": EMAIL, "password": password})).await;
        response["status_code"] == 200
    }
}

#[tokio::test]
async fn a_link_sets_a_new_password_once_and_ends_the_sessions() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let sent = stand
        .ok(START, json!({"email": "Ada@example.com", "reset_password_redirect_url": "http://localhost:4000/new"}))
        .await;
    assert_eq!((&sent["user_id"], &sent["email_id"]), (&ada["user_id"], &ada["email_id"]));
    let message = stand.stytch.messages()[0].clone();
    let link = message.link.unwrap();
    let (url, token) = link.split_once("&token=").unwrap();
    assert_eq!(url, "http://localhost:4000/new?stytch_token_type=reset_password");
    assert!(message.text.contains("set a new password") && message.text.contains(&link));

    let weak = json!({"token": token, "password": "password"});
    stand.refused(BY_EMAIL, weak, 400, "weak_password").await;
    let body = json!({"token": token, "password": NEW, "session_duration_minutes": 60});
    let reset = stand.ok(BY_EMAIL, body.clone()).await;
    assert_eq!(factors(&reset), ["password/knowledge"]);
    assert_eq!(reset["user"]["emails"][0]["verified"], true, "the link verifies the email");
    assert_eq!(reset["user"]["password"], ada["user"]["password"], "with the same id");
    assert!(!stand.is_good(&ada["session_token"]).await);
    assert!(stand.is_good(&reset["session_token"]).await);
    assert!(stand.signs_in(NEW).await && !stand.signs_in(PASSWORD).await);

    stand.refused(BY_EMAIL, body, 401, "unable_to_auth_password_reset_token").await;
}

#[tokio::test]
async fn a_link_to_a_user_without_a_password_sets_their_first_one() {
    let stand = Stand::start().await;
    stand.ok("/v1/users", json!({"email": EMAIL, "create_user_as_pending": true})).await;
    let token = stand.reset_token(json!({})).await;
    let reset = stand.ok(BY_EMAIL, json!({"token": token, "password": NEW})).await;
    assert_eq!((&reset["session_token"], &reset["user"]["status"]), (&json!(""), &json!("active")));
    assert!(reset["user"]["password"]["password_id"].is_string(), "{reset}");
    assert!(stand.signs_in(NEW).await);
}

#[tokio::test]
async fn a_reset_within_a_session_replaces_it() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    let token = stand.reset_token(json!({})).await;
    let body = json!({"token": token, "password": NEW, "session_token": ada["session_token"]});
    let reset = stand.ok(BY_EMAIL, body).await;
    assert_eq!(factors(&reset), ["password/knowledge", "otp/email"]);
    assert_ne!(reset["session"]["session_id"], ada["session"]["session_id"]);
    assert!(!stand.is_good(&ada["session_token"]).await, "without a grace");
}

#[tokio::test]
async fn invalid_resets_by_email_are_refused_and_leave_the_link_usable() {
    let stand = Stand::start().await;
    stand.ada().await;
    let nobody = json!({"email": "nobody@example.com"});
    stand.refused(START, nobody, 404, "email_not_found").await;
    for (field, value, kind) in [
        ("reset_password_expiration_minutes", json!(4), "invalid_expiration"),
        ("reset_password_expiration_minutes", json!(10_081), "invalid_expiration"),
        ("reset_password_redirect_url", json!("ftp://x"), "invalid_password_reset_redirect_url"),
        ("code_challenge", json!("c".repeat(129)), "invalid_argument"),
        ("email", json!("ada"), "invalid_email"),
    ] {
        let mut body = json!({"email": EMAIL});
        body[field] = value;
        stand.refused(START, body, 400, kind).await;
    }
    assert!(stand.stytch.messages().is_empty());

    // The challenge is the SHA-256 of the verifier "v".
    let challenge = "TJRIXgwhrmxBzh3-e2v6zupato5AokdvUCCOUm9QYIA";
    let attributes = json!({"ip_address": "203.0.113.7"});
    let start = json!({"code_challenge": challenge, "attributes": attributes});
    let token = stand.reset_token(start).await;
    let with = |more: Value| {
        let mut body = json!({"token": token, "password": NEW});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (body, status, kind) in [
        (json!({}), 400, "pkce_expected_code_verifier"),
        (json!({"code_verifier": "w"}), 401, "pkce_mismatch"),
        (json!({"options": {"ip_match_required": true}}), 401, "attribute_mismatch"),
        (json!({"session_token": "unknown"}), 404, "session_not_found"),
        (json!({"session_duration_minutes": 1}), 400, "invalid_session_duration_minutes"),
        (json!({"password": "p".repeat(257)}), 400, "invalid_argument"),
        (json!({"token": "unknown"}), 404, "magic_link_not_found"),
    ] {
        stand.refused(BY_EMAIL, with(body), status, kind).await;
    }
    let sign_in = json!({"token": token, "code_verifier": "v"});
    stand.refused("/v1/magic_links/authenticate", sign_in, 404, "magic_link_not_found").await;
    assert!(stand.signs_in(PASSWORD).await, "nothing was changed");
    stand.ok(BY_EMAIL, with(json!({"code_verifier": "v", "attributes": attributes}))).await;

    stand.ok("/v1/magic_links/email/send", json!({"email": EMAIL})).await;
    let link = stand.stytch.messages()[0].link.clone().unwrap();
    let body = json!({"token": link.split_once("&token=").unwrap().1, "password": NEW});
    stand.refused(BY_EMAIL, body, 404, "magic_link_not_found").await;
}

#[tokio::test]
async fn a_reset_link_is_valid_for_thirty_minutes_by_default() {
    let stand = Stand::start().await;
    stand.ada().await;
    for (more, life) in
        [(json!({}), 30 * 60), (json!({"reset_password_expiration_minutes": 5}), 5 * 60)]
    {
        let token = stand.reset_token(more).await;
        stand.advance(life);
        let body = json!({"token": token, "password": NEW});
        stand.refused(BY_EMAIL, body, 401, "unable_to_auth_password_reset_token").await;
    }
}

#[tokio::test]
async fn the_existing_password_sets_a_new_one_and_ends_the_sessions() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let with = |existing: &str, new: &str| {
        json!({"email": EMAIL, "existing_password": existing,
        "new_password": new, "session_duration_minutes": 60})
    };
    stand.refused(BY_PASSWORD, with("wrong", NEW), 401, "unauthorized_credentials").await;
    stand.refused(BY_PASSWORD, with(PASSWORD, "password"), 400, "weak_password").await;
    assert!(stand.is_good(&ada["session_token"]).await);
    let reset = stand.ok(BY_PASSWORD, with(PASSWORD, NEW)).await;
    assert_eq!(factors(&reset), ["password/knowledge"]);
    assert!(!stand.is_good(&ada["session_token"]).await);
    assert!(stand.is_good(&reset["session_token"]).await);
    assert!(stand.signs_in(NEW).await && !stand.signs_in(PASSWORD).await);

    stand.ok("/v1/users", json!({"email": "eve@example.com"})).await;
    let eve =
        json!({"email": "eve@example.com", "existing_password": PASSWORD, "new_password": NEW});
    stand.refused(BY_PASSWORD, eve, 400, "no_user_password").await;
    for _ in 0..9 {
        stand.refused(BY_PASSWORD, with("wrong", NEW), 401, "unauthorized_credentials").await;
    }
    // With the sign-in with the old password, these are ten failures.
    stand.refused(BY_PASSWORD, with(NEW, PASSWORD), 429, "too_many_requests").await;
}

#[tokio::test]
async fn a_recent_session_sets_a_new_password_and_ends_the_others() {
    let stand = Stand::start().await;
    let other = stand.ada().await;
    let body = json!({"email": EMAIL, "password": PASSWORD, "session_duration_minutes": 60});
    let ada = stand.ok(AUTHENTICATE, body).await;
    let with = |field: &str, value: &Value| json!({"password": NEW, field: value});
    stand.refused(BY_SESSION, json!({"password": NEW}), 400, "no_session_arguments").await;
    let unknown = with("session_token", &json!("unknown"));
    stand.refused(BY_SESSION, unknown, 404, "session_not_found").await;
    let weak = json!({"password": "password", "session_token": ada["session_token"]});
    stand.refused(BY_SESSION, weak, 400, "weak_password").await;

    stand.advance(300);
    let reset = stand.ok(BY_SESSION, with("session_jwt", &ada["session_jwt"])).await;
    assert_eq!(reset["session"]["session_id"], ada["session"]["session_id"]);
    assert_eq!(reset["session_token"], ada["session_token"]);
    assert_eq!(
        reset["session"]["authentication_factors"], ada["session"]["authentication_factors"],
        "a new password proves nothing"
    );
    assert!(!stand.is_good(&other["session_token"]).await);
    assert!(stand.is_good(&ada["session_token"]).await);
    assert!(stand.signs_in(NEW).await && !stand.signs_in(PASSWORD).await);

    stand.advance(1);
    let late = with("session_token", &ada["session_token"]);
    stand.refused(BY_SESSION, late, 401, "session_too_old_to_reset_password").await;
}

#[tokio::test]
async fn a_session_with_only_a_phone_sets_no_password() {
    let stand = Stand::start().await;
    let sent = stand.ok("/v1/otps/sms/login_or_create", json!({"phone_number": PHONE})).await;
    let body = json!({"method_id": sent["phone_id"], "code": stand.code(), "session_duration_minutes": 60});
    let signed_in = stand.ok("/v1/otps/authenticate", body).await;
    let body = json!({"password": NEW, "session_token": signed_in["session_token"]});
    stand.refused(BY_SESSION, body, 401, "session_too_old_to_reset_password").await;
}
