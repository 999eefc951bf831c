//! Further challenges of the presets, beyond those of the specification.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy};

use super::{OKTA_TWO, PAPE, Row, acr, ago, amr, check, row, signed, signed_in, transfer};
use crate::issuer_profiles as profiles;
use crate::support::seconds;

const CLAIM: &str = "https://app.example/methods";

/// Returns the date this many seconds ago.
fn date(seconds: i64) -> String {
    (NOW - time::Duration::seconds(seconds)).format(&Rfc3339).unwrap()
}

/// Returns the methods that an Action copies, all used this many seconds ago.
fn auth0(names: &[&str], seconds: i64) -> Value {
    let entry = |name: &&str| json!({"name": name, "timestamp": date(seconds)});
    json!({CLAIM: names.iter().map(entry).collect::<Vec<_>>()})
}

fn kratos(names: &[&str], seconds: i64) -> Value {
    let entry = |name: &&str| json!({"method": name, "completed_at": date(seconds)});
    json!({"authentication_methods": names.iter().map(entry).collect::<Vec<_>>(), "aal": "aal1"})
}

fn firebase(provider: &str, seconds: i64) -> Value {
    json!({"auth_time": ago(seconds), "firebase": {"sign_in_provider": provider}})
}

fn fresh(factor: Factor) -> Policy {
    Policy::from(factor).within(seconds(300))
}

