use serde_json::{Value, json};

use crate::support::{EMAIL, PASSWORD, Stand, assert_refused, builder, client, factors};

const AUTHENTICATE: &str = "/v1/sessions/authenticate";
const REVOKE: &str = "/v1/sessions/revoke";
const PASSWORDS: &str = "/v1/passwords/authenticate";

#[tokio::test]
async fn a_session_is_authenticated_by_token_or_jwt() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    stand.advance(10);
    for body in
        [json!({"session_token": ada["session_token"]}), json!({"session_jwt": ada["session_jwt"]})]
    {
        let response = stand.ok(AUTHENTICATE, body).await;
        assert_eq!(response["session"]["session_id"], ada["session"]["session_id"]);
        assert_eq!(response["session_token"], ada["session_token"]);
        assert_ne!(response["session_jwt"], ada["session_jwt"]);
        assert_eq!(response["session"]["started_at"], ada["session"]["started_at"]);
        assert_ne!(response["session"]["last_accessed_at"], ada["session"]["last_accessed_at"]);
        assert_eq!(
            response["session"]["expires_at"], ada["session"]["expires_at"],
            "only a duration extends the session"
        );
        assert_eq!(response["user"]["user_id"], ada["user_id"]);
    }
    // An expired JWT works too, because it names a session that is still active.
    stand.advance(3000);
    stand.ok(AUTHENTICATE, json!({"session_jwt": ada["session_jwt"]})).await;
}

#[tokio::test]
async fn a_duration_extends_a_session_until_its_new_end() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let token = &ada["session_token"];
    stand.advance(3000);
    stand.ok(AUTHENTICATE, json!({"session_token": token, "session_duration_minutes": 60})).await;
    stand.advance(3500);
    assert!(stand.is_good(token).await);
    stand.advance(100);
    assert!(!stand.is_good(token).await);
    for minutes in [4, 527_041, -5] {
        let body =
            json!({"email": EMAIL, "password": PASSWORD, "session_duration_minutes": minutes});
        stand.refused(PASSWORDS, body, 400, "invalid_session_duration_minutes").await;
    }
}

#[tokio::test]
async fn a_successor_has_one_more_factor_and_the_original_ends_after_the_grace() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    stand.advance(100);
    let sent = stand.ok("/v1/otps/email/send", json!({"email": EMAIL})).await;
    // Uses the JWT, to show that it works like the token.
    let body = json!({"method_id": sent["email_id"], "code": stand.code(),
        "session_jwt": ada["session_jwt"]});
    let stepped = stand.ok("/v1/otps/authenticate", body).await;

    assert_eq!(factors(&stepped), ["password/knowledge", "otp/email"]);
    assert_ne!(stepped["session"]["session_id"], ada["session"]["session_id"]);
    assert_ne!(stepped["session_token"], ada["session_token"]);
    assert_eq!(stepped["session"]["expires_at"], ada["session"]["expires_at"]);
    assert_ne!(stepped["session"]["started_at"], ada["session"]["started_at"]);
    let [password, code] =
        [0, 1].map(|at| &stepped["session"]["authentication_factors"][at]["last_authenticated_at"]);
    assert_eq!(*password, ada["session"]["started_at"]);
    assert_eq!(*code, stepped["session"]["started_at"]);

    assert!(stand.is_good(&ada["session_token"]).await, "still valid within the grace");
    stand.advance(5);
    assert!(!stand.is_good(&ada["session_token"]).await);
    stand
        .refused(AUTHENTICATE, json!({"session_jwt": ada["session_jwt"]}), 404, "session_not_found")
        .await;
    assert!(stand.is_good(&stepped["session_token"]).await);
}

#[tokio::test]
async fn the_grace_is_configurable() {
    let stytch = builder().session_grace(std::time::Duration::ZERO).start().await.unwrap();
    let stand = Stand { stytch, http: client() };
    let ada = stand.ada().await;
    let again =
        json!({"email": EMAIL, "password": PASSWORD, "session_token": ada["session_token"]});
    stand.ok(PASSWORDS, again).await;
    assert!(!stand.is_good(&ada["session_token"]).await);
}

#[tokio::test]
async fn proving_a_factor_again_updates_its_date() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    stand.advance(600);
    let again =
        json!({"email": EMAIL, "password": PASSWORD, "session_token": ada["session_token"]});
    let again = stand.ok(PASSWORDS, again).await;
    assert_eq!(factors(&again), ["password/knowledge"]);
    let factor = &again["session"]["authentication_factors"][0];
    assert_eq!(factor["created_at"], ada["session"]["started_at"]);
    assert_eq!(factor["last_authenticated_at"], again["session"]["started_at"]);
    assert_eq!(factor["updated_at"], again["session"]["started_at"]);
}

