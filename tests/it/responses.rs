//! The status, headers and body that clients receive for each kind of request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::credentials::CredentialSource;
use tower_step_up::testing::{self, TestIssuer};
use tower_step_up::{BearerChallenge, Factor, Policy, Rejection, Respond, StepUpLayer};

use crate::support::{
    TestResponse, bearer, inner, issuer, proved, request, seconds, send, transfer,
};

type Body = Full<Bytes>;

const TYPES: &str = "https://docs.rs/tower-step-up/latest/tower_step_up/problem/index.html";

async fn respond(guard: &StepUpLayer, request: Request<Body>) -> TestResponse {
    send(&guard.layer(service_fn(inner::<Body>)), request).await
}

fn with(headers: &[(&str, &str)]) -> Request<Body> {
    let builder = headers
        .iter()
        .fold(Request::get("/"), |builder, (name, value)| builder.header(*name, *value));
    builder.body(Body::default()).unwrap()
}

#[track_caller]
fn check_refusal(response: &TestResponse, status: u16, challenge: &str, body: Value) {
    assert_eq!(response.status, status);
    assert_eq!(response.header("www-authenticate"), challenge);
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("content-type"), "application/problem+json");
    assert_eq!(serde_json::from_str::<Value>(&response.body).unwrap(), body);
}

