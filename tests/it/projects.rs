//! The verifiers and guards of a project, and secrets in the wrong place, which must not be shown.

use std::error::Error;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use tower::{Layer, service_fn};
use tower_step_up::issuers::oidc;
use tower_step_up::keys::RemoteKeys;
use tower_step_up::stytch::Project;
use tower_step_up::testing::{self, FixedClock, NOW};
use tower_step_up::token::{ClaimsError, LocalRevocations};
use tower_step_up::{Factor, StepUpLayer, TokenError, Verifier};
use tracing::Level;

use crate::events::logged;
use crate::key_server::{Behaviour, KeyServer, within_seconds};
use crate::support::{BrokenRule, bearer, inner, issuer, proved, send};

#[test]
fn consumer_and_b2b_projects_accept_their_own_tokens() {
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
fn a_custom_domain_is_an_additional_issuer() {
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

/// A text that occurs in secrets only.
const HIDDEN: &str = "QbJ4y2fNhrcNjVeKXUGQ";

/// Returns secrets as they may come from a file, a shell or a header.
fn secrets() -> Vec<String> {
    let written = |text: &str| text.replace('*', HIDDEN);
    [
        "secret-test-*==",
        "secret-live-*",
        "secret-*",
        " \t\nsecret-test-*",
        "SECRET-TEST-*",
        "Secret-Live-*",
        "\u{feff}secret-test-*",
        "\"secret-test-*\"",
        "STYTCH_SECRET=secret-test-*",
        "project-test-a:secret-test-*",
        "project-test-a/secret-test-a/b+*",
    ]
    .map(written)
    .into()
}

#[track_caller]
fn check_hidden(shown: &str) {
    assert!(!shown.to_lowercase().contains(&HIDDEN.to_lowercase()), "{shown}");
}

#[test]
fn a_secret_in_the_place_of_an_id_a_domain_or_an_address_is_not_shown() {
    let project = || Project::new("project-test-a").unwrap();
    for secret in secrets() {
        for swapped in [Project::new(&secret), Project::b2b(&secret)] {
            let error = swapped.unwrap_err();
            check_hidden(&format!("{error} {error:?} {error:#?} {:?}", error.source()));
            assert!(error.to_string().contains("secret-..."), "{error}");
        }
        for domain in [secret.clone(), format!("{secret}.example.com"), format!("a b/{secret}")] {
            match project().custom_domain(&domain) {
                Err(error) => check_hidden(&format!("{error} {error:?}")),
                // Nothing shows that this domain is a secret.
                Ok(project) => {
                    let guard = project.guard();
                    check_hidden(&format!("{project:?} {guard:?} {:?}", project.remote_keys()));
                    check_hidden(&format!("{:?}", project.sessions_api("project-test-a")));
                    check_hidden(&format!("{:?}", project.verifier()));
                }
            }
        }
        let urls = [format!("https://login.example.com/{secret}"), format!("https://{secret}/a")];
        for url in urls {
            match RemoteKeys::new(&url) {
                Err(error) => check_hidden(&format!("{error} {error:?}")),
                Ok(keys) => check_hidden(&format!("{keys:?}")),
            }
            match project().sessions_api(&secret).base_url(&url) {
                Err(error) => check_hidden(&format!("{error} {error:?}")),
                Ok(api) => check_hidden(&format!("{api:?}")),
            }
        }
        let name = format!("stytch.com/{secret}");
        let verifier = Verifier::new(issuer().clone(), [name], secret.clone());
        check_hidden(&format!("{verifier:?} {:?}", StepUpLayer::new(verifier.clone())));
        check_hidden(&format!("{:?}", issuer().clone().project(&secret)));
    }
}

#[test]
fn a_secret_in_an_address_or_a_token_is_in_no_log_and_no_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for document in [issuer().jwks().to_owned(), String::new()] {
        let server = runtime.block_on(KeyServer::start(Behaviour::Serve(document)));
        let url = server.url().replace("project", &format!("secret-test-{HIDDEN}"));
        let (health, log) = logged(Level::DEBUG, || {
            let keys = RemoteKeys::new(&url).unwrap();
            let verifier = Verifier::new(keys, [issuer().name()], issuer().audience());
            let _ = runtime.block_on(within_seconds(verifier.warm_up()));
            verifier.health()
        });
        let ours: Vec<_> = log.iter().filter(|line| line.contains("tower_step_up")).collect();
        assert!(ours.iter().any(|line| line.contains("/v1/sessions/jwks/secret-...")), "{ours:?}");
        check_hidden(&format!("{ours:?} {health:?}"));
    }
    for secret in secrets() {
        let name = serde_json::to_string(&secret).unwrap();
        for header in
            [format!(r#"{{"alg":"RS256","kid":{name}}}"#), format!(r#"{{"alg":{name},"kid":"a"}}"#)]
        {
            let token = issuer().sign(&header, "{}");
            let error = issuer().verifier().verify_at(&token, NOW).unwrap_err();
            check_hidden(&format!("{error} {error:?}"));
        }
        let mut claims = issuer().claims(&proved(&[Factor::Password]));
        claims.insert("iss".into(), json!(secret));
        let token = issuer().mint_claims(&claims);
        let error = issuer().verifier().verify_at(&token, NOW).unwrap_err();
        check_hidden(&format!("{error} {error:?}"));
    }
}

/// A guard with another store than the sessions would go on accepting a session that was signed out.
#[tokio::test]
async fn one_store_reaches_every_guard_and_all_sessions() {
    let store = LocalRevocations::new();
    let project = Project::new(issuer().audience()).unwrap().revocations(store.clone());
    let custom = project.clone().custom_domain("login.example.com").unwrap();
    let sessions = project.sessions(project.sessions_api("secret-test-1"));
    let guard = project.guard().renew_with(&sessions);
    let of_project = [
        project.verifier(),
        project.verifier_with(issuer().clone()),
        custom.verifier(),
        sessions.verifier().clone(),
        guard.verifier().clone(),
    ];
    let openid = oidc::access_tokens("https://login.example.com", "https://api.example.com")
        .revocations(store.clone());
    let of_issuer = [openid.verifier().unwrap(), openid.guard().unwrap().verifier().clone()];
    for (place, verifier) in of_project.iter().chain(&of_issuer).enumerate() {
        let issuer = verifier.issuers().next().unwrap();
        verifier.revoke_session(issuer, &format!("session-{place}")).await.unwrap();
        assert_eq!(store.len(), place + 1);
    }
}
