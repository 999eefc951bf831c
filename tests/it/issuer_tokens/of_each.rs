//! Tokens that only one issuer has, or that only one preset has to tell apart.

use serde_json::{Value, json};
use tower_step_up::testing::NOW;

use super::{ABSENT, API, CLIENT, SHOP, now, presets};
use crate::issuer_profiles::TENANT;
use crate::support::reason;

const OTHER_TENANT: &str = "11111111-2222-3333-4444-555555555555";

#[rustfmt::skip] // one line for each token
fn supabase_clerk_and_keycloak() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("Supabase's anon key", "supabase", json!({"iss": "supabase", "ref": "ref", "role": "anon", "aud": ABSENT, "sub": ABSENT, "session_id": ABSENT, "exp": now(315_360_000)}), "token_wrong_issuer"),
        ("an anon key of the same issuer", "supabase", json!({"role": "anon", "sub": ABSENT, "exp": now(315_360_000)}), "token_unexpected_value"),
        ("a service_role key", "supabase", json!({"role": "service_role", "sub": ABSENT, "exp": now(315_360_000)}), "token_unexpected_value"),
        ("a service_role key of a user", "supabase", json!({"role": "service_role"}), "token_unexpected_value"),
        ("an OAuth client's token", "supabase", json!({"client_id": "app"}), "token_another_kind"),
        ("no role", "supabase", json!({"role": ABSENT}), "token_unexpected_value"),
        ("a pending session", "clerk", json!({"sts": "pending"}), "token_unexpected_value"),
        ("a session without sts", "clerk", json!({"sts": ABSENT}), "ok"),
        ("a token without a session", "clerk", json!({"sid": ABSENT}), "token_missing_claim"),
        ("a token with a null session", "clerk", json!({"sid": null}), "token_missing_claim"),
        ("no authorized party", "clerk", json!({"azp": ABSENT}), "token_wrong_client"),
        ("another authorized party", "clerk", json!({"azp": "https://evil.example"}), "token_wrong_client"),
        ("Keycloak's ID token", "keycloak", json!({"typ": "ID"}), "token_unexpected_value"),
        ("Keycloak's refresh token", "keycloak", json!({"typ": "Refresh"}), "token_unexpected_value"),
        ("Keycloak's offline token", "keycloak", json!({"typ": "Offline"}), "token_unexpected_value"),
        ("Keycloak's logout token", "keycloak", json!({"typ": "Logout"}), "token_unexpected_value"),
        ("no payload typ", "keycloak", json!({"typ": ABSENT}), "token_unexpected_value"),
        ("a service account", "keycloak", json!({"preferred_username": "service-account-batch"}), "token_machine"),
        ("a user", "keycloak", json!({"preferred_username": "ada", "aud": [API, "account"]}), "ok"),
        ("a token for the account console", "keycloak", json!({"aud": "account"}), "token_wrong_audience"),
    ]
}

#[rustfmt::skip] // one line for each token
fn okta_and_auth0() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let auth0 = "auth0 auth0_methods";
    vec![
        ("a token without a client", "okta", json!({"cid": ABSENT}), "token_missing_claim"),
        ("a token with a null client", "okta", json!({"cid": null}), "token_missing_claim"),
        ("a token without a user", "okta", json!({"uid": ABSENT}), "token_missing_claim"),
        ("a client's own token", "okta", json!({"sub": "0oa1", "cid": "0oa1"}), "token_machine"),
        ("a token of the org authorization server", "okta", json!({"iss": "https://o.okta.com", "aud": "https://o.okta.com"}), "token_wrong_issuer"),
        ("a token of another authorization server", "okta", json!({"iss": "https://o.okta.com/oauth2/aus1"}), "token_wrong_issuer"),
        ("an ID token", "okta", json!({"aud": CLIENT, "cid": ABSENT, "nonce": "n"}), "token_wrong_audience"),
        ("an ID token for a client that is called like the API", "okta", json!({"cid": ABSENT, "amr": ["pwd"], "idp": "00o1"}), "token_missing_claim"),
        ("an access token", "okta_id", json!({"cid": "0oa1", "scp": ["openid"]}), "token_another_kind"),
        ("an access token without scopes", "okta_id", json!({"cid": "0oa1"}), "token_another_kind"),
        ("an access token for another API", "okta_id", json!({"aud": API, "cid": "0oa1"}), "token_wrong_audience"),
        ("a null cid, which counts as absent", "okta_id", json!({"cid": null}), "ok"),
        ("an ID token with its session", "okta_id", json!({"sid": "102abc", "at_hash": "h", "idp": "00o1", "ver": 1}), "ok"),
        ("a machine", auth0, json!({"sub": "m2m@clients", "azp": "m2m", "gty": "client-credentials", "scope": "read"}), "token_machine"),
        ("a machine without gty", auth0, json!({"sub": "m2m@clients", "azp": "m2m"}), "token_machine"),
        ("a machine's token as in RFC 9068", auth0, json!({"sub": "m2m@clients", "client_id": "m2m"}), "token_machine"),
        ("a machine with gty only", auth0, json!({"gty": "client-credentials"}), "token_machine"),
        ("a refreshed token", auth0, json!({"azp": "web", "gty": ["refresh_token"]}), "ok"),
        ("a user who typed the password into the client", auth0, json!({"gty": "http://auth0.com/oauth/grant-type/password-realm"}), "ok"),
        ("a token for userinfo too", auth0, json!({"aud": [API, "https://t.eu.auth0.com/userinfo"], "azp": "web"}), "ok"),
        ("a token for userinfo alone", auth0, json!({"aud": ["https://t.eu.auth0.com/userinfo"]}), "token_wrong_audience"),
        ("a token of the management API", auth0, json!({"aud": "https://t.eu.auth0.com/api/v2/"}), "token_wrong_audience"),
        ("an ID token", auth0, json!({"aud": CLIENT, "nonce": "n"}), "token_wrong_audience"),
        ("an issuer without its slash", auth0, json!({"iss": "https://t.eu.auth0.com"}), "token_wrong_issuer"),
        ("an issuer with two slashes", auth0, json!({"iss": "https://t.eu.auth0.com//"}), "token_wrong_issuer"),
        ("a machine", "auth0_id", json!({"gty": "client-credentials"}), "token_another_kind"),
        ("an access token with gty", "auth0_id", json!({"gty": "password"}), "token_another_kind"),
        ("an access token", "auth0_id", json!({"aud": [API], "scope": "read"}), "token_wrong_audience"),
        ("a null gty, which counts as absent", "auth0_id", json!({"gty": null}), "ok"),
    ]
}

