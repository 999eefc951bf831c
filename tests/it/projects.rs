//! What a project makes accepts what the project's tokens are.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use tower::{Layer, service_fn};
use tower_step_up::stytch::Project;
use tower_step_up::testing::{self, FixedClock, NOW};
use tower_step_up::token::ClaimsError;
use tower_step_up::{Factor, TokenError};

use crate::support::{BrokenRule, bearer, inner, issuer, proved, send};

#[test]
fn consumer_and_b2b_projects_accept_their_own() {
    let consumer = issuer().mint(&proved(&[Factor::Password]));
    let member =
        issuer().mint(&proved(&[Factor::Password]).organization("organization-test-a", "acme"));
    let id = issuer().audience();
    let verify = |project: Project, token| {
        project.verifier_with(issuer().clone()).verify_at(token, NOW).broken_rule()
    };
    assert_eq!(verify(Project::new(id).unwrap(), &consumer), Ok(()));
    assert_eq!(
        verify(Project::new(id).unwrap(), &member),
        Err(TokenError::Claims(ClaimsError::UnexpectedOrganization))
    );
    assert_eq!(verify(Project::b2b(id).unwrap(), &member), Ok(()));
    assert_eq!(
        verify(Project::b2b(id).unwrap(), &consumer),
        Err(TokenError::Claims(ClaimsError::NoOrganization))
    );
    assert_eq!(
        verify(Project::new("project-test-other").unwrap(), &consumer).unwrap_err().reason(),
        "token_wrong_issuer"
    );
}

#[test]
fn a_custom_domain_issues_beside_stytch() {
    let project = Project::new(issuer().audience()).unwrap();
    let mut claims = issuer().claims(&proved(&[Factor::Password]));
    claims.insert("iss".into(), json!("https://login.example.com"));
    let token = issuer().mint_claims(&claims);
    let plain = project.verifier_with(issuer().clone());
    assert_eq!(plain.verify_at(&token, NOW).unwrap_err().reason(), "token_wrong_issuer");
    for domain in ["Login.Example.com", "login.example.com:443", "https://login.example.com./"] {
        let custom = project.clone().custom_domain(domain).unwrap();
        let custom = custom.verifier_with(issuer().clone());
        assert!(custom.verify_at(&token, NOW).is_ok(), "{domain}");
        assert!(custom.verify_at(&issuer().mint(&proved(&[Factor::Password])), NOW).is_ok());
    }
}

#[tokio::test]
async fn the_guard_reads_the_projects_cookie() {
    let project = Project::new(issuer().audience()).unwrap().session_jwt_cookie("own_jwt");
    let guard =
        project.guard_with(project.verifier_with(issuer().clone()).clock(FixedClock::new()));
    let service = guard.layer(service_fn(inner::<Full<Bytes>>));
    let token = issuer().mint(&testing::session().proved(Factor::Password));
    for (header, value, status) in [
        ("cookie", format!("own_jwt={token}"), 200),
        ("cookie", format!("stytch_session_jwt={token}"), 401),
        ("authorization", bearer(&token), 200),
    ] {
        let request = Request::get("/").header(header, value).body(Full::default()).unwrap();
        assert_eq!(send(&service, request).await.status, status);
    }
}
