//! Tokens of one issuer at the verifier of another, and of two kinds of one issuer.

use serde_json::{Value, json};
use tower_step_up::Factor;
use tower_step_up::issuers::{Issuer, auth0, cognito, oidc, okta};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, NOW, TestIssuer};

use super::{PRESETS, members, now};
use crate::support::reason;

#[test]
fn a_token_of_one_issuer_is_refused_by_every_other_even_if_its_own_key_signed_it() {
    let stytch = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let of_stytch = Value::from(stytch.claims(&testing::session().proved(Factor::Password)));
    let all: Vec<_> = PRESETS
        .iter()
        .map(|it| (it.name, &it.test, it.typ, Value::from(it.claims(&json!({})))))
        .chain([("stytch", &stytch, "JWT", of_stytch)])
        .collect();
    for (name, _, typ, claims) in &all {
        for (other, verifier, ..) in &all {
            let header = json!({"alg": "EdDSA", "kid": verifier.kid(), "typ": typ}).to_string();
            let token = verifier.sign(&header, &claims.to_string());
            let verified = verifier.verifier().verify_at(&token, NOW);
            assert_eq!(verified.is_ok(), name == other, "{name} at {other}: {verified:?}");
            // The test has one audience for all APIs, and one client for all ID tokens. A payload with
            // the other's `iss` has another shape nevertheless.
            let mut claims = claims.clone();
            claims["iss"] = verifier.name().into();
            let token = verifier.sign(&header, &claims.to_string());
            let verified = verifier.verifier().verify_at(&token, NOW);
            let is_accepted = name == other || share_a_form(name, other, typ);
            assert_eq!(
                verified.is_ok(),
                is_accepted,
                "{name} at {other} with its iss: {verified:?}"
            );
        }
    }
}

/// Returns whether a token of one issuer has the form of the other's tokens, if it has the other's
/// `iss`, audience and signature. It then is a token of the other.
fn share_a_form(name: &str, other: &str, typ: &str) -> bool {
    let is = |names: &str| names.split(' ').any(|it| it == name);
    match other {
        // Any access token of OpenID Connect has this form: `sub`, `aud`, and no mark of an ID token.
        // Auth0's have no mark of their own.
        "access" | "auth0" | "auth0_methods" => {
            is("access rfc9068 keycloak okta auth0 auth0_methods entra")
        }
        // The same, and the type says that it is an access token.
        "rfc9068" => is("access"),
        // Any ID token of OpenID Connect has this form, and Cognito's have one claim more.
        "id" | "okta_id" | "auth0_id" => is("id okta_id auth0_id cognito_id"),
        // An operator's mapper writes the claims, and no audience is demanded. The keys sign nothing else.
        // Only `client_id` marks another token.
        "kratos" => typ == "JWT" && name != "cognito",
        _ => false,
    }
}

/// The API and the client have one name here, so only the form tells the tokens apart.
#[test]
fn tokens_of_one_issuer_for_one_audience_are_told_apart_by_their_claims() {
    let (issuer, same) = ("https://as.example", "app");
    let key = TestIssuer::new().with_new_key(Algorithm::EdDsa);
    let verifier = |issuer: Issuer| {
        issuer.keys(key.clone()).algorithms([Algorithm::EdDsa]).verifier().unwrap()
    };
    let oidc = [oidc::access_tokens(issuer, same), oidc::id_tokens(issuer, same)];
    let server = "https://as.example/oauth2/default";
    let okta = [okta::access_tokens(server, same), okta::id_tokens(server, same)];
    let auth0 = [auth0::access_tokens(issuer, same), auth0::id_tokens(issuer, same)];
    let cognito = [cognito::access_tokens(issuer, [same]), cognito::id_tokens(issuer, same)];
    let [kind, missing] = ["token_another_kind", "token_missing_claim"];
    let [typ_of, client, value] =
        ["token_wrong_type", "token_wrong_client", "token_unexpected_value"];
    let [access, id] = [json!({"token_use": "access"}), json!({"token_use": "id"})];
    for (of, typ, more, at_access, at_id) in [
        (&oidc, "at+jwt", json!({"client_id": "web", "scope": "read"}), "ok", typ_of),
        (&oidc, "JWT", json!({"client_id": "web", "scope": "read"}), "ok", kind),
        (&oidc, "JWT", json!({"nonce": "n", "at_hash": "h"}), kind, "ok"),
        (&oidc, "JWT", json!({"azp": same, "c_hash": "h"}), kind, "ok"),
        (&oidc, "logout+jwt", json!({"events": {}}), typ_of, typ_of),
        (&oidc, "JWT", json!({"events": {}}), kind, kind),
        (&okta, "JWT", json!({"cid": "web", "uid": "u", "scp": ["read"]}), "ok", kind),
        (&okta, "JWT", json!({"cid": "web", "uid": "u"}), "ok", kind),
        (&okta, "JWT", json!({"nonce": "n", "at_hash": "h"}), missing, "ok"),
        (&okta, "JWT", json!({"amr": ["pwd"]}), missing, "ok"),
        (&auth0, "JWT", json!({"azp": same, "scope": "read"}), "ok", kind),
        (&auth0, "at+jwt", json!({"client_id": same}), "ok", typ_of),
        (&auth0, "JWT", json!({"nonce": "n", "sid": "s"}), kind, "ok"),
        (&cognito, "JWT", merged(&access, &json!({"client_id": same})), "ok", value),
        (&cognito, "JWT", access, client, value),
        (&cognito, "JWT", merged(&id, &json!({"nonce": "n"})), value, "ok"),
        (&cognito, "JWT", merged(&id, &json!({"client_id": same})), value, "ok"),
    ] {
        let [access, id] = of.clone().map(verifier);
        let header = json!({"alg": "EdDSA", "kid": key.kid(), "typ": typ}).to_string();
        let iss = access.issuers().next().unwrap();
        let common = json!({"iss": iss, "aud": same, "sub": "u", "iat": now(0), "exp": now(300)});
        let token = key.sign(&header, &merged(&common, &more).to_string());
        assert_eq!(reason(&access.verify_at(&token, NOW)), at_access, "{iss} {typ}: {more}");
        assert_eq!(reason(&id.verify_at(&token, NOW)), at_id, "{iss} {typ}: {more}");
    }
}

fn merged(claims: &Value, more: &Value) -> Value {
    let mut all = members(claims);
    all.extend(members(more));
    all.into()
}
