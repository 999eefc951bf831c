//! Genuine tokens of an attacker, with claims that look like what a preset reads.

use serde_json::{Value, json};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::NOW;
use tower_step_up::{Factor, Policy, Session, Verifier};

use super::{ABSENT, METHODS, Preset, SHOP, now, preset, presets};
use crate::support::seconds;

const PAPE: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

/// Policies that a token without any statement does not meet.
fn strong() -> Vec<Policy> {
    let fresh = |policy: Policy| policy.within(seconds(600));
    vec![
        Policy::mfa(),
        Policy::independent(1),
        Policy::phishing_resistant(),
        Policy::amr("mfa").or(Policy::amr("pwd")).or(Policy::amr("second_factor")),
        Policy::acr(PAPE).or(Policy::acr("c1")).or(Policy::acr("aal2")),
        Policy::acr("urn:okta:loa:1fa:any").or(Policy::acr("urn:cognito:loa:1")),
        fresh(Policy::session()),
        Policy::session_within(seconds(600)),
    ]
}

fn session(preset: &Preset, changes: &Value) -> Session {
    let verifier = preset.verifier(|issuer| match preset.name {
        "entra" => issuer.acr_values(["c1"]),
        _ => issuer,
    });
    verifier.verify_at(&preset.token(&json!({}), changes), NOW).unwrap()
}

/// Returns the strong policies that a token with these claims meets.
fn met(preset: &Preset, changes: &Value) -> Vec<String> {
    let session = session(preset, changes);
    let met = strong().into_iter().filter(|policy| policy.evaluate(&session, NOW).is_ok());
    met.map(|policy| policy.to_string()).collect()
}

/// An application, a user's profile or another identity provider may fill these claims.
#[test]
fn a_claim_that_only_looks_like_one_that_a_preset_reads_proves_nothing() {
    let entry = |name: &str| json!({name: "totp", "completed_at": now(0), "timestamp": now(0)});
    let (methods, names) = (json!([entry("method")]), json!([entry("name"), "mfa"]));
    let second = json!({"sign_in_provider": "phone", "sign_in_second_factor": "totp"});
    let firebase = json!({
        "sign_in_provider": "custom",
        "identities": {"phone": ["+1"], "sign_in_second_factor": ["totp"]},
        "sign_in_attributes": second,
        "sign_in_second_factors": "totp",
        "amr": ["pwd", "sms"],
    });
    let nested =
        json!({"amr": ["pwd", "sms", "mfa"], "acr": "c1", "acrs": ["c1"], "auth_time": now(0)});
    for (names, claims) in [
        ("okta", json!({"amr": ["pwd", "sms", "mfa"], "acrs": ["phr"], "idp": nested})),
        ("okta", json!({"acr": "PHR", "urn:okta:loa:2fa:any": true})),
        ("okta", json!({"acr": "urn:okta:loa:2fa:any urn:okta:loa:1fa:any"})),
        ("okta_id", json!({"act_amr": ["pwd"], "profile": nested, "acr": "urn:okta:loa:3fa:any"})),
        ("auth0", json!({"amr": ["pwd", "mfa"], "acr": PAPE, "auth_time": now(0), METHODS: names})),
        ("auth0_methods", json!({"amr": ["pwd", "mfa"], "acr": PAPE, "auth_time": now(0)})),
        ("auth0_methods", json!({"methods": names, "https://app.example/methods/": names})),
        (
            "auth0_methods",
            json!({"https://app.example": {"methods": names}, "HTTPS://app.example/methods": names}),
        ),
        ("auth0_methods", json!({"user_metadata": {METHODS: names}})),
        ("auth0_methods", json!({METHODS: ["MFA", " mfa", "mfa ", "PWD"]})),
        ("auth0_id", json!({METHODS: names, "https://app.example/amr": ["mfa"], "acr": "mfa"})),
        (
            "entra",
            json!({"amr": ["pwd", "mfa"], "acr": "c1", "extn.acrs": ["c1"], "xms_cc": ["c1"]}),
        ),
        ("entra", json!({"acrs": ["C1", "c1 ", "c10", "c", ""], "wids": ["c1"], "roles": ["c1"]})),
        (
            "cognito cognito_id",
            json!({"custom:amr": ["pwd", "otp"], "cognito:amr": ["pwd", "otp"]}),
        ),
        ("cognito cognito_id", json!({"acr": "urn:cognito:loa:5", "identities": [nested]})),
        (
            "cognito cognito_id",
            json!({"acr": "4", "custom:auth_time": now(0), "amr": ["OTP", "Pwd"]}),
        ),
        ("firebase", json!({"sign_in_provider": "phone", "sign_in_second_factor": "totp"})),
        ("firebase", json!({"firebase.sign_in_provider": "phone", "amr": ["pwd"], "acr": "aal2"})),
        ("firebase", json!({"firebase": firebase})),
        ("kratos", json!({"traits": {"authentication_methods": methods, "aal": "aal2"}})),
        ("kratos", json!({"session": {"authentication_methods": methods}, "amr": methods})),
        ("kratos", json!({"methods": methods, "auth_time": now(0), "authenticated_at": now(0)})),
        ("kratos", json!({"authentication_methods": ["TOTP", {"name": "totp"}], "acr": "aal2"})),
    ] {
        for preset in presets(names) {
            let met = met(preset, &claims);
            assert!(met.is_empty(), "{}: {claims}: {met:?}", preset.name);
        }
    }
}

