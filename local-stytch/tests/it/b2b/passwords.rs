use serde_json::json;

use super::support::{AUTHENTICATE, Acme, SMS_SEND, factors, text};
use crate::support::{EMAIL, PASSWORD, PHONE};

const START: &str = "/v1/b2b/passwords/email/reset/start";
const RESET: &str = "/v1/b2b/passwords/email/reset";

#[tokio::test]
async fn a_member_sets_a_password_by_email_and_signs_in_with_it() {
    let acme = Acme::start().await;
    let message = &acme.stand.stytch.messages()[0];
    assert_eq!(message.to, EMAIL);
    let link = message.link.clone().unwrap();
    assert!(
        link.starts_with(
            "http://localhost:3000/authenticate?stytch_token_type=multi_tenant_passwords&token="
        ),
        "{link}"
    );
    let signed_in = acme.sign_in().await;
    assert_eq!(signed_in["member_authenticated"], true);
    assert_eq!(signed_in["intermediate_session_token"], "");
    assert_eq!(signed_in["mfa_required"], json!(null));
    assert_eq!(signed_in["organization_id"], *acme.organization_id);
    assert_eq!(signed_in["member_id"], *acme.member_id);
    assert_eq!(signed_in["member"]["email_address_verified"], true);
    assert_eq!(factors(&signed_in), ["password/knowledge"]);
    let session = &signed_in["member_session"];
    assert!(text(&session["member_session_id"]).starts_with("member-session-test-"));
    assert_eq!(session["organization_slug"], "acme");
    assert_eq!(session["roles"], json!(["stytch_member"]));
    // A slug can replace the id.
    let body = json!({"organization_id": "acme", "email_address": EMAIL, "password": PASSWORD,
        "session_custom_claims": {"plan": "gold"}, "session_duration_minutes": 5});
    let by_slug = acme.stand.ok(AUTHENTICATE, body).await;
    assert_eq!(by_slug["member_session"]["custom_claims"], json!({"plan": "gold"}));
    acme.stand.advance(300);
    assert!(!acme.is_good(&by_slug["session_token"]).await);
    assert!(acme.is_good(&signed_in["session_token"]).await, "a session lives an hour by default");
    acme.stand.advance(3300);
    assert!(!acme.is_good(&signed_in["session_token"]).await);
}

#[tokio::test]
async fn a_pending_member_becomes_active_with_the_first_session() {
    let acme = Acme::start().await;
    let body = json!({"email_address": "bob@example.com", "create_member_as_pending": true});
    acme.stand.ok("/v1/b2b/organizations/acme/members", body).await;
    let body = json!({"organization_id": "acme", "email_address": "bob@example.com"});
    let started = acme.stand.ok(START, body).await;
    assert_eq!(started["member"]["status"], "pending");
    let link = acme.stand.stytch.messages()[0].link.clone().unwrap();
    let token = link.split_once("token=").unwrap().1;
    let body = json!({"password_reset_token": token, "password": PASSWORD});
    assert_eq!(acme.stand.ok(RESET, body).await["member"]["status"], "active");
}

#[tokio::test]
async fn a_reset_ends_the_other_sessions_and_uses_up_every_link() {
    let acme = Acme::start().await;
    let before = acme.sign_in().await;
    let (first, second) = (acme.reset_token(json!({})).await, acme.reset_token(json!({})).await);
    let body = |token: &str| json!({"password_reset_token": token, "password": "another-Gannet-9-pontoon"});
    let reset = acme.stand.ok(RESET, body(&second)).await;
    assert!(!acme.is_good(&before["session_token"]).await);
    assert!(acme.is_good(&reset["session_token"]).await);
    for token in [first, second] {
        acme.stand.refused(RESET, body(&token), 401, "unable_to_auth_password_reset_token").await;
    }
    let old = acme.password();
    acme.stand.refused(AUTHENTICATE, old, 401, "unauthorized_credentials").await;
}

#[tokio::test]
async fn a_reset_that_cannot_send_its_code_changes_nothing() {
    let acme = Acme::start().await;
    acme.update(json!({"mfa_phone_number": PHONE, "mfa_enrolled": true})).await;
    let token = acme.reset_token(json!({})).await;
    for _ in 0..30 {
        acme.stand.ok(SMS_SEND, acme.of_ada(json!({}))).await;
    }
    let body = json!({"password_reset_token": token, "password": "another-Gannet-9-pontoon"});
    acme.stand.refused(RESET, body.clone(), 429, "too_many_requests").await;
    acme.stand.advance(60);
    assert_eq!(acme.sign_in().await["member_authenticated"], false, "with the old password");
    assert_eq!(acme.stand.ok(RESET, body).await["member_authenticated"], false);
}

