//! Literal readers of the issuers' claims. They share no code and no table with the presets.

use super::{Statement, Tree};

const PASSWORD: Statement = &[&["pmi"]];
const SMS: Statement = &[&["n"]];
const EMAIL: Statement = &[&["mi"]];
const SMS_OR_EMAIL: Statement = &[&["n"], &["mi"]];
const TOTP: Statement = &[&["dc"]];
const DEVICE: Statement = &[&["d"]];
const PASSKEY: Statement = &[&["d!"]];
const CODES: Statement = &[&["c"]];
const FEDERATED: Statement = &[&["mi"]];
const SSO: Statement = &[&["i"]];
const MFA: Statement = &[&["=amr:mfa"]];
const SECOND_FACTOR: Statement = &[&["=amr:second_factor"]];

/// The words of issuers that are checked.
pub(super) const WORDS: [&str; 14] = [
    "=acr:gold",
    "=acr:aal1",
    "=acr:aal2",
    "=acr:urn:okta:loa:1fa:any",
    "=acr:urn:okta:loa:2fa:any",
    "=acr:phr",
    "=acr:phrh",
    "=acr:http://schemas.openid.net/pape/policies/2007/06/multi-factor",
    "=acr:c1",
    "=acr:urn:cognito:loa:1",
    "=acr:urn:cognito:loa:3",
    "=acr:urn:cognito:loa:4",
    "=amr:mfa",
    "=amr:second_factor",
];

fn text<'a>(tree: &'a Tree, name: &str) -> &'a str {
    tree.present(name).flatten().and_then(Tree::text).unwrap_or_default()
}

fn items<'a>(tree: &'a Tree, name: &str) -> &'a [Tree] {
    match tree.present(name) {
        Some(Some(Tree::List(items))) => items,
        _ => &[],
    }
}

fn texts<'a>(tree: &'a Tree, name: &str) -> Vec<&'a str> {
    items(tree, name).iter().filter_map(Tree::text).collect()
}

/// Returns the names of entries, which are texts or objects. A date that cannot be read makes an
/// entry void.
fn entries<'a>(tree: &'a Tree, claim: &str, name: &str, date: &str) -> Vec<&'a str> {
    let rfc3339 = &time::format_description::well_known::Rfc3339;
    let is_void = |entry: &&Tree| match entry.present(date).flatten() {
        Some(Tree::Text(date)) => time::OffsetDateTime::parse(date, rfc3339).is_err(),
        _ => false,
    };
    let entries = items(tree, claim).iter().filter(|entry| !is_void(entry));
    entries.filter_map(|entry| entry.text().or_else(|| entry.present(name)??.text())).collect()
}

/// Returns the meaning of the names, and the issuer's words for them.
fn meanings(names: &[&str], meaning: fn(&str) -> Option<Statement>) -> Vec<Statement> {
    let word = |name: &&str| match *name {
        "mfa" => Some(MFA),
        "second_factor" => Some(SECOND_FACTOR),
        _ => None,
    };
    let words = names.iter().filter_map(word);
    names.iter().filter_map(|name| meaning(name)).chain(words).collect()
}

pub(super) fn nothing(_: &Tree) -> Vec<Statement> {
    Vec::new()
}

fn gold(tree: &Tree) -> Vec<Statement> {
    match text(tree, "acr") {
        "gold" => vec![&[&["=acr:gold"]], &[&["pmi", "dc"]]],
        _ => Vec::new(),
    }
}

pub(super) fn oidc_id(tree: &Tree) -> Vec<Statement> {
    meanings(&texts(tree, "amr"), |name| match name {
        "pwd" => Some(PASSWORD),
        "sms" | "tel" => Some(SMS),
        _ => None,
    })
}

pub(super) fn oidc(tree: &Tree) -> Vec<Statement> {
    const OTP: Statement = &[&["dc"], &["n"], &["mi"]];
    let otp = texts(tree, "amr").contains(&"otp").then_some(OTP);
    oidc_id(tree).into_iter().chain(otp).chain(gold(tree)).collect()
}

pub(super) fn keycloak(tree: &Tree) -> Vec<Statement> {
    meanings(&texts(tree, "amr"), |_| None).into_iter().chain(gold(tree)).collect()
}

