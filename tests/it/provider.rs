//! Tokens of a real OpenID provider, `tests/provider`. Its keys are found by discovery, and its code
//! flow runs over HTTP on loopback.

pub(crate) mod client;
mod logout;
mod once;
mod round_trip;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::json;
use tower::{Layer, service_fn};
use tower_step_up::issuers::{Issuer, oidc};
use tower_step_up::keys::{Algorithm, RemoteKeys};
use tower_step_up::testing::FixedClock;
use tower_step_up::{Factor, Policy, Session, StepUpLayer, Verifier};

use self::client::{Provider, SCOPES, Tokens, advance_to, claims, time_of};
use crate::key_server::within_seconds;
use crate::support::{bearer, inner, reason, seconds, send};

const API: &str = "https://api.example";
const NONE: &[(&str, &str)] = &[];

fn api(provider: &Provider) -> Issuer {
    oidc::access_tokens(&provider.issuer, API).acr_values(["silver", "gold"])
}

/// Returns the session of a token at the time of its issue.
async fn session_of(verifier: &Verifier, token: &str) -> Session {
    within_seconds(verifier.warm_up()).await.unwrap();
    verifier.verify_at(token, time_of(token, "iat")).unwrap()
}

/// Returns why the issuer's tokens of this kind are refused at the time of their issue, or "ok".
async fn verdict(issuer: Issuer, token: &str) -> &'static str {
    let verifier = issuer.verifier().unwrap();
    within_seconds(verifier.warm_up()).await.unwrap();
    reason(&verifier.verify_at(token, time_of(token, "iat")))
}

