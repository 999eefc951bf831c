use local_stytch::Channel;
use serde_json::{Value, json};

use crate::support::{EMAIL, PHONE, Stand, factors};

const SMS: &str = "/v1/otps/sms/send";
const AUTHENTICATE: &str = "/v1/otps/authenticate";

/// Returns Ada with a verified email, and the response to a send that adds a phone.
async fn ada_with_phone(stand: &Stand) -> (Value, Value) {
    let ada = stand.verified_ada().await;
    let sent =
        stand.ok(SMS, json!({"phone_number": PHONE, "session_token": ada["session_token"]})).await;
    (ada, sent)
}

#[tokio::test]
async fn a_code_by_text_message_adds_a_factor_and_verifies_the_number() {
    let stand = Stand::start().await;
    let (ada, sent) = ada_with_phone(&stand).await;
    let message = &stand.stytch.messages()[0];
    assert_eq!((&*message.to, message.channel), (PHONE, Channel::Sms));
    assert!(message.text.contains(&stand.code()));

    let body = json!({"method_id": sent["phone_id"], "code": stand.code(),
        "session_token": ada["session_token"]});
    let stepped = stand.ok(AUTHENTICATE, body).await;
    assert_eq!(factors(&stepped), ["password/knowledge", "otp/email", "otp/sms"]);
    assert_eq!(stepped["method_id"], sent["phone_id"]);
    assert_eq!(stepped["reset_sessions"], false);
    assert_eq!(stepped["user"]["phone_numbers"][0]["verified"], true);
    let factor = &stepped["session"]["authentication_factors"][2];
    assert_eq!(
        factor["phone_number_factor"],
        json!({"phone_id": sent["phone_id"], "phone_number": PHONE})
    );
}

#[tokio::test]
async fn an_unverified_user_cannot_add_a_contact() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let by_session = json!({"phone_number": PHONE, "session_token": ada["session_token"]});
    let by_id = json!({"phone_number": PHONE, "user_id": ada["user_id"]});
    stand.refused(SMS, by_session, 400, "too_many_unverified_factors").await;
    stand.refused(SMS, by_id.clone(), 400, "too_many_unverified_factors").await;
    assert!(stand.stytch.messages().is_empty());

    let sent = stand.ok("/v1/otps/email/send", json!({"email": EMAIL})).await;
    stand.ok(AUTHENTICATE, json!({"method_id": sent["email_id"], "code": stand.code()})).await;
    stand.ok(SMS, by_id).await;
}

#[tokio::test]
async fn a_code_works_once() {
    let stand = Stand::start().await;
    let (_, sent) = ada_with_phone(&stand).await;
    let body = json!({"method_id": sent["phone_id"], "code": stand.code()});
    stand.ok(AUTHENTICATE, body.clone()).await;
    stand.refused(AUTHENTICATE, body, 401, "unable_to_auth_otp_code").await;
}

#[tokio::test]
async fn a_code_expires_after_its_minutes() {
    let stand = Stand::start().await;
    let (ada, sent) = ada_with_phone(&stand).await;
    let body = |stand: &Stand| json!({"method_id": sent["phone_id"], "code": stand.code()});
    stand.advance(120);
    stand.refused(AUTHENTICATE, body(&stand), 401, "unable_to_auth_otp_code").await;

    stand.ok(SMS, json!({"phone_number": PHONE, "expiration_minutes": 10})).await;
    stand.advance(590);
    stand.ok(AUTHENTICATE, body(&stand)).await;

    for minutes in [0, 11, -1] {
        let body = json!({"phone_number": PHONE, "expiration_minutes": minutes, "user_id": ada["user_id"]});
        stand.refused(SMS, body, 400, "invalid_expiration_otp").await;
    }
}

#[tokio::test]
async fn five_wrong_attempts_invalidate_a_code() {
    let stand = Stand::start().await;
    let (_, sent) = ada_with_phone(&stand).await;
    let wrong = json!({"method_id": sent["phone_id"], "code": stand.wrong_code()});
    let right = json!({"method_id": sent["phone_id"], "code": stand.code()});
    for _ in 0..5 {
        stand.refused(AUTHENTICATE, wrong.clone(), 404, "otp_code_not_found").await;
    }
    stand.refused(AUTHENTICATE, right, 401, "unable_to_auth_otp_code").await;
}

#[tokio::test]
async fn a_new_code_invalidates_the_old_one() {
    let stand = Stand::start().await;
    let (_, sent) = ada_with_phone(&stand).await;
    let old = stand.code();
    stand.ok(SMS, json!({"phone_number": PHONE})).await;
    // The new code can equal the old one, with a probability of one in a million.
    if stand.code() != old {
        stand
            .refused(
                AUTHENTICATE,
                json!({"method_id": sent["phone_id"], "code": old}),
                404,
                "otp_code_not_found",
            )
            .await;
    }
    stand.ok(AUTHENTICATE, json!({"method_id": sent["phone_id"], "code": stand.code()})).await;
}

