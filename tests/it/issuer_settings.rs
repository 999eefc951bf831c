//! The errors of an issuer that is configured wrongly: each names the wrong value and the remedy.

use std::time::Duration;

use serde_json::json;
use tower_step_up::issuers::{
    self, Issuer, IssuerError, auth0, cognito, firebase, kratos, oidc, okta,
};
use tower_step_up::keys::Algorithm;
use tower_step_up::profile::{ClaimError, Claims, DeclarationError, Evidence, Names, Profile};
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Policy};

use crate::issuer_profiles::{self as profiles, TENANT};
use crate::support::seconds;

const ISSUER: &str = "https://login.example.com";
const POOL: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X";
const KEYS: &str = "https://api.example.com/keys.json";

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

fn entra_issuer(tenant: &str) -> String {
    format!("https://login.microsoftonline.com/{tenant}/v2.0")
}

/// Returns the name of the error's variant.
fn variant(error: &IssuerError) -> &'static str {
    match error {
        IssuerError::Address(_) => "Address",
        IssuerError::Tenant(_) => "Tenant",
        IssuerError::AuthorizationServer(_) => "AuthorizationServer",
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
        IssuerError::Declaration(DeclarationError::Renaming { .. }) => "Renaming",
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
fn the_access_tokens_of_okta_come_from_a_custom_authorization_server() {
    let words = ["custom authorization server", "/oauth2/default"];
    for issuer in ["https://example.okta.com", "https://example.okta.com/"] {
        check(okta::access_tokens(issuer, "api"), "AuthorizationServer", &words);
        assert!(okta::id_tokens(issuer, "client").verifier().is_ok());
    }
    assert!(okta::access_tokens("https://login.example.com/oauth2/aus1", "api").verifier().is_ok());
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
        check(okta::access_tokens(address, "api"), "Address", &words);
        check(okta::id_tokens(address, "client"), "Address", &words);
        check(issuers::entra(address, "api"), "Address", &words);
        check(cognito::access_tokens(address, ["client"]), "Address", &words);
        check(cognito::id_tokens(address, "client"), "Address", &words);
        check(kratos::tokens(address, KEYS), "Address", &words);
        check(kratos::tokens_with_methods(address, KEYS, "amr"), "Address", &words);
        check(Issuer::new(address, Named(Names::new)).audience("api"), "Address", &words);
    }
    check(issuers::clerk("http://clerk.example", ["https://app"]), "Address", &["clerk.example"]);
    check(issuers::supabase("http://ref.supabase.co"), "Address", &["ref.supabase.co"]);
    for tenant in ["http://t.eu.auth0.com", "t.eu.auth0.com", "", "/", "https://t.eu.auth0.com?a="]
    {
        let words = ["https address"];
        check(auth0::access_tokens(tenant, "api"), "Address", &words);
        check(auth0::access_tokens_with_methods(tenant, "api", "methods"), "Address", &words);
        check(auth0::id_tokens(tenant, "client"), "Address", &words);
    }
    for project in ["a?b", "a#b", "a b"] {
        check(firebase::project(project), "Address", &["securetoken.google.com"]);
        check(firebase::tenant(project, "shop"), "Address", &["securetoken.google.com"]);
    }
    for local in ["http://localhost:8080", "http://127.0.0.1/realms/r", "http://[::1]:9000"] {
        assert!(oidc::access_tokens(local, "api").verifier().is_ok(), "{local}");
    }
    // A test issuer has its own keys, so only the verifier and the guard are refused.
    for url in ["http://login.example.com/jwks", "ftp://login.example.com", "", "https://a b"] {
        for issuer in [access().keys_at(url), kratos::tokens(ISSUER, url)] {
            let error = issuer.verifier().unwrap_err();
            assert_eq!(variant(&error), "Keys", "{error}");
            assert!(error.to_string().contains("login.example.com"), "{error}");
            let cause = std::error::Error::source(&error).expect("a reason").to_string();
            assert!(cause.contains("https"), "{url}: {cause}");
        }
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
    check(okta::access_tokens(ISSUER, ""), "Audience", &["audience"]);
    check(okta::id_tokens(ISSUER, ""), "Audience", &["audience"]);
    check(auth0::access_tokens(ISSUER, ""), "Audience", &["audience"]);
    check(auth0::access_tokens_with_methods(ISSUER, "", "methods"), "Audience", &["audience"]);
    check(auth0::id_tokens(ISSUER, ""), "Audience", &["audience"]);
    check(issuers::entra(&entra_issuer(TENANT), ""), "Audience", &["audience"]);
    check(cognito::id_tokens(POOL, ""), "Audience", &["audience"]);
    check(firebase::project(""), "Audience", &["audience"]);
    check(firebase::tenant("", "shop"), "Audience", &["audience"]);
    check(issuers::keycloak(ISSUER, "account"), "Audience", &["\"account\"", "audience mapper"]);

    let parties = ["login.example.com", "at least one", "such as https://app.example.com"];
    check(issuers::clerk(ISSUER, none::<&str>()), "NoClient", &parties);
    check(issuers::clerk(ISSUER, [""]), "NoClient", &parties);
    check(issuers::clerk(ISSUER, none::<&str>()).native_clients(), "NoClient", &parties);
    check(access().clients(none::<&str>()), "NoClient", &parties);
    check(
        cognito::access_tokens(POOL, none::<&str>()),
        "NoClient",
        &["eu-west-1_X", "at least one"],
    );
    check(cognito::access_tokens(POOL, ["client", ""]), "NoClient", &["eu-west-1_X"]);
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
        issuers::entra(&format!("{ISSUER}/{long}"), "api"),
        access().acr_renamed(&long, &long),
        cognito::access_tokens(&format!("{ISSUER}/{long}"), none::<&str>()),
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
        okta::access_tokens("https://example.okta.com/oauth2/default", "api://default"),
        okta::id_tokens("https://example.okta.com", "client"),
        auth0::access_tokens("https://example.eu.auth0.com", "https://api.example.com"),
        auth0::access_tokens_with_methods(
            "https://example.eu.auth0.com",
            "api",
            "https://a/methods",
        ),
        auth0::id_tokens("https://example.eu.auth0.com", "client"),
        issuers::entra(&entra_issuer(TENANT), "6731de76-14a6-49ae-97bc-6eba6914391e"),
        issuers::entra(&entra_issuer(TENANT), "api").acr_values(["c1"]).states_auth_time(),
        cognito::access_tokens(POOL, ["client"]),
        cognito::access_tokens(POOL, ["web".to_owned(), "app".to_owned()]),
        cognito::id_tokens(POOL, "client").acr_renamed("urn:cognito:loa:3", "high"),
        cognito::access_tokens(POOL, ["client"]).auth_time_covers([Factor::Totp]),
        firebase::project("example-project").narrow("password", [Factor::Password]),
        firebase::tenant("example-project", "shop-1a2b3"),
        kratos::tokens("https://id.example.com", KEYS),
        kratos::tokens_with_methods("http://127.0.0.1:4433/", "http://127.0.0.1:8080/keys", "amr"),
        profiles::zitadel(),
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

#[test]
fn an_issuer_of_entra_is_one_tenant_by_its_id() {
    let words = ["a tenant's id and /v2.0", "such as https://login.microsoftonline.com/"];
    let without_dashes = TENANT.replace('-', "");
    for tenant in [
        "common",
        "organizations",
        "consumers",
        "contoso.onmicrosoft.com",
        "login.example.com",
        "",
        &without_dashes,
        "72f988bf86f1-41af-91ab-2d7cd011db47-ab",
        "72f988bf-86f1-41af-91ab-2d7cd011db4",
        "72f988bf-86f1-41af-91ab-2d7cd011db477",
        "72f988bg-86f1-41af-91ab-2d7cd011db47",
        "{72f988bf-86f1-41af-91ab-2d7cd011db47}",
        "------------------------------------",
        "{tenantid}",
    ] {
        check(issuers::entra(&entra_issuer(tenant), "api"), "Tenant", &words);
    }
    let host = "https://login.microsoftonline.com";
    for issuer in [
        host.to_owned(),
        format!("{host}/v2.0"),
        format!("{host}/{TENANT}"),
        format!("{host}/{TENANT}/"),
        format!("{host}/{TENANT}/v1.0"),
        format!("{host}/{TENANT}/v2.0/token"),
        format!("{host}/v2.0/{TENANT}"),
        format!("https://sts.windows.net/{TENANT}/"),
    ] {
        check(issuers::entra(&issuer, "api"), "Tenant", &words);
    }
    let lower = entra_issuer(TENANT);
    for issuer in [&lower, &format!("{lower}/"), &entra_issuer(&TENANT.to_uppercase())] {
        let issuer = issuers::entra(issuer, "api");
        assert_eq!(issuer.name(), lower);
        // Its own tokens have the tenant's id in `tid`.
        let session = TestIssuer::standing_in_for(issuer).unwrap().session_with(&json!({}));
        assert_eq!(session.issuer(), lower);
    }
}

/// Tokens state `iss` with the slashes that their issuer has, whatever an application writes.
#[test]
fn a_slash_at_the_end_of_an_address_does_not_matter() {
    let okta = "https://example.okta.com/oauth2/default";
    for (issuer, name) in [
        (okta::access_tokens(&format!("{okta}/"), "api"), okta),
        (okta::id_tokens(&format!("{okta}//"), "client"), okta),
        (auth0::access_tokens(ISSUER, "api"), "https://login.example.com/"),
        (auth0::access_tokens("https://login.example.com/", "api"), "https://login.example.com/"),
        (auth0::id_tokens("https://login.example.com//", "client"), "https://login.example.com/"),
        (cognito::access_tokens(&format!("{POOL}/"), ["client"]), POOL),
        (cognito::id_tokens(&format!("{POOL}/"), "client"), POOL),
        // The operator of Kratos chooses the address, with or without a slash.
        (kratos::tokens("http://127.0.0.1:4433/", KEYS), "http://127.0.0.1:4433/"),
        (kratos::tokens("http://127.0.0.1:4433", KEYS), "http://127.0.0.1:4433"),
    ] {
        assert_eq!(issuer.name(), name);
        assert!(issuer.verifier().is_ok(), "{name}");
    }
}

#[test]
fn a_level_has_the_name_that_the_issuer_gives_it() {
    let renamed = cognito::access_tokens(POOL, ["client"]).acr_renamed("urn:cognito:loa:3", "high");
    let test = TestIssuer::standing_in_for(renamed.clone()).unwrap();
    for (acr, policy, want) in [
        ("high", "high", true),
        ("high", "urn:cognito:loa:2", true),
        ("urn:cognito:loa:4", "high", true),
        ("urn:cognito:loa:2", "high", false),
        ("urn:cognito:loa:3", "high", false),
        ("urn:cognito:loa:3", "urn:cognito:loa:1", false),
        ("high", "urn:cognito:loa:3", false),
    ] {
        let session = test.session_with(&json!({"acr": acr}));
        let holds = Policy::acr(policy).evaluate(&session, NOW).is_ok();
        assert_eq!(holds, want, "{acr}: {policy}");
    }
    let words = ["cannot be renamed", "a declared value"];
    for (value, name) in [
        ("urn:cognito:loa:5", "higher"),
        ("urn:cognito:loa:3", "higher"),
        ("high", "urn:cognito:loa:4"),
        ("high", "high"),
        ("", "higher"),
    ] {
        check(renamed.clone().acr_renamed(value, name), "Renaming", &words);
    }
    for name in ["", "0", "two words", "g\u{f6}ld", "a\"b"] {
        check(renamed.clone().acr_renamed("high", name), "AcrValue", &["visible ASCII"]);
    }
}

#[test]
fn the_sign_in_has_a_time_where_the_application_says_so() {
    let fresh = Policy::session().within(seconds(300));
    let entra = issuers::entra(&entra_issuer(TENANT), "api");
    for (issuer, has_findings) in [(entra.clone(), true), (entra.states_auth_time(), false)] {
        let test = TestIssuer::standing_in_for(issuer).unwrap();
        let guard = test.guard().require(fresh.clone());
        assert_eq!(!guard.findings().is_empty(), has_findings, "{:?}", guard.findings());
        let signed_in = |ago: i64| {
            let session = test.session_with(&json!({"auth_time": NOW.unix_timestamp() - ago}));
            fresh.evaluate(&session, NOW).is_ok()
        };
        assert_eq!([signed_in(300), signed_in(301)], [true, false]);
        assert!(fresh.evaluate(&test.session_with(&json!({})), NOW).is_err());
    }
}

#[test]
fn another_claim_can_be_the_id_of_the_user() {
    let okta = okta::access_tokens("https://example.okta.com/oauth2/default", "api");
    let test = TestIssuer::standing_in_for(okta.user_id_claim("uid")).unwrap();
    let session = test.session_with(&json!({"uid": "00u1", "sub": "joe@example.com"}));
    assert_eq!(session.user_id(), "00u1");
    assert!(test.verifier().verify_at(&test.mint_with(&json!({"uid": null})), NOW).is_err());
    let entra = TestIssuer::standing_in_for(profiles::entra().user_id_claim("sub")).unwrap();
    let session = entra.session_with(&json!({"oid": "o", "sub": "p"}));
    assert_eq!(session.user_id(), "p");
}

/// The page of Cognito says so about pools with another provider, whose word `acr` and `amr` can be.
#[test]
fn the_word_of_a_provider_behind_cognito_can_be_ruled_out() {
    let four = [vec![Factor::Federated], vec![Factor::Password, Factor::Totp]];
    let pool = || cognito::access_tokens(POOL, ["client"]);
    let names = [
        ("otp", Factor::Totp),
        ("sms", Factor::OtpSms),
        ("swk", Factor::WebAuthn),
        ("hwk", Factor::WebAuthn),
    ];
    let widened =
        names.into_iter().fold(pool().acr("urn:cognito:loa:4", four), |pool, (name, factor)| {
            pool.amr(name, [factor, Factor::Federated])
        });
    let [preset, widened] = [pool(), widened].map(|it| TestIssuer::standing_in_for(it).unwrap());
    for (amr, policy) in [
        (["pwd", "otp"], Policy::mfa()),
        (["pwd", "sms"], Policy::mfa()),
        (["pwd", "hwk"], Policy::mfa()),
        (["fed", "swk"], Policy::phishing_resistant()),
        (["pwd", "sms"], Factor::OtpSms.into()),
    ] {
        let claims = json!({"acr": "urn:cognito:loa:4", "amr": amr});
        let holds = |test: &TestIssuer, policy: &Policy| {
            policy.evaluate(&test.session_with(&claims), NOW).is_ok()
        };
        assert_eq!([&preset, &widened].map(|test| holds(test, &policy)), [true, false], "{amr:?}");
        assert!(holds(&widened, &Policy::acr("urn:cognito:loa:4")));
    }
}
