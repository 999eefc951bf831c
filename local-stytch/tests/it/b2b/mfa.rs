use serde_json::{Value, json};

use super::support::{AUTHENTICATE, Acme, SMS, SMS_SEND, TOTP, code, factors, text};
use crate::support::PHONE;

const FOR_ALL: &str = "REQUIRED_FOR_ALL";

#[tokio::test]
async fn a_member_of_a_strict_organization_enrolls_a_phone_and_gets_a_session() {
    let acme = Acme::with(json!({"mfa_policy": FOR_ALL})).await;
    let pending = acme.sign_in().await;
    assert_eq!(pending["member_authenticated"], false);
    assert_eq!((&pending["session_token"], &pending["session_jwt"]), (&json!(""), &json!("")));
    assert_eq!(pending["member_session"], json!(null));
    let none = json!({"member_options": null, "secondary_auth_initiated": null});
    assert_eq!(pending["mfa_required"], none);
    let token = &pending["intermediate_session_token"];
    assert_eq!(text(token).len(), 43);
    assert!(!acme.is_good(token).await, "an intermediate session token begins no session");

    let send = acme.of_ada(json!({"mfa_phone_number": PHONE, "intermediate_session_token": token}));
    let sent = acme.stand.ok(SMS_SEND, send).await;
    assert_eq!(sent["member"]["mfa_phone_number"], PHONE);
    let body = |code: String| {
        acme.of_ada(json!({"code": code, "intermediate_session_token": token,
            "session_duration_minutes": 30}))
    };
    let wrong = acme.stand.wrong_code();
    acme.stand.refused(SMS, body(wrong), 404, "otp_code_not_found").await;
    let session = acme.stand.ok(SMS, body(acme.stand.code())).await;
    assert_eq!(factors(&session), ["password/knowledge", "otp/sms"]);
    let factor = &session["member_session"]["authentication_factors"][1];
    assert_eq!(factor["phone_number_factor"]["phone_number"], PHONE);
    let member = &session["member"];
    assert_eq!(member["mfa_phone_number_verified"], true);
    assert_eq!(member["mfa_enrolled"], true, "the organization requires it");
    assert_eq!(member["default_mfa_method"], "sms_otp");
    assert!(acme.is_good(&session["session_token"]).await);
    let again = body(acme.stand.code());
    acme.stand.refused(SMS, again, 404, "intermediate_session_not_found").await;
}

#[tokio::test]
async fn an_enrolled_member_gets_a_code_at_sign_in() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    acme.add_phone(&session).await;
    acme.update(json!({"mfa_enrolled": true})).await;
    let sent = acme.stand.stytch.messages().len();

    let pending = acme.sign_in().await;
    assert_eq!(acme.stand.stytch.messages().len(), sent + 1);
    assert_eq!(acme.stand.stytch.messages()[0].to, PHONE);
    let required = json!({"secondary_auth_initiated": "sms_otp",
        "member_options": {"mfa_phone_number": PHONE, "totp_registration_id": ""}});
    assert_eq!(pending["mfa_required"], required);
    let body = acme.of_ada(json!({"code": acme.stand.code(), "set_mfa_enrollment": "unenroll",
        "intermediate_session_token": pending["intermediate_session_token"]}));
    let session = acme.stand.ok(SMS, body).await;
    assert_eq!(session["member"]["mfa_enrolled"], false);
    assert_eq!(acme.sign_in().await["member_authenticated"], true);
}

#[tokio::test]
async fn a_member_with_a_totp_completes_mfa_without_a_message() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let (app, created, stepped) = acme.add_totp(&session).await;
    assert_eq!(factors(&stepped), ["password/knowledge", "totp/authenticator_app"]);
    let totp_id = &created["totp_registration_id"];
    assert_eq!(stepped["member"]["totp_registration_id"], *totp_id);
    assert_eq!(created["member"]["totp_registration_id"], "", "no code has verified it yet");
    assert_eq!(created["recovery_codes"].as_array().unwrap().len(), 10);
    assert!(text(&created["qr_code"]).starts_with("data:image/svg+xml;base64,"));

    acme.update(json!({"mfa_enrolled": true, "mfa_phone_number": PHONE})).await;
    let sent = acme.stand.stytch.messages().len();
    let pending = acme.sign_in().await;
    assert_eq!(acme.stand.stytch.messages().len(), sent, "TOTP is the default method");
    let options = json!({"mfa_phone_number": PHONE, "totp_registration_id": totp_id});
    assert_eq!(pending["mfa_required"]["member_options"], options);
    let body = |code: &str| {
        acme.of_ada(json!({"code": code,
            "intermediate_session_token": pending["intermediate_session_token"]}))
    };
    let used = code(&acme.stand, &app);
    acme.stand.refused(TOTP, body(&used), 401, "totp_code_already_authenticated").await;
    acme.stand.advance(60);
    let next = code(&acme.stand, &app);
    let session = acme.stand.ok(TOTP, body(&next)).await;
    assert_eq!(factors(&session), ["password/knowledge", "totp/authenticator_app"]);
}

