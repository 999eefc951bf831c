//! Settings of an application that accept more, or less, than a preset does.

use std::time::Duration;

use serde_json::json;
use tower_step_up::issuers::Issuer;
use tower_step_up::testing::NOW;

use super::{ABSENT, API, CLIENT, now, preset, presets};
use crate::support::reason;

#[test]
fn settings_accept_what_they_name_and_no_more() {
    let clerk = preset("clerk");
    let native = clerk.verifier(Issuer::native_clients);
    for (changes, want) in [
        (json!({"azp": ABSENT}), "ok"),
        (json!({"azp": null}), "ok"),
        (json!({}), "ok"),
        (json!({"azp": "https://evil.example"}), "token_wrong_client"),
        (json!({"azp": ""}), "token_wrong_client"),
        (json!({"azp": ABSENT, "sid": ABSENT}), "token_missing_claim"),
    ] {
        let token = clerk.token(&json!({}), &changes);
        assert_eq!(reason(&native.verify_at(&token, NOW)), want, "{changes}");
    }

    let keycloak = preset("keycloak");
    let old = keycloak.verifier(|issuer| issuer.insecure_allow_claim("nonce"));
    for (changes, want) in [
        (json!({"nonce": "n"}), "ok"),
        (json!({"at_hash": "h"}), "token_another_kind"),
        (json!({"nonce": "n", "typ": "ID"}), "token_unexpected_value"),
    ] {
        let token = keycloak.token(&json!({}), &changes);
        assert_eq!(reason(&old.verify_at(&token, NOW)), want, "{changes}");
    }

    let access = preset("access");
    let clients = access.verifier(|issuer| issuer.clients(["web", "app"]));
    let long = access.verifier(|issuer| issuer.longest_life(Duration::from_secs(100)));
    for (verifier, changes, want) in [
        (&clients, json!({"client_id": "web"}), "ok"),
        (&clients, json!({"azp": "app"}), "ok"),
        (&clients, json!({"cid": "app"}), "ok"),
        (&clients, json!({"client_id": "batch"}), "token_wrong_client"),
        (&clients, json!({"client_id": "batch", "azp": "web"}), "token_wrong_client"),
        (&clients, json!({}), "token_wrong_client"),
        (&long, json!({"exp": now(100)}), "ok"),
        (&long, json!({"exp": now(101)}), "token_lives_too_long"),
    ] {
        let token = access.token(&json!({}), &changes);
        assert_eq!(reason(&verifier.verify_at(&token, NOW)), want, "{changes}");
    }
}

/// Other clients of one tenant, pool or authorization server get tokens for the same API.
#[test]
fn the_tokens_of_other_clients_are_kept_out_by_a_list_of_clients() {
    for (names, claim) in [
        ("okta", "cid"),
        ("auth0 auth0_methods", "azp"),
        ("auth0 auth0_methods", "client_id"),
        ("entra", "azp"),
        ("kratos", "azp"),
    ] {
        for preset in presets(names) {
            let verifier = preset.verifier(|issuer| issuer.clients(["web", "app"]));
            for (client, want) in [
                (json!("web"), "ok"),
                (json!("other"), "token_wrong_client"),
                (json!("Web"), "token_wrong_client"),
                (json!(["web"]), "token_unreadable_claim"),
            ] {
                let token = preset.token(&json!({}), &json!({claim: client}));
                let verified = verifier.verify_at(&token, NOW);
                assert_eq!(reason(&verified), want, "{}: {claim} {client}", preset.name);
            }
        }
    }
    // Kratos' tokens name no client unless the mapper writes one, and Okta's always do.
    for (name, want) in [("kratos", "token_wrong_client"), ("okta", "token_missing_claim")] {
        let verifier = preset(name).verifier(|issuer| issuer.clients(["web"]));
        let token = preset(name).token(&json!({}), &json!({"cid": ABSENT}));
        assert_eq!(reason(&verifier.verify_at(&token, NOW)), want, "{name}");
    }
}

#[test]
fn an_audience_can_be_demanded_where_a_preset_demands_none() {
    for preset in presets("clerk cognito kratos") {
        let verifier = preset.verifier(|issuer| issuer.audience(API));
        for (audience, want) in [
            (json!(API), "ok"),
            (json!(["https://other.example", API]), "ok"),
            (json!("https://other.example"), "token_wrong_audience"),
            (json!(CLIENT), "token_wrong_audience"),
            (json!(ABSENT), "token_wrong_audience"),
        ] {
            let token = preset.token(&json!({}), &json!({"aud": audience}));
            let verified = verifier.verify_at(&token, NOW);
            assert_eq!(reason(&verified), want, "{}: {audience}", preset.name);
        }
    }
}

/// Supabase marks the tokens of its OAuth server with `scope` and `client_id`.
#[test]
fn a_claim_that_a_preset_refuses_can_be_accepted_by_name() {
    let supabase = preset("supabase");
    let verifier = supabase.verifier(|issuer| issuer.insecure_allow_claim("scope"));
    for (changes, want) in [
        (json!({"scope": "orders:read"}), "ok"),
        (json!({"client_id": "web"}), "token_another_kind"),
        (json!({"scope": "orders:read", "aud": "other"}), "token_wrong_audience"),
        (json!({"scope": "a", "exp": now(3_601)}), "token_lives_too_long"),
    ] {
        let token = supabase.token(&json!({}), &changes);
        assert_eq!(reason(&verifier.verify_at(&token, NOW)), want, "{changes}");
    }
}
