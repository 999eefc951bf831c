//! The presets, the claims of their tokens, and what their issuers answer with.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use tower_step_up::Factor;
use tower_step_up::issuers::{self, oidc};
use tower_step_up::testing::NOW;

use super::{Preset, SignIn};
use crate::issuer_profiles as profiles;

fn time(at: i64) -> i64 {
    NOW.unix_timestamp() + at.div_euclid(1_000)
}

fn date(at: i64) -> String {
    (NOW + time::Duration::milliseconds(at)).format(&Rfc3339).unwrap()
}

/// Returns `auth_time`, `acr`, and `amr` with the names of the methods.
fn standard(sign_in: &SignIn) -> Value {
    let names: Vec<_> = sign_in.methods.iter().map(|method| &method.0).collect();
    json!({"auth_time": time(sign_in.at), "acr": sign_in.acr, "amr": names})
}

/// Returns the claims of an access token with an Action, which asks for MFA at each request for it.
fn auth0_methods(sign_in: &SignIn) -> Value {
    let mut entries = vec![json!({"name": "pwd", "timestamp": date(sign_in.at)})];
    if sign_in.acr.is_some() {
        entries.push(json!({"name": "mfa", "timestamp": date(sign_in.at)}));
    }
    json!({CLAIM: entries})
}

fn entra(sign_in: &SignIn) -> Value {
    json!({"acrs": sign_in.acr.into_iter().collect::<Vec<_>>()})
}

fn entra_with_time(sign_in: &SignIn) -> Value {
    let mut claims = entra(sign_in);
    claims["auth_time"] = time(sign_in.at).into();
    claims
}

/// Returns how many whole minutes ago each slot was verified.
fn clerk(sign_in: &SignIn) -> Value {
    let minutes = |at: i64| -at.min(0) / 60_000;
    let slots = ["first_factor", "second_factor"];
    json!({"fva": slots.map(|name| sign_in.last(name).map_or(-1, minutes)), "iat": time(0)})
}

fn kratos(sign_in: &SignIn) -> Value {
    let entry =
        |method: &(String, i64)| json!({"method": method.0, "completed_at": date(method.1)});
    let entries: Vec<_> = sign_in.methods.iter().map(entry).collect();
    let second = ["totp", "lookup_secret"];
    let aal = if second.iter().any(|name| sign_in.last(name).is_some()) { "aal2" } else { "aal1" };
    json!({"authentication_methods": entries, "aal": aal, "issued_at": date(sign_in.started)})
}

fn kratos_without_start(sign_in: &SignIn) -> Value {
    let mut claims = kratos(sign_in);
    claims["issued_at"] = Value::Null;
    claims
}

fn supabase(sign_in: &SignIn) -> Value {
    let entry = |method: &(String, i64)| json!({"method": method.0, "timestamp": time(method.1)});
    let entries: Vec<_> = sign_in.methods.iter().map(entry).collect();
    let second = ["totp", "mfa/phone", "mfa/webauthn"];
    let aal = if second.iter().any(|name| sign_in.last(name).is_some()) { "aal2" } else { "aal1" };
    json!({"amr": entries, "aal": aal})
}

fn firebase(sign_in: &SignIn) -> Value {
    let mut names = sign_in.methods.iter().map(|method| &*method.0);
    // An app's code is a second factor only.
    let provider = names.next().filter(|name| *name != "totp").unwrap_or("custom");
    let second = names.next().filter(|name| ["phone", "totp"].contains(name));
    json!({
        "auth_time": time(sign_in.at),
        "firebase": {"sign_in_provider": provider, "sign_in_second_factor": second},
    })
}

const CLAIM: &str = "https://app.example/methods";
const PAPE: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
const ONE: &str = "urn:okta:loa:1fa:any";
const PASSWORD: &str = "urn:okta:loa:1fa:pwd";
const IF_POSSIBLE: &str = "urn:okta:loa:2fa:any:ifpossible";
const TWO: &str = "urn:okta:loa:2fa:any";
const OKTA: &[(&str, &[&str])] = &[
    (ONE, &[ONE, PASSWORD, IF_POSSIBLE, TWO, "phr", "phrh"]),
    (PASSWORD, &[PASSWORD]),
    (IF_POSSIBLE, &[IF_POSSIBLE, TWO]),
    (TWO, &[TWO]),
    ("phr", &["phr", "phrh"]),
    ("phrh", &["phrh"]),
];
const L1: &str = "urn:cognito:loa:1";
const L2: &str = "urn:cognito:loa:2";
const L3: &str = "urn:cognito:loa:3";
const L4: &str = "urn:cognito:loa:4";