#[tokio::test]
async fn invalid_password_calls_are_refused() {
    let acme = Acme::start().await;
    let stand = &acme.stand;
    let body = |email: &str, password: &str| json!({"organization_id": "acme", "email_address": email, "password": password});
    let unknown = body("bob@example.com", PASSWORD);
    stand.refused(AUTHENTICATE, unknown, 404, "member_not_found").await;
    stand.refused(AUTHENTICATE, body(EMAIL, "wrong"), 401, "unauthorized_credentials").await;
    let nowhere = json!({"organization_id": "x", "email_address": EMAIL, "password": PASSWORD});
    stand.refused(AUTHENTICATE, nowhere, 404, "organization_not_found").await;
    let created = json!({"email_address": "bob@example.com"});
    stand.ok("/v1/b2b/organizations/acme/members", created).await;
    let without = body("bob@example.com", PASSWORD);
    stand.refused(AUTHENTICATE, without, 404, "member_password_not_found").await;

    let start = |more: serde_json::Value| {
        let mut body = json!({"organization_id": "acme", "email_address": EMAIL});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let url = start(json!({"reset_password_redirect_url": "ftp://example.com"}));
    stand.refused(START, url, 400, "invalid_password_reset_redirect_url").await;
    let short = start(json!({"reset_password_expiration_minutes": 4}));
    stand.refused(START, short, 400, "invalid_expiration").await;
    let unknown = json!({"organization_id": "acme", "email_address": "cy@example.com"});
    stand.refused(START, unknown, 404, "member_not_found").await;

    let token = acme.reset_token(json!({"reset_password_expiration_minutes": 5})).await;
    let weak = json!({"password_reset_token": token, "password": "password"});
    stand.refused(RESET, weak, 400, "weak_password").await;
    let strong = json!({"password_reset_token": token, "password": PASSWORD});
    stand.advance(300);
    stand.refused(RESET, strong, 401, "unable_to_auth_password_reset_token").await;
    let token = acme.reset_token(json!({})).await;
    acme.update(json!({"email_address": "ada@acme.example"})).await;
    let moved = json!({"password_reset_token": token, "password": PASSWORD});
    stand.refused(RESET, moved, 401, "unable_to_auth_password_reset_token").await;
}

#[tokio::test]
async fn a_password_ignores_the_session_of_another_member() {
    let acme = Acme::start().await;
    let ada = acme.sign_in().await;
    let body = json!({"email_address": "bob@example.com"});
    acme.stand.ok("/v1/b2b/organizations/acme/members", body).await;
    let body = json!({"organization_id": "acme", "email_address": "bob@example.com"});
    acme.stand.ok(START, body).await;
    let link = acme.stand.stytch.messages()[0].link.clone().unwrap();
    let token = link.split_once("token=").unwrap().1;
    let body = json!({"password_reset_token": token, "password": PASSWORD,
        "session_token": ada["session_token"]});
    let bob = acme.stand.ok(RESET, body).await;
    assert_eq!(factors(&bob), ["password/knowledge"]);
    assert_ne!(bob["member_id"], ada["member_id"]);
    acme.stand.advance(5);
    assert!(acme.is_good(&ada["session_token"]).await, "no successor has replaced it");
}

#[tokio::test]
async fn a_reset_with_a_code_challenge_needs_its_verifier() {
    let acme = Acme::start().await;
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let token = acme.reset_token(json!({"code_challenge": challenge})).await;
    let body = |verifier: Option<&str>| json!({"password_reset_token": token, "password": PASSWORD, "code_verifier": verifier});
    acme.stand.refused(RESET, body(None), 400, "pkce_expected_code_verifier").await;
    acme.stand.refused(RESET, body(Some("wrong")), 401, "pkce_mismatch").await;
    acme.stand.ok(RESET, body(Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))).await;
}

#[tokio::test]
async fn ten_wrong_passwords_lock_a_member_for_five_minutes() {
    let acme = Acme::start().await;
    let wrong = json!({"organization_id": "acme", "email_address": EMAIL, "password": "wrong"});
    for _ in 0..10 {
        let wrong = wrong.clone();
        acme.stand.refused(AUTHENTICATE, wrong, 401, "unauthorized_credentials").await;
    }
    acme.stand.refused(AUTHENTICATE, acme.password(), 429, "too_many_requests").await;
    acme.stand.advance(300);
    acme.sign_in().await;
}

#[tokio::test]
async fn the_strength_of_a_password_is_estimated() {
    let acme = Acme::start().await;
    let check = async |password: &str| {
        let body = json!({"password": password, "email_address": EMAIL});
        acme.stand.ok("/v1/b2b/passwords/strength_check", body).await
    };
    assert_eq!(check(PASSWORD).await["valid_password"], true);
    let weak = check("password").await;
    assert_eq!((&weak["valid_password"], &weak["score"]), (&json!(false), &json!(0)));
    assert_eq!(weak["luds_feedback"], json!(null));
    assert!(!weak["zxcvbn_feedback"]["suggestions"].as_array().unwrap().is_empty());
}
