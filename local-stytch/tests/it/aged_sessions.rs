use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use local_stytch::{FactorKind, LocalStytch};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{EMAIL, PASSWORD, PHONE, Stand, assert_refused, client, factors, response_to};

const AGE: &str = "/local/sessions/age";
const CREATE: &str = "/local/sessions";

/// Sends a POST to one of the stand-in's own routes, which must succeed.
async fn local(stand: &Stand, path: &str, body: Value) -> Value {
    let response = stand.request("POST", path).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path} {body}");
    response.json().await.unwrap()
}

fn date(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap(), &Rfc3339).unwrap()
}

#[tokio::test]
async fn an_aged_session_has_older_dates_and_no_other_change() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    let before = stand.stytch.now();
    let aged =
        local(&stand, AGE, json!({"session_token": ada["session_token"], "seconds": 600})).await;
    assert_eq!(stand.stytch.now(), before, "no clock moves");

    let (old, new) = (&ada["session"], &aged["session"]);
    let moved = |old: &Value, new: &Value| date(old) - date(new) == time::Duration::minutes(10);
    for field in ["started_at", "last_accessed_at", "expires_at"] {
        assert!(moved(&old[field], &new[field]), "{field}: {old} {new}");
    }
    for at in [0, 1] {
        for field in ["created_at", "updated_at", "last_authenticated_at"] {
            let of = |session: &Value| session["authentication_factors"][at][field].clone();
            assert!(moved(&of(old), &of(new)), "{field}: {old} {new}");
        }
    }
    for field in ["session_id", "user_id", "roles", "attributes", "custom_claims"] {
        assert_eq!(old[field], new[field], "{field}");
    }
    assert_eq!(factors(&ada), factors(&aged));
    assert!(aged["session_token"].is_null() && aged["session_jwt"].is_null(), "{aged}");
}

#[tokio::test]
async fn a_session_is_aged_by_its_id_its_token_or_its_jwt_and_may_end() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    for by in [
        json!({"session_id": ada["session"]["session_id"]}),
        json!({"session_token": ada["session_token"]}),
        json!({"session_jwt": ada["session_jwt"], "session_id": null}),
    ] {
        let mut body = by.clone();
        body["seconds"] = json!(1199);
        local(&stand, AGE, body).await;
    }
    assert!(stand.is_good(&ada["session_token"]).await);
    let id = ada["session"]["session_id"].as_str().unwrap();
    stand.stytch.age_session(id, Duration::from_secs(3)).unwrap();
    assert!(!stand.is_good(&ada["session_token"]).await, "it has lived for an hour");
    let error = stand.stytch.age_session(id, Duration::ZERO).unwrap_err();
    assert_eq!(error.to_string(), "session_not_found: Session could not be found.");
}

#[tokio::test]
async fn invalid_requests_to_age_a_session_are_refused() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let token = &ada["session_token"];
    for (body, status, kind) in [
        (json!({"seconds": 60}), 400, "invalid_argument"),
        (json!({"session_token": token}), 400, "invalid_request"),
        (json!({"session_token": token, "seconds": -1}), 400, "invalid_request"),
        (json!({"session_token": token, "seconds": 60, "minutes": 1}), 400, "invalid_request"),
        (json!({"session_token": token, "seconds": u32::MAX}), 400, "invalid_argument"),
        (json!({"session_token": "unknown", "seconds": 60}), 404, "session_not_found"),
        (json!({"session_jwt": "unknown", "seconds": 60}), 400, "unable_to_parse_session_jwt"),
        (
            json!({"session_token": token, "session_id": "x", "seconds": 60}),
            400,
            "too_many_session_revoke_arguments",
        ),
    ] {
        stand.refused(AGE, body, status, kind).await;
    }
    let id = ada["session"]["session_id"].as_str().unwrap();
    let error = stand.stytch.age_session(id, Duration::MAX).unwrap_err();
    assert!(error.to_string().contains("1970"), "{error}");
    let same = stand.ok("/v1/sessions/authenticate", json!({"session_token": token})).await;
    assert_eq!(same["session"]["authentication_factors"], ada["session"]["authentication_factors"]);
}

