//! The issuers that read the tokens: presets, and small profiles for issuers without one.

use std::sync::Arc;
use std::time::Duration;

use tower_step_up::Factor;
use tower_step_up::issuers::{Issuer, auth0, clerk, firebase, keycloak, oidc, okta, supabase};
use tower_step_up::keys::{Algorithm, KeySet, KeySource, Refresh};
use tower_step_up::profile::{ClaimError, Claims, Evidence, Names, Profile};
use tower_step_up::token::SessionIdSource;

use super::Vector;

/// The issuer and the audience of tokens that name none.
pub(super) const ISSUER: &str = "https://issuer.example";
pub(super) const API: &str = "https://api.example";
const GOOGLE: &str = "https://accounts.google.com";

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(super) fn access(vector: &Vector) -> Issuer {
    oidc::access_tokens(&vector.issuer, &vector.audience)
}

/// Some tokens of libraries' tests live for a year.
pub(super) fn access_for_a_year(vector: &Vector) -> Issuer {
    access(vector).longest_life(367 * DAY)
}

pub(super) fn access_eddsa(vector: &Vector) -> Issuer {
    access(vector).algorithms([Algorithm::EdDsa])
}

pub(super) fn id(vector: &Vector) -> Issuer {
    oidc::id_tokens(&vector.issuer, &vector.audience)
}

pub(super) fn id_ps256(vector: &Vector) -> Issuer {
    id(vector).algorithms([Algorithm::Ps256])
}

/// Declares the value of `acr` that the token has.
pub(super) fn id_with_acr(vector: &Vector) -> Issuer {
    id(vector).acr_values([vector.text("acr")])
}

/// Declares that the value of `acr` guarantees a password.
pub(super) fn id_with_password_acr(vector: &Vector) -> Issuer {
    id(vector).acr(vector.text("acr"), [[Factor::Password]])
}

pub(super) fn google_id(vector: &Vector) -> Issuer {
    oidc::id_tokens(GOOGLE, &vector.audience).also_named("accounts.google.com")
}

pub(super) fn google_access(vector: &Vector) -> Issuer {
    oidc::access_tokens(GOOGLE, &vector.audience).also_named("accounts.google.com")
}

pub(super) fn auth0_access(vector: &Vector) -> Issuer {
    auth0::access_tokens(&vector.issuer, &vector.audience)
}

/// The tokens of the vendor's tests live for two days and have no `typ`.
pub(super) fn auth0_id(vector: &Vector) -> Issuer {
    auth0_id_by_default(vector).or_without_type().longest_life(2 * DAY)
}

pub(super) fn auth0_id_by_default(vector: &Vector) -> Issuer {
    auth0::id_tokens(&vector.issuer, &vector.audience)
}

pub(super) fn keycloak_api(vector: &Vector) -> Issuer {
    keycloak(&vector.issuer, API).algorithms([
        Algorithm::Rs256,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Es256,
    ])
}

pub(super) fn keycloak_client(vector: &Vector) -> Issuer {
    keycloak(&vector.issuer, &vector.audience)
}

pub(super) fn clerk_app(vector: &Vector) -> Issuer {
    let party = vector.claims["azp"].as_str().unwrap_or("https://app.example");
    clerk(&vector.issuer, [party])
}

/// The project of a developer's own machine. Its API keys have a name of their own.
pub(super) fn supabase_local(_: &Vector) -> Issuer {
    supabase("http://127.0.0.1:54321").also_named("supabase-demo")
}

pub(super) fn supabase_for_a_day(vector: &Vector) -> Issuer {
    supabase_local(vector).longest_life(DAY)
}

pub(super) fn descope(vector: &Vector) -> Issuer {
    Issuer::named(&vector.issuer, NoKeys, Descope)
        .algorithms([Algorithm::Rs256, Algorithm::Es384])
        .types(["JWT"])
        .insecure_any_audience() // the keys are the project's own
        .require_claim("drn", "DS")
        .session_id(SessionIdSource::Token)
}

/// The token of 2017 has no `typ`.
pub(super) fn firebase_2017(vector: &Vector) -> Issuer {
    firebase_project(vector).or_without_type()
}

pub(super) fn firebase_project(vector: &Vector) -> Issuer {
    firebase::project(&vector.audience)
}

pub(super) fn hanko(vector: &Vector) -> Issuer {
    Issuer::new(&vector.issuer, oidc::OpenIdConnect)
        .audience(&vector.audience)
        .types(["JWT"])
        .session_id(SessionIdSource::Claim("session_id".into()))
        .amr("passkey", [Factor::WebAuthn])
        .amr("otp", [Factor::OtpEmail])
        .amr("totp", [Factor::Totp])
        .longest_life(12 * HOUR)
}

/// Its tokens for machines have no audience.
pub(super) fn hydra(vector: &Vector) -> Issuer {
    Issuer::new(&vector.issuer, oidc::OpenIdConnect).insecure_any_audience()
}

pub(super) fn okta_access(vector: &Vector) -> Issuer {
    okta::access_tokens(&vector.issuer, &vector.audience)
}

pub(super) fn okta_id(vector: &Vector) -> Issuer {
    okta::id_tokens(&vector.issuer, &vector.audience)
}

pub(super) fn zitadel(vector: &Vector) -> Issuer {
    let client = vector.text("azp");
    Issuer::named(&vector.issuer, NoKeys, oidc::OpenIdConnect)
        .audience(client)
        .authorized_parties([client])
        .amr("user", [Factor::WebAuthn])
        .amr("otp", [Factor::Totp, Factor::OtpSms, Factor::OtpEmail])
        .longest_life(12 * HOUR)
}

/// A source without keys.
pub(super) struct NoKeys;

impl KeySource for NoKeys {
    fn current(&self) -> Option<Arc<KeySet>> {
        None
    }

    fn refresh(&self, _kid: &str) -> Option<Refresh> {
        None
    }
}

struct Descope;

impl Profile for Descope {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(None);
        claims.texts("amr")?.iter().for_each(|name| evidence.amr(name, None));
        Ok(evidence)
    }

    fn names(&self) -> Names {
        Names::new()
            .amr("email", [Factor::OtpEmail, Factor::MagicLinkEmail])
            .amr("oauth", [Factor::Federated])
    }
}