/// Sends a request with this token. Returns the status and the challenge.
async fn call(guard: &StepUpLayer, token: &str) -> (u16, String) {
    let request = Request::get("/").header("authorization", bearer(token));
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let response = within_seconds(send(&guard.layer(service_fn(inner)), request)).await;
    (response.status.as_u16(), response.header("www-authenticate").to_owned())
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_gold_sign_in_is_granted_and_a_silver_one_is_challenged() {
    let provider = Provider::start().await;
    let guard = api(&provider).guard().unwrap();
    let [gold, silver] = ["gold", "silver"].map(|acr| guard.clone().require(Policy::acr(acr)));
    assert_eq!((gold.findings(), silver.findings()), (vec![], vec![]));

    let mut browser = provider.browser();
    let before = browser.sign_in("web", API, "silver", NONE).await;
    let (status, challenge) = call(&gold, &before.access).await;
    assert_eq!(status, 401);
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");
    assert_eq!(call(&silver, &before.access).await.0, 200);

    let after = browser.sign_in("web", API, "gold", &[("acr_values", "gold")]).await;
    assert_eq!(call(&gold, &after.access).await, (200, String::new()));
    assert_eq!(call(&silver, &after.access).await, (200, String::new()));
    assert_eq!(claims(&before.access)["sid"], claims(&after.access)["sid"]);
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_level_proves_the_factors_that_are_declared_for_it() {
    let provider = Provider::start().await;
    let gold = provider.browser().sign_in("web", API, "gold", NONE).await.access;
    let silver = provider.browser().sign_in("web", API, "silver", NONE).await.access;
    let declared = api(&provider).acr("gold", [[Factor::Password, Factor::Totp]]);
    for (issuer, token, factors, grants) in [
        (declared.clone(), &gold, "password password totp", true),
        (declared, &silver, "password", false),
        (api(&provider), &gold, "password", false), // `otp` in `amr` is not declared
        (api(&provider).amr("otp", [Factor::Totp]), &gold, "password totp", true),
        (api(&provider).amr("otp", [Factor::Totp, Factor::OtpEmail]), &gold, "password", false),
    ] {
        let session = session_of(&issuer.verifier().unwrap(), token).await;
        let mut proved: Vec<_> =
            session.factors().iter().map(|proof| proof.factor().to_string()).collect();
        proved.sort();
        assert_eq!(proved.join(" "), factors);
        let at = session.token_issued_at();
        assert_eq!(Policy::mfa().evaluate(&session, at).is_ok(), grants, "{factors}");
        assert_eq!(Policy::amr("mfa").evaluate(&session, at).is_ok(), *token == gold);
    }
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_recent_sign_in_grows_old_and_a_refresh_does_not_make_it_younger() {
    let provider = Provider::start().await;
    let clock = FixedClock::new();
    let guard = StepUpLayer::new(api(&provider).verifier().unwrap().clock(clock.clone()));
    let guard = guard.require(Policy::session().within(seconds(300)));
    let mut browser = provider.browser();

    let old = browser.sign_in("web", API, "silver", NONE).await;
    let signed_in_at = time_of(&old.access, "auth_time");
    advance_to(&clock, signed_in_at + seconds(300));
    assert_eq!(call(&guard, &old.access).await.0, 200);
    clock.advance(seconds(1));
    let (status, challenge) = call(&guard, &old.access).await;
    assert_eq!(status, 401);
    assert!(challenge.contains("insufficient_user_authentication"), "{challenge}");

    provider.move_clock(301).await;
    let refreshed = provider.refresh("web", &old).await;
    assert!(time_of(&refreshed.access, "iat") > signed_in_at + seconds(300));
    advance_to(&clock, time_of(&refreshed.access, "iat"));
    assert_eq!(call(&guard, &refreshed.access).await.0, 401);
    for token in [&old.access, &refreshed.access] {
        let session = session_of(guard.verifier(), token).await;
        assert_eq!(session.began_at(), Some(signed_in_at));
        assert_eq!(session.started_at(), None);
    }

    let again = browser.sign_in("web", API, "silver", &[("max_age", "300")]).await;
    advance_to(&clock, time_of(&again.access, "iat"));
    assert_eq!(call(&guard, &again.access).await.0, 200);
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn only_access_tokens_of_users_for_this_service_are_accepted() {
    let provider = Provider::start().await;
    let issuer = provider.issuer.as_str();
    let mut browser = provider.browser();
    let tokens = browser.sign_in("web", API, "gold", NONE).await;
    let session = session_of(&api(&provider).verifier().unwrap(), &tokens.access).await;
    assert_eq!(session.scopes().collect::<Vec<_>>().join(" "), SCOPES);
    assert_eq!((session.issuer(), session.user_id()), (issuer, "ada"));
    assert_eq!(session.id(), claims(&tokens.access)["sid"]);
    assert_eq!(verdict(oidc::rfc9068(issuer, API), &tokens.access).await, "ok");

    assert_eq!(verdict(api(&provider), &tokens.id).await, "token_wrong_audience");
    let for_the_client = oidc::access_tokens(issuer, "web");
    assert_eq!(verdict(for_the_client, &tokens.id).await, "token_another_kind");
    assert_eq!(verdict(oidc::rfc9068(issuer, "web"), &tokens.id).await, "token_wrong_type");
    assert_eq!(verdict(oidc::id_tokens(issuer, "web"), &tokens.id).await, "ok");
    assert_eq!(verdict(oidc::id_tokens(issuer, "other"), &tokens.id).await, "token_wrong_audience");
    assert_eq!(verdict(oidc::id_tokens(issuer, API), &tokens.access).await, "token_wrong_type");

    let elsewhere = browser.sign_in("web", "https://elsewhere.example", "gold", NONE).await;
    assert_eq!(verdict(api(&provider), &elsewhere.access).await, "token_wrong_audience");
    let request = [("grant_type", "client_credentials"), ("resource", API)];
    let machine = provider.tokens("machine", &request).await;
    assert_eq!(verdict(api(&provider), &machine.access).await, "token_machine");

    browser.sign_out(&tokens).await;
    let logout = provider.control("logout-tokens", None).await;
    let logout = logout[0]["logout_token"].as_str().unwrap();
    assert_eq!(verdict(oidc::id_tokens(issuer, "web"), logout).await, "token_wrong_type");
    let any_type = oidc::id_tokens(issuer, "web").types(["logout+jwt"]);
    assert_eq!(verdict(any_type, logout).await, "token_another_kind");
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn another_algorithm_is_accepted_only_if_the_application_says_so() {
    let provider = Provider::start().await;
    let resource = "https://api-es.example";
    let token = provider.browser().sign_in("es256", resource, "gold", NONE).await.access;
    let issuer = oidc::access_tokens(&provider.issuer, resource);
    assert_eq!(verdict(issuer.clone(), &token).await, "token_algorithm_not_allowed");
    assert_eq!(verdict(issuer.algorithms([Algorithm::Es256]), &token).await, "ok");
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_new_key_is_found_and_a_withdrawn_one_is_dropped() {
    let provider = Provider::start().await;
    let clock = FixedClock::new();
    let keys = RemoteKeys::discovered(&provider.issuer).unwrap().clock(clock.clone());
    let verifier = api(&provider).keys(keys).verifier().unwrap().clock(clock.clone());
    let verify =
        async |tokens: &Tokens| reason(&within_seconds(verifier.verify(&tokens.access)).await);
    let mut browser = provider.browser();
    let first = browser.sign_in("web", API, "silver", NONE).await;
    // Every token of this test is issued before this instant, and expires later.
    advance_to(&clock, time_of(&first.access, "iat") + seconds(1_200));
    assert_eq!(verify(&first).await, "ok");

    let kids = provider.control("rotate", Some(json!({}))).await;
    assert_eq!(kids["kids"].as_array().unwrap().len(), 4);
    let second = browser.sign_in("web", API, "silver", NONE).await;
    clock.advance(seconds(30)); // no fetch within 30 s of the last one
    assert_eq!((verify(&second).await, verify(&first).await), ("ok", "ok"));

    provider.control("rotate", Some(json!({"withdraw": true}))).await;
    let third = browser.sign_in("web", API, "silver", NONE).await;
    assert_eq!(verify(&third).await, "token_unknown_key");
    assert_eq!(verify(&second).await, "ok"); // its key is still known
    clock.advance(seconds(30));
    assert_eq!(verify(&third).await, "ok");
    assert_eq!(verify(&second).await, "token_unknown_key");
    assert_eq!(verify(&first).await, "token_unknown_key");
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn a_revoked_session_stays_revoked_after_a_refresh() {
    let provider = Provider::start().await;
    let clock = FixedClock::new();
    let verifier = api(&provider).verifier().unwrap().clock(clock.clone());
    let verify = async |tokens: &Tokens| {
        advance_to(&clock, time_of(&tokens.access, "iat"));
        reason(&within_seconds(verifier.verify(&tokens.access)).await)
    };
    let mut browser = provider.browser();
    let web = browser.sign_in("web", API, "silver", NONE).await;
    let other = browser.sign_in("other", API, "silver", NONE).await;
    let elsewhere = provider.browser().sign_in("web", API, "silver", NONE).await;
    assert_eq!([verify(&web).await, verify(&other).await, verify(&elsewhere).await], ["ok"; 3]);

    let session = session_of(&verifier, &web.access).await;
    verifier.revoke_session(session.issuer(), session.id()).await.unwrap();
    let refreshed = provider.refresh("web", &web).await;
    assert_eq!([verify(&web).await, verify(&refreshed).await], ["session_revoked"; 2]);
    // The other client's session has its own `sid`, and so does the other browser's.
    assert_eq!([verify(&other).await, verify(&elsewhere).await], ["ok"; 2]);

    verifier.revoke_user(session.issuer(), session.user_id()).await.unwrap();
    provider.move_clock(60).await;
    let refreshed = provider.refresh("other", &other).await;
    assert_eq!([verify(&other).await, verify(&refreshed).await], ["session_revoked"; 2]);
    let again = browser.sign_in("other", API, "silver", &[("prompt", "login")]).await;
    assert_eq!(verify(&again).await, "ok");
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/provider"]
async fn the_tokens_of_two_clients_are_told_apart() {
    let provider = Provider::start().await;
    let mut browser = provider.browser();
    let web = browser.sign_in("web", API, "gold", NONE).await.access;
    let other = browser.sign_in("other", API, "gold", NONE).await.access;
    let verifier = api(&provider).verifier().unwrap();
    let [one, two] = [session_of(&verifier, &web).await, session_of(&verifier, &other).await];
    assert_eq!((one.user_id(), one.began_at()), (two.user_id(), two.began_at()));
    assert_ne!(one.id(), two.id());
    let only_web = api(&provider).clients(["web"]);
    assert_eq!(verdict(only_web.clone(), &web).await, "ok");
    assert_eq!(verdict(only_web, &other).await, "token_wrong_client");
}
