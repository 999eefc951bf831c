//! Tokens in which another party acts as the user, or in which no user signed in.

use serde_json::{Value, json};
use tower_step_up::issuers::Issuer;
use tower_step_up::testing::NOW;
use tower_step_up::{Factor, Policy};

use super::{ALL, METHODS, now, presets};
use crate::support::{reason, seconds};

/// The presets whose tokens name two independent factors by default.
const NAME_METHODS: &str = "access rfc9068 id supabase okta_id auth0_methods cognito cognito_id firebase \
    firebase_tenant kratos";

#[test]
fn another_party_that_acts_as_the_user_proves_an_impersonation_and_nothing_else() {
    let strong = [Policy::mfa(), Policy::amr("pwd"), Policy::factor(Factor::Password)];
    for preset in presets(ALL) {
        let mut proofs = preset.proofs(now(0));
        proofs["act"] = json!({"sub": "support"});
        let token = preset.token(&json!({}), &proofs);
        let session = preset.test.verifier().verify_at(&token, NOW).unwrap();
        let kinds: Vec<_> = session.factors().iter().map(|proof| proof.factor()).collect();
        assert_eq!(kinds, [&Factor::Impersonated], "{}", preset.name);
        let fresh = Policy::session().within(seconds(600));
        for policy in strong.iter().chain([&fresh]) {
            assert!(policy.evaluate(&session, NOW).is_err(), "{}: {policy}", preset.name);
        }
        assert!(Policy::session().evaluate(&session, NOW).is_ok());

        let refusing = preset.verifier(Issuer::refuse_impersonation);
        assert_eq!(reason(&refusing.verify_at(&token, NOW)), "token_impersonated");
        let refusing = preset.test.verifier().refuse_impersonation();
        assert_eq!(reason(&refusing.verify_at(&token, NOW)), "token_impersonated");

        let keeping = preset.verifier(Issuer::insecure_keep_delegated);
        let session = keeping.verify_at(&token, NOW).unwrap();
        assert!(!session.factors().iter().any(|proof| *proof.factor() == Factor::Impersonated));
        let names_methods = NAME_METHODS.split(' ').any(|name| name == preset.name);
        assert_eq!(Policy::mfa().evaluate(&session, NOW).is_ok(), names_methods);

        proofs["act"] = Value::Null;
        let session = preset.test.verifier().verify_at(&preset.token(&json!({}), &proofs), NOW);
        assert_eq!(Policy::mfa().evaluate(&session.unwrap(), NOW).is_ok(), names_methods);
    }
}

#[test]
fn an_anonymous_user_is_no_one_even_if_another_party_acts_as_them() {
    for preset in presets("supabase firebase firebase_tenant") {
        let sign_in = preset.sign_in(&json!({"sign_in_provider": "anonymous"}));
        for act in [Value::Null, json!({"sub": "support"})] {
            let mut claims = json!({"is_anonymous": true, "act": act, "auth_time": now(0)});
            if preset.name != "supabase" {
                claims["firebase"] = sign_in.clone();
            }
            let token = preset.token(&json!({}), &claims);
            let session = preset.test.verifier().verify_at(&token, NOW).unwrap();
            assert!(Policy::session().evaluate(&session, NOW).is_err(), "{}", preset.name);
            assert!(session.factors().is_empty(), "{}", preset.name);
        }
    }
}

#[test]
fn a_claim_that_cannot_be_read_is_refused_even_if_another_party_acts_as_the_user() {
    for (names, claim) in [
        ("access rfc9068 id keycloak supabase okta_id auth0_id cognito cognito_id", "amr"),
        ("clerk", "fva"),
        ("okta", "acr"),
        ("auth0_methods", METHODS),
        ("entra", "acrs"),
        ("firebase firebase_tenant", "firebase"),
        ("kratos", "authentication_methods"),
    ] {
        for preset in presets(names) {
            let token = preset.token(&json!({}), &json!({claim: 7, "act": {"sub": "support"}}));
            let verified = preset.test.verifier().verify_at(&token, NOW);
            assert_eq!(reason(&verified), "token_unreadable_claim", "{}", preset.name);
        }
    }
}