#[tokio::test]
async fn a_request_without_credentials_is_challenged() {
    let response = respond(&issuer().guard(), with(&[])).await;
    let body = json!({
        "type": format!("{TYPES}#no-credentials"), "title": "Authentication required",
            "status": 401, "detail": "sign in",
    });
    check_refusal(&response, 401, r#"Bearer realm="api""#, body);
}

#[tokio::test]
async fn two_credentials_of_one_kind_are_a_bad_request() {
    for (headers, detail) in [
        (
            &[("authorization", "Bearer a"), ("authorization", "Bearer a")],
            "more than one Authorization header",
        ),
        (
            &[("cookie", "stytch_session_jwt=a"), ("cookie", "stytch_session_jwt=b")],
            "two session cookies with different values",
        ),
        (
            &[("authorization", "Bearer"), ("x", "y")],
            "the Authorization header has no readable Bearer token",
        ),
    ] {
        let response = respond(&issuer().guard(), with(headers)).await;
        let challenge =
            format!(r#"Bearer realm="api", error="invalid_request", error_description="{detail}""#);
        let body = json!({
            "type": format!("{TYPES}#invalid-request"), "title": "Invalid request", "status": 400,
                "detail": detail,
        });
        check_refusal(&response, 400, &challenge, body);
    }
}

#[tokio::test]
async fn an_invalid_token_is_challenged() {
    let clock = testing::FixedClock::new();
    let issuer = issuer().clone().clock(clock.clone());
    let token = issuer.mint(&proved(&[Factor::Password]));
    clock.advance(seconds(305));
    let foreign = TestIssuer::new().mint(&proved(&[Factor::Password]));
    for (token, detail) in [
        (token.as_str(), "the token has expired"),
        (foreign.as_str(), "the token is invalid"),
        ("x", "the token is invalid"),
    ] {
        let response = respond(&issuer.guard(), with(&[("authorization", &bearer(token))])).await;
        let challenge =
            format!(r#"Bearer realm="api", error="invalid_token", error_description="{detail}""#);
        let body = json!({
            "type": format!("{TYPES}#invalid-token"), "title": "Invalid token",
                "status": 401, "detail": detail,
        });
        check_refusal(&response, 401, &challenge, body);
    }
}

#[tokio::test]
async fn an_empty_header_is_unreadable_and_an_empty_cookie_is_a_bad_token() {
    let status = async |name, value| {
        respond(&issuer().guard(), with(&[(name, value)])).await.status.as_u16()
    };
    assert_eq!(status("authorization", "").await, 401); // no scheme, so not a Bearer token
    assert_eq!(status("authorization", "Bearer").await, 400);
    assert_eq!(status("authorization", "Bearer ").await, 400);
    assert_eq!(status("cookie", "").await, 401);
    assert_eq!(status("cookie", "stytch_session_jwt=").await, 401);
}

#[tokio::test]
async fn every_bad_token_gets_the_same_response_and_its_rejection_names_the_rule() {
    let issuer = issuer();
    let claims = issuer.claims(&proved(&[Factor::Password]));
    let token = issuer.mint_claims(&claims);
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims.insert(name.into(), value);
        issuer.mint_claims(&claims)
    };
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (first, rest) = (if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    let payload = Value::Object(claims.clone()).to_string();
    let with_header = |header: Value| issuer.sign(&header.to_string(), &payload);
    for (token, reason) in [
        ("a".repeat(16 * 1024 + 1), "token_too_large"),
        (signed.to_owned(), "token_not_three_parts"),
        (format!("{signed}."), "token_invalid_signature"),
        (format!("{token}="), "token_not_base64url"),
        (TestIssuer::new().mint_claims(&claims), "token_unknown_key"),
        (format!("{signed}.{first}{rest}"), "token_invalid_signature"),
        (with_header(json!({"alg": "none", "kid": issuer.kid()})), "token_algorithm_not_allowed"),
        (with_header(json!({"alg": "HS256", "kid": issuer.kid()})), "token_shared_secret"),
        (
            with_header(json!({"alg": "RS256", "kid": issuer.kid(), "crit": ["exp"]})),
            "token_unsupported_header",
        ),
        (changed("iss", json!("stytch.com/project-test-other")), "token_wrong_issuer"),
        (changed("aud", json!("project-test-other")), "token_wrong_audience"),
        (changed("exp", json!("1767268800")), "token_unreadable_time"),
        (changed("nbf", json!(-1)), "token_unreadable_time"),
        (changed("iat", json!(1e300)), "token_unreadable_time"),
        (changed("https://stytch.com/session", json!(null)), "token_no_session"),
        (changed("https://stytch.com/session", json!({"id": "a"})), "token_no_factors"),
        (changed("scope", json!("openid")), "token_not_a_session"),
        (changed("client_id", json!("connected-app-test-a")), "token_not_a_session"),
    ] {
        for (header, value) in
            [("authorization", bearer(&token)), ("cookie", format!("stytch_session_jwt={token}"))]
        {
            let service = issuer.guard().layer(service_fn(inner::<Body>));
            let response = service.oneshot(with(&[(header, &value)])).await.unwrap();
            let noted = Rejection::of(&response).map(Rejection::reason);
            assert_eq!(noted, Some(reason), "{token}");
            let response = TestResponse::of(response).await;
            assert_eq!(response.status, 401, "{reason}");
            let challenge = "Bearer realm=\"api\", error=\"invalid_token\", error_description=\"the token is invalid\"";
            assert_eq!(response.header("www-authenticate"), challenge);
        }
    }
}

/// Stytch is asked for factors, so the header has no parameter for an authorization server.
#[tokio::test]
async fn only_the_body_states_the_limit_of_a_policy_in_whole_seconds() {
    for (millis, want) in
        [(0, None), (1, None), (999, None), (1_000, Some(1_u64)), (1_999, Some(1))]
    {
        let policy = Policy::from(Factor::OtpSms).within(std::time::Duration::from_millis(millis));
        let response =
            respond(&issuer().guard().require(policy), request("/", &[Factor::Password])).await;
        assert_eq!(response.status, 401);
        let challenge = response.header("www-authenticate");
        assert!(!challenge.contains("max_age"), "{challenge}");
        let body: Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(body.get("max_age"), want.map(Value::from).as_ref(), "{body}");
    }
}

#[tokio::test]
async fn a_step_up_challenge_covers_the_whole_policy() {
    let session = proved(&[Factor::Password]).proved_ago(Factor::OtpSms, seconds(3_600));
    let request = with(&[("authorization", &bearer(&issuer().mint(&session)))]);
    let response = respond(&issuer().guard().require(transfer()), request).await;
    let detail = "authenticate with otp/sms again, totp or webauthn";
    let challenge = format!(
        "Bearer realm=\"api\", error=\"insufficient_user_authentication\", error_description=\"{detail}\""
    );
    let body = json!({
        "type": format!("{TYPES}#step-up-required"),
        "title": "Step-up authentication required",
        "status": 401,
        "detail": detail,
        "policy": "transfer",
        "max_age": 600,
        "unmet": [
            {"requirement": "factor", "factor": "otp/sms", "reason": "stale", "max_age": 600,
             "last_authenticated_at": "2026-01-01T11:00:00Z"},
            {"requirement": "factor", "factor": "totp", "reason": "missing"},
            {"requirement": "factor", "factor": "webauthn", "reason": "missing"},
        ],
        "retryable": true,
        "prompts": [
            [{"factor": "otp/sms", "reason": "stale", "max_age": 600, "last_authenticated_at": "2026-01-01T11:00:00Z"}],
            [{"factor": "totp", "reason": "missing", "max_age": 600}],
            [{"factor": "webauthn", "reason": "missing", "max_age": 600}],
        ],
    });
    check_refusal(&response, 401, &challenge, body);
}

#[tokio::test]
async fn a_policy_without_name_and_limit_has_neither_in_its_challenge() {
    let guard = issuer().guard().require(Policy::mfa()).offer_factors([Factor::Totp]);
    let response = respond(&guard, request("/", &[Factor::Password])).await;
    let detail = "authenticate with a second, independent factor";
    let challenge = format!(
        r#"Bearer realm="api", error="insufficient_user_authentication", error_description="{detail}""#
    );
    let body = json!({
        "type": format!("{TYPES}#step-up-required"),
        "title": "Step-up authentication required",
        "status": 401,
        "detail": detail,
        "unmet": [{"requirement": "independent", "needed": 2, "have": 1, "reason": "missing"}],
        "retryable": true,
        "prompts": [[{"factor": "totp", "reason": "missing"}]],
    });
    check_refusal(&response, 401, &challenge, body);
}

async fn prompts(guard: &StepUpLayer, factors: &[Factor]) -> Value {
    let mut body: Value =
        serde_json::from_str(&respond(guard, request("/", factors)).await.body).unwrap();
    let names = |set: &Value| {
        set.as_array().unwrap().iter().map(|prompt| prompt["factor"].clone()).collect::<Value>()
    };
    let sets: Value = body["prompts"].as_array().unwrap().iter().map(names).collect();
    json!([sets, body["retryable"].take(), body["restart"].take(), body["truncated"].take()])
}

#[tokio::test]
async fn prompts_name_only_factors_that_the_guard_offers() {
    let guard = issuer().guard().require(Policy::mfa());
    let by_default = json!([
        "otp/sms",
        "otp/whatsapp",
        "totp",
        "webauthn",
        "signature_challenge",
        "crypto",
        "recovery_codes"
    ]);
    let by_default: Value =
        by_default.as_array().unwrap().iter().map(|factor| json!([factor])).collect();
    assert_eq!(prompts(&guard, &[Factor::Password]).await, json!([by_default, true, null, null]));

    let enrolled = guard.offer_factors_with(|session| match session.user_id() {
        "user-test-00000000-0000-4000-8000-000000000000" => {
            vec![Factor::OtpEmail, Factor::WebAuthn]
        }
        _ => vec![],
    });
    assert_eq!(
        prompts(&enrolled, &[Factor::Password]).await,
        json!([[["webauthn"]], true, null, null])
    );
    // Any two of these factors are independent, so no prompt asks for all three.
    let list = guard.offer_factors([Factor::OtpSms, Factor::WebAuthn, Factor::Password]);
    let want = json!([
        [["otp/sms", "webauthn"], ["otp/sms", "password"], ["webauthn", "password"]],
        true,
        null,
        null
    ]);
    assert_eq!(prompts(&list, &[Factor::Impersonated]).await, want);
}

#[tokio::test]
async fn default_prompts_leave_out_factors_that_the_user_cannot_prove() {
    let by_others = Factor::LISTED.iter().filter(|factor| {
        let name = factor.to_string();
        ["impersonated", "imported", "trusted_auth_token"].contains(&&*name)
            || name.contains("exchange")
    });
    let by_others: Vec<_> = by_others.cloned().collect();
    assert_eq!(by_others.len(), 8);
    for factor in by_others {
        let guard = issuer().guard().require(Policy::any_of([factor.clone(), Factor::Totp]));
        let want = json!([[["totp"]], true, null, null]);
        assert_eq!(prompts(&guard, &[Factor::Password]).await, want, "{factor}");
        let alone = issuer().guard().require(factor.clone());
        let nothing = json!([[], false, null, null]);
        assert_eq!(prompts(&alone, &[Factor::Password]).await, nothing, "{factor}");
        // An application can still offer the factor.
        let offered = alone.offer_factors([factor.clone()]);
        let want = json!([[[factor.to_string()]], true, null, null]);
        assert_eq!(prompts(&offered, &[Factor::Password]).await, want);
    }
}

#[tokio::test]
async fn a_refusal_is_explained_once_for_its_body_and_its_rejection() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let seen = Arc::new(OnceLock::new());
    let kept = Arc::clone(&seen);
    let guard = issuer()
        .guard()
        .require(transfer())
        .offer_factors_with(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            vec![Factor::Totp]
        })
        .respond_with(move |why: &Rejection, request: &Parts| {
            kept.set(why.clone()).unwrap();
            BearerChallenge::default().respond(why, request)
        });
    let service = guard.layer(service_fn(inner::<Body>));
    let response = service.oneshot(request("/", &[Factor::Password])).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    let Some(Rejection::StepUpRequired(before)) = seen.get() else { panic!("no step-up") };
    let Some(Rejection::StepUpRequired(after)) = Rejection::of(&response) else {
        panic!("no step-up in the response")
    };
    assert!(std::ptr::eq(before.explanation(), after.explanation()));
    assert!(std::ptr::eq(before.unmet(), after.unmet()));
    assert!(std::ptr::eq(before.prompts(), after.prompts()));
    assert_eq!(after.prompts(), &after.prompts_for(&[Factor::Totp]));
}

#[tokio::test]
async fn the_body_says_if_no_offered_factor_helps_or_only_a_new_session() {
    let guard =
        issuer().guard().require(Policy::mfa()).offer_factors([Factor::OtpEmail, Factor::Password]);
    assert_eq!(prompts(&guard, &[Factor::Password]).await, json!([[], false, null, null]));
    assert_eq!(
        prompts(&guard.offer_factors([]), &[Factor::Password]).await,
        json!([[], false, null, null])
    );

    let guard = issuer()
        .guard()
        .require(Policy::mfa().and(Policy::session_within(seconds(60))))
        .offer_factors([Factor::Totp]);
    assert_eq!(prompts(&guard, &[Factor::Password]).await, json!([[], false, true, null]));
}

#[tokio::test]
async fn many_alternatives_are_cut_off_and_marked_as_truncated() {
    let four = Policy::at_least(
        3,
        [
            Factor::OtpSms,
            Factor::Totp,
            Factor::WebAuthn,
            Factor::Password,
            Factor::CryptoWallet,
            Factor::OtpWhatsapp,
        ],
    );
    let response = prompts(&issuer().guard().require(four), &[Factor::Impersonated]).await;
    assert_eq!((response[0].as_array().unwrap().len(), &response[3]), (16, &json!(true)));
}

#[tokio::test]
async fn the_body_describes_each_kind_of_clause_with_its_own_members() {
    let policy = Policy::all_of([
        Policy::session().within(seconds(1)),
        Policy::phishing_resistant(),
        Policy::session_within(seconds(60)),
        Policy::mfa().within(seconds(30)),
    ]);
    let response =
        respond(&issuer().guard().require(policy), request("/", &[Factor::Password])).await;
    let body: Value = serde_json::from_str(&response.body).unwrap();
    let want = json!([
        {"requirement": "session", "reason": "stale", "max_age": 1,
            "last_authenticated_at": "2026-01-01T11:59:00Z"},
        {"requirement": "phishing_resistant", "reason": "missing"},
        {"requirement": "session_within", "reason": "restart", "max_age": 60,
            "started_at": "2026-01-01T11:50:00Z"},
        {"requirement": "independent", "needed": 2, "have": 0, "reason": "missing"},
    ]);
    assert_eq!((&body["unmet"], &body["max_age"]), (&want, &json!(1)));
}

#[tokio::test]
async fn the_realm_and_the_policy_cannot_break_out_of_the_header() {
    let odd = Factor::from_pair("a\"b\\c", "d\r\nset-cookie: e=f");
    let guard =
        issuer().guard().require(odd).respond_with(BearerChallenge::new("my \"realm\"\r\n\u{e4}"));
    let response = respond(&guard, request("/", &[Factor::Password])).await;
    assert_eq!(
        response.header("www-authenticate"),
        "Bearer realm=\"my \\\"realm\\\"???\", error=\"insufficient_user_authentication\", \
         error_description=\"authenticate with a\\\"b\\\\c/d??set-cookie: e=f\""
    );
}

#[tokio::test]
async fn a_granted_request_gets_the_inner_response_without_further_headers() {
    let response = respond(
        &issuer().guard().require(transfer()),
        request("/", &[Factor::Password, Factor::OtpSms]),
    )
    .await;
    assert_eq!((response.status.as_u16(), response.body.as_str()), (200, "inner"));
    // The guard adds nothing else to the response.
    let headers: Vec<_> = response.headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(headers, ["cache-control"]);
}

#[tokio::test]
async fn credential_sources_and_their_order_can_be_set() {
    let token = issuer().mint(&proved(&[Factor::Password]));
    let cookie = format!("own={token}");
    let guard = issuer().guard().credentials([CredentialSource::cookie("own")]);
    assert_eq!(respond(&guard, with(&[("cookie", &cookie)])).await.status, 200);
    assert_eq!(respond(&guard, with(&[("authorization", &bearer(&token))])).await.status, 401);
    // The first credential that is present decides alone. A good one after a bad one does not help.
    let both = with(&[("cookie", "own=x"), ("authorization", &bearer(&token))]);
    let guard =
        issuer().guard().credentials([CredentialSource::cookie("own"), CredentialSource::Bearer]);
    assert_eq!(respond(&guard, both).await.status, 401);
    let none = issuer().guard().credentials([]);
    assert_eq!(respond(&none, with(&[("authorization", &bearer(&token))])).await.status, 401);
}

#[tokio::test]
async fn an_optional_guard_lets_only_requests_without_credentials_through() {
    let guard = issuer().guard().require(Policy::mfa()).optional();
    assert_eq!(respond(&guard, with(&[])).await.body, "inner");
    assert_eq!(respond(&guard, with(&[("authorization", "Basic dTpw")])).await.body, "inner");
    assert_eq!(
        respond(&guard, request("/", &[Factor::Password, Factor::Totp])).await.body,
        "inner"
    );
    assert_eq!(respond(&guard, request("/", &[Factor::Password])).await.status, 401);
    assert_eq!(respond(&guard, with(&[("authorization", "Bearer x")])).await.status, 401);
    assert_eq!(respond(&guard, with(&[("authorization", "Bearer")])).await.status, 400);
    assert_eq!(respond(&guard, with(&[("cookie", "stytch_session_jwt=")])).await.status, 401);
}

#[tokio::test]
async fn a_custom_responder_sees_the_reason_and_the_request() {
    let guard =
        issuer().guard().require(Policy::mfa()).respond_with(|why: &Rejection, parts: &Parts| {
            Response::builder()
                .status(418)
                .body(Bytes::from(format!("{} {}", parts.uri.path(), why.reason())))
                .unwrap()
        });
    let response = respond(&guard, request("/pages/1", &[Factor::Password])).await;
    assert_eq!(
        (response.status.as_u16(), response.body.as_str()),
        (418, "/pages/1 step_up_required")
    );
    assert_eq!(response.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_layer_outside_finds_the_reason_in_the_response() {
    let service = issuer().guard().require(transfer()).layer(service_fn(inner::<Body>));
    let response = service.clone().oneshot(with(&[])).await.unwrap();
    assert!(matches!(Rejection::of(&response), Some(Rejection::NoCredentials)));
    let granted = request("/", &[Factor::Password, Factor::OtpSms]);
    let response = service.clone().oneshot(granted).await.unwrap();
    assert!(Rejection::of(&response).is_none());
    let response = service.oneshot(request("/", &[Factor::Password])).await.unwrap();
    match Rejection::of(&response) {
        Some(Rejection::StepUpRequired(shortfall)) => assert_eq!(shortfall.policy(), &transfer()),
        other => panic!("{other:?}"),
    }
}
