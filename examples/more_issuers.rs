//! Profiles for three issuers that have no preset: Zitadel, authentik and Logto. Copy the one that you
//! need. The guide *More issuers* says what the tokens prove, and what is not checked.
//!
//! ```sh
//! cargo run --example more_issuers
//! ```
//!
//! This needs neither an account nor a network. It prints what becomes of sample tokens.

use std::time::Duration;

use serde_json::{Value, json};
use tower_step_up::factor::Assertion;
use tower_step_up::issuers::{Issuer, IssuerError};
use tower_step_up::keys::Algorithm;
use tower_step_up::layer::IssuerFinding;
use tower_step_up::profile::{Capabilities, ClaimError, Claims, Evidence, Names, Profile};
use tower_step_up::testing::{NOW, TestIssuer};
use tower_step_up::token::SessionIdSource;
use tower_step_up::{Factor, Policy};

/// Returns a Zitadel instance as an issuer of ID tokens for this client. Its access tokens state
/// neither methods nor times.
pub(crate) fn zitadel(issuer: &str, client: &str) -> Issuer {
    Issuer::new(issuer, Zitadel)
        .audience(client)
        .authorized_parties([client]) // no access token has `azp`
        .longest_life(Duration::from_secs(12 * 3_600)) // Zitadel's default
}

struct Zitadel;

impl Profile for Zitadel {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        // `auth_time` is the time of the newest check, so it dates no single method.
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        claims.texts("amr")?.iter().for_each(|name| evidence.amr(name, None));
        Ok(evidence)
    }

    fn names(&self) -> Names {
        // `mfa` stays undeclared: a passkey alone is `user` and `mfa`.
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("password", [Factor::Password]) // older versions
            .amr("otp", [Factor::Totp, Factor::OtpSms, Factor::OtpEmail])
            .amr("user", [Factor::WebAuthn])
    }

    fn capabilities(&self) -> Capabilities {
        names_without_times()
    }
}

/// Returns an application of authentik as an issuer of access tokens for its client. The issuer is
/// such as `https://auth.example.com/application/o/shop/`, with the slash at the end.
pub(crate) fn authentik(issuer: &str, client: &str) -> Issuer {
    Issuer::new(issuer, Authentik)
        .algorithms([Algorithm::Rs256, Algorithm::Es256]) // the signing key decides
        .types(["JWT", "at+jwt"])
        .audience(client)
        .require_present("uid") // ID tokens lack it. Access tokens may have `nonce` and `at_hash` too
}

struct Authentik;

impl Profile for Authentik {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let (names, at) = (claims.texts("amr")?, claims.time("auth_time")?);
        // Without `amr`, the event of the sign-in may be gone, and then `auth_time` is the time of issue.
        let mut evidence = Evidence::signed_in(at.filter(|_| !names.is_empty()));
        names.iter().for_each(|name| evidence.amr(name, None));
        Ok(evidence) // `acr` is the same in every token
    }

    fn names(&self) -> Names {
        // `mfa` stays undeclared: the token does not say which device it was.
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("user", [Factor::WebAuthn])
            .amr("sc", [Factor::DeviceKey])
    }

    fn capabilities(&self) -> Capabilities {
        names_without_times()
    }
}

/// Returns a Logto tenant, such as `https://tenant.logto.app/oidc`, as an issuer of access tokens for
/// this API resource.
pub(crate) fn logto(issuer: &str, resource: &str) -> Issuer {
    Issuer::new(issuer, Logto)
        .algorithms([Algorithm::Es384, Algorithm::Rs256]) // RS256: tenants with an old key
        .types(["at+jwt", "JWT"])
        .audience(resource)
        .refuse_claim("nonce")
        .refuse_claim("at_hash")
        .refuse_claim("c_hash")
        .session_id(SessionIdSource::Token) // an access token names no session
}

const ONE_FACTOR: &str = "urn:logto:acr:1fa";
const MFA: &str = "urn:logto:acr:mfa";

struct Logto;

impl Profile for Logto {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        claims.texts("amr")?.iter().for_each(|name| evidence.amr(name, None));
        claims.text("acr")?.iter().for_each(|value| evidence.acr(value));
        Ok(evidence)
    }

    fn names(&self) -> Names {
        let codes = [Factor::Totp, Factor::OtpEmail, Factor::MagicLinkEmail, Factor::RecoveryCode];
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("otp", codes) // also a one-time token in a link, and a backup code
            .amr("sms", [Factor::OtpSms])
            .amr("pop", [Factor::WebAuthn])
            .amr("fed", [Factor::Federated])
            .acr_values([ONE_FACTOR, MFA])
            // The level guarantees no certain factors, only that `amr` has `mfa`.
            .acr(MFA, [[Factor::Asserted(Assertion::amr("mfa"))]])
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = names_without_times();
        capabilities.states_acr = true;
        capabilities
    }
}

