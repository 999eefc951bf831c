//! Reads signed payloads as the presets do, and compares what they prove with a literal reading.

use std::sync::LazyLock;

use tower_step_up::issuers::{self, Issuer, auth0, cognito, firebase, kratos, oidc, okta};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy, Verifier};

use super::Tree;

mod readers;

/// A preset, with the type of its tokens and a literal reader of their claims.
struct Preset {
    name: &'static str,
    issuer: TestIssuer,
    verifier: Verifier,
    typ: &'static str,
    /// The claims that mark its tokens: `name`, `name=value`, or `!name` if the claim has to be
    /// absent.
    marks: &'static str,
    read: fn(&Tree) -> Vec<Statement>,
}

/// What one statement of a token can mean: one of these lists of factors. Each factor is written as
/// the compromises that let an attacker present it: `p`assword, `m`ailbox, `i`dentity provider,
/// phone `n`umber, `d`evice, `w`allet, recovery `c`odes. A `!` marks a phishing-resistant factor.
/// The issuer's word for a level or a method, such as `=acr:gold`, is in the lists too.
type Statement = &'static [&'static [&'static str]];

const API: &str = "https://api.example";
const CLIENT: &str = "client";
const TENANT: &str = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0";
const ACCESS: &str = "!nonce !at_hash !c_hash";

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let preset = |name, issuer: Issuer, typ, marks, read| {
        let issuer = TestIssuer::standing_in_for(issuer.algorithms([Algorithm::EdDsa]));
        let issuer = issuer.expect("it is configured correctly");
        Preset { name, verifier: issuer.verifier(), issuer, typ, marks, read }
    };
    let otp = [Factor::Totp, Factor::OtpSms, Factor::OtpEmail];
    let gold = [[Factor::Password, Factor::Totp]];
    let access = oidc::access_tokens("https://as.example", API);
    let access = access.amr("otp", otp).acr("gold", gold.clone());
    let id = oidc::id_tokens("https://id.example", CLIENT);
    let keycloak = issuers::keycloak("https://h.example/realms/r", API);
    let keycloak = keycloak.acr("gold", gold).auth_time_covers_all();
    let clerk = issuers::clerk("https://clerk.example", ["https://app.example"]);
    let clerk = clerk.amr("first_factor", [Factor::Password]);
    let okta = okta::access_tokens("https://o.okta.com/oauth2/default", "api://default");
    let okta_id = okta::id_tokens("https://o.okta.com", CLIENT);
    let auth0 = "https://t.eu.auth0.com";
    let methods = auth0::access_tokens_with_methods(auth0, API, "https://app.example/methods");
    let entra = issuers::entra(TENANT, "api-client-guid").acr_values(["c1"]);
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X";
    let kratos = kratos::tokens("https://p.projects.oryapis.com", "https://p.example/jwks.json");
    vec![
        preset("oidc", access, "at+jwt", ACCESS, readers::oidc),
        preset("oidc id", id, "JWT", "!scope !scp", readers::oidc_id),
        preset(
            "keycloak",
            keycloak,
            "JWT",
            "typ=Bearer !nonce !at_hash !c_hash",
            readers::keycloak,
        ),
        preset(
            "supabase",
            issuers::supabase("https://ref.supabase.co"),
            "JWT",
            "role=authenticated !client_id !scope",
            readers::supabase,
        ),
        preset("clerk", clerk, "JWT", "azp=https://app.example sid", readers::clerk),
        preset("okta", okta, "at+jwt", "cid uid !nonce !at_hash !c_hash", readers::okta),
        preset("okta id", okta_id, "JWT", "!cid !scp !scope", readers::okta_id),
        preset("auth0", auth0::access_tokens(auth0, API), "JWT", ACCESS, readers::nothing),
        preset("auth0 methods", methods, "at+jwt", ACCESS, readers::auth0_methods),
        preset(
            "auth0 id",
            auth0::id_tokens(auth0, CLIENT),
            "JWT",
            "!scope !gty",
            readers::auth0_id,
        ),
        preset("entra", entra, "JWT", "ver=2.0 oid scp !nonce !at_hash !c_hash", readers::entra),
        preset(
            "cognito",
            cognito::access_tokens(pool, [CLIENT]),
            "JWT",
            "token_use=access",
            readers::cognito,
        ),
        preset(
            "cognito id",
            cognito::id_tokens(pool, CLIENT),
            "JWT",
            "token_use=id",
            readers::cognito,
        ),
        preset("firebase", firebase::project("PROJECT"), "JWT", "", readers::firebase),
        preset("kratos", kratos, "JWT", "!client_id !nonce", readers::kratos),
    ]
});