#[tokio::test]
async fn a_jwt_of_an_aged_session_is_issued_at_the_systems_time() {
    let stand = Stand { stytch: LocalStytch::builder().start().await.unwrap(), http: client() };
    let ada = stand.ada().await;
    let id = ada["session"]["session_id"].as_str().unwrap();
    stand.stytch.age_session(id, Duration::from_secs(1200)).unwrap();
    let before = OffsetDateTime::now_utc().unix_timestamp();
    let body = json!({"session_token": ada["session_token"]});
    let renewed = stand.ok("/v1/sessions/authenticate", body).await;
    let after = OffsetDateTime::now_utc().unix_timestamp();

    let claims = renewed["session_jwt"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert!((before..=after).contains(&claims["iat"].as_i64().unwrap()), "{claims}");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    let proof = &claims["https://stytch.com/session"]["authentication_factors"][0];
    let proved = date(&proof["last_authenticated_at"]).unix_timestamp();
    assert!((before - 1300..=after - 1200).contains(&proved), "{claims}");
}

#[tokio::test]
async fn a_session_is_created_with_given_factors_and_ages() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    let send = json!({"phone_number": PHONE, "user_id": ada["user_id"]});
    stand.ok("/v1/otps/sms/send", send).await;
    stand.ok("/v1/totps", json!({"user_id": ada["user_id"]})).await;
    let body = json!({"user_id": ada["user_id"], "session_duration_minutes": 60,
    "session_custom_claims": {"plan": "gold"},
    "factors": [
        {"kind": "otp/sms", "age_seconds": 600}, {"kind": "password/knowledge", "age_seconds": 7200},
        {"kind": "otp/email", "age_seconds": 900}, {"kind": "magic_link/email", "age_seconds": 800},
        {"kind": "totp/authenticator_app", "age_seconds": 30},
        {"kind": "recovery_codes/recovery_code", "age_seconds": 20},
    ]});
    let made = local(&stand, CREATE, body).await;
    let expected = [
        "password/knowledge",
        "otp/email",
        "magic_link/email",
        "otp/sms",
        "totp/authenticator_app",
        "recovery_codes/recovery_code",
    ];
    assert_eq!(factors(&made), expected, "the oldest is first");
    let now = stand.stytch.now().truncate_to_second();
    let sms = &made["session"]["authentication_factors"][3];
    assert_eq!(now - date(&sms["last_authenticated_at"]), time::Duration::minutes(10));
    assert_eq!(sms["phone_number_factor"]["phone_number"], PHONE);
    assert_eq!(now - date(&made["session"]["started_at"]), time::Duration::seconds(20));
    assert_eq!(date(&made["session"]["expires_at"]) - now, time::Duration::HOUR);
    assert_eq!(made["session"]["custom_claims"], json!({"plan": "gold"}));

    for body in [
        json!({"session_token": made["session_token"]}),
        json!({"session_jwt": made["session_jwt"]}),
    ] {
        let same = stand.ok("/v1/sessions/authenticate", body).await;
        assert_eq!(same["session"]["session_id"], made["session"]["session_id"]);
        assert_eq!(factors(&same), expected);
    }
}