#[rustfmt::skip] // one line for each row
fn rows() -> Vec<Row> {
    let methods = || profiles::auth0_with_methods(CLAIM);
    let pape_and_fresh = "acr_values=\"http://schemas.openid.net/pape/policies/2007/06/multi-factor\" max_age=\"240\"";
    let within = || Policy::session_within(seconds(300));
    let okta = profiles::okta_id;
    let okta_mapped = || profiles::okta_access().acr(OKTA_TWO, [[Factor::Password, Factor::Totp]]);
    let entra = || profiles::entra().acr_values(["c1"]);
    let one = || signed("urn:okta:loa:1fa:any", 100);
    let offered: &[Factor] = &[Factor::Totp];
    vec![
        row("Auth0, mfa", methods(), auth0(&["pwd"], 100), amr("mfa"), PAPE),
        row("Auth0, the level", methods(), auth0(&["pwd"], 100), acr("http://schemas.openid.net/pape/policies/2007/06/multi-factor"), PAPE),
        // The Action asks for MFA at each request for it.
        row("Auth0, old mfa", methods(), auth0(&["pwd", "mfa"], 1_000), amr("mfa").within(seconds(300)), pape_and_fresh),
        row("Auth0, fresh", methods(), auth0(&["pwd"], 1_000), signed_in(300), "max_age=\"240\""),
        row("Auth0, both", methods(), auth0(&["pwd"], 1_000), amr("mfa").and(signed_in(300)), pape_and_fresh),
        row("Auth0, a password", methods(), auth0(&["federated"], 100), Policy::from(Factor::Password), "not retryable"),
        row("Auth0, two factors", methods(), auth0(&["pwd", "mfa"], 100), Policy::mfa(), "not retryable"),
        row("Auth0, start", methods(), auth0(&["pwd"], 1_000), within(), "not retryable"),
        row("Auth0 access, mfa", profiles::auth0(), json!({}), amr("mfa"), "not retryable"),
        row("Auth0 access, fresh", profiles::auth0(), json!({"auth_time": ago(10)}), signed_in(300), "not retryable"),
        row("Auth0 ID, fresh", profiles::auth0_id(), json!({"auth_time": ago(1_000)}), signed_in(300), "max_age=\"240\""),
        row("Auth0 ID, old mfa", profiles::auth0_id(), json!({"auth_time": ago(1_000), "amr": ["mfa"]}), amr("mfa").within(seconds(300)), "not retryable"),
        row("Entra, with time", entra().states_auth_time(), json!({"acrs": ["c1"], "auth_time": ago(1_000)}), acr("c1").and(signed_in(300)), "acr_values=\"c1\" max_age=\"240\""),
        row("Entra, fresh", entra().states_auth_time(), json!({"auth_time": ago(1_000)}), signed_in(300), "max_age=\"240\""),
        row("Entra, mfa", entra(), json!({"acrs": ["c1"]}), Policy::mfa(), "not retryable"),
        row("Entra, mapped", entra().acr("c1", [[Factor::Password, Factor::Totp]]), json!({}), Policy::mfa(), "acr_values=\"c1\""),
        row("Entra, one of two", entra().acr_values(["c2"]), json!({}), acr("c2").or(acr("c1")), "acr_values=\"c1\""),
        row("Entra, two", entra().acr_values(["c2"]), json!({"acrs": ["c1"]}), acr("c1").and(acr("c2")), "not retryable"),
        row("Firebase, two factors", profiles::firebase(), firebase("password", 1_000), Policy::from(Factor::OAuthGoogle).and(Factor::Totp), "prompts google.com+totp"),
        row("Firebase, start", profiles::firebase(), firebase("google.com", 1_000), within().and(Policy::from(Factor::OAuthGoogle)), "prompts google.com"),
        row("Firebase, a password", profiles::firebase(), firebase("password", 100), Policy::from(Factor::Password), "not retryable"),
        row("Firebase, narrowed", profiles::firebase().narrow("password", [Factor::Password]), firebase("google.com", 100), Policy::from(Factor::Password), "prompts password"),
        Row { offered: Some(offered), ..row("Firebase, no first factor", profiles::firebase(), firebase("password", 1_000), transfer(), "prompts ") },
        row("Kratos, transfer", profiles::kratos(), kratos(&["password"], 1_000), transfer(), "prompts totp"),
        row("Kratos, mfa", profiles::kratos(), kratos(&["password"], 1_000), Policy::mfa(), "prompts totp or lookup_secret or webauthn or passkey"),
        row("Kratos, aal2", profiles::kratos(), kratos(&["password"], 1_000), acr("aal2"), "prompts totp or lookup_secret"),
        row("Kratos, fresh", profiles::kratos(), kratos(&["password"], 1_000), fresh(Factor::Password), "prompts password"),
        row("Kratos, a code", profiles::kratos(), kratos(&["password"], 1_000), Policy::from(Factor::OtpSms), "not retryable"),
        row("Kratos, a code by SMS", profiles::kratos().narrow("code", [Factor::OtpSms]), kratos(&["password"], 1_000), Policy::from(Factor::OtpSms), "prompts code"),
        row("Kratos, no start", profiles::kratos(), kratos(&["password"], 1_000), within(), "not retryable"),
        row("Okta, mfa", profiles::okta_access(), one(), Policy::mfa(), "not retryable"),
        row("Okta ID, mfa", okta(), one(), Policy::mfa(), "not retryable"),
        row("Okta, mapped", okta_mapped(), one(), Policy::mfa(), "acr_values=\"urn:okta:loa:2fa:any\""),
        row("Okta ID, amr", okta(), one(), amr("mfa"), "acr_values=\"urn:okta:loa:2fa:any\""),
        row("Okta, a password", profiles::okta_access(), one(), Policy::from(Factor::Password), "acr_values=\"urn:okta:loa:1fa:pwd\""),
        row("Okta, any level", profiles::okta_access(), signed("0", 100), acr("urn:okta:loa:1fa:any"), "acr_values=\"urn:okta:loa:1fa:any\""),
        row("Okta, if possible", profiles::okta_access(), one(), acr("urn:okta:loa:2fa:any:ifpossible"), "acr_values=\"urn:okta:loa:2fa:any:ifpossible\""),
        row("Okta, phr", profiles::okta_access(), one(), acr("phr"), "acr_values=\"phr\""),
        row("Okta, hardware", profiles::okta_access(), signed("phr", 100), acr("phrh"), "acr_values=\"phrh\""),
        row("Okta, a key", profiles::okta_access(), signed("phr", 100), Policy::from(Factor::WebAuthn), "not retryable"),
        row("Okta, old level", profiles::okta_access(), signed(OKTA_TWO, 100), acr(OKTA_TWO).within(seconds(60)), "not retryable"),
        row("Cognito ID", profiles::cognito_id(), signed("urn:cognito:loa:1", 100), Policy::mfa(), "acr_values=\"urn:cognito:loa:4\""),
        row("Cognito, a code or level", profiles::cognito(), signed("urn:cognito:loa:1", 100), acr("urn:cognito:loa:2"), "acr_values=\"urn:cognito:loa:2 urn:cognito:loa:3 urn:cognito:loa:4\""),
    ]
}

#[test]
fn a_challenge_of_a_preset_asks_for_what_its_issuer_can_give() {
    check(rows());
}

/// A new session of Kratos has a new start, if the operator's mapper copies it. Nobody can be asked for a
/// recovery of the account in the same session.
#[test]
fn kratos_is_asked_for_a_new_session_if_its_tokens_would_state_more() {
    let start = || Policy::session_within(seconds(300));
    let recovery = || fresh(Factor::MagicLinkEmail);
    for (issued_at, policy, want) in [
        (json!(date(1_000)), start(), true),
        (Value::Null, start(), false),
        (json!(date(1_000)), recovery(), true),
        (Value::Null, recovery(), true),
        (json!(date(1_000)), start().and(recovery()), true),
        (Value::Null, start().and(recovery()), false),
        (json!(date(1_000)), start().and(Factor::OtpSms), false),
    ] {
        let test = TestIssuer::standing_in_for(profiles::kratos()).unwrap();
        let mut claims = kratos(&["link_recovery"], 1_000);
        claims["issued_at"] = issued_at;
        let shortfall = policy.evaluate(&test.session_with(&claims), NOW).unwrap_err();
        let prompts = shortfall.prompts();
        let got = (prompts.needs_restart(), prompts.is_retryable());
        assert_eq!(got, (want, false), "{policy}");
    }
}