#[test]
fn the_provider_of_a_firebase_sign_in_counts_by_its_whole_name() {
    use Factor::{OAuthGoogle, OtpSms, SsoOidc, SsoSaml, Totp};
    let firebase = preset("firebase");
    for (provider, second, want) in [
        ("phone", ABSENT, vec![OtpSms]),
        ("phone", "totp", vec![OtpSms, Totp]),
        ("phone", "phone", vec![OtpSms]),
        ("google.com", ABSENT, vec![OAuthGoogle]),
        ("saml.acme", ABSENT, vec![SsoSaml]),
        ("oidc.acme", "phone", vec![SsoOidc, OtpSms]),
        ("oidc.phone", ABSENT, vec![SsoOidc]),
        ("oidc.saml.acme", ABSENT, vec![SsoOidc]),
        ("saml", ABSENT, vec![]),
        ("SAML.acme", ABSENT, vec![]),
        ("not-saml.acme", ABSENT, vec![]),
        ("google.com.evil.example", ABSENT, vec![]),
        ("evil.google.com", ABSENT, vec![]),
        ("Phone", "Totp", vec![]),
        ("custom", ABSENT, vec![]),
        ("custom", "", vec![]),
        ("", "phone", vec![OtpSms]),
        (ABSENT, "totp", vec![Totp]),
    ] {
        let sign_in = firebase.sign_in(&json!({
            "sign_in_provider": provider, "sign_in_second_factor": second,
        }));
        let session = session(firebase, &json!({"firebase": sign_in, "auth_time": now(0)}));
        let mut factors: Vec<_> = session.factors().iter().map(|it| it.factor()).collect();
        let mut want: Vec<_> = want.iter().collect();
        factors.sort();
        want.sort();
        assert_eq!(factors, want, "{provider} {second}");
        let has_second = Policy::amr("second_factor").evaluate(&session, NOW).is_ok();
        assert_eq!(has_second, !["", ABSENT].contains(&second), "{provider} {second}");
    }
}

/// The level is the issuer's word. It adds no method that the token does not name.
#[test]
fn a_level_without_its_methods_is_only_a_level() {
    let password = json!([{"method": "password", "completed_at": now(-60)}]);
    for (name, claims, level) in [
        ("kratos", json!({"aal": "aal2", "authentication_methods": password}), "aal2"),
        ("okta", json!({"acr": "urn:okta:loa:2fa:any"}), "urn:okta:loa:2fa:any"),
        ("okta_id", json!({"acr": "urn:okta:loa:2fa:any", "amr": ["pwd"]}), "urn:okta:loa:2fa:any"),
        ("auth0_id", json!({"acr": PAPE}), PAPE),
        ("entra", json!({"acrs": ["c1"]}), "c1"),
    ] {
        let session = session(preset(name), &claims);
        assert!(Policy::acr(level).evaluate(&session, NOW).is_ok(), "{name}");
        for policy in [Policy::mfa(), Policy::acr(level).within(seconds(600))] {
            assert!(policy.evaluate(&session, NOW).is_err(), "{name}: {policy}");
        }
    }
}

/// A context of Entra counts only if the application declares it.
#[test]
fn a_context_that_is_not_declared_does_not_count() {
    let entra = preset("entra");
    let token = entra.token(&json!({}), &json!({"acrs": ["c1", "c2"]}));
    let undeclared = entra.verifier(|issuer| issuer);
    let declared = entra.verifier(|issuer| issuer.acr_values(["c1"]));
    let both = entra.verifier(|issuer| issuer.acr_values(["c3", "c1"]));
    for (verifier, value, want) in [
        (&undeclared, "c1", false),
        (&declared, "c1", true),
        (&declared, "c2", false),
        (&both, "c1", true),
        // The ladder is the application's word: c1 includes c3.
        (&both, "c3", true),
    ] {
        let session = verifier.verify_at(&token, NOW).unwrap();
        assert_eq!(Policy::acr(value).evaluate(&session, NOW).is_ok(), want, "{value}");
    }
}

/// The ids of users are unique only in a tenant, and both tenants have one `iss`.
#[test]
fn the_tenants_of_a_firebase_project_cannot_share_a_guard() {
    let [project, tenant] =
        ["firebase", "firebase_tenant"].map(|name| preset(name).test.verifier());
    assert!(Verifier::any_of([project, tenant.clone()]).is_err());
    assert!(Verifier::any_of([tenant.clone(), tenant]).is_err());
}

/// Google's keys are the same for all projects, and one issuer's keys may be for several tenants.
#[test]
fn a_genuine_key_does_not_make_up_for_a_wrong_project_or_tenant() {
    let tenant = preset("firebase_tenant");
    for other in presets("firebase firebase_tenant") {
        let verifier = other.issuer.clone().keys(tenant.test.clone());
        let verifier = verifier.algorithms([Algorithm::EdDsa]).verifier().unwrap();
        let verified = verifier.verify_at(&tenant.token(&json!({}), &json!({})), NOW);
        assert_eq!(verified.is_ok(), other.name == tenant.name, "{}", other.name);
        for claims in [
            json!({"iss": "https://securetoken.google.com/project/"}),
            json!({"iss": "https://securetoken.google.com/projec"}),
            json!({"aud": ["project "]}),
            json!({"aud": "Project"}),
            json!({"firebase": {"tenant": [SHOP]}}),
            json!({"firebase": [{"tenant": SHOP}]}),
        ] {
            let token = tenant.token(&json!({}), &claims);
            assert!(verifier.verify_at(&token, NOW).is_err(), "{}: {claims}", other.name);
        }
    }
}