fn aal(tree: &Tree) -> &'static [Statement] {
    match text(tree, "aal") {
        "aal1" => &[&[&["=acr:aal1"]]],
        "aal2" | "aal3" => &[&[&["=acr:aal1"]], &[&["=acr:aal2"]]],
        _ => &[],
    }
}

pub(super) fn supabase(tree: &Tree) -> Vec<Statement> {
    let methods = meanings(&entries(tree, "amr", "method", "timestamp"), |name| {
        Some(match name {
            "password" => PASSWORD,
            "oauth" => FEDERATED,
            "otp" => SMS_OR_EMAIL,
            "totp" => TOTP,
            "mfa/phone" => SMS,
            "mfa/webauthn" | "passkey" => PASSKEY,
            "sso/saml" => SSO,
            "web3" => &[&["dw"]],
            "magiclink" | "recovery" | "invite" | "email/signup" | "email_change" => EMAIL,
            _ => return None,
        })
    });
    [methods, aal(tree).to_vec()].concat()
}

pub(super) fn clerk(tree: &Tree) -> Vec<Statement> {
    let proved = |slot: usize| matches!(items(tree, "fva").get(slot), Some(Tree::Integer(_)));
    let first = proved(0).then_some(PASSWORD);
    let second: [Statement; 2] = [SECOND_FACTOR, &[&["n"], &["dc"], &["c"]]];
    first.into_iter().chain(second.into_iter().filter(|_| proved(1))).collect()
}

pub(super) fn okta(tree: &Tree) -> Vec<Statement> {
    const ANY: Statement = &[&["=acr:urn:okta:loa:1fa:any"]];
    const RESISTANT: Statement = &[&["=acr:phr"]];
    match text(tree, "acr") {
        "urn:okta:loa:1fa:any" | "urn:okta:loa:2fa:any:ifpossible" => vec![ANY],
        "urn:okta:loa:1fa:pwd" => vec![ANY, PASSWORD],
        "urn:okta:loa:2fa:any" => vec![ANY, &[&["=acr:urn:okta:loa:2fa:any"]], MFA],
        "phr" => vec![ANY, RESISTANT, &[&["d!"], &["d!"]]],
        "phrh" => vec![ANY, RESISTANT, &[&["=acr:phrh"]], PASSKEY],
        _ => Vec::new(),
    }
}

pub(super) fn okta_id(tree: &Tree) -> Vec<Statement> {
    let methods = meanings(&texts(tree, "amr"), |name| {
        Some(match name {
            "pwd" => PASSWORD,
            "sms" | "tel" => SMS,
            "email" => EMAIL,
            "google_otp" => TOTP,
            "otp" => &[&["dc"], &["d"]],
            "swk" => &[&["d"], &["n"]],
            "hwk" | "sc" => DEVICE,
            "pop" | "phr" => PASSKEY,
            "fed" => FEDERATED,
            _ => return None,
        })
    });
    [methods, okta(tree)].concat()
}

const MULTI_FACTOR: Statement =
    &[&["=acr:http://schemas.openid.net/pape/policies/2007/06/multi-factor", "=amr:mfa"]];

pub(super) fn auth0_methods(tree: &Tree) -> Vec<Statement> {
    let claim = "https://app.example/methods";
    meanings(&entries(tree, claim, "name", "timestamp"), |name| match name {
        "pwd" => Some(PASSWORD),
        "passkey" | "webauthn-platform" => Some(PASSKEY),
        "mfa/webauthn-platform" | "mfa/webauthn-roaming" => Some(PASSKEY),
        "sms" | "mfa/phone" => Some(SMS),
        "email" | "mfa/email" => Some(EMAIL),
        "mfa/otp" => Some(TOTP),
        "mfa/push-notification" => Some(&[&["d"], &["dc"]]),
        "mfa/recovery-code" => Some(&[&["c"]]),
        "federated" => Some(FEDERATED),
        "mfa" => Some(MULTI_FACTOR),
        _ => None,
    })
}