#[tokio::test]
async fn a_rust_test_creates_a_session_without_http() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let user_id = ada["user_id"].as_str().unwrap();
    let (hour, now) = (Duration::from_secs(3600), Duration::ZERO);
    let proofs = [(FactorKind::EmailOtp, now), (FactorKind::Password, 2 * hour)];
    let made = stand.stytch.create_session(user_id, &proofs, hour).unwrap();
    let body = json!({"session_jwt": made.session_jwt});
    let same = stand.ok("/v1/sessions/authenticate", body).await;
    assert_eq!(same["session"]["session_id"], made.session_id.as_str());
    assert_eq!(same["session_token"], made.session_token.as_str());
    assert_eq!(factors(&same), ["password/knowledge", "otp/email"]);
    let shown = format!("{made:?}");
    assert!(!shown.contains(&made.session_token) && !shown.contains(&made.session_jwt), "{shown}");

    let fails = |user_id, proofs: &[_], life| {
        stand.stytch.create_session(user_id, proofs, life).unwrap_err().to_string()
    };
    assert!(fails("unknown", &proofs, hour).contains("user_not_found"));
    assert!(fails(user_id, &[], hour).contains("1 to 20 factors"));
    assert!(fails(user_id, &proofs, Duration::from_secs(299)).contains("5 to 527040"));
    assert!(fails(user_id, &[(FactorKind::Password, Duration::MAX)], hour).contains("1970"));
}

#[tokio::test]
async fn a_session_needs_factors_that_the_user_has() {
    let stand = Stand::start().await;
    let phone_only = stand.ok("/v1/users", json!({"phone_number": PHONE})).await;
    let email_only = stand.ok("/v1/users", json!({"email": EMAIL})).await;
    for (user, kind, status, error_type) in [
        (&phone_only, "password/knowledge", 400, "no_user_password"),
        (&phone_only, "otp/email", 404, "email_not_found"),
        (&phone_only, "magic_link/email", 404, "email_not_found"),
        (&email_only, "otp/sms", 404, "phone_number_not_found"),
        (&email_only, "totp/authenticator_app", 404, "totps_not_found_for_user"),
        (&email_only, "recovery_codes/recovery_code", 404, "totps_not_found_for_user"),
        (&email_only, "webauthn/webauthn_registration", 404, "webauthn_registration_not_found"),
        (&email_only, "otp/carrier_pigeon", 400, "invalid_request"),
    ] {
        let body = json!({"user_id": user["user_id"], "factors": [{"kind": kind}],
            "session_duration_minutes": 60});
        stand.refused(CREATE, body, status, error_type).await;
    }
    let many = vec![json!({"kind": "otp/sms"}); 21];
    let body =
        json!({"user_id": phone_only["user_id"], "factors": many, "session_duration_minutes": 60});
    stand.refused(CREATE, body, 400, "invalid_argument").await;
    let body = json!({"user_id": phone_only["user_id"], "factors": [{"kind": "otp/sms"}]});
    stand.refused(CREATE, body, 400, "invalid_session_duration_minutes").await;
    let sessions = format!("/v1/sessions?user_id={}", phone_only["user_id"].as_str().unwrap());
    assert_eq!(stand.get(&sessions).await["sessions"], json!([]));
}

#[tokio::test]
async fn a_reset_returns_to_the_start_but_keeps_the_keys() {
    let stand = Stand::start().await;
    let start = stand.stytch.now();
    let keys = async || {
        let path = format!("/v1/sessions/jwks/{}", stand.stytch.project_id());
        stand.get(&path).await["keys"].clone()
    };
    let (ada, before) = (stand.verified_ada().await, keys().await);
    stand.advance(3600);
    let response = stand.request("POST", "/local/reset").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let now: Value = response.json().await.unwrap();
    assert_eq!(date(&now["now"]), start.truncate_to_second());
    assert_eq!(stand.stytch.now(), start, "the clock is back");
    assert!(stand.stytch.messages().is_empty() && stand.stytch.requests().is_empty());
    assert!(!stand.is_good(&ada["session_token"]).await);
    let jwt = json!({"session_jwt": ada["session_jwt"]});
    assert_refused(
        &stand.post("/v1/sessions/authenticate", jwt).await,
        404,
        "session_not_found",
        "the JWT of a forgotten session",
    );
    assert_eq!(keys().await, before);
    let password = json!({"email": EMAIL, "password": PASSWORD});
    stand.refused("/v1/passwords/authenticate", password, 404, "email_not_found").await;

    stand.ada().await;
    stand.stytch.reset();
    let found = response_to(stand.request("POST", "/v1/users/search").body("{}")).await;
    assert_eq!(found["results_metadata"]["total"], 0);
}