#[rustfmt::skip] // one line for each token
fn entra_and_cognito() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let other = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0");
    let v1 = format!("https://sts.windows.net/{TENANT}/");
    vec![
        ("a token of version 1.0", "entra", json!({"iss": v1, "ver": "1.0", "appid": "web"}), "token_wrong_issuer"),
        ("a token that says version 1.0", "entra", json!({"ver": "1.0"}), "token_unexpected_value"),
        ("no version", "entra", json!({"ver": ABSENT}), "token_unexpected_value"),
        ("another tenant", "entra", json!({"iss": other, "tid": OTHER_TENANT}), "token_wrong_issuer"),
        ("another tenant's id", "entra", json!({"tid": OTHER_TENANT}), "token_unexpected_value"),
        ("a tenant's id in upper case", "entra", json!({"tid": TENANT.to_uppercase()}), "token_unexpected_value"),
        ("no tenant, which `iss` names too", "entra", json!({"tid": ABSENT}), "ok"),
        ("an application", "entra", json!({"scp": ABSENT, "roles": ["Read.All"], "azp": "app"}), "token_missing_claim"),
        ("an application with a null scp", "entra", json!({"scp": null, "roles": ["Read.All"]}), "token_missing_claim"),
        ("an application, by idtyp", "entra", json!({"idtyp": "app"}), "token_machine"),
        ("a user, by idtyp", "entra", json!({"idtyp": "user", "azp": "web"}), "ok"),
        ("an application with an empty scp", "entra", json!({"scp": "", "azp": "app"}), "token_refused_by_profile"),
        ("an agent, whose scp is a slash", "entra", json!({"scp": "/", "azp": "agent"}), "token_refused_by_profile"),
        ("an agent by its facets", "entra", json!({"scp": "read", "xms_act_fct": "3 9 11", "xms_sub_fct": "9 11 3"}), "token_refused_by_profile"),
        ("an agent's user account", "entra", json!({"idtyp": "user", "xms_act_fct": "11", "xms_sub_fct": "3 13"}), "token_refused_by_profile"),
        ("an agent on behalf of a user", "entra", json!({"idtyp": "user", "xms_act_fct": "11", "xms_par_app_azp": "blueprint"}), "ok"),
        ("a user with other facets", "entra", json!({"xms_sub_fct": "3 113 9"}), "ok"),
        ("no oid", "entra", json!({"oid": ABSENT}), "token_missing_claim"),
        ("a null oid", "entra", json!({"oid": null}), "token_missing_claim"),
        ("an empty oid", "entra", json!({"oid": ""}), "token_missing_claim"),
        ("an ID token of the same application", "entra", json!({"scp": ABSENT, "nonce": "n", "preferred_username": "ada"}), "token_missing_claim"),
        ("an ID token without a nonce", "entra", json!({"scp": ABSENT, "acrs": ["c1"], "rh": "x"}), "token_missing_claim"),
        ("a guest", "entra", json!({"acct": 1, "idp": format!("https://sts.windows.net/{OTHER_TENANT}/")}), "ok"),
        ("an ID token", "cognito", json!({"token_use": "id", "aud": CLIENT, "client_id": ABSENT}), "token_unexpected_value"),
        ("an ID token that names our client", "cognito", json!({"token_use": "id"}), "token_unexpected_value"),
        ("no kind", "cognito cognito_id", json!({"token_use": ABSENT}), "token_unexpected_value"),
        ("another kind in another case", "cognito", json!({"token_use": "Access"}), "token_unexpected_value"),
        ("another client", "cognito", json!({"client_id": "other"}), "token_wrong_client"),
        ("no client", "cognito", json!({"client_id": ABSENT}), "token_wrong_client"),
        ("a null client", "cognito", json!({"client_id": null}), "token_wrong_client"),
        ("our client as the audience alone", "cognito", json!({"client_id": ABSENT, "aud": CLIENT}), "token_wrong_client"),
        ("another client beside ours", "cognito", json!({"azp": "other"}), "token_wrong_client"),
        ("a client's own token", "cognito", json!({"sub": CLIENT, "scope": "api/read", "version": 2}), "token_machine"),
        ("another pool", "cognito cognito_id", json!({"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_C"}), "token_wrong_issuer"),
        ("the other region's pool", "cognito", json!({"iss": "https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_A"}), "token_wrong_issuer"),
        ("an access token", "cognito_id", json!({"token_use": "access", "client_id": CLIENT, "aud": ABSENT}), "token_unexpected_value"),
        ("an access token with our audience", "cognito_id", json!({"token_use": "access"}), "token_unexpected_value"),
        ("another client's ID token", "cognito_id", json!({"aud": "other"}), "token_wrong_audience"),
    ]
}

