use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::support::{EMAIL, PASSWORD, Stand, assert_refused, response_to};

pub(crate) fn part(jwt: &Value, at: usize) -> String {
    let part = jwt.as_str().unwrap().split('.').nth(at).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_session_jwt_has_the_layout_and_claim_order_of_genuine_ones() {
    let stand = Stand::start().await;
    let body = json!({
        "email": EMAIL, "password": PASSWORD, "session_duration_minutes": 60,
        "session_custom_claims": {"transaction_hash": "0x12", "admin": false},
    });
    let ada = stand.ok("/v1/passwords", body).await;
    let jwt = &ada["session_jwt"];
    let jwks = stand.get(&format!("/v1/sessions/jwks/{}", stand.stytch.project_id())).await;
    let kid = jwks["keys"][0]["kid"].as_str().unwrap();
    assert!(kid.starts_with("jwk-test-"));
    assert_eq!(part(jwt, 0), format!(r#"{{"alg":"RS256","kid":"{kid}","typ":"JWT"}}"#));

    let claims: Value = serde_json::from_str(&part(jwt, 1)).unwrap();
    let (iat, at) =
        (claims["iat"].as_i64().unwrap(), ada["session"]["started_at"].as_str().unwrap());
    let expected = format!(
        concat!(
            r#"{{"admin":false,"aud":["{project}"],"exp":{exp},"#,
            r#""https://stytch.com/session":{{"id":"{session}","started_at":"{at}","last_accessed_at":"{at}","expires_at":"{expires}","#,
            r#""attributes":{{"user_agent":"","ip_address":""}},"#,
            r#""authentication_factors":[{{"type":"password","delivery_method":"knowledge","last_authenticated_at":"{at}"}}],"#,
            r#""roles":["stytch_user"]}},"#,
            r#""iat":{iat},"iss":"stytch.com/{project}","nbf":{iat},"sub":"{user}","transaction_hash":"0x12"}}"#,
        ),
        at = at,
        iat = iat,
        project = stand.stytch.project_id(),
        exp = iat + 300,
        session = ada["session"]["session_id"].as_str().unwrap(),
        expires = ada["session"]["expires_at"].as_str().unwrap(),
        user = ada["user_id"].as_str().unwrap(),
    );
    assert_eq!(part(jwt, 1), expected);
    assert!(at.len() == 20 && at.ends_with('Z'), "whole seconds of UTC: {at}");
}

#[tokio::test]
async fn a_factor_has_its_detail_and_one_date() {
    let stand = Stand::start().await;
    let ada = stand.verified_ada().await;
    let claims: Value = serde_json::from_str(&part(&ada["session_jwt"], 1)).unwrap();
    let factor = &claims["https://stytch.com/session"]["authentication_factors"][1];
    let expected = json!({
        "type": "otp", "delivery_method": "email",
        "last_authenticated_at": ada["session"]["authentication_factors"][1]["last_authenticated_at"],
        "email_factor": {"email_id": ada["user"]["emails"][0]["email_id"], "email_address": EMAIL},
    });
    assert_eq!(*factor, expected);
}

/// Verifies `jwt` with an independent library and the published key that its header names.
#[track_caller]
pub(crate) fn verify(jwt: &Value, jwks: &Value, project_id: &str) {
    // Another crate of the workspace may have enabled jsonwebtoken's other backend too. Then the
    // test has to name one.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let jwt = jwt.as_str().unwrap();
    let kid = jsonwebtoken::decode_header(jwt).unwrap().kid.unwrap();
    let jwk = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == kid.as_str())
        .expect("the key is not published");
    let key =
        DecodingKey::from_rsa_components(jwk["n"].as_str().unwrap(), jwk["e"].as_str().unwrap())
            .unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.set_audience(&[project_id]);
    validation.set_issuer(&[format!("stytch.com/{project_id}")]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    jsonwebtoken::decode::<Value>(jwt, &key, &validation).unwrap();
}

#[tokio::test]
async fn both_keys_verify_after_a_rotation_and_the_new_one_signs() {
    let stand = Stand::start().await;
    let id = stand.stytch.project_id().to_owned();
    let path = format!("/v1/sessions/jwks/{id}");
    let ada = stand.ada().await;
    let first = stand.get(&path).await;
    verify(&ada["session_jwt"], &first, &id);

    let kid = stand.stytch.rotate_keys().unwrap();
    let both = stand.get(&path).await;
    assert_eq!(both["keys"][0]["kid"], *kid);
    assert_eq!(both["keys"].as_array().unwrap().len(), 2);
    assert_eq!(both["keys"][1], first["keys"][0]);
    let fresh =
        stand.ok("/v1/sessions/authenticate", json!({"session_jwt": ada["session_jwt"]})).await;
    assert_ne!(part(&fresh["session_jwt"], 0), part(&ada["session_jwt"], 0));
    verify(&fresh["session_jwt"], &both, &id);
    verify(&ada["session_jwt"], &both, &id);

    let kid = rotate(&stand).await;
    let jwks = stand.get(&path).await;
    assert_eq!(jwks["keys"][0]["kid"], kid);
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    let old = json!({"session_jwt": ada["session_jwt"]});
    stand.refused("/v1/sessions/authenticate", old, 400, "unable_to_parse_session_jwt").await;
}

#[tokio::test]
async fn each_rotation_returns_its_own_key() {
    let stand = Stand::start().await;
    let (a, b, c, d) = tokio::join!(rotate(&stand), rotate(&stand), rotate(&stand), rotate(&stand));
    assert_eq!(std::collections::HashSet::from([a, b, c, d]).len(), 4);
}

#[tokio::test]
async fn the_key_set_is_public_and_complete() {
    let stand = Stand::start().await;
    let url = |id: &str| format!("{}/v1/sessions/jwks/{id}", stand.stytch.base_url());
    let id = stand.stytch.project_id();
    for id in [id.to_owned(), id.replace('-', "%2D"), format!("{id}?project_id={id}")] {
        let jwks = response_to(stand.http.get(url(&id))).await;
        let key = jwks["keys"][0].as_object().unwrap();
        for name in ["kty", "use", "key_ops", "alg", "kid", "x5c", "x5tS256", "n", "e"] {
            assert!(key.contains_key(name), "{name}");
        }
        assert_eq!(key["key_ops"], json!(["verify"]));
    }
    let other = response_to(stand.http.get(url("project-test-other"))).await;
    assert_refused(&other, 404, "project_not_found", "another project");
}

#[tokio::test]
async fn a_jwt_that_no_key_has_signed_is_refused() {
    let stand = Stand::start().await;
    let ada = stand.ada().await;
    let jwt = ada["session_jwt"].as_str().unwrap();
    let (message, signature) = jwt.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"x","typ":"JWT"}"#);
    for jwt in [
        "",
        "a",
        "a.b",
        "a.b.c",
        "....",
        message,
        &format!("{message}."),
        &format!("{none}.{claims}."),
        &format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode("{}")),
        &format!("{jwt}."),
        &format!("{message}.{header}"),
    ] {
        let kind =
            if jwt.is_empty() { "no_session_arguments" } else { "unable_to_parse_session_jwt" };
        stand.refused("/v1/sessions/authenticate", json!({"session_jwt": jwt}), 400, kind).await;
    }
}

/// Rotates the keys and returns the id of the new one.
async fn rotate(stand: &Stand) -> String {
    let request = stand.request("POST", "/local/keys/rotate");
    let rotated: Value = request.send().await.unwrap().json().await.unwrap();
    rotated["kid"].as_str().unwrap().to_owned()
}