/// A policy, with a literal reading of it.
type Reading = (String, Policy, Box<dyn Fn(&[Statement]) -> bool + Send + Sync>);

static POLICIES: LazyLock<Vec<Reading>> = LazyLock::new(|| {
    let words = readers::WORDS.iter().map(|word| -> Reading {
        let name = word.trim_start_matches('=');
        let policy = match name.split_once(':').expect("a kind and a value") {
            ("acr", value) => Policy::acr(value),
            (_, method) => Policy::amr(method),
        };
        let is_stated = |statements: &[Statement]| any_meets(statements, |factor| factor == *word);
        (name.to_owned(), policy, Box::new(is_stated))
    });
    let mfa = ("mfa".to_owned(), Policy::mfa(), Box::new(has_two_factors) as _);
    let resists = |statements: &[Statement]| any_meets(statements, |factor| factor.contains('!'));
    let resistant =
        ("phishing_resistant".to_owned(), Policy::phishing_resistant(), Box::new(resists) as _);
    [mfa, resistant].into_iter().chain(words).collect()
});

/// Uses any text as a signed payload of each preset, and returns the presets that accept it, each
/// with the policies that hold. A token that is accepted breaks no rule that all issuers share and
/// has the marks of the preset. A policy holds only if the token states what it demands, however it
/// is meant.
pub(super) fn check(payload: &str) -> Vec<String> {
    let mut accepting = Vec::new();
    for Preset { name, issuer, verifier, typ, marks, read } in PRESETS.iter() {
        // The corpus has placeholders for the issuer and the audience.
        let payload = payload.replace("ISSUER", &issuer.name());
        let payload = payload.replace("AUDIENCE", issuer.audience());
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{typ}"}}"#, issuer.kid());
        let verified = verifier.verify_at(&issuer.sign(&header, &payload), NOW);
        let Ok(session) = verified else { continue };
        let holds = |policy: &Policy| policy.evaluate(&session, NOW).is_ok();
        let held: Vec<_> = POLICIES.iter().filter(|(_, policy, _)| holds(policy)).collect();
        let names: Vec<_> = held.iter().map(|(name, ..)| &**name).collect();
        accepting.push(format!("{name}: {}", names.join(" ")).trim_end().to_owned());
        let is_mfa = Policy::mfa().explain(&session, NOW).is_met();
        assert_eq!(is_mfa, names.contains(&"mfa"), "{payload}");
        // A member that is not read may contain half a surrogate pair, or a number beyond every
        // double.
        let Ok(tree) = serde_json::from_str::<Tree>(&payload) else { continue };
        let text = |name: &str| tree.present(name).flatten().and_then(Tree::text);
        assert_eq!(text("iss"), Some(&*issuer.name()), "{payload}");
        assert_eq!(session.issuer(), &*issuer.name(), "{payload}");
        let user = match *name {
            "entra" => "oid",
            "okta" => "uid",
            _ => "sub",
        };
        assert_eq!(text(user), Some(session.user_id()), "{payload}");
        assert_eq!(tree.present("events"), Some(None), "accepted: {payload}");
        assert_eq!(tree.member("cnf"), Some(None), "accepted, even if it is null: {payload}");
        for mark in marks.split_whitespace() {
            assert!(has_mark(&tree, mark), "{name} without {mark}: {payload}");
        }
        let acts = tree.present("act").flatten().is_some();
        let statements = if acts { Vec::new() } else { read(&tree) };
        for (policy, _, is_stated) in held {
            assert!(is_stated(&statements), "{name}, {policy}: {payload}");
        }
    }
    accepting
}

fn has_mark(tree: &Tree, mark: &str) -> bool {
    let claim = |name| tree.present(name).flatten();
    match (mark.strip_prefix('!'), mark.split_once('=')) {
        (Some(absent), _) => claim(absent).is_none(),
        (None, Some((name, value))) => claim(name).and_then(Tree::text) == Some(value),
        (None, None) => claim(mark).is_some(),
    }
}

/// Returns whether an attacker with any one compromise lacks a factor, whatever each statement
/// means. Anyone has the issuer's word.
fn has_two_factors(statements: &[Statement]) -> bool {
    "pmindwc".chars().all(|held| {
        any_meets(statements, |factor| !factor.starts_with('=') && !factor.contains(held))
    })
}

/// Returns whether there is a statement with such a factor, whatever it means.
fn any_meets(statements: &[Statement], meets: impl Fn(&str) -> bool) -> bool {
    let in_each = |alternatives: &Statement| {
        alternatives.iter().all(|factors| factors.iter().any(|factor| meets(factor)))
    };
    statements.iter().any(in_each)
}
