use serde_json::{Value, json};

use super::support::{Acme, factors};
use crate::support::assert_refused;

const RECOVER: &str = "/v1/b2b/recovery_codes/recover";

#[tokio::test]
async fn a_recovery_code_completes_mfa_once() {
    let acme = Acme::start().await;
    let path = format!("/v1/b2b/recovery_codes/acme/{}", acme.member_id);
    assert_refused(&acme.stand.get(&path).await, 404, "recovery_codes_not_found", "none yet");
    let session = acme.sign_in().await;
    let (_, created, _) = acme.add_totp(&session).await;
    assert_eq!(acme.stand.get(&path).await["recovery_codes"], created["recovery_codes"]);
    acme.update(json!({"mfa_enrolled": true})).await;

    let recover = async |code: &Value| {
        let pending = acme.sign_in().await;
        let body = acme.of_ada(json!({"recovery_code": code,
            "intermediate_session_token": pending["intermediate_session_token"]}));
        acme.stand.post(RECOVER, body).await
    };
    let recovered = recover(&created["recovery_codes"][3]).await;
    assert_eq!(factors(&recovered), ["password/knowledge", "recovery_codes/recovery_code"]);
    assert_eq!(recovered["recovery_codes_remaining"], 9);
    let again = recover(&created["recovery_codes"][3]).await;
    assert_refused(&again, 401, "unable_to_authenticate_recovery_code", "a used code");

    let rotated = acme.stand.ok("/v1/b2b/recovery_codes/rotate", acme.of_ada(json!({}))).await;
    assert_eq!(rotated["recovery_codes"].as_array().unwrap().len(), 10);
    let old = recover(&created["recovery_codes"][4]).await;
    assert_refused(&old, 401, "unable_to_authenticate_recovery_code", "a replaced code");
    assert_eq!(recover(&rotated["recovery_codes"][0]).await["recovery_codes_remaining"], 9);
}

#[tokio::test]
async fn a_member_without_a_totp_has_no_recovery_codes() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let body = acme.of_ada(json!({"recovery_code": "abcd-abcd-abcd",
        "session_token": session["session_token"]}));
    acme.stand.refused(RECOVER, body, 404, "recovery_codes_not_found").await;
    let rotate = "/v1/b2b/recovery_codes/rotate";
    acme.stand.refused(rotate, acme.of_ada(json!({})), 404, "recovery_codes_not_found").await;
}