#[tokio::test]
async fn a_refused_session_leaves_the_code_unused() {
    let stand = Stand::start().await;
    let (_, sent) = ada_with_phone(&stand).await;
    let eve = json!({"email": "eve@example.com", "password": "three blue boats at anchor", "session_duration_minutes": 5});
    let eve = stand.ok("/v1/passwords", eve).await;
    let body = |token: &Value| {
        json!({"method_id": sent["phone_id"], "code": stand.code(),
        "session_token": token})
    };
    stand.refused(AUTHENTICATE, body(&eve["session_token"]), 400, "user_id_mismatch").await;
    stand.refused(AUTHENTICATE, body(&json!("unknown")), 404, "session_not_found").await;
    stand.ok(AUTHENTICATE, body(&Value::Null)).await;
}

#[tokio::test]
async fn invalid_sends_are_refused() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    let eve = stand
        .ok("/v1/users", json!({"email": "eve@example.com", "phone_number": "+12025550199"}))
        .await;
    stand.refused(SMS, json!({"phone_number": "555"}), 400, "invalid_phone_number").await;
    stand.refused(SMS, json!({"phone_number": PHONE}), 404, "phone_number_not_found").await;
    stand
        .refused("/v1/otps/email/send", json!({"email": "bob@example.com"}), 404, "email_not_found")
        .await;
    stand
        .refused(
            SMS,
            json!({"phone_number": PHONE, "user_id": "user-test-unknown"}),
            404,
            "user_not_found",
        )
        .await;
    stand
        .refused(
            SMS,
            json!({"phone_number": PHONE, "session_jwt": "a.b.c"}),
            400,
            "unable_to_parse_session_jwt",
        )
        .await;
    let both = json!({"phone_number": PHONE, "session_token": ada["session_token"], "user_id": eve["user_id"]});
    stand.refused(SMS, both, 400, "user_id_mismatch").await;
    let taken = json!({"phone_number": "+12025550199", "session_token": ada["session_token"]});
    stand.refused(SMS, taken, 400, "duplicate_phone_number").await;
    let taken = json!({"email": "eve@example.com", "session_token": ada["session_token"]});
    stand.refused("/v1/otps/email/send", taken, 400, "duplicate_email").await;
    stand
        .refused(
            AUTHENTICATE,
            json!({"method_id": "email-test-unknown", "code": "000000"}),
            404,
            "otp_code_not_found",
        )
        .await;
}

#[tokio::test]
async fn login_or_create_creates_a_user_once() {
    let stand = Stand::start().await;
    for (path, body, id) in [
        (
            "/v1/otps/sms/login_or_create",
            json!({"phone_number": PHONE, "create_user_as_pending": true}),
            "phone_id",
        ),
        (
            "/v1/otps/email/login_or_create",
            json!({"email": EMAIL, "create_user_as_pending": true}),
            "email_id",
        ),
    ] {
        let first = stand.ok(path, body.clone()).await;
        assert_eq!(first["user_created"], true);
        let user = stand.get(&format!("/v1/users/{}", first["user_id"].as_str().unwrap())).await;
        assert_eq!(user["status"], "pending");
        let second = stand.ok(path, body).await;
        assert_eq!(second["user_created"], false);
        assert_eq!((&first["user_id"], &first[id]), (&second["user_id"], &second[id]));

        let body =
            json!({"method_id": first[id], "code": stand.code(), "session_duration_minutes": 5});
        let signed_in = stand.ok(AUTHENTICATE, body).await;
        assert_eq!(signed_in["user"]["status"], "active");
        assert_eq!(factors(&signed_in).len(), 1);
    }
}

#[tokio::test]
async fn a_destination_gets_at_most_thirty_messages_a_minute() {
    let stand = Stand::start().await;
    stand.ada().await;
    let path = "/v1/otps/email/send";
    for _ in 0..30 {
        stand.ok(path, json!({"email": EMAIL})).await;
    }
    stand.refused(path, json!({"email": EMAIL}), 429, "too_many_requests").await;
    stand
        .refused("/v1/magic_links/email/send", json!({"email": EMAIL}), 429, "too_many_requests")
        .await;
    assert_eq!(stand.stytch.messages().len(), 30);
    stand.advance(60);
    stand.ok(path, json!({"email": EMAIL})).await;
}

#[tokio::test]
async fn attributes_must_match_if_the_options_require_it() {
    let stand = Stand::start().await;
    stand.ada().await;
    let home = json!({"ip_address": "192.0.2.1", "user_agent": null});
    let sent = stand.ok("/v1/otps/email/send", json!({"email": EMAIL, "attributes": home})).await;
    let from = |ip: &str| {
        json!({
            "method_id": sent["email_id"], "code": stand.code(), "session_duration_minutes": 5,
            "attributes": {"ip_address": ip}, "options": {"ip_match_required": true,
                "user_agent_match_required": false},
        })
    };
    stand.refused(AUTHENTICATE, from("192.0.2.2"), 401, "attribute_mismatch").await;
    let signed_in = stand.ok(AUTHENTICATE, from("192.0.2.1")).await;
    assert_eq!(signed_in["session"]["attributes"]["ip_address"], "192.0.2.1");
}
