//! The challenges for each issuer, one row for each case. The table was copied from the specification.

mod presets;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tower::{Layer, service_fn};
use tower_step_up::credentials::CredentialSource;
use tower_step_up::issuers::{self, Issuer, oidc};
use tower_step_up::profile::{Capabilities, ClaimError, Claims, Evidence, Names, Profile};
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::{Factor, Negotiated, Policy, Shortfall};

use crate::issuer_profiles as profiles;
use crate::support::{bearer, seconds, send};

/// The answer of the specification, in its own notation.
fn answer(shortfall: &Shortfall) -> String {
    if let Some(request) = shortfall.authentication_request() {
        assert!(shortfall.prompts().is_retryable() && shortfall.prompts().sets().is_empty());
        let acr_values = request.acr_values.join(" ");
        let acr_values =
            if acr_values.is_empty() { acr_values } else { format!("acr_values=\"{acr_values}\"") };
        let max_age = request.max_age.map(|max_age| format!("max_age=\"{max_age}\""));
        return [acr_values, max_age.unwrap_or_default()].join(" ").trim().to_owned();
    }
    let prompts = shortfall.prompts();
    assert!(!prompts.needs_restart(), "a new session would not help either");
    assert_eq!(prompts.is_retryable(), !prompts.sets().is_empty());
    let sets: Vec<_> = prompts
        .sets()
        .iter()
        .map(|set| {
            let names: Vec<_> =
                set.iter().map(|prompt| prompt.method.as_deref().expect("a name")).collect();
            names.join("+")
        })
        .collect();
    match sets.join(" or ").as_str() {
        "" if prompts.needs_enrolment() => "enrol".to_owned(),
        "" => "not retryable".to_owned(),
        "first_factor or second_factor" => "level first_factor".to_owned(),
        level @ ("first_factor" | "second_factor") => format!("level {level}"),
        "first_factor+second_factor" => "level multi_factor".to_owned(),
        sets => format!("prompts {sets}"),
    }
}

struct Row {
    name: &'static str,
    issuer: Issuer,
    token: Value,
    policy: Policy,
    /// The factors that the guard offers, if the application lists them.
    offered: Option<&'static [Factor]>,
    want: &'static str,
}

fn row(
    name: &'static str,
    issuer: Issuer,
    token: Value,
    policy: Policy,
    want: &'static str,
) -> Row {
    Row { name, issuer, token, policy, offered: None, want }
}

/// Returns the time this many seconds ago.
fn ago(seconds: i64) -> i64 {
    NOW.unix_timestamp() - seconds
}

fn oidc() -> Issuer {
    oidc::access_tokens("https://as.example", "https://api.example").acr_values(["silver", "gold"])
}

fn keycloak() -> Issuer {
    issuers::keycloak("https://h/realms/r", "api")
        .acr_values(["silver", "gold"])
        .acr("gold", [[Factor::Password, Factor::Totp]])
}

fn clerk() -> Issuer {
    issuers::clerk("https://clerk.app.example", ["https://app.example"])
}

fn acr(value: &str) -> Policy {
    Policy::acr(value)
}

fn amr(name: &str) -> Policy {
    Policy::amr(name)
}

/// Demands a sign-in at most this many seconds ago.
fn signed_in(limit: u64) -> Policy {
    Policy::session().within(seconds(limit))
}

/// Demands MFA, and a code from an app or by SMS of the last ten minutes.
fn transfer() -> Policy {
    Policy::mfa().and(Policy::any_of([Factor::Totp, Factor::OtpSms]).within(seconds(600)))
}

fn signed(acr: &str, seconds: i64) -> Value {
    json!({"acr": acr, "auth_time": ago(seconds)})
}

/// Returns what Clerk says about both factors, in minutes.
fn fva(first: i64, second: i64) -> Value {
    json!({"fva": [first, second], "iat": ago(0)})
}

fn password(seconds: i64) -> Value {
    json!({"amr": [{"method": "password", "timestamp": ago(seconds)}]})
}

