use serde_json::{Value, json};

use super::support::{Acme, SMS, SMS_SEND, TOTP, app, code};
use crate::support::{PHONE, assert_refused};

const FOR_ALL: &str = "REQUIRED_FOR_ALL";

#[tokio::test]
async fn a_second_factor_is_added_only_with_the_first() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let stepped = acme.add_phone(&session).await;
    acme.stand.advance(5);
    let fresh = acme.sign_in().await;
    let create = |fields: Value| acme.of_ada(fields);
    let path = "/v1/b2b/totp";
    acme.stand.refused(path, create(json!({})), 401, "insufficient_factors").await;
    let one_factor = create(json!({"session_token": fresh["session_token"]}));
    acme.stand.refused(path, one_factor, 401, "insufficient_factors").await;
    let created =
        acme.stand.ok(path, create(json!({"session_token": stepped["session_token"]}))).await;
    assert_eq!(created["recovery_codes"].as_array().unwrap().len(), 10);

    // A code to the member's own phone needs no session.
    acme.stand.ok(SMS_SEND, acme.of_ada(json!({}))).await;
    let other = acme.of_ada(json!({"mfa_phone_number": "+12025550163"}));
    acme.stand.refused(SMS_SEND, other, 400, "duplicate_member_phone_number_for_member").await;
}

#[tokio::test]
async fn a_member_with_a_totp_adds_a_phone_only_with_its_code() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let (_, _, stepped) = acme.add_totp(&session).await;
    let phone =
        |token: &Value| acme.of_ada(json!({"mfa_phone_number": PHONE, "session_token": token}));
    let fresh = acme.sign_in().await;
    let one_factor = phone(&fresh["session_token"]);
    acme.stand.refused(SMS_SEND, one_factor, 401, "insufficient_factors").await;
    assert_eq!(acme.get().await["mfa_phone_number"], "");
    acme.stand.ok(SMS_SEND, phone(&stepped["session_token"])).await;
}

#[tokio::test]
async fn a_factor_from_before_the_first_is_verified_only_with_the_first() {
    // Someone who knows the password adds a TOTP before Ada has verified her phone.
    let acme = Acme::with(json!({"mfa_policy": FOR_ALL})).await;
    let created = acme.stand.ok("/v1/b2b/totp", acme.of_ada(json!({}))).await;
    let ada = acme.sign_in().await;
    let token = &ada["intermediate_session_token"];
    acme.stand.ok(SMS_SEND, acme.of_ada(json!({"mfa_phone_number": PHONE}))).await;
    let body = acme.of_ada(json!({"code": acme.stand.code(), "intermediate_session_token": token}));
    let stepped = acme.stand.ok(SMS, body).await;
    let other = acme.sign_in().await;
    let code = code(&acme.stand, &app(&created));
    let token = &other["intermediate_session_token"];
    let body = acme.of_ada(json!({"code": code, "intermediate_session_token": token}));
    acme.stand.refused(TOTP, body, 401, "insufficient_factors").await;
    let body = acme.of_ada(json!({"code": code, "session_token": stepped["session_token"]}));
    acme.stand.ok(TOTP, body).await;

    // The same with a phone, before Ada has verified her TOTP.
    let acme = Acme::start().await;
    acme.stand.ok(SMS_SEND, acme.of_ada(json!({"mfa_phone_number": PHONE}))).await;
    let sent = acme.stand.code();
    acme.add_totp(&acme.sign_in().await).await;
    let other = acme.sign_in().await;
    let body = acme.of_ada(json!({"code": sent, "session_token": other["session_token"]}));
    acme.stand.refused(SMS, body, 401, "insufficient_factors").await;
}

#[tokio::test]
async fn an_organization_restricts_the_methods() {
    let acme = Acme::with(json!({"mfa_policy": FOR_ALL, "mfa_methods": "RESTRICTED",
        "allowed_mfa_methods": ["totp"]}))
    .await;
    acme.update(json!({"mfa_phone_number": PHONE})).await;
    let pending = acme.sign_in().await;
    assert_eq!(pending["mfa_required"]["secondary_auth_initiated"], json!(null));
    let token = &pending["intermediate_session_token"];
    let kind = "operation_restricted_by_organization_mfa_methods";
    acme.stand.refused(SMS_SEND, acme.of_ada(json!({})), 403, kind).await;
    let body = acme.of_ada(json!({"code": "123456", "intermediate_session_token": token}));
    acme.stand.refused(SMS, body, 403, kind).await;
    let created = acme.stand.ok("/v1/b2b/totp", acme.of_ada(json!({}))).await;
    let code = code(&acme.stand, &app(&created));
    let body = acme.of_ada(json!({"code": code, "intermediate_session_token": token}));
    let stepped = acme.stand.ok(TOTP, body).await;

    acme.update(json!({"is_breakglass": true})).await;
    let send = acme.of_ada(json!({"session_token": stepped["session_token"]}));
    acme.stand.ok(SMS_SEND, send).await;
    let only_sms = json!({"allowed_mfa_methods": ["sms_otp"]});
    acme.put("/v1/b2b/organizations/acme", only_sms).await;
    acme.update(json!({"is_breakglass": false})).await;
    acme.stand.refused("/v1/b2b/totp", acme.of_ada(json!({})), 403, kind).await;
}

#[tokio::test]
async fn invalid_totp_calls_are_refused() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let token = &session["session_token"];
    let body = |code: &str| acme.of_ada(json!({"code": code, "session_token": token}));
    acme.stand.refused(TOTP, body("123456"), 404, "totp_not_found").await;
    let short = acme.of_ada(json!({"expiration_minutes": 4}));
    acme.stand.refused("/v1/b2b/totp", short, 400, "invalid_expiration").await;
    let created =
        acme.stand.ok("/v1/b2b/totp", acme.of_ada(json!({"expiration_minutes": 5}))).await;
    acme.stand.refused(TOTP, body("12345"), 400, "invalid_totp_code").await;
    let app = app(&created);
    let right = code(&acme.stand, &app);
    acme.stand.advance(300);
    acme.stand.refused(TOTP, body(&right), 401, "expired_totp").await;
    let (_, _, stepped) = acme.add_totp(&session).await;
    let again = acme.of_ada(json!({"session_token": stepped["session_token"]}));
    acme.stand.refused("/v1/b2b/totp", again, 400, "active_totp_exists").await;
    let unknown = json!({"organization_id": "acme", "member_id": "x"});
    let refused = acme.stand.post("/v1/b2b/totp", unknown).await;
    assert_refused(&refused, 404, "member_not_found", "an unknown member");
}