#[rustfmt::skip] // one line for each token
fn firebase_and_kratos() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let firebase = "firebase firebase_tenant";
    let of = |tenant: Value| json!({"firebase": {"sign_in_provider": "password", "tenant": tenant}});
    vec![
        ("another project", firebase, json!({"iss": "https://securetoken.google.com/other", "aud": "other"}), "token_wrong_issuer"),
        ("another project's audience", firebase, json!({"aud": "other"}), "token_wrong_audience"),
        ("a session cookie", firebase, json!({"iss": "https://session.firebase.google.com/project"}), "token_wrong_issuer"),
        ("a custom token", firebase, json!({"iss": "sa@project.iam.gserviceaccount.com", "sub": "sa@project.iam.gserviceaccount.com", "aud": "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit", "uid": "ada"}), "token_wrong_issuer"),
        ("a life of two hours", firebase, json!({"exp": now(7_200)}), "token_lives_too_long"),
        ("a user of a tenant", "firebase", of(SHOP.into()), "token_refused_by_profile"),
        ("a user of a tenant without a name", "firebase", of("".into()), "token_refused_by_profile"),
        ("a null tenant, which counts as absent", "firebase", of(Value::Null), "ok"),
        ("a user of the tenant", "firebase_tenant", of(SHOP.into()), "ok"),
        ("a user of another tenant", "firebase_tenant", of("other-4c5d6".into()), "token_refused_by_profile"),
        ("a user of a tenant in another case", "firebase_tenant", of(SHOP.to_uppercase().into()), "token_refused_by_profile"),
        ("a user of no tenant", "firebase_tenant", of(Value::Null), "token_refused_by_profile"),
        ("no sign-in", "firebase_tenant", json!({"firebase": ABSENT}), "token_refused_by_profile"),
        ("a tenant as a custom claim", "firebase_tenant", json!({"tenant": SHOP, "firebase": {"sign_in_provider": "password"}}), "token_refused_by_profile"),
        ("an anonymous user of another tenant", firebase, json!({"firebase": {"sign_in_provider": "anonymous", "tenant": "other-4c5d6"}}), "token_refused_by_profile"),
        ("any audience", "kratos", json!({"aud": ["https://other.example"]}), "ok"),
        ("no session", "kratos", json!({"sid": ABSENT}), "ok"),
        ("an access token of Ory Hydra at the same address", "kratos", json!({"client_id": "web", "scp": ["read"]}), "token_another_kind"),
        ("a life of a minute", "kratos", json!({"exp": now(60)}), "ok"),
        ("an issuer without its slash", "kratos", json!({"iss": "https://kratos.example"}), "token_wrong_issuer"),
        ("an ID token of Ory Hydra at the same address", "kratos", json!({"aud": [CLIENT], "at_hash": "h", "nonce": "n"}), "token_another_kind"),
    ]
}

#[test]
fn a_token_that_only_one_issuer_has_is_told_apart() {
    let tables = [
        supabase_clerk_and_keycloak(),
        okta_and_auth0(),
        entra_and_cognito(),
        firebase_and_kratos(),
    ];
    for (what, names, changes, want) in tables.into_iter().flatten() {
        for preset in presets(names) {
            let verified =
                preset.test.verifier().verify_at(&preset.token(&json!({}), &changes), NOW);
            assert_eq!(reason(&verified), want, "{what}, {}: {verified:?}", preset.name);
        }
    }
}
