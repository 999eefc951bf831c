//! Ory Kratos.
#![doc = include_str!("../../docs/issuers/kratos.md")]

use std::time::Duration;

use super::issuer::Issuer;
use super::oidc::ID_TOKEN_CLAIMS;
use crate::factor::Factor;
use crate::keys::Algorithm;
use crate::profile::{ClaimError, Claims, Evidence, Names, Profile, StepUpBy};

/// Returns an issuer of sessions that Kratos has turned into JWTs (`tokenize_as`). The issuer is their
/// `iss`, and the keys are at this address. The tokens have no audience, so the keys have to be those of
/// this template only.
///
/// The operator's mapper writes the claims. It has to copy the methods as `authentication_methods`, as
/// the mapper above does.
#[must_use]
pub fn tokens(issuer: &str, keys: &str) -> Issuer {
    tokens_with_methods(issuer, keys, "authentication_methods")
}

/// Works like [`tokens`], for a mapper that copies the methods into this claim.
#[must_use]
pub fn tokens_with_methods(issuer: &str, keys: &str, claim: &str) -> Issuer {
    Issuer::new(issuer, Kratos { methods: claim.into() })
        .keys_at(keys)
        .algorithms([Algorithm::Es256, Algorithm::Rs256])
        .types(["JWT"])
        .insecure_any_audience()
        .refuse_claims(ID_TOKEN_CLAIMS)
        .refuse_claim("client_id") // an access token of Ory Hydra
        .longest_life(Duration::from_secs(3_600))
}

/// A reader of the claims that the mapper copies: the methods with their times, `aal`, and `issued_at`.
struct Kratos {
    /// The claim with the methods.
    methods: Box<str>,
}

impl Profile for Kratos {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(None).started_at(claims.date("issued_at")?);
        for entry in claims.entries(&self.methods, "method", "completed_at")? {
            evidence.amr(&entry.name, entry.at);
        }
        if let Some(level) = claims.text("aal")? {
            evidence.acr(&level);
        }
        Ok(evidence)
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
            // `webauthn` and `code` lead to it only if they are not set up as first factors.
            .acr_after("aal2", ["totp", "lookup_secret"])
    }

    /// The other names mark a recovery of the account.
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
