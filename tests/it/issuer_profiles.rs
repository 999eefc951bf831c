//! The issuers of the specification's samples: presets, and profiles that are written with the public API
//! alone.

use std::time::Duration;

use tower_step_up::Factor;
use tower_step_up::factor::Assertion;
use tower_step_up::issuers::{self, Issuer, auth0, cognito, firebase, okta};
use tower_step_up::profile::{Capabilities, ClaimError, Claims, Evidence, Names, Profile};
use tower_step_up::token::SessionIdSource;

const API: &str = "https://api.example";
const CLIENT: &str = "client";
const HOUR: Duration = Duration::from_secs(3_600);

fn amr_mfa() -> Factor {
    Factor::Asserted(Assertion::amr("mfa"))
}

/// Reads `auth_time`, `amr` and `acr` as OpenID Connect defines them.
fn standard(claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
    let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
    claims.texts("amr")?.iter().for_each(|name| evidence.amr(name, None));
    claims.text("acr")?.iter().for_each(|value| evidence.acr(value));
    Ok(evidence)
}

/// Returns what tokens with the claims of OpenID Connect can state.
fn standard_capabilities() -> Capabilities {
    let mut capabilities = Capabilities::sign_in_only();
    (capabilities.names_methods, capabilities.states_acr) = (true, true);
    capabilities
}

/// Returns the presets with the addresses of the specification's samples.
pub(crate) fn kratos() -> Issuer {
    let kratos = "https://p.projects.oryapis.com";
    issuers::kratos::tokens(kratos, &format!("{kratos}/jwks.json"))
}

pub(crate) fn okta_access() -> Issuer {
    okta::access_tokens("https://o.okta.com/oauth2/default", "api://default")
}

pub(crate) fn okta_id() -> Issuer {
    okta::id_tokens("https://o.okta.com", CLIENT)
}

pub(crate) fn auth0_id() -> Issuer {
    auth0::id_tokens("https://t.eu.auth0.com", CLIENT)
}

pub(crate) fn auth0_with_methods(claim: &str) -> Issuer {
    auth0::access_tokens_with_methods("https://t.eu.auth0.com", API, claim)
}

pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

pub(crate) fn entra() -> Issuer {
    let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    issuers::entra(&issuer, "api-client-guid")
}

pub(crate) fn cognito() -> Issuer {
    let pool = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X";
    cognito::access_tokens(pool, [CLIENT])
}

pub(crate) fn firebase() -> Issuer {
    firebase::project("PROJECT")
}

/// Zitadel's ID tokens.
pub(crate) fn zitadel_id() -> Issuer {
    Issuer::new("https://z.example", ZitadelId)
        .audience(CLIENT)
        .authorized_parties([CLIENT])
        .longest_life(12 * HOUR)
}

struct ZitadelId;

impl Profile for ZitadelId {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        standard(claims)
    }

    fn names(&self) -> Names {
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("password", [Factor::Password])
            .amr("otp", [Factor::Totp, Factor::OtpSms, Factor::OtpEmail])
            .amr("user", [Factor::WebAuthn])
    }

    fn capabilities(&self) -> Capabilities {
        standard_capabilities()
    }
}

/// authentik's access tokens. If the event of the sign-in is gone, `amr` is absent, and then
/// `auth_time` is only the time of issue.
pub(crate) fn authentik() -> Issuer {
    Issuer::new("https://a.example/application/o/app/", Authentik)
        .types(["JWT", "at+jwt"])
        .audience(CLIENT)
        .require_present("uid")
}

struct Authentik;

impl Profile for Authentik {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let (amr, at) = (claims.texts("amr")?, claims.time("auth_time")?);
        let mut evidence = Evidence::signed_in(at.filter(|_| !amr.is_empty()));
        amr.iter().for_each(|name| evidence.amr(name, None));
        Ok(evidence)
    }

    fn names(&self) -> Names {
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("user", [Factor::WebAuthn])
            .amr("sc", [Factor::DeviceKey])
    }
}

/// Logto's access tokens.
pub(crate) fn logto() -> Issuer {
    Issuer::new("https://t.logto.app/oidc", Logto)
        .types(["at+jwt", "JWT"])
        .audience(API)
        .session_id(SessionIdSource::Token)
}

struct Logto;

impl Profile for Logto {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        standard(claims)
    }

    fn names(&self) -> Names {
        let [one, mfa] = ["urn:logto:acr:1fa", "urn:logto:acr:mfa"];
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr(
                "otp",
                [Factor::Totp, Factor::OtpEmail, Factor::MagicLinkEmail, Factor::RecoveryCode],
            )
            .amr("sms", [Factor::OtpSms])
            .amr("pop", [Factor::WebAuthn])
            .amr("fed", [Factor::Federated])
            .acr_values([one, mfa])
            .acr(mfa, [[amr_mfa()]])
    }
}

/// WorkOS, whose tokens say only that the user signed in. They have no audience: the keys are the
/// client's.
pub(crate) fn workos() -> Issuer {
    Issuer::new("https://api.workos.com/user_management/client", WorkOs).insecure_any_audience()
}

struct WorkOs;

impl Profile for WorkOs {
    fn evidence(&self, _: &Claims<'_>) -> Result<Evidence, ClaimError> {
        Ok(Evidence::signed_in(None))
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::sign_in_only();
        capabilities.dates_sign_in = false;
        capabilities
    }
}
