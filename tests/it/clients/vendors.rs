//! Clerk's, Microsoft's and Ory's packages read the answers in their forms.

use axum::Router;
use serde_json::{Value, json};
use tower_step_up::issuers::{clerk, oidc};
use tower_step_up::respond::{ClerkReverification, EntraClaimsChallenge, OryStepUp};
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy, Respond};

use super::node::run;
use super::rows::guarded;
use super::serve;
use crate::support::{bearer, seconds};

fn openid(acr_values: [&str; 2]) -> TestIssuer {
    let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com");
    TestIssuer::standing_in_for(issuer.acr_values(acr_values)).unwrap()
}

/// Returns a router with one route that requires this policy.
fn app(issuer: &TestIssuer, path: &str, policy: Policy, responder: impl Respond) -> Router {
    Router::new().route(path, guarded(issuer.guard().require(policy).respond_with(responder)))
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/clients"]
async fn clerks_package_builds_the_same_answers_and_recognises_them() {
    let issuer = clerk("https://clerk.example.com", ["https://app.example.com"])
        .amr("first_factor", [Factor::Password])
        .narrow("second_factor", [Factor::Totp, Factor::OtpSms]);
    let issuer = TestIssuer::standing_in_for(issuer).unwrap();
    let limit = |policy: Policy, minutes: u64| policy.within(seconds(60 * minutes));
    let cases = [
        ("/first", [20, 0], limit(Policy::amr("first_factor"), 10), "first_factor", 10),
        ("/second", [0, 20], limit(Policy::amr("second_factor"), 15), "second_factor", 15),
        ("/both", [70, 70], limit(Policy::mfa(), 60), "multi_factor", 60),
        ("/any-age", [5, -1], Policy::amr("second_factor"), "second_factor", 1_440),
    ];
    let routes = cases.iter().map(|(path, _, policy, ..)| {
        app(&issuer, path, policy.clone(), ClerkReverification::new())
    });
    let enrol = app(&issuer, "/enrol", Policy::amr("second_factor"), ClerkReverification::new());
    let url = serve(routes.fold(enrol, Router::merge)).await;
    let request = |path: &str, fva: [i64; 2], level: &str, minutes: u64| {
        let token = issuer.mint_with(&json!({"fva": fva}));
        json!({"url": format!("{url}{path}"), "headers": {"authorization": bearer(&token)},
            "level": level, "afterMinutes": minutes})
    };
    let requests =
        cases.iter().map(|(path, fva, _, level, minutes)| request(path, *fva, level, *minutes));
    let requests: Value = requests.chain([request("/enrol", [0, -1], "", 0)]).collect();
    let answers = run("clerk.mjs", &requests).await;
    let (enrol, answers) = answers.as_array().unwrap().split_last().unwrap();
    assert_eq!(answers.len(), cases.len());
    for ((path, _, _, level, _), answer) in cases.iter().zip(answers) {
        assert_eq!(answer["status"], answer["wantedStatus"], "{path}");
        assert_eq!(answer["body"], answer["wantedBody"], "{path}");
        assert_eq!((&answer["isHint"], &answer["level"]), (&json!(true), &json!(level)), "{path}");
    }
    // Clerk's client opens no dialog for this one.
    assert_eq!((&enrol["status"], &enrol["isHint"]), (&json!(403), &json!(false)));
    assert_eq!(enrol["body"]["detail"], "enrol a second factor");
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/clients"]
async fn azures_pipeline_asks_for_our_claims_and_calls_again() {
    let issuer = openid(["c1", "c2"]);
    let url = serve(app(&issuer, "/", Policy::acr("c1"), EntraClaimsChallenge::new())).await;
    let [before, after] = [json!({}), json!({"acr": "c1"})].map(|claims| issuer.mint_with(&claims));
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;

    let input = json!({"server": url, "before": before, "after": after});
    let seen = run("entra.mjs", &input).await;
    assert_eq!(seen, json!({"asked": [null, claims], "status": 200, "body": "granted"}));

    // If Entra answers with less, the pipeline does not call a third time.
    let input = json!({"server": url, "before": before, "after": before});
    let seen = run("entra.mjs", &input).await;
    assert_eq!((&seen["asked"], &seen["status"]), (&json!([null, claims]), &json!(401)));
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/clients"]
async fn orys_package_recognises_both_answers_and_opens_the_page() {
    let issuer = openid(["aal1", "aal2"]);
    let responder =
        OryStepUp::new("https://login.example.com", "https://shop.example.com").unwrap();
    let recent = Policy::session().within(seconds(300));
    let [second, again] =
        [("/second", Policy::acr("aal2")), ("/again", recent)].map(|(path, policy)| {
            app(&issuer, &format!("{path}/sessions/whoami"), policy, responder.clone())
        });
    let url = serve(second.merge(again)).await;
    let token =
        issuer.mint_with(&json!({"acr": "aal1", "auth_time": NOW.unix_timestamp() - 1_000}));
    let request = |path: &str| json!({"basePath": format!("{url}{path}"), "headers": {"authorization": bearer(&token)}});
    let answers = run("ory.mjs", &json!([request("/second"), request("/again")])).await;
    for (index, (recognised, query)) in
        [([true, false], "aal=aal2"), ([false, true], "refresh=true")].into_iter().enumerate()
    {
        let answer = &answers[index];
        assert_eq!(answer["status"], 403, "{answer}");
        let names = ["isSessionAal2Required", "isNeedsPrivilegedSessionError"];
        assert_eq!(names.map(|name| answer[name].as_bool().unwrap()), recognised, "{answer}");
        let redirect = answer["redirect"]["url"].as_str().unwrap();
        let flow = "https://login.example.com/self-service/login/browser";
        assert!(redirect.starts_with(&format!("{flow}?{query}&return_to=https")), "{redirect}");
        assert_eq!(answer["redirect"]["external"], true);
    }
}
