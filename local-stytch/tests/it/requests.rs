use serde_json::json;

use crate::support::{EMAIL, PASSWORD, Stand, assert_refused, response_to};

#[tokio::test]
async fn every_route_but_the_key_set_requires_basic_authentication() {
    let stand = Stand::start().await;
    let (id, secret) = (stand.stytch.project_id(), stand.stytch.secret());
    for (method, path) in [
        ("POST", "/v1/passwords"),
        ("POST", "/v1/passwords/authenticate"),
        ("POST", "/v1/passwords/strength_check"),
        ("POST", "/v1/passwords/email/reset/start"),
        ("POST", "/v1/passwords/email/reset"),
        ("POST", "/v1/passwords/existing_password/reset"),
        ("POST", "/v1/passwords/session/reset"),
        ("POST", "/v1/otps/sms/send"),
        ("POST", "/v1/otps/sms/login_or_create"),
        ("POST", "/v1/otps/email/send"),
        ("POST", "/v1/otps/email/login_or_create"),
        ("POST", "/v1/otps/authenticate"),
        ("POST", "/v1/magic_links/email/send"),
        ("POST", "/v1/magic_links/email/login_or_create"),
        ("POST", "/v1/magic_links/authenticate"),
        ("POST", "/v1/totps"),
        ("POST", "/v1/totps/authenticate"),
        ("POST", "/v1/totps/recovery_codes"),
        ("POST", "/v1/totps/recover"),
        ("POST", "/v1/users"),
        ("POST", "/v1/users/search"),
        ("GET", "/v1/users/user-test-1"),
        ("PUT", "/v1/users/user-test-1"),
        ("DELETE", "/v1/users/user-test-1"),
        ("DELETE", "/v1/users/emails/email-test-1"),
        ("DELETE", "/v1/users/phone_numbers/phone-number-test-1"),
        ("DELETE", "/v1/users/totps/totp-test-1"),
        ("DELETE", "/v1/users/passwords/password-test-1"),
        ("GET", "/v1/sessions?user_id=user-test-1"),
        ("POST", "/v1/sessions/authenticate"),
        ("POST", "/v1/sessions/revoke"),
    ] {
        let request = || {
            stand
                .http
                .request(method.parse().unwrap(), format!("{}{path}", stand.stytch.base_url()))
        };
        for request in [
            request(),
            request().basic_auth(id, Some("secret-test-wrong")),
            request().basic_auth("project-test-wrong", Some(secret)),
            request().basic_auth(id, Some("")),
            request().bearer_auth(secret),
        ] {
            assert_refused(
                &response_to(request.body("{}")).await,
                401,
                "unauthorized_credentials",
                path,
            );
        }
        let admitted = response_to(request().basic_auth(id, Some(secret)).body("{}")).await;
        assert_ne!(admitted["status_code"], 401, "{path}: {admitted}");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_in_stytchs_format() {
    let stand = Stand::start().await;
    for body in
        ["", "{", "[]", "null", "{\"email\": 5}", "{\"email\": \"ada@example.com\"}", "\u{0}"]
    {
        let request = stand.request("POST", "/v1/passwords").body(body);
        assert_refused(&response_to(request).await, 400, "invalid_request", body);
    }
    let large = stand.request("POST", "/v1/passwords").body(" ".repeat(32 * 1024 + 1));
    assert_refused(&response_to(large).await, 413, "request_too_large", "a large body");
    for (method, path) in [
        ("POST", "/v1/oauth/attach"),
        ("GET", "/v1/m2m/clients/search"),
        ("PUT", "/v1/users/user-test-1/exchange_primary_factor"),
        ("GET", "/"),
    ] {
        let unknown = response_to(stand.request(method, path)).await;
        assert_refused(&unknown, 404, "route_not_found", path);
        let message = unknown["error_message"].as_str().unwrap();
        assert_eq!(message, format!("This stand-in has no route {method} {path}."));
    }
    assert_refused(&stand.get("/v1/passwords").await, 405, "method_not_allowed", "a GET of a POST");
    assert_refused(
        &response_to(stand.request("DELETE", "/v1/passwords")).await,
        405,
        "method_not_allowed",
        "a DELETE",
    );
    let message = &stand.get("/v1/passwords?email=hidden").await["error_message"];
    assert_eq!(message, "This stand-in has no GET at /v1/passwords.");
}

#[tokio::test]
async fn nulls_unknown_fields_media_types_and_get_bodies_are_ignored() {
    let stand = Stand::start().await;
    let body = json!({
        "email": EMAIL, "password": PASSWORD, "session_duration_minutes": null,
            "session_custom_claims": null,
        "trusted_metadata": null, "untrusted_metadata": null, "name": null, "telemetry_id": null, "colour": "blue",
    });
    let created = response_to(stand.request("POST", "/v1/passwords").body(body.to_string())).await;
    assert_eq!(created["status_code"], 200, "{created}");
    let path = format!("/v1/users/{}", created["user_id"].as_str().unwrap());
    let got = response_to(
        stand.request("GET", &path).header("content-type", "application/json").body("not JSON"),
    )
    .await;
    assert_eq!(got["user_id"], created["user_id"]);
}
