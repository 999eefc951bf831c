//! Okta.
#![doc = include_str!("../../docs/issuers/okta.md")]

use super::error::IssuerError;
use super::issuer::Issuer;
use super::oidc::{ACCESS_TOKEN_CLAIMS, ID_TOKEN_CLAIMS, OpenIdConnect, amr_mfa};
use crate::excerpt::Excerpt;
use crate::factor::Factor;
use crate::profile::{Capabilities, ClaimError, Claims, Evidence, Names, Profile, StepUpBy};
use crate::token::SessionIdSource;

/// Returns a custom authorization server of Okta, such as `https://example.okta.com/oauth2/default`, as
/// an issuer of access tokens for this audience. The keys are found by discovery.
///
/// The user's id is the claim `uid`, because `sub` is the login. The tokens of the org authorization server,
/// whose address has no path, are for Okta's own APIs.
#[must_use]
pub fn access_tokens(issuer: &str, audience: &str) -> Issuer {
    let issuer = issuer.trim_end_matches('/');
    let tokens = Issuer::new(issuer, AccessTokens)
        .types(["JWT", "at+jwt"])
        .or_without_type()
        .audience(audience)
        .require_present("cid")
        .refuse_claims(ID_TOKEN_CLAIMS)
        .user_id_claim("uid")
        .session_id(SessionIdSource::SubjectAndSignIn);
    match issuer.contains("/oauth2/") {
        true => tokens,
        false => tokens.failed(IssuerError::AuthorizationServer(Excerpt::of(Some(issuer)))),
    }
}

/// Returns an authorization server of Okta as an issuer of ID tokens for this client. The keys are found
/// by discovery.
#[must_use]
pub fn id_tokens(issuer: &str, client: &str) -> Issuer {
    Issuer::new(issuer.trim_end_matches('/'), IdTokens)
        .client_audience(client)
        .refuse_claim("cid")
        .refuse_claims(ACCESS_TOKEN_CLAIMS)
        .session_id(SessionIdSource::SubjectAndSignIn)
}

/// A reader of the claims of access tokens: `auth_time` and `acr`.
struct AccessTokens;

impl Profile for AccessTokens {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        if let Some(value) = claims.text("acr")? {
            evidence.acr(&value);
        }
        Ok(evidence)
    }

    fn names(&self) -> Names {
        levels(Names::new())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { names_methods: false, ..OpenIdConnect.capabilities() }
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::OneAcrValue
    }
}

/// A reader of the claims of ID tokens: `auth_time`, `acr` and `amr`.
struct IdTokens;

impl Profile for IdTokens {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        OpenIdConnect.evidence(claims)
    }

    fn names(&self) -> Names {
        let names = Names::new()
            .amr("pwd", [Factor::Password])
            .amr("sms", [Factor::OtpSms])
            .amr("tel", [Factor::OtpCall])
            .amr("email", [Factor::OtpEmail, Factor::MagicLinkEmail])
            .amr("google_otp", [Factor::Totp])
            .amr("otp", [Factor::Totp, Factor::DeviceKey])
            // A push. In the Classic Engine, Duo says it too, which can be a call or a code by SMS.
            .amr("swk", [Factor::DeviceKey, Factor::OtpSms, Factor::OtpCall])
            .amr("hwk", [Factor::DeviceKey])
            .amr("sc", [Factor::DeviceKey])
            .amr("pop", [Factor::WebAuthn])
            .amr("phr", [Factor::PhishingResistantKey])
            .amr("fed", [Factor::Federated]);
        levels(names)
    }

    fn capabilities(&self) -> Capabilities {
        OpenIdConnect.capabilities()
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::OneAcrValue
    }
}

/// Declares Okta's values of `acr`.
fn levels(names: Names) -> Names {
    let [any, password, if_possible, two] = [
        "urn:okta:loa:1fa:any",
        "urn:okta:loa:1fa:pwd",
        "urn:okta:loa:2fa:any:ifpossible",
        "urn:okta:loa:2fa:any",
    ];
    let (resistant, hardware) = ("phr", "phrh");
    names
        .acr_values([any])
        .acr(password, [[Factor::Password]])
        .acr_includes(password, [any])
        .acr_includes(if_possible, [any])
        .acr(two, [[amr_mfa()]])
        .acr_includes(two, [any, if_possible])
        .acr(resistant, [[Factor::WebAuthn], [Factor::PhishingResistantKey]])
        .acr_includes(resistant, [any])
        .acr(hardware, [[Factor::PhishingResistantKey]])
        .acr_includes(hardware, [any, resistant])
}
