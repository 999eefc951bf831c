//! Tokens of another kind, of another issuer or for another service. Each is refused by name.

mod acting;
mod attacks;

mod claims;
mod headers;
mod of_each;
mod others;
mod settings;
mod users;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use tower_step_up::Verifier;
use tower_step_up::issuers::{self, Issuer, auth0, cognito, firebase, kratos, oidc, okta};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{self, NOW, TestIssuer};

use crate::issuer_profiles::TENANT;

/// A preset, with a test issuer that stands in for it and the type of its tokens.
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    pub(crate) issuer: Issuer,
    pub(crate) test: TestIssuer,
    typ: &'static str,
}

/// The audience of all access tokens, and the client of all ID tokens.
const API: &str = "https://api.example";
const CLIENT: &str = "client";
const APP: &str = "https://app.example";
const PROJECT: &str = "project";
/// The tenant of the Firebase project, which has its own users.
const SHOP: &str = "shop-1a2b3";
/// The claim into which an Action of Auth0 copies the methods.
pub(crate) const METHODS: &str = "https://app.example/methods";

/// Every preset. Each issuer has its own key.
pub(crate) static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let preset = |name, typ, issuer: Issuer| {
        let test = TestIssuer::standing_in_for(issuer.clone().algorithms([Algorithm::EdDsa]));
        Preset { name, issuer, test: test.unwrap(), typ }
    };
    let entra = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let [pool, id_pool] =
        ["A", "B"].map(|id| format!("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_{id}"));
    let with_methods =
        auth0::access_tokens_with_methods("https://methods.eu.auth0.com", API, METHODS);
    vec![
        preset("access", "at+jwt", oidc::access_tokens("https://access.example", API)),
        preset("rfc9068", "at+jwt", oidc::rfc9068("https://rfc9068.example", API)),
        preset("id", "JWT", oidc::id_tokens("https://id.example", CLIENT)),
        preset("keycloak", "JWT", issuers::keycloak("https://keycloak.example/realms/r", API)),
        preset("supabase", "JWT", issuers::supabase("https://ref.supabase.co")),
        preset("clerk", "JWT", issuers::clerk("https://clerk.example", [APP])),
        preset("okta", "JWT", okta::access_tokens("https://o.okta.com/oauth2/default", API)),
        preset("okta_id", "JWT", okta::id_tokens("https://o.okta.com", CLIENT)),
        preset("auth0", "JWT", auth0::access_tokens("https://t.eu.auth0.com", API)),
        preset("auth0_methods", "JWT", with_methods),
        preset("auth0_id", "JWT", auth0::id_tokens("https://id.eu.auth0.com", CLIENT)),
        preset("entra", "JWT", issuers::entra(&entra, API)),
        preset("cognito", "JWT", cognito::access_tokens(&pool, [CLIENT])),
        preset("cognito_id", "JWT", cognito::id_tokens(&id_pool, CLIENT)),
        preset("firebase", "JWT", firebase::project(PROJECT)),
        preset("firebase_tenant", "JWT", firebase::tenant(PROJECT, SHOP)),
        preset(
            "kratos",
            "JWT",
            kratos::tokens("https://kratos.example/", "https://kratos.example/keys"),
        ),
    ]
});
pub(crate) const ALL: &str = "access rfc9068 id keycloak supabase clerk okta okta_id auth0 auth0_methods auth0_id \
    entra cognito cognito_id firebase firebase_tenant kratos";

/// Returns the presets with these names.
pub(crate) fn presets(names: &str) -> impl Iterator<Item = &'static Preset> {
    let names: Vec<_> = names.split(' ').map(str::to_owned).collect();
    let is_known = |name: &String| PRESETS.iter().any(|preset| preset.name == name);
    assert!(names.iter().all(is_known), "{names:?}");
    PRESETS.iter().filter(move |preset| names.iter().any(|name| name == preset.name))
}

/// The value of a claim that a token does not have.
const ABSENT: &str = "(absent)";

impl Preset {
    /// Returns the claims of a genuine token, with these changes.
    pub(crate) fn claims(&self, changes: &Value) -> Map<String, Value> {
        let mut claims = self.test.claims(&testing::session());
        if self.name.starts_with("firebase") {
            claims.insert("firebase".into(), self.sign_in(&json!({})));
        }
        claims.extend(members(changes));
        claims.retain(|_, value| value != ABSENT);
        claims
    }

    /// Returns the claim `firebase` of a genuine token, with these changes.
    fn sign_in(&self, changes: &Value) -> Value {
        let tenant = if self.name == "firebase_tenant" { SHOP } else { ABSENT };
        let mut sign_in = members(&json!({"sign_in_provider": "custom", "tenant": tenant}));
        sign_in.extend(members(changes));
        sign_in.retain(|_, value| value != ABSENT);
        sign_in.into()
    }

    /// Returns the claims that prove two factors at this time, if the issuer's tokens can state any.
    fn proofs(&self, at: i64) -> Value {
        match self.name {
            "supabase" => {
                let password = json!({"method": "password", "timestamp": at});
                json!({"amr": [password, "totp"], "auth_time": at})
            }
            "auth0_methods" => {
                let key = json!({"name": "mfa/webauthn-roaming", "timestamp": at});
                json!({METHODS: [{"name": "pwd", "timestamp": at}, key], "auth_time": at})
            }
            "firebase" | "firebase_tenant" => {
                let both = json!({"sign_in_provider": "phone", "sign_in_second_factor": "totp"});
                json!({"firebase": self.sign_in(&both), "auth_time": at})
            }
            "kratos" => {
                let methods = ["password", "totp"];
                let methods = methods.map(|it| json!({"method": it, "completed_at": at}));
                json!({"authentication_methods": methods, "aal": "aal2", "issued_at": at})
            }
            _ => json!({"amr": ["pwd", "sms"], "acr": "gold", "auth_time": at}),
        }
    }

    /// Returns a genuine header, with these changes.
    pub(crate) fn header(&self, changes: &Value) -> String {
        let mut header = json!({"alg": "EdDSA", "kid": self.test.kid(), "typ": self.typ});
        let header = header.as_object_mut().unwrap();
        header.extend(members(changes));
        header.retain(|_, value| value != ABSENT);
        Value::from(header.clone()).to_string()
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let payload = Value::from(self.claims(claims)).to_string();
        self.test.sign(&self.header(header), &payload)
    }

    /// Returns the verifier of the issuer with another setting. It has its own revocations.
    fn verifier(&self, change: impl FnOnce(Issuer) -> Issuer) -> Verifier {
        let issuer = change(self.issuer.clone()).algorithms([Algorithm::EdDsa]);
        issuer.keys(self.test.clone()).verifier().unwrap()
    }
}

fn members(object: &Value) -> Map<String, Value> {
    object.as_object().unwrap().clone()
}

fn now(after: i64) -> i64 {
    NOW.unix_timestamp() + after
}

/// Returns the only preset with this name.
fn preset(name: &str) -> &'static Preset {
    presets(name).next().unwrap()
}