#[tokio::test]
async fn sessions_are_listed_until_they_are_revoked() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let second = json!({"email": EMAIL, "password": PASSWORD, "session_duration_minutes": 5});
    let second = stand.ok(PASSWORDS, second).await;
    let third = json!({"email": EMAIL, "password": PASSWORD, "session_duration_minutes": 60});
    let third = stand.ok(PASSWORDS, third).await;
    let list = format!("/v1/sessions?user_id={}", ada["user_id"].as_str().unwrap());
    let listed = async || stand.get(&list).await["sessions"].as_array().unwrap().len();
    assert_eq!(listed().await, 3);

    stand.ok(REVOKE, json!({"session_id": ada["session"]["session_id"]})).await;
    stand.ok(REVOKE, json!({"session_jwt": third["session_jwt"], "session_id": null})).await;
    assert_eq!(listed().await, 1);
    assert!(!stand.is_good(&ada["session_token"]).await);
    stand
        .refused(REVOKE, json!({"session_token": ada["session_token"]}), 404, "session_not_found")
        .await;
    stand.advance(300);
    assert_eq!(listed().await, 0, "expired");
    stand
        .refused(
            REVOKE,
            json!({"session_token": second["session_token"]}),
            404,
            "session_not_found",
        )
        .await;
    assert_refused(&stand.get("/v1/sessions").await, 400, "invalid_argument", "no user_id");
    assert_refused(
        &stand.get("/v1/sessions?user_id=unknown").await,
        404,
        "user_not_found",
        "unknown",
    );
}

#[tokio::test]
async fn exactly_one_session_argument_is_required() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let (token, jwt) = (&ada["session_token"], &ada["session_jwt"]);
    let both = json!({"session_token": token, "session_jwt": jwt});
    stand.refused(AUTHENTICATE, json!({}), 400, "no_session_arguments").await;
    stand
        .refused(
            AUTHENTICATE,
            json!({"session_token": null, "session_jwt": ""}),
            400,
            "no_session_arguments",
        )
        .await;
    stand.refused(AUTHENTICATE, both.clone(), 400, "too_many_session_arguments").await;
    stand
        .refused(AUTHENTICATE, json!({"session_token": "unknown"}), 404, "session_not_found")
        .await;
    stand.refused(REVOKE, json!({}), 400, "no_session_revoke_arguments").await;
    stand.refused(REVOKE, both, 400, "too_many_session_revoke_arguments").await;
    stand.refused(REVOKE, json!({"session_id": "unknown"}), 404, "session_not_found").await;
    let check = json!({"session_token": token, "authorization_check": {"resource_id": "documents",
        "action": "read"}});
    stand.refused(AUTHENTICATE, check, 403, "consumer_session_authorization_error").await;
    assert!(stand.is_good(token).await);
}

#[tokio::test]
async fn custom_claims_can_be_kept_changed_and_removed() {
    let stand = Stand::start().await;
    let claims = |claims: Value| {
        json!({"email": EMAIL, "password": PASSWORD,
        "session_duration_minutes": 60, "session_custom_claims": claims})
    };
    let ada = stand.ok("/v1/passwords", claims(json!({"plan": "gold", "seat": 4}))).await;
    assert_eq!(ada["session"]["custom_claims"], json!({"plan": "gold", "seat": 4}));
    let change = json!({"session_token": ada["session_token"],
        "session_custom_claims": {"plan": null, "row": "F"}});
    let changed = stand.ok(AUTHENTICATE, change).await;
    assert_eq!(changed["session"]["custom_claims"], json!({"seat": 4, "row": "F"}));

    for name in ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"] {
        stand
            .refused(PASSWORDS, claims(json!({name: 1})), 400, "reserved_claims_in_custom_claims")
            .await;
    }
    let stytch = json!({"https://stytch.com/session": {}});
    stand.refused(PASSWORDS, claims(stytch), 400, "stytch_claims_in_custom_claims").await;
    stand
        .refused(PASSWORDS, claims(json!([1])), 400, "unable_to_represent_custom_claims_json")
        .await;
    stand
        .refused(PASSWORDS, claims(json!({"a": "b".repeat(4096)})), 400, "custom_claims_too_large")
        .await;
    let bob = json!({"email": "bob@example.com", "password": PASSWORD,
        "session_custom_claims": {"a": "b".repeat(4096)}});
    stand.refused("/v1/passwords", bob, 400, "custom_claims_too_large").await;
    let half = json!({"session_token": ada["session_token"],
        "session_custom_claims": {"a": "b".repeat(2100)}});
    stand.ok(AUTHENTICATE, half.clone()).await;
    let other = json!({"session_token": ada["session_token"],
        "session_custom_claims": {"c": "d".repeat(2100)}});
    stand.refused(AUTHENTICATE, other, 400, "custom_claims_too_large").await;
}
