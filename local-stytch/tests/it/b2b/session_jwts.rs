use serde_json::json;

use super::support::Acme;
use crate::{
    session_jwts::{part, verify},
    support::{assert_refused, response_to},
};

#[tokio::test]
async fn a_members_jwt_names_the_organization() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let at = session["member_session"]["started_at"].as_str().unwrap();
    let iat = acme.stand.stytch.now().unix_timestamp();
    let expected = format!(
        concat!(
            r#"{{"aud":["{project}"],"exp":{exp},"#,
            r#""https://stytch.com/organization":{{"organization_id":"{organization}","slug":"acme"}},"#,
            r#""https://stytch.com/session":{{"id":"{session}","started_at":"{at}","last_accessed_at":"{at}","expires_at":"{expires}","#,
            r#""attributes":{{"user_agent":"","ip_address":""}},"#,
            r#""authentication_factors":[{{"type":"password","delivery_method":"knowledge","last_authenticated_at":"{at}"}}],"#,
            r#""roles":["stytch_member"]}},"#,
            r#""iat":{iat},"iss":"stytch.com/{project}","nbf":{iat},"sub":"{member}"}}"#,
        ),
        project = acme.stand.stytch.project_id(),
        exp = iat + 300,
        organization = acme.organization_id,
        session = session["member_session"]["member_session_id"].as_str().unwrap(),
        at = at,
        expires = session["member_session"]["expires_at"].as_str().unwrap(),
        iat = iat,
        member = acme.member_id,
    );
    assert_eq!(part(&session["session_jwt"], 1), expected);
}

#[tokio::test]
async fn a_new_slug_is_in_the_next_jwt() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    acme.put("/v1/b2b/organizations/acme", json!({"organization_slug": "acme-ltd"})).await;
    let body = json!({"session_jwt": session["session_jwt"]});
    let renewed = acme.stand.ok("/v1/b2b/sessions/authenticate", body).await;
    assert!(part(&renewed["session_jwt"], 1).contains(r#""slug":"acme-ltd""#));
    assert_eq!(renewed["member_session"]["organization_slug"], "acme-ltd");
}

#[tokio::test]
async fn the_b2b_key_set_is_public_and_verifies_members_jwts() {
    let acme = Acme::start().await;
    let session = acme.sign_in().await;
    let url = |id: &str| format!("{}/v1/b2b/sessions/jwks/{id}", acme.stand.stytch.base_url());
    let id = acme.stand.stytch.project_id();
    let jwks = response_to(acme.stand.http.get(url(id))).await;
    verify(&session["session_jwt"], &jwks, id);
    let other = response_to(acme.stand.http.get(url("project-test-other"))).await;
    assert_refused(&other, 404, "project_not_found", "another project");
}