/// Returns the capabilities of tokens that name methods and date only the sign-in.
fn names_without_times() -> Capabilities {
    let mut capabilities = Capabilities::sign_in_only();
    capabilities.names_methods = true;
    capabilities
}

fn main() -> Result<(), IssuerError> {
    let fresh = Policy::session().within(Duration::from_secs(300));
    let fresh_code = Policy::from(Factor::Totp).within(Duration::from_secs(600));
    let transfer = Policy::mfa().and(fresh_code);
    let minute_ago = NOW.unix_timestamp() - 60;

    let test = TestIssuer::standing_in_for(zitadel("https://login.example.com", "web"))?;
    println!("Zitadel");
    let passkey = json!({"amr": ["user", "mfa"], "auth_time": minute_ago});
    assert!(accepts(&test, &passkey, &Policy::phishing_resistant().and(fresh.clone())));
    assert!(!accepts(&test, &passkey, &Policy::mfa())); // one device
    let code = json!({"amr": ["pwd", "otp", "mfa"], "auth_time": minute_ago});
    assert!(!accepts(&test, &code, &Policy::mfa())); // the code may have come by email
    assert!(refuses(&test, &json!({"azp": null}))); // an access token
    let stale = json!({"amr": ["user", "mfa"], "auth_time": minute_ago - 600});
    assert!(!accepts(&test, &stale, &fresh));
    assert!(is_undated(&test, &transfer));
    let no_mail =
        zitadel("https://login.example.com", "web").narrow("otp", [Factor::Totp, Factor::OtpSms]);
    let no_mail = TestIssuer::standing_in_for(no_mail)?;
    println!("Zitadel without codes by email");
    assert!(accepts(&no_mail, &code, &Policy::mfa().and(fresh.clone())));

    let app = "https://auth.example.com/application/o/shop/";
    let test = TestIssuer::standing_in_for(authentik(app, "web"))?;
    println!("authentik");
    let password = json!({"amr": ["pwd", "mfa"], "auth_time": minute_ago});
    assert!(accepts(&test, &password, &Policy::amr("mfa").and(fresh.clone())));
    assert!(!accepts(&test, &password, &Policy::mfa())); // the token does not name the device
    assert!(!accepts(&test, &json!({"auth_time": minute_ago}), &fresh)); // the time of issue
    assert!(refuses(&test, &json!({"uid": null}))); // an ID token
    let devices = [Factor::Totp, Factor::WebAuthn]; // all that the flow accepts
    let declared = TestIssuer::standing_in_for(authentik(app, "web").amr("mfa", devices))?;
    println!("authentik, whose flow accepts codes from an app and passkeys");
    assert!(accepts(&declared, &password, &Policy::mfa()));

    let api = "https://api.example.com";
    let test = TestIssuer::standing_in_for(logto("https://tenant.logto.app/oidc", api))?;
    println!("Logto");
    let sms = json!({"acr": MFA, "amr": ["pwd", "sms", "mfa"], "auth_time": minute_ago});
    assert!(accepts(&test, &sms, &Policy::mfa().and(fresh.clone())));
    let code = json!({"acr": MFA, "amr": ["pwd", "otp", "mfa"], "auth_time": minute_ago});
    assert!(accepts(&test, &code, &Policy::acr(MFA).and(fresh)));
    assert!(!accepts(&test, &code, &Policy::mfa())); // the code may have come by email
    let one = json!({"acr": ONE_FACTOR, "amr": ["pwd"], "auth_time": minute_ago});
    assert!(!accepts(&test, &one, &Policy::acr(MFA)));
    assert!(refuses(&test, &json!({"sub": "job", "client_id": "job"}))); // a machine
    assert!(is_undated(&test, &transfer));
    Ok(())
}

/// Returns whether a session with these claims meets the policy. Prints it, and what a client could ask
/// the issuer for.
fn accepts(test: &TestIssuer, claims: &Value, policy: &Policy) -> bool {
    let result = policy.evaluate(&test.session_with(claims), NOW);
    let answer = match &result {
        Ok(_) => "granted".to_owned(),
        Err(shortfall) => match shortfall.authentication_request() {
            Some(request) => format!("step-up, with {}", json!(request)),
            None => "step-up, but the issuer cannot be asked for it".to_owned(),
        },
    };
    println!("  {policy}: {answer}\n    {claims}");
    result.is_ok()
}

/// Returns and prints whether the verifier refuses a token with these claims.
fn refuses(test: &TestIssuer, claims: &Value) -> bool {
    let Err(error) = test.verifier().verify_at(&test.mint_with(claims), NOW) else { return false };
    println!("  refused: {error}\n    {claims}");
    true
}

/// Returns and prints whether no token can meet the policy, because the tokens do not date the factor.
fn is_undated(test: &TestIssuer, policy: &Policy) -> bool {
    let findings = test.guard().require(policy.clone()).findings();
    findings.iter().for_each(|finding| println!("  {policy}: never\n    {finding}"));
    findings.iter().any(|finding| matches!(finding, IssuerFinding::Undated { .. }))
}