pub(super) fn auth0_id(tree: &Tree) -> Vec<Statement> {
    let is_mfa =
        text(tree, "acr") == "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
    let methods = meanings(&texts(tree, "amr"), |_| None);
    methods.into_iter().chain(is_mfa.then_some(MULTI_FACTOR)).collect()
}

pub(super) fn entra(tree: &Tree) -> Vec<Statement> {
    let is_agent = text(tree, "xms_sub_fct").split(' ').any(|facet| matches!(facet, "11" | "13"));
    let is_met = !is_agent && texts(tree, "acrs").contains(&"c1");
    is_met.then_some(&[&["=acr:c1"] as &[_]] as Statement).into_iter().collect()
}

pub(super) fn cognito(tree: &Tree) -> Vec<Statement> {
    const LEVELS: [Statement; 4] = [
        &[&["=acr:urn:cognito:loa:1"]],
        &[&["=acr:urn:cognito:loa:2"]],
        &[&["=acr:urn:cognito:loa:3"]],
        &[&["=acr:urn:cognito:loa:4"]],
    ];
    let (level, guaranteed): (usize, &[Statement]) = match text(tree, "acr") {
        "urn:cognito:loa:1" => (1, &[PASSWORD]),
        "urn:cognito:loa:2" => (2, &[SMS_OR_EMAIL]),
        "urn:cognito:loa:3" => (3, &[&[&["d!"], &["pmi", "n"], &["pmi", "mi"]]]),
        "urn:cognito:loa:4" => (4, &[&[&["pmi", "dc"]]]),
        _ => (0, &[]),
    };
    let methods = meanings(&texts(tree, "amr"), |name| {
        Some(match name {
            "pwd" => PASSWORD,
            "otp" => TOTP,
            "sms" => SMS,
            "email_otp" => EMAIL,
            "swk" | "hwk" => PASSKEY,
            "fed" => FEDERATED,
            _ => return None,
        })
    });
    [&methods, &LEVELS[..level], guaranteed].concat()
}

pub(super) fn firebase(tree: &Tree) -> Vec<Statement> {
    let Some(Some(sign_in)) = tree.present("firebase") else { return Vec::new() };
    let provider = text(sign_in, "sign_in_provider");
    // An anonymous user has proved nothing. The project's tokens are not those of its tenants.
    if provider == "anonymous" || !text(sign_in, "tenant").is_empty() {
        return Vec::new();
    }
    let first: Option<Statement> = match provider {
        "password" => Some(&[&["pmi"], &["mi"]]),
        "phone" => Some(SMS),
        "google.com"
        | "apple.com"
        | "facebook.com"
        | "github.com"
        | "twitter.com"
        | "microsoft.com"
        | "yahoo.com"
        | "linkedin.com"
        | "playgames.google.com"
        | "gc.apple.com" => Some(FEDERATED),
        _ if provider.starts_with("saml.") || provider.starts_with("oidc.") => Some(SSO),
        _ => None,
    };
    let second: &[Statement] = match sign_in.present("sign_in_second_factor") {
        Some(Some(Tree::Text(second))) => match &**second {
            "phone" => &[SECOND_FACTOR, SMS],
            "totp" => &[SECOND_FACTOR, TOTP],
            _ => &[SECOND_FACTOR],
        },
        _ => &[],
    };
    // The provider is a name of `amr` too.
    let word = meanings(&[provider], |_| None);
    first.into_iter().chain(second.iter().copied()).chain(word).collect()
}

pub(super) fn kratos(tree: &Tree) -> Vec<Statement> {
    let claim = "authentication_methods";
    let methods = meanings(&entries(tree, claim, "method", "completed_at"), |name| {
        Some(match name {
            "password" => PASSWORD,
            "totp" => TOTP,
            "lookup_secret" => CODES,
            "webauthn" | "passkey" => PASSKEY,
            "oidc" => FEDERATED,
            "saml" => SSO,
            "code" | "code_recovery" => SMS_OR_EMAIL,
            "link_recovery" => EMAIL,
            _ => return None,
        })
    });
    // Only two levels are known.
    let level = if text(tree, "aal") == "aal3" { &[] } else { aal(tree) };
    [methods, level.to_vec()].concat()
}
