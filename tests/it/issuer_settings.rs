//! The errors of an issuer that is configured wrongly: each names the wrong value and the remedy.

use std::time::Duration;

use tower_step_up::Factor;
use tower_step_up::issuers::{self, Issuer, IssuerError, oidc};
use tower_step_up::keys::Algorithm;
use tower_step_up::profile::{ClaimError, Claims, DeclarationError, Evidence, Names, Profile};
use tower_step_up::testing::TestIssuer;

use crate::issuer_profiles as profiles;

const ISSUER: &str = "https://login.example.com";

fn access() -> Issuer {
    oidc::access_tokens(ISSUER, "api")
}

/// A profile with these names.
struct Named(fn() -> Names);

impl Profile for Named {
    fn evidence(&self, _: &Claims<'_>) -> Result<Evidence, ClaimError> {
        Ok(Evidence::signed_in(None))
    }

    fn names(&self) -> Names {
        (self.0)()
    }
}

fn none<T>() -> [T; 0] {
    []
}

/// Returns the name of the error's variant.
fn variant(error: &IssuerError) -> &'static str {
    match error {
        IssuerError::Address(_) => "Address",
        IssuerError::NoAudience(_) => "NoAudience",
        IssuerError::Audience(_) => "Audience",
        IssuerError::NoClient(_) => "NoClient",
        IssuerError::Keys { .. } => "Keys",
        IssuerError::Declaration(DeclarationError::NoFactor(_)) => "NoFactor",
        IssuerError::Declaration(DeclarationError::UndeclaredMethod(_)) => "UndeclaredMethod",
        IssuerError::Declaration(DeclarationError::NotACandidate { .. }) => "NotACandidate",
        IssuerError::Declaration(DeclarationError::MutualInclusion { .. }) => "MutualInclusion",
        IssuerError::Declaration(DeclarationError::NoAlternative(_)) => "NoAlternative",
        IssuerError::Declaration(DeclarationError::AcrValue(_)) => "AcrValue",
        IssuerError::Declaration(DeclarationError::UndeclaredAcr { .. }) => "UndeclaredAcr",
        other => panic!("{other:?}"),
    }
}

