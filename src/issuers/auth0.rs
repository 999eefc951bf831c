//! Auth0.
#![doc = include_str!("../../docs/issuers/auth0.md")]

use std::time::Duration;

use super::issuer::Issuer;
use super::oidc::{ID_TOKEN_CLAIMS, OpenIdConnect, amr_mfa};
use crate::factor::Factor;
use crate::profile::{Capabilities, ClaimError, Claims, Evidence, Names, Profile, StepUpBy};
use crate::token::SessionIdSource;

/// The value of `acr` with which a client asks for MFA, and which ID tokens state after it.
const MULTI_FACTOR: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
/// The name in `amr`, and among the methods, that says that MFA took place.
const MFA: &str = "mfa";

/// Returns a tenant of Auth0, such as `https://example.eu.auth0.com`, as an issuer of access tokens for
/// this API.
///
/// The tokens say that the user signed in, and nothing more. An Action can add the methods: see
/// [`access_tokens_with_methods`].
#[must_use]
pub fn access_tokens(tenant: &str, audience: &str) -> Issuer {
    api(tenant, audience, SignIn)
}

/// Works like [`access_tokens`], for tokens into which an Action copies the methods of the sign-in. The
/// claim is its whole name, such as `https://app.example.com/methods`.
#[must_use]
pub fn access_tokens_with_methods(tenant: &str, audience: &str, claim: &str) -> Issuer {
    api(tenant, audience, Methods { claim: claim.into() })
}

/// Returns a tenant of Auth0 as an issuer of ID tokens for this client.
///
/// A refreshed ID token has no `amr`, so a user has to step up again after each refresh.
#[must_use]
pub fn id_tokens(tenant: &str, client: &str) -> Issuer {
    tenant_with(tenant, IdTokens)
        .types(["JWT"])
        .client_audience(client)
        .refuse_claims(["scope", "gty"])
        .longest_life(Duration::from_secs(10 * 3_600))
}

fn api(tenant: &str, audience: &str, profile: impl Profile) -> Issuer {
    tenant_with(tenant, profile)
        .types(["JWT", "at+jwt"])
        .audience(audience)
        .refuse_claims(ID_TOKEN_CLAIMS)
        // The tokens of agents have no other mark of a machine.
        .refuse_machines("sub", "agt_")
        .require_claim_if_present("sub_profile", "user")
        .session_id(SessionIdSource::Token)
}

/// Returns an issuer whose `iss` ends in a slash, as Auth0's do.
fn tenant_with(tenant: &str, profile: impl Profile) -> Issuer {
    let issuer = format!("{}/", tenant.trim_end_matches('/'));
    Issuer::new(&issuer, profile).keys_at(&format!("{issuer}.well-known/jwks.json"))
}

/// A reader of access tokens that state no method.
struct SignIn;

impl Profile for SignIn {
    fn evidence(&self, _: &Claims<'_>) -> Result<Evidence, ClaimError> {
        Ok(Evidence::signed_in(None))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { dates_sign_in: false, ..Capabilities::sign_in_only() }
    }
}

/// A reader of the claim that the Action writes: a list of methods, each with its time.
struct Methods {
    claim: Box<str>,
}

impl Profile for Methods {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(None);
        for entry in claims.entries(&self.claim, "name", "timestamp")? {
            evidence.amr(&entry.name, entry.at);
            if entry.name == MFA {
                evidence.acr(MULTI_FACTOR);
            }
        }
        Ok(evidence)
    }

    fn names(&self) -> Names {
        multi_factor(Names::new())
            .amr("pwd", [Factor::Password])
            .amr("passkey", [Factor::WebAuthn])
            .amr("webauthn-platform", [Factor::WebAuthn])
            .amr("sms", [Factor::OtpSms])
            .amr("email", [Factor::OtpEmail, Factor::MagicLinkEmail])
            .amr("federated", [Factor::Federated])
            // The Action appends the type of a second factor.
            .amr("mfa/otp", [Factor::Totp])
            .amr("mfa/phone", [Factor::OtpSms, Factor::OtpCall])
            .amr("mfa/push-notification", [Factor::DeviceKey, Factor::Totp])
            .amr("mfa/webauthn-platform", [Factor::WebAuthn])
            .amr("mfa/webauthn-roaming", [Factor::WebAuthn])
            .amr("mfa/email", [Factor::OtpEmail])
            .amr("mfa/recovery-code", [Factor::RecoveryCode])
            // The tokens have no `auth_time`. This says that the Action asks again at each request.
            .auth_time_covers([amr_mfa()])
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { states_start: false, ..Capabilities::default() }
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::OneAcrValue
    }
}

/// A reader of ID tokens: `auth_time`, `amr` and `acr`.
struct IdTokens;

impl Profile for IdTokens {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        OpenIdConnect.evidence(claims)
    }

    fn names(&self) -> Names {
        multi_factor(Names::new())
    }

    fn capabilities(&self) -> Capabilities {
        OpenIdConnect.capabilities()
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::OneAcrValue
    }
}

fn multi_factor(names: Names) -> Names {
    names.acr(MULTI_FACTOR, [[amr_mfa()]])
}
