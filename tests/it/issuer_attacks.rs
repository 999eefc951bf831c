//! Tokens of several issuers that try to pass for others, and settings that accept too much.

use std::time::Duration;

use http::HeaderMap;
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};
use tower_step_up::issuers::{Issuer, clerk, keycloak};
use tower_step_up::sessions::{PresentedToken, SessionAuthority};
use tower_step_up::testing::{FixedClock, NOW, TestIssuer, TestSessions};
use tower_step_up::{Factor, Sessions, StepUpLayer, Verifier, stytch};

use crate::renewal::{Body, outcome, with_bearer, with_header};
use crate::support::{bearer, inner, proved};

fn standing_in_for(issuer: Issuer) -> TestIssuer {
    TestIssuer::standing_in_for(issuer).expect("settings that break no rule")
}

fn realm() -> Issuer {
    keycloak("https://login.example.com/realms/shop", "https://api.example.com")
}

/// A guard that demands a confirmation does not accept a session that the authority cannot confirm.
#[tokio::test]
async fn a_session_that_the_authority_does_not_keep_cannot_be_confirmed() {
    let (kept, foreign) = (TestIssuer::new(), standing_in_for(realm()));
    let authority = TestSessions::new(&kept);
    let verifier = Verifier::any_of([kept.verifier(), foreign.verifier()]).expect("two issuers");
    let sessions = Sessions::new(verifier.clone(), authority.clone());
    let guard = StepUpLayer::new(verifier).renew_with(&sessions);
    let confirming = guard.confirmed_within(Duration::ZERO);

    let tokens = authority.begin(&proved(&[Factor::Password]));
    assert_eq!(outcome(&confirming, with_bearer(&tokens)).await, (200, ""));
    assert_eq!(authority.calls(), 1);
    let token = bearer(&foreign.mint_with(&json!({})));
    let request = || with_header("authorization", &token);
    assert_eq!(outcome(&guard, request()).await, (200, ""));
    assert_eq!(outcome(&confirming, request()).await, (401, "session_unknown"));
    assert_eq!(authority.calls(), 1);
}

/// The name of an issuer may be given by any `iss` that the verifier accepts for it.
#[tokio::test]
async fn the_sessions_of_a_project_are_kept_whatever_name_its_verifier_has() {
    let issuer = TestIssuer::new();
    let authority = TestSessions::new(&issuer);
    let project = stytch::Project::new(issuer.audience()).expect("a project");
    let names = ["https://login.example.com".to_owned(), issuer.name()];
    let verifier = Verifier::new(issuer.clone(), names, issuer.audience()).clock(FixedClock::new());
    let sessions = project.sessions_with(verifier.clone(), authority.clone());
    let guard = StepUpLayer::new(verifier.clone()).renew_with(&sessions);

    let tokens = authority.begin(&proved(&[Factor::Password]));
    let confirming = guard.confirmed_within(Duration::ZERO);
    assert_eq!(outcome(&confirming, with_bearer(&tokens)).await, (200, ""));
    assert_eq!(authority.calls(), 1);
    let session = verifier.verify(&tokens.session_jwt).await.expect("a genuine token");
    let ended = sessions.sign_out(&session, &HeaderMap::new()).await;
    assert!(ended.revoked.is_ok());
    let token = PresentedToken::SessionToken(tokens.session_token.into());
    assert!(authority.authenticate(token).await.is_err(), "the session is alive");
}

#[test]
#[should_panic(expected = "the verifier of the sessions does not accept the issuer typo")]
fn sessions_of_an_issuer_that_the_verifier_does_not_accept_are_a_bug() {
    let issuer = TestIssuer::new();
    let _ = issuer.sessions(TestSessions::new(&issuer)).issuer("typo");
}

/// A token that names a client in another claim is not one of a client without a name.
#[test]
fn native_clients_name_no_client_at_all() {
    let parties = |native: bool| {
        let issuer = clerk("https://clerk.example.com", ["https://app.example.com"]);
        standing_in_for(if native { issuer.native_clients() } else { issuer })
    };
    let clients = standing_in_for(realm().clients(["web"]).native_clients());
    for (issuer, claims, is_accepted) in [
        (parties(false), json!({"azp": null}), false),
        (parties(true), json!({"azp": null}), true),
        (parties(true), json!({"azp": null, "client_id": "other"}), false),
        (parties(true), json!({"azp": "other"}), false),
        (clients.clone(), json!({"azp": "web"}), true),
        (clients, json!({"azp": null, "client_id": null, "cid": null}), false),
    ] {
        let token = issuer.mint_with(&claims);
        assert_eq!(issuer.verifier().verify_at(&token, NOW).is_ok(), is_accepted, "{claims}");
    }
}

