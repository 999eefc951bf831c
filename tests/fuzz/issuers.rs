//! Reads signed payloads as the presets do, and compares what they prove with a literal reading.

use std::sync::LazyLock;

use tower_step_up::issuers::{self, Issuer, oidc};
use tower_step_up::keys::Algorithm;
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy};

use super::Tree;

/// A preset, with the type of its tokens and a literal reader of their claims.
struct Preset {
    issuer: TestIssuer,
    typ: &'static str,
    read: fn(&Tree) -> Vec<Statement>,
}

/// What one statement of a token can mean: one of these lists of factors. Each factor is written as
/// the compromises that let an attacker present it: `p`assword, `m`ailbox, `i`dentity provider, phone
/// `n`umber, `d`evice, `w`allet, recovery `c`odes.
type Statement = &'static [&'static [&'static str]];

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let preset = |issuer: Issuer, typ, read| {
        let issuer = TestIssuer::standing_in_for(issuer.algorithms([Algorithm::EdDsa]));
        Preset { issuer: issuer.expect("it is configured correctly"), typ, read }
    };
    let otp = [Factor::Totp, Factor::OtpSms, Factor::OtpEmail];
    let gold = [[Factor::Password, Factor::Totp]];
    let api = "https://api.example";
    let access = oidc::access_tokens("https://as.example", api);
    let keycloak = issuers::keycloak("https://h.example/realms/r", api);
    let clerk = issuers::clerk("https://clerk.example", ["https://app.example"]);
    vec![
        preset(access.amr("otp", otp).acr("gold", gold.clone()), "at+jwt", standard),
        preset(oidc::id_tokens("https://id.example", "client"), "JWT", id_token),
        preset(keycloak.acr("gold", gold).auth_time_covers_all(), "JWT", keycloak_token),
        preset(issuers::supabase("https://ref.supabase.co"), "JWT", supabase),
        preset(clerk.amr("first_factor", [Factor::Password]), "JWT", clerk_token),
    ]
});

/// Uses any text as a signed payload of each preset, and returns how many accept it. A token that is
/// accepted breaks no rule that all issuers share, and `mfa` holds only if the token states two
/// independent factors.
pub(super) fn check(payload: &str) -> usize {
    let mut accepted = 0;
    for Preset { issuer, typ, read } in PRESETS.iter() {
        // The corpus has placeholders for the issuer and the audience.
        let payload = payload.replace("ISSUER", &issuer.name());
        let payload = payload.replace("AUDIENCE", issuer.audience());
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{typ}"}}"#, issuer.kid());
        let verified = issuer.verifier().verify_at(&issuer.sign(&header, &payload), NOW);
        let Ok(session) = verified else { continue };
        accepted += 1;
        let holds = |policy: Policy| policy.evaluate(&session, NOW).is_ok();
        let mfa = holds(Policy::mfa());
        assert_eq!(Policy::mfa().explain(&session, NOW).is_met(), mfa, "{payload}");
        // A member that is not read may contain half a surrogate pair, or a number beyond every
        // double.
        let Ok(tree) = serde_json::from_str::<Tree>(&payload) else { continue };
        let text = |name: &str| tree.present(name).flatten().and_then(Tree::text);
        assert_eq!(text("iss"), Some(&*issuer.name()), "{payload}");
        assert_eq!((text("sub"), session.issuer()), (Some(session.user_id()), &*issuer.name()));
        assert_eq!(tree.present("events"), Some(None), "accepted: {payload}");
        assert_eq!(tree.member("cnf"), Some(None), "accepted, even if it is null: {payload}");
        let acts = tree.present("act").flatten().is_some();
        let statements = if acts { Vec::new() } else { read(&tree) };
        assert!(!mfa || has_two_factors(&statements), "mfa: {payload}");
        let gold = !acts && text("acr") == Some("gold");
        assert!(!holds(Policy::acr("gold")) || gold, "gold: {payload}");
    }
    accepted
}

/// Returns whether an attacker with any one compromise lacks a factor, whatever each statement means.
fn has_two_factors(statements: &[Statement]) -> bool {
    "pmindwc".chars().all(|held| {
        let lacks = |factors: &&[&str]| factors.iter().any(|row| !row.contains(held));
        statements.iter().any(|alternatives| alternatives.iter().all(&lacks))
    })
}

const PASSWORD: Statement = &[&["pmi"]];
const SMS: Statement = &[&["n"]];
const EMAIL: Statement = &[&["mi"]];
const TOTP: Statement = &[&["dc"]];
const WEBAUTHN: Statement = &[&["d"]];
const GOLD: Statement = &[&["pmi", "dc"]];

fn texts(tree: &Tree, name: &str) -> Vec<String> {
    match tree.present(name) {
        Some(Some(Tree::List(items))) => {
            items.iter().filter_map(Tree::text).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn gold(tree: &Tree) -> Option<Statement> {
    let is_gold = |value: &Tree| value.text() == Some("gold");
    tree.present("acr").flatten().is_some_and(is_gold).then_some(GOLD)
}

fn id_token(tree: &Tree) -> Vec<Statement> {
    let meaning = |name: String| match &*name {
        "pwd" => Some(PASSWORD),
        "sms" | "tel" => Some(SMS),
        _ => None,
    };
    texts(tree, "amr").into_iter().filter_map(meaning).collect()
}

fn standard(tree: &Tree) -> Vec<Statement> {
    const OTP: Statement = &[&["dc"], &["n"], &["mi"]];
    let otp = texts(tree, "amr").into_iter().filter(|name| name == "otp").map(|_| OTP);
    id_token(tree).into_iter().chain(otp).chain(gold(tree)).collect()
}

fn keycloak_token(tree: &Tree) -> Vec<Statement> {
    gold(tree).into_iter().collect()
}

fn supabase(tree: &Tree) -> Vec<Statement> {
    let Some(Some(Tree::List(entries))) = tree.present("amr") else { return Vec::new() };
    let name = |entry: &Tree| {
        let method = entry.present("method").flatten().and_then(Tree::text);
        entry.text().or(method).map(str::to_owned)
    };
    let meaning = |name: String| -> Option<Statement> {
        Some(match &*name {
            "password" => PASSWORD,
            "oauth" => EMAIL,
            "otp" => &[&["n"], &["mi"]],
            "totp" => TOTP,
            "mfa/phone" => SMS,
            "mfa/webauthn" | "passkey" => WEBAUTHN,
            "sso/saml" => &[&["i"]],
            "web3" => &[&["dw"]],
            "magiclink" | "recovery" | "invite" | "email/signup" | "email_change" => EMAIL,
            _ => return None,
        })
    };
    entries.iter().filter_map(name).filter_map(meaning).collect()
}

fn clerk_token(tree: &Tree) -> Vec<Statement> {
    let Some(Some(Tree::List(ages))) = tree.present("fva") else { return Vec::new() };
    let slots: [Statement; 2] = [PASSWORD, &[&["n"], &["dc"], &["c"]]];
    let proved = ages.iter().zip(slots).filter(|(age, _)| matches!(age, Tree::Integer(_)));
    proved.map(|(_, statement)| statement).collect()
}
