//! The rules for the claims of every issuer's tokens.

use serde_json::{Value, json};
use tower_step_up::testing::NOW;

use super::{ABSENT, ALL, API, APP, CLIENT, now, presets};
use crate::support::reason;

/// The presets that refuse the marks of ID tokens, those that refuse the marks of access tokens, and
/// those that check an audience.
const ACCESS: &str =
    "access rfc9068 keycloak supabase okta auth0 auth0_methods entra cognito kratos";
const REFUSE_SCOPE: &str = "id supabase okta_id auth0_id";
const REFUSE_SCP: &str = "id okta_id";
const BY_AUDIENCE: &str = "access rfc9068 id keycloak supabase okta okta_id auth0 auth0_methods auth0_id entra \
    cognito_id firebase firebase_tenant";
const OF_API: &str = "access rfc9068 keycloak okta auth0 auth0_methods entra";
/// The presets of tokens for a client, which `azp` may name too.
const ID: &str = "id okta_id auth0_id cognito_id";
/// The presets that know a machine by each claim, because no other rule is about the claim.
const BY_CLIENT_ID: &str = "access rfc9068 id keycloak clerk okta okta_id auth0 auth0_methods auth0_id entra \
    cognito_id firebase firebase_tenant";
const BY_AZP: &str = "access rfc9068 keycloak supabase okta auth0 auth0_methods entra firebase firebase_tenant \
    kratos";
const BY_CID: &str = "access rfc9068 id keycloak supabase clerk okta auth0 auth0_methods auth0_id entra \
    cognito_id firebase firebase_tenant kratos";
/// The presets that do not refuse every `gty`.
const BY_GTY: &str = "access rfc9068 id keycloak supabase clerk okta okta_id auth0 auth0_methods entra cognito \
    cognito_id firebase firebase_tenant kratos";
/// The presets whose tokens live for a day or an hour at most.
const DAY: &str = "access rfc9068 id keycloak okta okta_id auth0 auth0_methods cognito cognito_id";
const HOUR: &str = "supabase firebase firebase_tenant kratos";

