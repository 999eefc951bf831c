use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use crate::support::{Stand, factors};

const AUTHENTICATE: &str = "/v1/totps/authenticate";

/// Returns Ada's authenticator app.
fn app(created: &Value) -> Totp {
    let secret = Secret::try_from_base32(created["secret"].as_str().unwrap()).unwrap();
    Builder::new().with_secret(secret).build().unwrap()
}

fn code(stand: &Stand, app: &Totp) -> String {
    app.generate(stand.stytch.now().unix_timestamp().try_into().unwrap()).to_string()
}

#[tokio::test]
async fn an_app_adds_a_factor_and_each_code_works_once() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let created = stand.ok("/v1/totps", json!({"user_id": ada["user_id"]})).await;
    assert!(created["qr_code"].as_str().unwrap().starts_with("data:image/svg+xml;base64,"));
    assert_eq!(
        created["user"]["totps"],
        json!([{"totp_id": created["totp_id"], "verified": false}])
    );
    let app = app(&created);

    let body = |code: String| {
        json!({"user_id": ada["user_id"], "totp_code": code,
        "session_token": ada["session_token"]})
    };
    let first = body(code(&stand, &app));
    let stepped = stand.ok(AUTHENTICATE, first.clone()).await;
    assert_eq!(factors(&stepped), ["password/knowledge", "totp/authenticator_app"]);
    assert_eq!(stepped["totp_id"], created["totp_id"]);
    assert_eq!(stepped["user"]["totps"][0]["verified"], true);
    stand.refused(AUTHENTICATE, first, 401, "totp_code_already_authenticated").await;
    stand.refused("/v1/totps", json!({"user_id": ada["user_id"]}), 400, "active_totp_exists").await;

    stand.advance(60);
    let next = json!({"user_id": ada["user_id"], "totp_code": code(&stand, &app)});
    stand.ok(AUTHENTICATE, next).await;
}

#[tokio::test]
async fn invalid_totp_requests_are_refused() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let body = |code: &str| json!({"user_id": ada["user_id"], "totp_code": code});
    stand.refused(AUTHENTICATE, body("123456"), 404, "totps_not_found_for_user").await;
    stand
        .refused(
            AUTHENTICATE,
            json!({"user_id": "user-test-unknown", "totp_code": "123456"}),
            404,
            "user_not_found",
        )
        .await;

    let created =
        stand.ok("/v1/totps", json!({"user_id": ada["user_id"], "expiration_minutes": 5})).await;
    let app = app(&created);
    stand.refused(AUTHENTICATE, body("12345"), 400, "invalid_totp_code").await;
    stand.refused(AUTHENTICATE, body("12345a"), 400, "invalid_totp_code").await;
    let right = code(&stand, &app);
    let wrong = (0..)
        .map(|n| format!("{n:06}"))
        .find(|wrong| app.check(wrong, stand.stytch.now().unix_timestamp() as u64).is_none());
    stand.refused(AUTHENTICATE, body(&wrong.unwrap()), 401, "unable_to_authenticate_totp").await;
    stand.advance(300);
    stand.refused(AUTHENTICATE, body(&right), 401, "expired_totp").await;
    stand
        .refused(
            "/v1/totps",
            json!({"user_id": ada["user_id"], "expiration_minutes": 1}),
            400,
            "invalid_expiration",
        )
        .await;

    let another = stand.ok("/v1/totps", json!({"user_id": ada["user_id"]})).await;
    assert_ne!(
        another["totp_id"], created["totp_id"],
        "a new TOTP replaces one that was never verified"
    );
}

#[tokio::test]
async fn ten_wrong_codes_lock_a_user_for_five_minutes() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let app = app(&stand.ok("/v1/totps", json!({"user_id": ada["user_id"]})).await);
    let recover = json!({"user_id": ada["user_id"], "recovery_code": "wrong"});
    for _ in 0..10 {
        stand
            .refused(
                "/v1/totps/recover",
                recover.clone(),
                401,
                "unable_to_authenticate_recovery_code",
            )
            .await;
    }
    let body = |stand: &Stand| json!({"user_id": ada["user_id"], "totp_code": code(stand, &app)});
    stand.refused(AUTHENTICATE, body(&stand), 429, "too_many_requests").await;
    stand.advance(300);
    stand.ok(AUTHENTICATE, body(&stand)).await;
}

#[tokio::test]
async fn a_recovery_code_works_once() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let created = stand.ok("/v1/totps", json!({"user_id": ada["user_id"]})).await;
    assert_eq!(created["recovery_codes"].as_array().unwrap().len(), 10);
    let body = json!({
        "user_id": ada["user_id"], "recovery_code": created["recovery_codes"][3],
            "session_token": ada["session_token"],
    });
    let path = "/v1/totps/recover";
    stand.refused(path, body.clone(), 401, "unable_to_authenticate_recovery_code").await;
    let code = code(&stand, &app(&created));
    stand.ok(AUTHENTICATE, json!({"user_id": ada["user_id"], "totp_code": code})).await;

    let recovered = stand.ok(path, body.clone()).await;
    assert_eq!(factors(&recovered), ["password/knowledge", "recovery_codes/recovery_code"]);
    stand.refused(path, body, 401, "unable_to_authenticate_recovery_code").await;
    let left = stand.ok("/v1/totps/recovery_codes", json!({"user_id": ada["user_id"]})).await;
    assert_eq!(left["totps"][0]["recovery_codes"].as_array().unwrap().len(), 9);
}
