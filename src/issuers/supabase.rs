//! Supabase Auth.

use std::time::Duration;

use super::issuer::Issuer;
use super::oidc::ID_TOKEN_CLAIMS;
use crate::factor::Factor;
use crate::keys::Algorithm;
use crate::profile::{Capabilities, ClaimError, Claims, Evidence, Names, Profile, StepUpBy};
use crate::token::SessionIdSource;

/// Returns a Supabase project as an issuer, by its address, such as `https://ref.supabase.co`, or by
/// the `iss` of its tokens, such as `https://ref.supabase.co/auth/v1`.
///
#[doc = include_str!("../../docs/issuers/supabase.md")]
#[must_use]
pub fn supabase(project: &str) -> Issuer {
    let project = project.trim_end_matches('/');
    let issuer = format!("{}/auth/v1", project.strip_suffix("/auth/v1").unwrap_or(project));
    Issuer::new(&issuer, Supabase)
        .keys_at(&format!("{issuer}/.well-known/jwks.json"))
        .algorithms([Algorithm::Es256, Algorithm::Rs256])
        .types(["JWT"])
        .audience("authenticated")
        .require_claim("role", "authenticated")
        .refuse_claims(["client_id", "scope"])
        .refuse_claims(ID_TOKEN_CLAIMS)
        .session_id(SessionIdSource::Claim("session_id".into()))
        .longest_life(Duration::from_secs(3_600))
}

/// A reader of Supabase's claims: `amr` has entries with times, and `aal` is a level.
struct Supabase;

impl Profile for Supabase {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        if claims.flag("is_anonymous")? == Some(true) {
            return Ok(Evidence::anonymous());
        }
        let mut evidence = Evidence::signed_in(None);
        for entry in claims.entries("amr", "method", "timestamp")? {
            evidence.amr(&entry.name, entry.at);
        }
        if let Some(level) = claims.text("aal")? {
            evidence.acr(&level);
        }
        Ok(evidence)
    }

    fn names(&self) -> Names {
        let email_links = ["magiclink", "recovery", "invite", "email/signup", "email_change"];
        let names = Names::new()
            .amr("password", [Factor::Password])
            .amr("oauth", [Factor::Federated])
            .amr("otp", [Factor::OtpSms, Factor::OtpWhatsapp, Factor::OtpEmail])
            .amr("totp", [Factor::Totp])
            .amr("mfa/phone", [Factor::OtpSms, Factor::OtpWhatsapp])
            .amr("mfa/webauthn", [Factor::WebAuthn])
            .amr("passkey", [Factor::WebAuthn])
            .amr("sso/saml", [Factor::SsoSaml])
            .amr("web3", [Factor::CryptoWallet])
            .proves_nothing("token_refresh")
            .proves_nothing("anonymous")
            .proves_nothing("oauth_provider/authorization_code")
            .acr_values(["aal1", "aal2", "aal3"])
            .acr_after("aal2", ["totp", "mfa/phone", "mfa/webauthn"]);
        email_links.iter().fold(names, |names, link| names.amr(link, [Factor::MagicLinkEmail]))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { states_start: false, ..Capabilities::default() }
    }

    /// The other names mark a link in an email, or no method at all.
    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::methods([
            "password",
            "oauth",
            "otp",
            "totp",
            "mfa/phone",
            "mfa/webauthn",
            "passkey",
            "sso/saml",
            "web3",
            "magiclink",
        ])
    }
}