/// Checks that a verifier, a guard and a test issuer are refused for this reason, in a message with
/// these words.
#[track_caller]
fn check(issuer: Issuer, want: &str, words: &[&str]) {
    let error = issuer.verifier().unwrap_err();
    assert_eq!(variant(&error), want, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    assert_eq!(issuer.guard().unwrap_err(), error);
    assert_eq!(TestIssuer::standing_in_for(issuer).unwrap_err(), error);
}

#[test]
fn an_issuer_is_an_address_that_keys_can_be_fetched_for() {
    for address in [
        "http://login.example.com",
        "login.example.com",
        "",
        "ftp://login.example.com",
        "https://",
        "https://login.example.com?tenant=a",
        "https://login.example.com/#a",
        "https://ada@login.example.com",
        "https://login.example.com:99999",
        "http://192.168.0.1",
    ] {
        let words = ["https address", "such as https://login.example.com"];
        check(oidc::access_tokens(address, "api"), "Address", &words);
        check(oidc::id_tokens(address, "client"), "Address", &words);
        check(issuers::keycloak(address, "api"), "Address", &words);
        check(Issuer::new(address, Named(Names::new)).audience("api"), "Address", &words);
    }
    check(issuers::clerk("http://clerk.example", ["https://app"]), "Address", &["clerk.example"]);
    check(issuers::supabase("http://ref.supabase.co"), "Address", &["ref.supabase.co"]);
    for local in ["http://localhost:8080", "http://127.0.0.1/realms/r", "http://[::1]:9000"] {
        assert!(oidc::access_tokens(local, "api").verifier().is_ok(), "{local}");
    }
    // A test issuer has its own keys, so only the verifier and the guard are refused.
    for url in ["http://login.example.com/jwks", "ftp://login.example.com", "", "https://a b"] {
        let error = access().keys_at(url).verifier().unwrap_err();
        assert_eq!(variant(&error), "Keys", "{error}");
        assert!(error.to_string().contains("login.example.com"), "{error}");
        let cause = std::error::Error::source(&error).expect("a reason").to_string();
        assert!(cause.contains("https"), "{url}: {cause}");
    }
}

#[test]
fn something_says_for_whom_the_tokens_are() {
    let nobody = || Issuer::new(ISSUER, Named(Names::new));
    check(nobody(), "NoAudience", &["login.example.com", "`audience`", "`authorized_parties`"]);
    check(nobody().require_claim("aud", "x"), "NoAudience", &["login.example.com"]);
    for issuer in [
        nobody().audience("api"),
        nobody().clients(["web"]),
        nobody().authorized_parties(["https://app.example"]),
        nobody().insecure_any_audience(),
    ] {
        assert!(issuer.verifier().is_ok());
    }
    check(nobody().audience(""), "Audience", &["audience"]);
    check(oidc::access_tokens(ISSUER, ""), "Audience", &["audience"]);
    check(oidc::id_tokens(ISSUER, ""), "Audience", &["audience"]);
    check(issuers::keycloak(ISSUER, ""), "Audience", &["audience"]);
    check(issuers::keycloak(ISSUER, "account"), "Audience", &["\"account\"", "audience mapper"]);

    let parties = ["login.example.com", "at least one", "such as https://app.example.com"];
    check(issuers::clerk(ISSUER, none::<&str>()), "NoClient", &parties);
    check(issuers::clerk(ISSUER, [""]), "NoClient", &parties);
    check(issuers::clerk(ISSUER, none::<&str>()).native_clients(), "NoClient", &parties);
    check(access().clients(none::<&str>()), "NoClient", &parties);
    check(access().authorized_parties(["https://app.example", ""]), "NoClient", &parties);
}

#[test]
fn a_declaration_that_would_grant_too_much_is_refused() {
    let nothing = ["\"otp\"", "at least one factor", "`proves_nothing`"];
    check(access().amr("otp", none()), "NoFactor", &nothing);
    check(access().narrow("sms", none()), "NoFactor", &["\"sms\""]);
    check(
        Issuer::new(ISSUER, Named(|| Names::new().amr("otp", []))).audience("api"),
        "NoFactor",
        &nothing,
    );
    let candidate = ["\"sms\"", "totp", "lists for it"];
    check(access().narrow("sms", [Factor::Totp]), "NotACandidate", &candidate);
    check(access().narrow("sms", [Factor::OtpSms, Factor::Totp]), "NotACandidate", &candidate);
    check(access().narrow("otp", [Factor::Totp]), "UndeclaredMethod", &["\"otp\"", "`amr`"]);
    let widened = access().narrow("pwd", [Factor::Password]).narrow("pwd", [Factor::OtpSms]);
    check(widened, "NotACandidate", &["\"pwd\"", "otp/sms"]);

    let alternative = ["\"gold\"", "at least one alternative", "at least one factor"];
    check(access().acr("gold", none::<[Factor; 1]>()), "NoAlternative", &alternative);
    check(access().acr("gold", [none::<Factor>()]), "NoAlternative", &alternative);
    let one_is_empty = access().acr("gold", [vec![Factor::Totp], vec![]]);
    check(one_is_empty, "NoAlternative", &alternative);
}

#[test]
fn an_acr_value_can_stand_in_a_challenge_and_is_declared_before_it_is_included() {
    for value in ["", "0", "two words", "a\"b", "a\\b", "g\u{f6}ld", "a\nb", "a\u{7f}", "\u{0}"] {
        let words = ["visible ASCII", "not 0"];
        check(access().acr_values([value]), "AcrValue", &words);
        check(access().acr_values(["silver", value]), "AcrValue", &words);
        check(access().acr(value, [[Factor::Totp]]), "AcrValue", &words);
        check(access().acr_values(["silver"]).acr_includes(value, ["silver"]), "AcrValue", &words);
    }
    let undeclared = ["\"gold\"", "\"silver\"", "not declared"];
    check(access().acr_includes("gold", ["silver"]), "UndeclaredAcr", &undeclared);
    let typo = access().acr_values(["silver", "gold"]).acr_includes("gold", ["silber"]);
    check(typo, "UndeclaredAcr", &["\"gold\"", "\"silber\""]);
    for value in ["1", "gold", "urn:okta:loa:2fa:any", "https://refeds.org/profile/mfa", "00", "!~"]
    {
        let declared = access().acr(value, [[Factor::Totp]]).acr_values(["silver", value]);
        assert!(declared.acr_includes(value, ["silver"]).verifier().is_ok(), "{value}");
    }
}

#[test]
fn the_first_mistake_is_reported_whatever_follows() {
    let wrong = access().acr_values(["0"]).amr("otp", none()).acr_values(["gold"]);
    check(wrong, "AcrValue", &["\"0\""]);
    let wrong = oidc::access_tokens("login.example.com", "").amr("otp", none());
    check(wrong, "Address", &["login.example.com"]);
}

#[test]
fn messages_show_no_more_than_an_excerpt_of_what_was_configured() {
    let long = "x".repeat(10_000);
    for issuer in [
        oidc::access_tokens(&long, "api"),
        access().amr(&long, none()),
        access().acr_values([&*format!("{long} ")]),
        access().acr_includes(&long, [&*long]),
        access().narrow(&long, [Factor::Totp]),
        issuers::clerk(&format!("{ISSUER}/{long}"), none::<&str>()),
    ] {
        let message = issuer.verifier().unwrap_err().to_string();
        assert!(message.len() < 1_000 && !message.contains('\n'), "{} bytes", message.len());
    }
}

#[test]
fn every_preset_and_profile_can_be_used_as_it_is_documented() {
    for issuer in [
        access(),
        oidc::rfc9068(ISSUER, "api"),
        oidc::id_tokens(ISSUER, "client"),
        issuers::keycloak("https://login.example.com/realms/r", "api"),
        issuers::supabase("https://ref.supabase.co"),
        issuers::supabase("https://ref.supabase.co/"),
        issuers::clerk("https://clerk.example.com", ["https://app.example.com"]),
        profiles::kratos(),
        profiles::okta_access(),
        profiles::okta_id(),
        profiles::auth0_id(),
        profiles::entra().acr_values(["c1"]),
        profiles::cognito(),
        profiles::zitadel(),
        profiles::firebase(),
        profiles::authentik(),
        profiles::logto(),
        profiles::workos(),
    ] {
        let name = issuer.name().to_owned();
        let issuer = issuer.longest_life(Duration::from_secs(600)).cookie("session");
        assert!(issuer.guard().is_ok(), "{name}");
        let issuer = TestIssuer::standing_in_for(issuer.algorithms([Algorithm::EdDsa])).unwrap();
        assert_eq!(issuer.name(), name);
        assert!(!format!("{issuer:?}").contains("d\":"), "{issuer:?}");
    }
}
