//! The Actions that the page about Auth0 tells its readers to install. The guard reads what they write.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy};

use super::node::run;
use crate::issuer_profiles::auth0_with_methods;
use crate::support::seconds;

const PAGE: &str = include_str!("../../../docs/issuers/auth0.md");
const CLAIM: &str = "https://app.example.com/methods";
const MULTI_FACTOR: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

/// Returns the scripts of the page, without the indentation of their list.
fn actions() -> Vec<String> {
    let blocks = PAGE.split("```js\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let actions: Vec<_> = blocks.map(|block| block.replace("\n   ", "\n")).collect();
    assert_eq!(actions.len(), 2);
    actions
}

/// Returns a sign-in whose password is this many seconds old, in which the client asked for these values.
fn login(age: i64, acr_values: Value, enrolled: &[&str]) -> Value {
    let date = |age| (NOW - time::Duration::seconds(age)).format(&Rfc3339).unwrap();
    let enrolled: Vec<_> = enrolled.iter().map(|factor| json!({"type": factor})).collect();
    json!({"proves": "otp", "event": {
        "now": date(0),
        "transaction": {"protocol": "oidc-basic-profile", "acr_values": acr_values},
        "user": {"enrolledFactors": enrolled},
        "authentication": {"methods": [{"name": "pwd", "timestamp": date(age)}]},
    }})
}

#[tokio::test]
#[ignore = "needs node, and `npm ci` in tests/clients"]
async fn the_actions_of_the_page_let_a_challenge_for_a_fresh_second_factor_be_met() {
    let auth0 = TestIssuer::standing_in_for(auth0_with_methods(CLAIM)).unwrap();
    let fresh = Policy::amr("mfa").within(seconds(300));
    let first = auth0.session_with(&json!({CLAIM: []}));
    let shortfall = fresh.evaluate(&first, NOW).unwrap_err();
    let request = shortfall.authentication_request().expect("it can be asked for");
    assert_eq!(request.acr_values, [MULTI_FACTOR.into()]);

    let asked = json!(request.acr_values);
    let mut refresh = login(1_000, asked.clone(), &["otp"]);
    refresh["event"]["transaction"]["protocol"] = "oauth2-refresh-token".into();
    let logins = [
        login(1_000, json!(null), &["otp"]),
        login(1_000, asked.clone(), &["otp", "email"]),
        login(1_000, asked, &["email"]),
        refresh,
    ];
    let results = run("actions.mjs", &json!({"actions": actions(), "logins": logins})).await;
    for (result, challenges, is_denied, is_met) in [
        (&results[0], json!([]), false, false),
        (&results[1], json!([["otp"]]), false, true),
        (&results[2], json!([]), true, false),
        (&results[3], json!([]), false, false),
    ] {
        assert_eq!(result["challenges"], challenges, "{result}");
        assert_eq!(result["denied"].is_string(), is_denied, "{result}");
        let session = auth0.session_with(&json!({CLAIM: result["claims"][CLAIM]}));
        for policy in [fresh.clone(), Policy::mfa(), Factor::Totp.into()] {
            assert_eq!(policy.evaluate(&session, NOW).is_ok(), is_met, "{policy}: {result}");
        }
        let password = Policy::from(Factor::Password);
        assert!(password.evaluate(&session, NOW).is_ok());
        assert!(password.within(seconds(300)).evaluate(&session, NOW).is_err());
    }
}