const OKTA_TWO: &str = "urn:okta:loa:2fa:any";
const LOGTO_ONE: &str = "urn:logto:acr:1fa";
const LOGTO_MFA: &str = "urn:logto:acr:mfa";
const PAPE: &str = "acr_values=\"http://schemas.openid.net/pape/policies/2007/06/multi-factor\"";

#[rustfmt::skip] // one line for each row of the specification
fn rows() -> Vec<Row> {
    let silver = || signed("silver", 1_000);
    let okta = profiles::okta_access;
    let level = |level: u8, seconds| signed(&format!("urn:cognito:loa:{level}"), seconds);
    let three = "urn:cognito:loa:3";
    let supabase = || issuers::supabase("https://ref.supabase.co");
    let firebase = json!({"auth_time": ago(1_000), "firebase": {"sign_in_provider": "password"}});
    let offered: &[Factor] = &[Factor::Password, Factor::OtpSms, Factor::Totp];
    let clerk_declared = || clerk().amr("first_factor", [Factor::Password]).narrow("second_factor", [Factor::Totp, Factor::OtpSms]);
    vec![
        row("OIDC", oidc(), silver(), acr("gold"), "acr_values=\"gold\""),
        row("no level", oidc(), signed("0", 100), acr("silver"), "acr_values=\"silver gold\""),
        row("gold and fresh", oidc(), signed("gold", 1_000), acr("gold").and(signed_in(300)), "acr_values=\"gold\" max_age=\"240\""),
        row("fresh", oidc(), silver(), signed_in(300), "max_age=\"240\""),
        row("gold or totp", oidc(), silver(), acr("gold").or(Policy::from(Factor::Totp).within(seconds(3_600))), "acr_values=\"gold\""),
        row("dated gold", oidc(), signed("gold", 100), acr("gold").within(seconds(300)), "not retryable"),
        row("mfa", oidc(), json!({"amr": ["pwd"]}), Policy::mfa(), "not retryable"),
        row("one of two limits", oidc(), silver(), signed_in(300).or(signed_in(600)), "max_age=\"540\""),
        row("session_within", oidc(), silver(), Policy::session_within(seconds(43_200)), "not retryable"),
        row("Keycloak", keycloak(), silver(), Policy::mfa(), "acr_values=\"gold\""),
        row("Keycloak, covers all", keycloak().auth_time_covers_all(), signed("gold", 1_000), transfer(), "acr_values=\"gold\" max_age=\"540\""),
        row("Okta", okta(), signed("urn:okta:loa:1fa:any", 100), acr(OKTA_TWO), "acr_values=\"urn:okta:loa:2fa:any\""),
        row("Okta, one minute", okta(), signed("urn:okta:loa:2fa:any:ifpossible", 100), acr(OKTA_TWO).and(signed_in(60)), "acr_values=\"urn:okta:loa:2fa:any\" max_age=\"30\""),
        row("Okta, phishing-resistant", okta(), signed(OKTA_TWO, 100), Policy::phishing_resistant().and(signed_in(300)), "acr_values=\"phr\" max_age=\"240\""),
        row("Auth0, refreshed", profiles::auth0_id(), json!({"auth_time": ago(100)}), amr("mfa"), PAPE),
        row("Cognito", profiles::cognito(), level(1, 100), acr(three), "acr_values=\"urn:cognito:loa:3 urn:cognito:loa:4\""),
        row("Cognito, fresh", profiles::cognito(), level(4, 1_000), Policy::mfa().and(signed_in(300)), "acr_values=\"urn:cognito:loa:4\" max_age=\"240\""),
        row("Cognito, a code", profiles::cognito(), level(1, 100), Policy::any_of([Factor::OtpSms, Factor::OtpEmail]), "not retryable"),
        row("Cognito, covered", profiles::cognito().auth_time_covers([Factor::Totp]), level(1, 100), transfer(), "acr_values=\"urn:cognito:loa:4\" max_age=\"540\""),
        row("Entra", profiles::entra().acr_values(["c1"]), json!({}), acr("c1"), "acr_values=\"c1\""),
        row("Entra, fresh", profiles::entra().acr_values(["c1"]), json!({"acrs": ["c1"]}), acr("c1").and(signed_in(300)), "not retryable"),
        row("Clerk", clerk(), fva(0, 20), amr("second_factor").within(seconds(600)), "level second_factor"),
        row("Clerk, 90 s", clerk(), fva(20, 20), amr("second_factor").within(seconds(90)), "not retryable"),
        row("Clerk, both", clerk_declared(), fva(70, 70), Policy::mfa().within(seconds(600)), "level multi_factor"),
        row("Supabase, transfer", supabase(), password(1_000), transfer(), "prompts totp"),
        row("Supabase", supabase(), password(1_000), Policy::mfa(), "prompts totp or mfa/phone or mfa/webauthn or passkey or web3"),
        Row { offered: Some(offered), ..row("Firebase", profiles::firebase(), firebase, transfer(), "prompts password+phone or password+totp") },
        row("Supabase, aal2", supabase(), password(1_000), acr("aal2"), "prompts totp or mfa/phone or mfa/webauthn"),
        row("Supabase, aal2 and mfa", supabase(), password(1_000), acr("aal2").and(Policy::mfa()), "prompts totp or mfa/phone or mfa/webauthn"),
        row("Zitadel, fresh", profiles::zitadel(), json!({"auth_time": ago(1_000)}), signed_in(300), "max_age=\"240\""),
        row("Zitadel, mfa", profiles::zitadel(), json!({"amr": ["pwd"]}), Policy::mfa(), "not retryable"),
        row("authentik, fresh", profiles::authentik(), json!({"amr": ["pwd"], "auth_time": ago(1_000)}), signed_in(300), "max_age=\"240\""),
        row("authentik, mfa", profiles::authentik(), json!({"amr": ["pwd"]}), amr("mfa"), "not retryable"),
        row("Logto", profiles::logto(), signed(LOGTO_ONE, 100), acr(LOGTO_MFA), "acr_values=\"urn:logto:acr:mfa\""),
        row("Logto, amr", profiles::logto(), signed(LOGTO_ONE, 1_000), amr("mfa").and(signed_in(300)), "acr_values=\"urn:logto:acr:mfa\" max_age=\"240\""),
        row("Logto, mfa", profiles::logto(), signed(LOGTO_ONE, 100), Policy::mfa(), "not retryable"),
        row("WorkOS", profiles::workos(), json!({}), signed_in(300), "not retryable"),
    ]
}

