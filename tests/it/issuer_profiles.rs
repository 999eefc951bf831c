//! Profiles of issuers that have no preset, written with the public API alone. They read what the
//! issuers document about their claims, and leave out what these tests do not need.

use std::time::Duration;

use tower_step_up::Factor;
use tower_step_up::factor::Assertion;
use tower_step_up::issuers::Issuer;
use tower_step_up::profile::{
    Capabilities, ClaimError, Claims, Evidence, Names, Profile, StepUpBy,
};
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

/// Reads a list of methods, each with its own time.
fn timed(claims: &Claims<'_>, claim: &str, name: &str, time: &str) -> Result<Evidence, ClaimError> {
    let mut evidence = Evidence::signed_in(None);
    for entry in claims.entries(claim, name, time)? {
        evidence.amr(&entry.name, entry.at);
    }
    Ok(evidence)
}

/// Ory Kratos, whose tokens are made by a mapper of the operator. They have no audience.
pub(crate) fn kratos() -> Issuer {
    Issuer::new("https://p.projects.oryapis.com", Kratos).insecure_any_audience().longest_life(HOUR)
}

struct Kratos;

impl Profile for Kratos {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = timed(claims, "authentication_methods", "method", "completed_at")?;
        claims.text("aal")?.iter().for_each(|level| evidence.acr(level));
        Ok(evidence.started_at(claims.time("issued_at")?))
    }

    fn names(&self) -> Names {
        Names::new()
            .amr("password", [Factor::Password])
            .amr("totp", [Factor::Totp])
            .amr("lookup_secret", [Factor::RecoveryCode])
            .amr("webauthn", [Factor::WebAuthn])
            .amr("passkey", [Factor::WebAuthn])
            .amr("oidc", [Factor::Federated])
            .amr("saml", [Factor::SsoSaml])
            .amr("code", [Factor::OtpEmail, Factor::OtpSms])
            .amr("code_recovery", [Factor::OtpEmail, Factor::OtpSms])
            .amr("link_recovery", [Factor::MagicLinkEmail])
            .acr_values(["aal1", "aal2"])
            .acr_after("aal2", ["totp", "lookup_secret", "webauthn"])
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::methods([
            "password",
            "totp",
            "lookup_secret",
            "webauthn",
            "passkey",
            "oidc",
            "saml",
            "code",
        ])
    }
}

/// Okta's access tokens, in which only `acr` and `auth_time` say something about the sign-in.
pub(crate) fn okta_access() -> Issuer {
    Issuer::new("https://o.okta.com/oauth2/default", OktaAccess)
        .types(["JWT", "at+jwt"])
        .or_without_type()
        .audience("api://default")
        .require_present("cid")
        .session_id(SessionIdSource::SubjectAndSignIn)
}

struct OktaAccess;

impl Profile for OktaAccess {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        claims.text("acr")?.iter().for_each(|value| evidence.acr(value));
        Ok(evidence)
    }

    fn names(&self) -> Names {
        okta_levels(Names::new())
    }

    fn capabilities(&self) -> Capabilities {
        standard_capabilities()
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::OneAcrValue
    }
}

fn okta_levels(names: Names) -> Names {
    let [any, pwd, if_possible, two] = [
        "urn:okta:loa:1fa:any",
        "urn:okta:loa:1fa:pwd",
        "urn:okta:loa:2fa:any:ifpossible",
        "urn:okta:loa:2fa:any",
    ];
    names
        .acr_values([any])
        .acr(pwd, [[Factor::Password]])
        .acr_includes(pwd, [any])
        .acr_includes(if_possible, [any])
        .acr(two, [[amr_mfa()]])
        .acr_includes(two, [any, if_possible])
        .acr("phr", [[Factor::WebAuthn], [Factor::PhishingResistantKey]])
        .acr_includes("phr", [any])
        .acr("phrh", [[Factor::PhishingResistantKey]])
        .acr_includes("phrh", [any, "phr"])
}

/// Okta's ID tokens.
pub(crate) fn okta_id() -> Issuer {
    Issuer::new("https://o.okta.com", OktaId)
        .audience(CLIENT)
        .refuse_claim("cid")
        .refuse_claim("scp")
        .session_id(SessionIdSource::SubjectAndSignIn)
}

struct OktaId;

impl Profile for OktaId {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        standard(claims)
    }

    fn names(&self) -> Names {
        let names = Names::new()
            .amr("pwd", [Factor::Password])
            .amr("sms", [Factor::OtpSms])
            .amr("tel", [Factor::OtpCall])
            .amr("email", [Factor::OtpEmail, Factor::MagicLinkEmail])
            .amr("google_otp", [Factor::Totp])
            .amr("otp", [Factor::Totp, Factor::DeviceKey])
            .amr("swk", [Factor::DeviceKey])
            .amr("hwk", [Factor::DeviceKey])
            .amr("sc", [Factor::DeviceKey])
            .amr("pop", [Factor::WebAuthn])
            .amr("phr", [Factor::PhishingResistantKey])
            .amr("fed", [Factor::Federated]);
        okta_levels(names)
    }

    fn capabilities(&self) -> Capabilities {
        standard_capabilities()
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::OneAcrValue
    }
}

const PAPE_MFA: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

/// Auth0's ID tokens.
pub(crate) fn auth0_id() -> Issuer {
    Issuer::new("https://t.eu.auth0.com/", Auth0Id)
        .audience(CLIENT)
        .refuse_claim("scope")
        .longest_life(10 * HOUR)
}

