use serde_json::{Value, json};

use super::support::Acme;
use crate::support::{EMAIL, PASSWORD, assert_refused};

const AUTHENTICATE: &str = "/v1/b2b/sessions/authenticate";
const REVOKE: &str = "/v1/b2b/sessions/revoke";

async fn ids(acme: &Acme) -> Vec<Value> {
    let path = format!("/v1/b2b/sessions?organization_id=acme&member_id={}", acme.member_id);
    let listed = acme.stand.get(&path).await;
    let sessions = listed["member_sessions"].as_array().unwrap();
    sessions.iter().map(|session| session["member_session_id"].clone()).collect()
}

#[tokio::test]
async fn a_session_is_listed_extended_and_revoked() {
    let acme = Acme::start().await;
    let first = acme.sign_in().await;
    let second = acme.sign_in().await;
    let id = |response: &Value| response["member_session"]["member_session_id"].clone();
    // The session that began when the password was set is the first.
    assert_eq!(ids(&acme).await[1..], [id(&first), id(&second)]);

    acme.stand.advance(600);
    let body = json!({"session_jwt": first["session_jwt"], "session_duration_minutes": 120,
        "session_custom_claims": {"plan": "gold"}});
    let renewed = acme.stand.ok(AUTHENTICATE, body).await;
    assert_eq!((id(&renewed), &renewed["session_token"]), (id(&first), &first["session_token"]));
    assert_ne!(renewed["session_jwt"], first["session_jwt"]);
    assert_eq!(renewed["member_session"]["custom_claims"], json!({"plan": "gold"}));
    assert_eq!(renewed["member"]["email_address"], EMAIL);
    assert_eq!(renewed["organization"]["organization_slug"], "acme");

    acme.stand.advance(3600);
    assert_eq!(ids(&acme).await, [id(&first)], "the others have expired");
    acme.stand.ok(REVOKE, json!({"session_jwt": renewed["session_jwt"]})).await;
    assert!(!acme.is_good(&first["session_token"]).await);
}

#[tokio::test]
async fn a_session_is_revoked_by_its_id_its_token_or_its_member() {
    let acme = Acme::start().await;
    let [by_id, by_token] = [acme.sign_in().await, acme.sign_in().await];
    let id = &by_id["member_session"]["member_session_id"];
    acme.stand.ok(REVOKE, json!({"member_session_id": id})).await;
    acme.stand.ok(REVOKE, json!({"session_token": by_token["session_token"]})).await;
    for session in [&by_id, &by_token] {
        assert!(!acme.is_good(&session["session_token"]).await);
        let again = json!({"session_token": session["session_token"]});
        acme.stand.refused(REVOKE, again, 404, "session_not_found").await;
    }
    let others = [acme.sign_in().await, acme.sign_in().await];
    acme.stand.ok(REVOKE, json!({"member_id": acme.member_id})).await;
    for session in others {
        assert!(!acme.is_good(&session["session_token"]).await);
    }
    assert!(ids(&acme).await.is_empty());
    acme.stand.ok(REVOKE, json!({"member_id": acme.member_id})).await;
}

#[tokio::test]
async fn invalid_session_calls_are_refused() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let (token, jwt) = (&session["session_token"], &session["session_jwt"]);
    let stand = &acme.stand;
    stand.refused(AUTHENTICATE, json!({}), 400, "no_session_arguments").await;
    let both = json!({"session_token": token, "session_jwt": jwt});
    stand.refused(AUTHENTICATE, both, 400, "too_many_session_arguments").await;
    let short = json!({"session_token": token, "session_duration_minutes": 4});
    stand.refused(AUTHENTICATE, short, 400, "invalid_session_duration_minutes").await;
    let reserved = json!({"session_token": token, "session_custom_claims": {"sub": "x"}});
    stand.refused(AUTHENTICATE, reserved, 400, "reserved_claims_in_custom_claims").await;
    let stytch = json!({"session_token": token,
        "session_custom_claims": {"https://stytch.com/organization": {}}});
    stand.refused(AUTHENTICATE, stytch, 400, "stytch_claims_in_custom_claims").await;
    let large = json!({"session_token": token, "session_custom_claims": {"a": "b".repeat(4096)}});
    stand.refused(AUTHENTICATE, large, 400, "custom_claims_too_large").await;
    let check = json!({"session_token": token, "authorization_check":
        {"organization_id": "acme", "resource_id": "documents", "action": "read"}});
    stand.refused(AUTHENTICATE, check, 403, "session_authorization_error").await;

    stand.refused(REVOKE, json!({}), 400, "no_session_revoke_arguments").await;
    let two = json!({"session_token": token, "member_id": acme.member_id});
    stand.refused(REVOKE, two, 400, "too_many_session_revoke_arguments").await;
    stand.refused(REVOKE, json!({"member_id": "unknown"}), 404, "member_not_found").await;
    stand.refused(REVOKE, json!({"member_session_id": "x"}), 404, "session_not_found").await;
    let missing = stand.get("/v1/b2b/sessions").await;
    assert_refused(&missing, 400, "invalid_request", "no member");
    let unknown = stand.get("/v1/b2b/sessions?organization_id=acme&member_id=x").await;
    assert_refused(&unknown, 404, "member_not_found", "an unknown member");
    let path = "/v1/b2b/organizations/search";
    let request = stand.http.post(format!("{}{path}", stand.stytch.base_url()));
    let unauthorized = crate::support::response_to(request.json(&json!({}))).await;
    assert_refused(&unauthorized, 401, "unauthorized_credentials", "no secret");
}

#[tokio::test]
async fn the_sessions_of_one_api_are_unknown_to_the_other() {
    let acme = Acme::start().await;
    let member = acme.sign_in().await;
    let body = json!({"email": EMAIL, "password": PASSWORD, "session_duration_minutes": 60});
    let user = acme.stand.ok("/v1/passwords", body).await;
    for (path, session) in [(AUTHENTICATE, &user), ("/v1/sessions/authenticate", &member)] {
        for field in ["session_token", "session_jwt"] {
            let body = json!({field: session[field]});
            acme.stand.refused(path, body, 404, "session_not_found").await;
        }
    }
    let by_user = json!({"session_id": member["member_session"]["member_session_id"]});
    acme.stand.refused("/v1/sessions/revoke", by_user, 404, "session_not_found").await;
    assert!(acme.is_good(&member["session_token"]).await);
}