#[test]
fn a_challenge_asks_for_what_the_issuer_can_give() {
    check(rows());
}

fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for Row { name, issuer, token, policy, offered, want } in rows {
        let test = TestIssuer::standing_in_for(issuer).unwrap();
        let shortfall = policy.evaluate(&test.session_with(&token), NOW).expect_err(name);
        let got = match offered {
            None => answer(&shortfall),
            Some(offered) => {
                let prompts = shortfall.prompts_for(offered);
                let names = |set: &Vec<tower_step_up::policy::Prompt>| {
                    let names = set.iter().map(|prompt| prompt.method.as_deref().unwrap());
                    names.collect::<Vec<_>>().join("+")
                };
                let sets: Vec<_> = prompts.sets().iter().map(names).collect();
                format!("prompts {}", sets.join(" or "))
            }
        };
        if got != want {
            wrong.push(format!("{name}: {policy}: {got}, and not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Tokens with these capabilities.
struct Tokens(Capabilities);

impl Profile for Tokens {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let signed_in_at = claims.time("auth_time")?;
        let mut evidence = Evidence::signed_in(signed_in_at).started_at(signed_in_at);
        if let Some(value) = claims.text("acr")? {
            evidence.acr(&value);
        }
        Ok(evidence)
    }

    fn names(&self) -> Names {
        Names::new().acr_values(["silver", "gold"])
    }

    fn capabilities(&self) -> Capabilities {
        self.0
    }
}

#[test]
fn a_challenge_asks_for_nothing_that_tokens_cannot_state() {
    let (mut starts, mut no_acr) = (Capabilities::default(), Capabilities::default());
    (starts.sign_in_is_start, no_acr.states_acr) = (true, false);
    let within = || Policy::session_within(seconds(300));
    for (capabilities, policy, want) in [
        (starts, within(), "max_age=\"240\""),
        (starts, within().and(acr("gold")), "acr_values=\"gold\" max_age=\"240\""),
        (Capabilities::default(), acr("gold"), "acr_values=\"gold\""),
        (no_acr, acr("gold"), "not retryable"),
    ] {
        let issuer = Issuer::new("https://as.example", Tokens(capabilities)).audience("api");
        let test = TestIssuer::standing_in_for(issuer).unwrap();
        let session = test.session_with(&signed("silver", 1_000));
        let shortfall = policy.evaluate(&session, NOW).expect_err("refused");
        assert_eq!(answer(&shortfall), want, "{capabilities:?}: {policy}");
    }
}

/// A new token need not state what the old one did, so a challenge that met only the inner policy could
/// send a client from one guard to the other.
#[tokio::test]
async fn a_challenge_of_an_inner_guard_meets_the_outer_policy_too() {
    let apart = || {
        oidc::access_tokens("https://as.example", "https://api.example")
            .acr_values(["a"])
            .acr_values(["b"])
    };
    for (issuer, outer, inner, token, want) in [
        (
            oidc(),
            acr("gold"),
            signed_in(300),
            signed("gold", 1_000),
            r#", acr_values="gold", max_age="240""#,
        ),
        (
            oidc(),
            signed_in(3_600),
            acr("gold"),
            signed("silver", 100),
            r#", acr_values="gold", max_age="3540""#,
        ),
        (oidc(), acr("silver"), acr("gold"), signed("silver", 100), r#", acr_values="gold""#),
        (apart(), acr("a"), acr("b"), signed("a", 100), ""),
    ] {
        let test = TestIssuer::standing_in_for(issuer).unwrap();
        let [outer, inner] = [outer, inner].map(|policy| test.guard().require(policy));
        let service = outer.layer(inner.layer(service_fn(crate::support::inner)));
        let request = Request::get("/").header("authorization", bearer(&test.mint_with(&token)));
        let response = send(&service, request.body(Full::<Bytes>::default()).unwrap()).await;
        let challenge = response.header("www-authenticate");
        let (_, parameters) = challenge.split_once("error_description=\"").expect("a step-up");
        let (_, parameters) = parameters.split_once('"').unwrap();
        assert_eq!(parameters, want, "{challenge}");
        assert_eq!(response.body.contains("\"retryable\":true"), !want.is_empty());
    }
}

#[tokio::test]
async fn a_challenge_meets_the_policies_of_all_guards_outside() {
    let apart = || {
        oidc::access_tokens("https://as.example", "https://api.example")
            .acr_values(["a"])
            .acr_values(["b"])
    };
    let test = TestIssuer::standing_in_for(apart()).unwrap();
    let [outer, middle, inner] =
        [acr("a"), Policy::session(), acr("b")].map(|policy| test.guard().require(policy));
    let service = outer.layer(middle.layer(inner.layer(service_fn(crate::support::inner))));
    let token = test.mint_with(&signed("a", 100));
    let request = Request::get("/").header("authorization", bearer(&token));
    let response = send(&service, request.body(Full::<Bytes>::default()).unwrap()).await;
    let challenge = response.header("www-authenticate");
    // A token has one value, so no token meets both.
    assert!(!challenge.contains("acr_values"), "{challenge}");
    assert!(response.body.contains("\"retryable\":false"), "{}", response.body);
}

/// A new token for the inner guard does not change the one that the outer guard reads.
#[tokio::test]
async fn a_challenge_need_not_meet_the_policy_of_a_guard_for_another_issuer() {
    let other = oidc::access_tokens("https://mesh.example", "https://api.example");
    let [mesh, users] = [other.acr_values(["a"]), oidc().acr_values(["gold"])]
        .map(|issuer| TestIssuer::standing_in_for(issuer).unwrap());
    let outer = mesh.guard().require(acr("a")).credentials([CredentialSource::cookie("mesh")]);
    let inner = users.guard().require(acr("gold"));
    let service = outer.layer(inner.layer(service_fn(crate::support::inner)));
    let request = Request::get("/")
        .header("authorization", bearer(&users.mint_with(&signed("silver", 100))))
        .header("cookie", format!("mesh={}", mesh.mint_with(&signed("a", 100))));
    let response = send(&service, request.body(Full::<Bytes>::default()).unwrap()).await;
    let challenge = response.header("www-authenticate");
    assert!(challenge.contains("acr_values=\"gold\""), "{challenge}");
}

#[test]
fn clerk_is_not_asked_again_for_a_factor_that_the_user_does_not_have() {
    let second = || amr("second_factor").within(seconds(600));
    for (token, policy, want) in [
        (fva(0, -1), second(), "enrol"),
        (fva(1, -1), second(), "enrol"),
        (fva(2, -1), second(), "level second_factor"),
        (fva(-1, -1), second(), "level second_factor"),
        (fva(0, 20), second(), "level second_factor"),
        (fva(1, -1), signed_in(60), "not retryable"),
        (fva(2, -1), signed_in(60), "not retryable"),
        (fva(30, -1), signed_in(600), "level first_factor"),
    ] {
        let test = TestIssuer::standing_in_for(clerk()).unwrap();
        let shortfall = policy.evaluate(&test.session_with(&token), NOW).expect_err("refused");
        assert_eq!(answer(&shortfall), want, "{token}: {policy}");
    }
}

/// Every sign-in of an anonymous visitor would do, so the step-up page would have nothing to ask for.
#[tokio::test]
async fn an_anonymous_visitor_is_sent_to_the_sign_in_page() {
    struct Visitors;
    impl Profile for Visitors {
        fn evidence(&self, _: &Claims<'_>) -> Result<Evidence, ClaimError> {
            Ok(Evidence::anonymous())
        }
        fn names(&self) -> Names {
            Names::new().acr_values(["gold"])
        }
    }
    let issuer = Issuer::new("https://as.example", Visitors).audience("api");
    let test = TestIssuer::standing_in_for(issuer).unwrap();
    let pages = Negotiated::new().sign_in("/sign-in").unwrap().step_up("/step-up").unwrap();
    for (policy, page) in [
        (Policy::session(), "/sign-in?return_to=/orders"),
        (Policy::acr("gold"), "/step-up?return_to=/orders&acr_values=gold"),
    ] {
        let guard = test.guard().require(policy).respond_with(pages.clone());
        let service = guard.layer(service_fn(crate::support::inner));
        let request = Request::get("/orders")
            .header("authorization", bearer(&test.mint_with(&json!({}))))
            .header("sec-fetch-mode", "navigate");
        let response = send(&service, request.body(Full::<Bytes>::default()).unwrap()).await;
        assert_eq!(response.header("location"), page);
    }
}

#[tokio::test]
async fn a_long_request_leaves_less_room_for_the_way_back() {
    let level = "g".repeat(1_300);
    let issuer = oidc::access_tokens("https://as.example", "https://api.example");
    let test = TestIssuer::standing_in_for(issuer.acr_values([&*level])).unwrap();
    let pages = Negotiated::new().step_up("/step-up").unwrap();
    let guard = test.guard().require(acr(&level)).respond_with(pages);
    let service = guard.layer(service_fn(crate::support::inner));
    for (length, is_kept) in [(600, true), (800, false)] {
        let path = format!("/{}", "a".repeat(length));
        let request = Request::get(&path)
            .header("authorization", bearer(&test.mint_with(&json!({}))))
            .header("sec-fetch-mode", "navigate");
        let response = send(&service, request.body(Full::<Bytes>::default()).unwrap()).await;
        let location = response.header("location");
        let back = if is_kept { &*path } else { "/" };
        assert_eq!(location, format!("/step-up?return_to={back}&acr_values={level}"));
        assert!(location.len() <= 2_048);
    }
}