/// The `iss` decides whose keys and rules apply, also if both issuers name their keys alike, and a
/// remembered token stays with its issuer.
#[tokio::test]
async fn a_token_is_judged_by_its_own_issuer_only() {
    let (one, other) = (standing_in_for(realm()), standing_in_for(other_realm()));
    let both = || Verifier::any_of([one.verifier(), other.verifier()]).expect("two issuers");
    let verifier = both();
    assert!(Verifier::any_of([both(), one.verifier()]).is_err());
    let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{}"}}"#, other.kid());
    for _ in 0..2 {
        let genuine = [&one, &other].map(|issuer| issuer.mint_with(&json!({})));
        for (token, issuer) in genuine.iter().zip([&one, &other]) {
            let session = verifier.verify_at(token, NOW).expect("a genuine token");
            assert_eq!(session.issuer(), issuer.name());
        }
        for claims in [
            json!({"iss": other.name()}),
            json!({"iss": [other.name()]}),
            json!({"iss": null}),
            json!({"iss": ""}),
            json!({"iss": format!("{}/", one.name())}),
        ] {
            let token = one.mint_with(&claims);
            assert!(verifier.verify_at(&token, NOW).is_err(), "{claims}");
        }
        // The same claims with the other's kid, but this one's signature.
        let claims = base64_simd::URL_SAFE_NO_PAD
            .decode_to_vec(genuine[0].split('.').nth(1).expect("a payload"))
            .expect("base64url");
        let claims = String::from_utf8(claims).expect("JSON");
        for payload in [claims.clone(), claims.replace(&one.name(), &other.name())] {
            let token = one.sign(&header, &payload);
            assert!(verifier.verify_at(&token, NOW).is_err(), "{payload}");
        }
    }
}

fn other_realm() -> Issuer {
    keycloak("https://login.example.com/realms/other", "https://api.example.com")
}

/// A claim that marks another kind of token is found however it is written, and no claim occurs twice.
#[test]
fn a_mark_cannot_be_hidden() {
    let issuer = standing_in_for(realm());
    let token = issuer.mint_with(&json!({"acr": "gold"}));
    let decode = |part: usize| {
        let part = token.split('.').nth(part).expect("a part");
        String::from_utf8(base64_simd::URL_SAFE_NO_PAD.decode_to_vec(part).expect("base64url"))
            .expect("JSON")
    };
    let (header, payload) = (decode(0), decode(1));
    let verify = |header: &str, payload: &str| {
        let token = issuer.sign(header, payload);
        issuer.verifier().verify_at(&token, NOW)
    };
    assert!(verify(&header, &payload).is_ok());
    for member in [
        r#""cnf":{}"#,
        r#""cnf":null"#,
        r#""c\u006ef":{"jkt":"x"}"#,
        r#""\u0065vents":{}"#,
        r#""events":0"#,
        r#""nonc\u0065":"n""#,
        r#""act":null,"act":{"sub":"a"}"#,
        r#""act":{"sub":"a"},"\u0061ct":null"#,
        r#""typ":"Bearer","typ":"ID""#,
        r#""gty":["password client-credentials"]"#,
        r#""client_id":{}"#,
        r#""$serde_json::private::RawValue":"{}","cnf":1"#,
    ] {
        for place in [payload.replacen('{', &format!("{{{member},"), 1), {
            let end = payload.strip_suffix('}').expect("an object");
            format!("{end},{member}}}")
        }] {
            assert!(verify(&header, &place).is_err(), "{member}");
        }
    }
    let act = payload.replacen('{', r#"{"\u0061ct":{"sub":"a"},"#, 1);
    let session = verify(&header, &act).expect("a token of a user");
    assert_eq!(session.factors().len(), 1);
    for typ in ["at+JWT", "application/at+jwt", "jwt"] {
        assert!(verify(&header.replace("JWT", typ), &payload).is_ok(), "{typ}");
    }
    for typ in ["logout+jwt", "dpop+jwt", "JWT ", "application/application/jwt", "text/jwt", ""] {
        assert!(verify(&header.replace("JWT", typ), &payload).is_err(), "{typ:?}");
    }
    let twice = header.replacen('{', r#"{"oiat":1,"oiat":2,"#, 1);
    assert!(verify(&twice, &payload).is_err());
}

/// A nested guard with another verifier verifies the token again.
#[tokio::test]
async fn an_inner_guard_does_not_take_the_session_of_another_verifier() {
    let (one, other) = (standing_in_for(realm()), standing_in_for(other_realm()));
    let both = Verifier::any_of([one.verifier(), other.verifier()]).expect("two issuers");
    let inner = other.guard().layer(service_fn(inner::<Body>));
    let service = StepUpLayer::new(both).layer(inner);
    for (issuer, want) in [(&one, 401), (&other, 200)] {
        let token = bearer(&issuer.mint_with(&json!({})));
        let response = service.clone().oneshot(with_header("authorization", &token)).await;
        assert_eq!(response.expect("infallible").status().as_u16(), want);
    }
}