struct Auth0Id;

impl Profile for Auth0Id {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        standard(claims)
    }

    fn names(&self) -> Names {
        Names::new().acr(PAPE_MFA, [[amr_mfa()]])
    }

    fn capabilities(&self) -> Capabilities {
        standard_capabilities()
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::OneAcrValue
    }
}

/// Auth0's access tokens, into which an Action copies the methods of the sign-in as this claim.
pub(crate) fn auth0_with_methods(claim: &'static str) -> Issuer {
    Issuer::new("https://t.eu.auth0.com/", Auth0Access { claim })
        .types(["JWT", "at+jwt"])
        .audience(API)
        .session_id(SessionIdSource::Token)
}

struct Auth0Access {
    claim: &'static str,
}

impl Profile for Auth0Access {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        timed(claims, self.claim, "name", "timestamp")
    }

    fn names(&self) -> Names {
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("passkey", [Factor::WebAuthn])
            .amr("webauthn-platform", [Factor::WebAuthn])
            .amr("webauthn-roaming", [Factor::WebAuthn])
            .amr("federated", [Factor::Federated])
    }
}

/// Entra's access tokens of version 2.0, with the ids of authentication contexts in `acrs`.
pub(crate) fn entra() -> Issuer {
    Issuer::new("https://login.microsoftonline.com/TID/v2.0", Entra)
        .types(["JWT"])
        .audience("api-client-guid")
        .require_claim("ver", "2.0")
        .require_claim("tid", "TID")
        .require_present("oid")
        .require_present("scp")
        .longest_life(28 * HOUR)
}

struct Entra;

impl Profile for Entra {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        claims.texts("acrs")?.iter().for_each(|id| evidence.acr(id));
        Ok(evidence)
    }

    /// `auth_time` is optional, and the tenant has to turn it on.
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = standard_capabilities();
        capabilities.dates_sign_in = false;
        capabilities
    }
}

/// Cognito's access tokens. They have no audience, but the client.
pub(crate) fn cognito() -> Issuer {
    Issuer::new("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_X", Cognito)
        .clients([CLIENT])
        .require_claim("token_use", "access")
        .session_id(SessionIdSource::Claim("origin_jti".into()))
}

struct Cognito;

impl Profile for Cognito {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        standard(claims)
    }

    fn names(&self) -> Names {
        let [one, two, three, four] = COGNITO_LEVELS;
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("otp", [Factor::Totp])
            .amr("sms", [Factor::OtpSms])
            .amr("email_otp", [Factor::OtpEmail])
            .amr("swk", [Factor::WebAuthn])
            .amr("hwk", [Factor::WebAuthn])
            .amr("fed", [Factor::Federated])
            .acr_values(COGNITO_LEVELS)
            .acr(one, [[Factor::Password]])
            .acr(two, [[Factor::OtpSms], [Factor::OtpEmail]])
            .acr(
                three,
                [
                    vec![Factor::WebAuthn],
                    vec![Factor::Password, Factor::OtpSms],
                    vec![Factor::Password, Factor::OtpEmail],
                ],
            )
            .acr(four, [[Factor::Password, Factor::Totp]])
    }

    fn capabilities(&self) -> Capabilities {
        standard_capabilities()
    }
}

const COGNITO_LEVELS: [&str; 4] =
    ["urn:cognito:loa:1", "urn:cognito:loa:2", "urn:cognito:loa:3", "urn:cognito:loa:4"];

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

/// Firebase's ID tokens. They describe one sign-in, at `auth_time`.
pub(crate) fn firebase() -> Issuer {
    Issuer::new("https://securetoken.google.com/PROJECT", Firebase)
        .types(["JWT"])
        .audience("PROJECT")
        .session_id(SessionIdSource::SubjectAndSignIn)
        .longest_life(HOUR)
}

struct Firebase;

impl Profile for Firebase {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let signed_in_at = claims.time("auth_time")?;
        let sign_in = claims.object("firebase")?;
        let provider = sign_in.text("sign_in_provider")?.unwrap_or_default();
        if provider == "anonymous" {
            return Ok(Evidence::anonymous());
        }
        let mut evidence = Evidence::signed_in(signed_in_at).started_at(signed_in_at);
        evidence.amr(&provider, None);
        if provider.starts_with("saml.") {
            evidence.factor(Factor::SsoSaml, None);
        }
        if provider.starts_with("oidc.") {
            evidence.factor(Factor::SsoOidc, None);
        }
        if let Some(second) = sign_in.text("sign_in_second_factor")? {
            evidence.amr("second_factor", None);
            evidence.amr(&second, None);
        }
        Ok(evidence)
    }

    fn names(&self) -> Names {
        Names::new()
            .amr("password", [Factor::Password, Factor::MagicLinkEmail])
            .amr("phone", [Factor::OtpSms])
            .amr("totp", [Factor::Totp])
            .amr("google.com", [Factor::OAuthGoogle])
            .amr("apple.com", [Factor::OAuthApple])
            .amr("playgames.google.com", [Factor::Federated])
            .auth_time_covers_all()
    }

    /// A second factor belongs to the sign-in, so it needs a new one.
    fn step_up_by(&self) -> StepUpBy {
        let seconds = [None, Some("phone"), Some("totp")];
        let providers = ["password", "phone", "google.com", "apple.com"];
        let options = providers.iter().flat_map(|provider| {
            seconds.iter().map(|second| [Some(*provider), *second].into_iter().flatten())
        });
        StepUpBy::new_sign_in(options)
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