#[rustfmt::skip] // one line for each rule
fn claims() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("a genuine token", ALL, json!({}), "ok"),
        ("a logout token", ALL, json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}), "token_another_kind"),
        ("a security event token", ALL, json!({"events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}}}), "token_another_kind"),
        ("null events, which count as absent", ALL, json!({"events": null}), "ok"),
        ("a token bound by DPoP", ALL, json!({"cnf": {"jkt": "x"}}), "token_sender_constrained"),
        ("a token bound to a certificate", ALL, json!({"cnf": {"x5t#S256": "x"}}), "token_sender_constrained"),
        ("a null cnf", ALL, json!({"cnf": null}), "token_sender_constrained"),
        ("an ID token with a nonce", ACCESS, json!({"nonce": "n"}), "token_another_kind"),
        ("a null nonce, which counts as absent", ACCESS, json!({"nonce": null}), "ok"),
        ("an ID token with at_hash", ACCESS, json!({"at_hash": "h"}), "token_another_kind"),
        ("an ID token with c_hash", ACCESS, json!({"c_hash": "h"}), "token_another_kind"),
        ("an ID token where one is expected", ID, json!({"nonce": "n", "at_hash": "h", "c_hash": "h"}), "ok"),
        ("an access token with scope", REFUSE_SCOPE, json!({"scope": "read"}), "token_another_kind"),
        ("an access token with scp", REFUSE_SCP, json!({"scp": ["read"]}), "token_another_kind"),
        ("a null scope, which counts as absent", REFUSE_SCOPE, json!({"scope": null}), "ok"),
        ("another audience", BY_AUDIENCE, json!({"aud": "https://other.example"}), "token_wrong_audience"),
        ("other audiences", BY_AUDIENCE, json!({"aud": ["https://other.example", ""]}), "token_wrong_audience"),
        ("no audience", BY_AUDIENCE, json!({"aud": ABSENT}), "token_wrong_audience"),
        ("a null audience", BY_AUDIENCE, json!({"aud": null}), "token_wrong_audience"),
        ("no audiences", BY_AUDIENCE, json!({"aud": []}), "token_wrong_audience"),
        ("a part of the audience", OF_API, json!({"aud": "https://api"}), "token_wrong_audience"),
        ("the audience in another case", OF_API, json!({"aud": "https://API.example"}), "token_wrong_audience"),
        ("the audience with a slash", OF_API, json!({"aud": "https://api.example/"}), "token_wrong_audience"),
        ("an object as audience", BY_AUDIENCE, json!({"aud": {API: API}}), "token_wrong_audience"),
        ("an audience where none is demanded", "clerk cognito kratos", json!({"aud": "https://other.example"}), "ok"),
        ("the audience as a text", OF_API, json!({"aud": API}), "ok"),
        ("several audiences with ours", OF_API, json!({"aud": ["https://other.example", API]}), "ok"),
        ("several audiences and our azp", ID, json!({"aud": [CLIENT, "other"], "azp": CLIENT}), "ok"),
        ("several audiences and no azp", ID, json!({"aud": [CLIENT, "other"]}), "token_wrong_client"),
        ("our audience twice and no azp", ID, json!({"aud": [CLIENT, CLIENT]}), "token_wrong_client"),
        ("several audiences and another azp", ID, json!({"aud": [CLIENT, "other"], "azp": "other"}), "token_wrong_client"),
        ("one audience and another azp", ID, json!({"azp": "other"}), "token_wrong_client"),
        ("one audience and our azp", ID, json!({"azp": CLIENT}), "ok"),
        ("an azp that is a list", ALL, json!({"azp": [CLIENT]}), "token_unreadable_claim"),
        ("a machine, by client_id", BY_CLIENT_ID, json!({"sub": "web", "client_id": "web"}), "token_machine"),
        ("a machine, by azp", BY_AZP, json!({"sub": "web", "azp": "web"}), "token_machine"),
        ("a machine, by azp", "clerk", json!({"sub": APP}), "token_machine"),
        ("a machine, by azp", ID, json!({"sub": CLIENT, "azp": CLIENT}), "token_machine"),
        ("a machine, by cid", BY_CID, json!({"sub": "web", "cid": "web"}), "token_machine"),
        ("a machine of Auth0", BY_AZP, json!({"sub": "web@clients", "azp": "web"}), "token_machine"),
        ("a machine of Auth0", BY_CLIENT_ID, json!({"sub": "web@clients", "client_id": "web"}), "token_machine"),
        ("a machine, by gty", BY_GTY, json!({"gty": "client-credentials"}), "token_machine"),
        ("a machine, by one gty of several", BY_GTY, json!({"gty": ["refresh_token", "client-credentials"]}), "token_machine"),
        ("a machine, by idtyp", ALL, json!({"idtyp": "app"}), "token_machine"),
        ("an agent of Auth0", "auth0 auth0_methods", json!({"sub": "agt_1"}), "token_machine"),
        ("an agent of Auth0, by sub_profile", "auth0 auth0_methods", json!({"sub_profile": "ai_agent"}), "token_unexpected_value"),
        ("a user of Auth0, by sub_profile", "auth0 auth0_methods", json!({"sub_profile": "user"}), "ok"),
        ("a user, by idtyp and gty", BY_GTY, json!({"idtyp": "user", "gty": "password"}), "ok"),
        ("a client that is not the user", OF_API, json!({"client_id": "web", "azp": "web"}), "ok"),
        ("a user who is called like a machine", OF_API, json!({"sub": "joe@clients", "azp": "web"}), "ok"),
        ("a long life", DAY, json!({"exp": now(86_401)}), "token_lives_too_long"),
        ("the longest life", DAY, json!({"exp": now(86_400)}), "ok"),
        ("a long life", HOUR, json!({"exp": now(3_601)}), "token_lives_too_long"),
        ("the longest life", HOUR, json!({"exp": now(3_600)}), "ok"),
        ("a long life", "clerk", json!({"exp": now(601)}), "token_lives_too_long"),
        ("the longest life", "clerk", json!({"exp": now(600)}), "ok"),
        ("a long life", "auth0_id", json!({"exp": now(36_001)}), "token_lives_too_long"),
        ("the longest life", "auth0_id", json!({"exp": now(36_000)}), "ok"),
        ("a long life", "entra", json!({"exp": now(100_801)}), "token_lives_too_long"),
        ("the longest life", "entra", json!({"exp": now(100_800)}), "ok"),
        ("an endless life", ALL, json!({"exp": 253_402_300_799_i64}), "token_lives_too_long"),
        ("an issue time in the future", ALL, json!({"iat": now(6)}), "token_not_yet_valid"),
        ("an nbf in the future", ALL, json!({"nbf": now(6)}), "token_not_yet_valid"),
        ("an nbf within the leeway", ALL, json!({"nbf": now(5)}), "ok"),
        ("an expired token", ALL, json!({"iat": now(-300), "exp": now(-5)}), "token_expired"),
        ("an expired token of another kind", ALL, json!({"iat": now(-300), "exp": now(-5), "events": {}}), "token_another_kind"),
        ("no iat", ALL, json!({"iat": ABSENT}), "token_unreadable_time"),
        ("no exp", ALL, json!({"exp": ABSENT}), "token_unreadable_time"),
        ("no iss", ALL, json!({"iss": ABSENT}), "token_wrong_issuer"),
        ("another iss", ALL, json!({"iss": "https://evil.example"}), "token_wrong_issuer"),
        ("no sub", ALL, json!({"sub": ABSENT}), "token_no_subject"),
        ("an empty sub", ALL, json!({"sub": ""}), "token_no_subject"),
    ]
}

#[test]
fn a_token_that_breaks_a_rule_is_refused_by_name() {
    for (what, names, changes, want) in claims() {
        for preset in presets(names) {
            let verified =
                preset.test.verifier().verify_at(&preset.token(&json!({}), &changes), NOW);
            assert_eq!(reason(&verified), want, "{what}, {}: {verified:?}", preset.name);
        }
    }
}