#[tokio::test]
async fn a_factor_steps_up_a_session_which_a_successor_replaces() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let stepped = acme.add_phone(&session).await;
    assert_eq!(factors(&stepped), ["password/knowledge", "otp/sms"]);
    let id = |response: &Value| response["member_session"]["member_session_id"].clone();
    assert_ne!(id(&stepped), id(&session));
    assert!(acme.is_good(&session["session_token"]).await, "the grace has not passed");
    acme.stand.advance(5);
    assert!(!acme.is_good(&session["session_token"]).await);

    // With a session, the member is not asked for MFA again.
    acme.update(json!({"mfa_enrolled": true})).await;
    let mut body = acme.password();
    body["session_jwt"] = stepped["session_jwt"].clone();
    let again = acme.stand.ok(AUTHENTICATE, body).await;
    assert_eq!(again["member_authenticated"], true);
    assert_eq!(factors(&again), ["password/knowledge", "otp/sms"]);
}

#[tokio::test]
async fn an_intermediate_session_lives_ten_minutes_and_belongs_to_one_member() {
    let acme = Acme::with(json!({"mfa_policy": FOR_ALL})).await;
    let pending = acme.sign_in().await;
    let token = &pending["intermediate_session_token"];
    let mut body = acme.password();
    body["intermediate_session_token"] = token.clone();
    let again = acme.stand.ok(AUTHENTICATE, body).await;
    assert_eq!(again["intermediate_session_token"], *token, "the factor is added to it");

    let bob = json!({"email_address": "bob@example.com"});
    let bob = acme.stand.ok("/v1/b2b/organizations/acme/members", bob).await;
    let send = json!({"organization_id": "acme", "member_id": bob["member_id"],
        "mfa_phone_number": PHONE, "intermediate_session_token": token});
    acme.stand.refused(SMS_SEND, send, 404, "intermediate_session_not_found").await;
    acme.stand.advance(600);
    let late = acme.of_ada(json!({"mfa_phone_number": PHONE, "intermediate_session_token": token}));
    acme.stand.refused(SMS_SEND, late, 404, "intermediate_session_not_found").await;
}

#[tokio::test]
async fn calls_that_complete_mfa_need_exactly_one_session_of_the_member() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    acme.add_phone(&session).await;
    let bob = json!({"email_address": "bob@example.com"});
    let bob = acme.stand.ok("/v1/b2b/organizations/acme/members", bob).await;
    let check = async |member: &Value, fields: Value, status: u16, kind: &str| {
        let mut body = json!({"organization_id": "acme", "member_id": member, "code": "123456",
            "recovery_code": "abc"});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        for path in [SMS, TOTP, "/v1/b2b/recovery_codes/recover"] {
            acme.stand.refused(path, body.clone(), status, kind).await;
        }
    };
    let (ada, token) = (&session["member_id"], &session["session_token"]);
    check(ada, json!({}), 400, "no_session_arguments").await;
    let both = json!({"session_token": token, "session_jwt": session["session_jwt"]});
    check(ada, both, 400, "too_many_session_arguments").await;
    let pending = acme.update(json!({"mfa_enrolled": true}));
    pending.await;
    let pending = acme.sign_in().await;
    let both = json!({"session_token": token,
        "intermediate_session_token": pending["intermediate_session_token"]});
    check(ada, both, 400, "too_many_session_arguments").await;
    let of_ada = json!({"session_token": token});
    check(&bob["member_id"], of_ada, 404, "session_not_found").await;
    check(ada, json!({"session_token": "unknown"}), 404, "session_not_found").await;
    check(ada, json!({"session_jwt": "a.b.c"}), 400, "unable_to_parse_session_jwt").await;
    let unknown = json!({"intermediate_session_token": "unknown"});
    check(ada, unknown, 404, "intermediate_session_not_found").await;
    let body = acme.of_ada(json!({"code": "123456", "session_token": token,
        "set_mfa_enrollment": "maybe"}));
    acme.stand.refused(SMS, body, 400, "invalid_argument").await;
}

#[tokio::test]
async fn a_code_works_once_and_for_two_minutes() {
    let acme = Acme::start().await;
    acme.stand
        .refused(SMS_SEND, acme.of_ada(json!({})), 404, "member_phone_number_not_found")
        .await;
    let session = acme.sign_in().await;
    acme.add_phone(&session).await;
    let body = |code: String| {
        acme.of_ada(json!({"code": code, "session_token": session["session_token"]}))
    };
    let used = acme.stand.code();
    acme.stand.refused(SMS, body(used), 401, "unable_to_auth_otp_code").await;
    acme.update(json!({})).await;
    let stepped = acme.sign_in().await;
    acme.stand.ok(SMS_SEND, acme.of_ada(json!({}))).await;
    acme.stand.advance(120);
    let late = acme.of_ada(json!({"code": acme.stand.code(),
        "session_token": stepped["session_token"]}));
    acme.stand.refused(SMS, late, 401, "unable_to_auth_otp_code").await;
}

#[tokio::test]
async fn codes_to_a_member_are_limited_like_all_messages() {
    let acme = Acme::start().await;
    acme.update(json!({"mfa_phone_number": PHONE, "mfa_enrolled": true})).await;
    for _ in 0..30 {
        acme.stand.ok(SMS_SEND, acme.of_ada(json!({}))).await;
    }
    acme.stand.refused(SMS_SEND, acme.of_ada(json!({})), 429, "too_many_requests").await;
    acme.stand.refused(AUTHENTICATE, acme.password(), 429, "too_many_requests").await;
}