pub(super) fn presets() -> Vec<Preset> {
    let preset = |name, issuer, kinds, answers, methods, claims| Preset {
        name,
        issuer,
        kinds,
        answers,
        methods,
        claims,
    };
    type Levels = &'static [(&'static str, &'static [&'static str])];
    let gold: Levels = &[("silver", &["silver", "gold"]), ("gold", &["gold"])];
    let pape: Levels = &[(PAPE, &[PAPE])];
    let cognito: Levels =
        &[(L1, &[L1, L2, L3, L4]), (L2, &[L2, L3, L4]), (L3, &[L3, L4]), (L4, &[L4])];
    let contexts: Levels = &[("c1", &["c1"]), ("c2", &["c2"])];
    let oidc_kinds = &["acr:silver", "acr:gold", "amr:mfa", "password", "totp", "otp/sms"][..];
    let okta_kinds = &[
        "acr:urn:okta:loa:1fa:any",
        "acr:urn:okta:loa:1fa:pwd",
        "acr:urn:okta:loa:2fa:any:ifpossible",
        "acr:urn:okta:loa:2fa:any",
        "acr:phr",
        "acr:phrh",
        "amr:mfa",
        "password",
        "webauthn",
        "phishing_resistant_key",
        "totp",
    ][..];
    let auth0_kinds = &[
        "acr:http://schemas.openid.net/pape/policies/2007/06/multi-factor",
        "amr:mfa",
        "password",
        "totp",
    ][..];
    let cognito_kinds = &[
        "acr:urn:cognito:loa:1",
        "acr:urn:cognito:loa:2",
        "acr:urn:cognito:loa:3",
        "acr:urn:cognito:loa:4",
        "amr:mfa",
        "password",
        "totp",
        "otp/sms",
        "otp/email",
        "webauthn",
    ][..];
    let entra_kinds = &["acr:c1", "acr:c2", "password", "totp"][..];
    let firebase_kinds =
        &["password", "magic_link/email", "otp/sms", "totp", "amr:second_factor", "amr:phone"][..];
    let kratos_kinds = &[
        "acr:aal1",
        "acr:aal2",
        "password",
        "totp",
        "recovery_codes",
        "webauthn",
        "otp/sms",
        "otp/email",
        "federated",
        "magic_link/email",
        "amr:code",
    ][..];
    let supabase_kinds = &["acr:aal1", "acr:aal2", "password", "totp", "otp/sms", "webauthn"][..];
    let clerk_kinds = &["amr:first_factor", "amr:second_factor", "password", "totp", "otp/sms"][..];
    let okta_names = &["pwd", "otp", "hwk", "phr", "mfa"][..];
    let cognito_names = &["pwd", "otp", "sms", "email_otp", "swk", "fed", "mfa"][..];
    let kratos_names =
        &["password", "totp", "lookup_secret", "webauthn", "code", "link_recovery"][..];
    let kratos_start = kratos as fn(&SignIn) -> Value;
    let second = [Factor::Totp, Factor::OtpSms];
    let oidc = oidc::access_tokens("https://as.example", "api").acr_values(["silver", "gold"]);
    let keycloak = issuers::keycloak("https://h/realms/r", "api")
        .acr_values(["silver", "gold"])
        .acr("gold", [[Factor::Password, Factor::Totp]]);
    let clerk_app = issuers::clerk("https://clerk.app.example", ["https://app.example"])
        .amr("first_factor", [Factor::Password])
        .narrow("second_factor", second);
    let contexts_of = || profiles::entra().acr_values(["c1"]).acr_values(["c2"]);
    vec![
        preset("OpenID Connect", oidc, oidc_kinds, gold, &["pwd", "sms", "mfa"], standard),
        preset("Keycloak", keycloak, oidc_kinds, gold, &["pwd"], standard),
        preset("Okta, access", profiles::okta_access(), okta_kinds, OKTA, &[], standard),
        preset("Okta, ID", profiles::okta_id(), okta_kinds, OKTA, okta_names, standard),
        preset("Auth0", profiles::auth0(), auth0_kinds, &[], &[], standard),
        preset("Auth0, ID", profiles::auth0_id(), auth0_kinds, pape, &["mfa"], standard),
        preset(
            "Auth0, methods",
            profiles::auth0_with_methods(CLAIM),
            auth0_kinds,
            pape,
            &[],
            auth0_methods,
        ),
        preset("Entra", contexts_of(), entra_kinds, contexts, &[], entra),
        preset(
            "Entra, with time",
            contexts_of().states_auth_time(),
            entra_kinds,
            contexts,
            &[],
            entra_with_time,
        ),
        preset("Cognito", profiles::cognito(), cognito_kinds, cognito, cognito_names, standard),
        preset("Cognito, ID", profiles::cognito_id(), cognito_kinds, cognito, &["otp"], standard),
        preset(
            "Cognito, covered",
            profiles::cognito().auth_time_covers([Factor::Totp]),
            cognito_kinds,
            cognito,
            &[],
            standard,
        ),
        preset(
            "Firebase",
            profiles::firebase(),
            firebase_kinds,
            &[],
            &["password", "phone", "google.com", "totp"],
            firebase,
        ),
        preset("Kratos", profiles::kratos(), kratos_kinds, &[], kratos_names, kratos_start),
        preset(
            "Kratos, without start",
            profiles::kratos(),
            kratos_kinds,
            &[],
            kratos_names,
            kratos_without_start,
        ),
        preset(
            "Supabase",
            issuers::supabase("https://ref.supabase.co"),
            supabase_kinds,
            &[],
            &["password", "otp", "totp", "mfa/phone", "passkey"],
            supabase,
        ),
        preset("Clerk", clerk_app, clerk_kinds, &[], &["first_factor", "second_factor"], clerk),
    ]
}
