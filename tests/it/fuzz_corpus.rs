//! Runs the checks of the fuzz targets over their corpus and over inputs that are close to it.

use std::fs;
use std::path::Path;

#[path = "../fuzz/checks.rs"]
mod checks;

/// Checks each input of the corpus and its variants. At up to a hundred positions, a variant omits,
/// doubles or changes a byte, or ends there.
fn run(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut inputs = 0;
    for file in fs::read_dir(corpus).unwrap() {
        let input = fs::read(file.unwrap().path()).unwrap();
        inputs += 1;
        check(&input);
        let step = 1 + input.len() / 100;
        for at in (0..input.len()).step_by(step) {
            let (before, after) = input.split_at(at);
            let (byte, rest) = after.split_first().unwrap();
            check(&[before, rest].concat());
            check(&[before, &[*byte], after].concat());
            check(&[before, &[byte ^ 1], rest].concat());
            check(before);
        }
    }
    assert!(inputs > 3, "{inputs}");
}

#[test]
fn the_checks_hold_for_tokens() {
    run("token", checks::token);
}

#[test]
fn the_checks_hold_for_signed_claims() {
    run("claims", checks::claims);
}

/// To some presets, such as those of OpenID Connect and of Kratos, the tokens of others are theirs
/// with further claims. The table has the policies that hold for some preset.
#[test]
fn the_corpus_has_payloads_that_each_preset_accepts_and_policies_that_hold() {
    for (name, accepting, holding) in [
        ("access", 4, &["oidc: mfa acr:gold"] as &[&str]),
        ("auth0_id", 4, &["oidc id: amr:mfa", "okta id: amr:mfa", "auth0 id: amr:mfa"]),
        (
            "auth0_id_level",
            4,
            &["auth0 id: acr:http://schemas.openid.net/pape/policies/2007/06/multi-factor amr:mfa"],
        ),
        (
            "auth0_methods",
            5,
            &[
                "auth0 methods: mfa phishing_resistant acr:http://schemas.openid.net/pape/policies/2007/06/multi-factor amr:mfa",
            ],
        ),
        ("clerk", 6, &["clerk: mfa amr:second_factor"]),
        (
            "cognito",
            8,
            &["cognito: mfa acr:urn:cognito:loa:1 acr:urn:cognito:loa:3 acr:urn:cognito:loa:4"],
        ),
        ("cognito_id", 5, &["okta id: mfa", "cognito id: mfa acr:urn:cognito:loa:1"]),
        ("cognito_level_2", 8, &["cognito: acr:urn:cognito:loa:1"]),
        ("cognito_level_3", 8, &["cognito: acr:urn:cognito:loa:1 acr:urn:cognito:loa:3"]),
        (
            "cognito_methods",
            8,
            &[
                "oidc: amr:mfa",
                "oidc id: amr:mfa",
                "okta id: mfa amr:mfa",
                "auth0 id: amr:mfa",
                "cognito: mfa phishing_resistant acr:urn:cognito:loa:1 acr:urn:cognito:loa:3 amr:mfa",
            ],
        ),
        ("delegated", 8, &[]),
        ("entra", 6, &["entra: acr:c1"]),
        ("firebase", 8, &["firebase: mfa amr:second_factor"]),
        ("firebase_anonymous", 8, &[]),
        ("firebase_link", 8, &[]),
        ("firebase_saml", 8, &["firebase: mfa amr:second_factor"]),
        ("firebase_swapped", 8, &["firebase: amr:second_factor"]),
        ("firebase_tenant", 7, &[]),
        ("id_token", 4, &["oidc id: mfa amr:mfa", "okta id: mfa amr:mfa", "auth0 id: amr:mfa"]),
        ("keycloak", 6, &["oidc: mfa acr:gold", "keycloak: mfa acr:gold"]),
        ("kratos", 8, &["kratos: mfa acr:aal1 acr:aal2"]),
        ("kratos_code", 8, &["kratos: acr:aal1 acr:aal2"]),
        ("logout", 0, &[]),
        ("null_marks", 8, &["oidc: mfa", "oidc id: mfa", "okta id: mfa"]),
        (
            "okta",
            7,
            &["oidc: mfa", "okta: acr:urn:okta:loa:1fa:any acr:urn:okta:loa:2fa:any amr:mfa"],
        ),
        (
            "okta_id",
            4,
            &[
                "oidc id: amr:mfa",
                "okta id: mfa phishing_resistant acr:urn:okta:loa:1fa:any acr:phr acr:phrh amr:mfa",
                "auth0 id: amr:mfa",
            ],
        ),
        ("okta_id_ambiguous", 4, &["okta id: mfa acr:urn:okta:loa:1fa:any"]),
        (
            "okta_id_resistant",
            4,
            &["okta id: mfa phishing_resistant acr:urn:okta:loa:1fa:any acr:phr"],
        ),
        ("okta_resistant", 7, &["okta: phishing_resistant acr:urn:okta:loa:1fa:any acr:phr"]),
        ("supabase", 5, &["supabase: mfa acr:aal1 acr:aal2", "kratos: acr:aal1 acr:aal2"]),
    ] {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/claims");
        let payload = fs::read_to_string(corpus.join(format!("issuer_{name}"))).unwrap();
        let presets = checks::accepting_presets(&payload);
        let holds = presets.iter().filter(|preset| !preset.ends_with(':'));
        let holds: Vec<_> = holds.map(String::as_str).collect();
        assert_eq!((presets.len(), &*holds), (accepting, holding), "{name}");
    }
}

#[test]
fn the_checks_hold_for_key_sets() {
    run("jwks", checks::jwks);
}

#[test]
fn the_checks_hold_for_headers() {
    run("headers", checks::headers);
}

#[test]
fn the_checks_hold_for_logouts() {
    run("logout", checks::logout);
}

#[test]
fn the_checks_hold_for_documents() {
    run("document", checks::document);
}
