//! Headers: the type, the algorithm and the key of a token.

use serde_json::{Value, json};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{NOW, TestIssuer};

use super::{ABSENT, ALL, PRESETS, presets};
use crate::support::{self, reason};

/// The presets that accept `at+jwt`, those that do not, and those that accept `JWT`.
const AT: &str = "access rfc9068 keycloak okta auth0 auth0_methods";
const NOT_AT: &str =
    "id supabase clerk okta_id auth0_id entra cognito cognito_id firebase firebase_tenant kratos";
const JWT: &str = "access id keycloak supabase clerk okta okta_id auth0 auth0_methods auth0_id entra cognito \
    cognito_id firebase firebase_tenant kratos";
/// The presets that accept ES256 beside RS256.
const ES256: [&str; 2] = ["supabase", "kratos"];

#[rustfmt::skip] // one line for each rule
fn headers() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (ALL, json!({"kid": ABSENT}), "token_no_key_id"),
        (ALL, json!({"kid": ""}), "token_no_key_id"),
        (ALL, json!({"kid": null}), "token_no_key_id"),
        (ALL, json!({"kid": 7}), "token_no_key_id"),
        (ALL, json!({"kid": "another"}), "token_unknown_key"),
        (ALL, json!({"alg": "HS256"}), "token_shared_secret"),
        (ALL, json!({"alg": "none"}), "token_algorithm_not_allowed"),
        (ALL, json!({"alg": "RS256"}), "token_algorithm_not_allowed"),
        (ALL, json!({"crit": ["exp"]}), "token_unsupported_header"),
        (ALL, json!({"typ": "logout+jwt"}), "token_wrong_type"),
        (ALL, json!({"typ": "secevent+jwt"}), "token_wrong_type"),
        (ALL, json!({"typ": "dpop+jwt"}), "token_wrong_type"),
        (ALL, json!({"typ": "text/JWT"}), "token_wrong_type"),
        (ALL, json!({"typ": "application/application/JWT"}), "token_wrong_type"),
        (ALL, json!({"typ": ""}), "token_wrong_type"),
        (ALL, json!({"typ": 7}), "token_wrong_type"),
        (ALL, json!({"typ": ["JWT"]}), "token_wrong_type"),
        (AT, json!({"typ": "AT+JWT"}), "ok"),
        (AT, json!({"typ": "application/at+jwt"}), "ok"),
        (AT, json!({"typ": "Application/At+Jwt"}), "ok"),
        (NOT_AT, json!({"typ": "at+jwt"}), "token_wrong_type"),
        (JWT, json!({"typ": "jwt"}), "ok"),
        (JWT, json!({"typ": "application/jwt"}), "ok"),
        ("rfc9068", json!({"typ": "JWT"}), "token_wrong_type"),
        ("access id keycloak okta okta_id cognito cognito_id", json!({"typ": ABSENT}), "ok"),
        ("rfc9068 supabase clerk auth0 auth0_methods auth0_id entra firebase firebase_tenant kratos", json!({"typ": ABSENT}), "token_wrong_type"),
        // A token of the emulator, which is not signed.
        ("firebase firebase_tenant", json!({"alg": "none", "kid": ABSENT, "typ": "JWT"}), "token_algorithm_not_allowed"),
    ]
}

#[test]
fn a_header_that_breaks_a_rule_is_refused_by_name() {
    for (names, changes, want) in headers() {
        for preset in presets(names) {
            let verified =
                preset.test.verifier().verify_at(&preset.token(&changes, &json!({})), NOW);
            assert_eq!(reason(&verified), want, "{changes}, {}", preset.name);
        }
    }
}

#[test]
fn each_preset_accepts_its_own_algorithms_only() {
    let keys = [support::issuer().clone(), TestIssuer::new().with_new_key(Algorithm::Es256)];
    for (preset, key) in PRESETS.iter().flat_map(|preset| keys.iter().map(move |key| (preset, key)))
    {
        let verifier = preset.issuer.clone().keys(key.clone()).verifier().unwrap();
        let has_es256 = key.kid() != support::issuer().kid();
        for alg in ["RS256", "ES256", "ES384", "EdDSA", "RS512", "PS256", "HS256", "none"] {
            let header = preset.header(&json!({"alg": alg, "kid": key.kid()}));
            let verified = verifier.verify_at(&key.sign(&header, "{}"), NOW);
            let accepts = alg == "RS256" || alg == "ES256" && ES256.contains(&preset.name);
            // The claims are checked after the algorithm and the signature.
            let want = match alg {
                "HS256" => "token_shared_secret",
                _ if !accepts => "token_algorithm_not_allowed",
                _ if has_es256 == (alg == "ES256") => "token_wrong_issuer",
                _ => "token_wrong_algorithm_for_key",
            };
            assert_eq!(reason(&verified), want, "{}: {alg}", preset.name);
        }
    }
}
