//! Keycloak.

use super::error::IssuerError;
use super::issuer::Issuer;
use super::oidc::{ID_TOKEN_CLAIMS, OpenIdConnect};
use crate::excerpt::Excerpt;
use crate::profile::{Capabilities, ClaimError, Claims, Evidence, Profile};

/// Returns a Keycloak realm as an issuer of access tokens for this audience.
///
/// The issuer is the address of the realm, such as `https://login.example.com/realms/shop`. The
/// audience cannot be `account`, which is in the tokens of most clients.
///
#[doc = include_str!("../../docs/issuers/keycloak.md")]
#[must_use]
pub fn keycloak(realm: &str, audience: &str) -> Issuer {
    let realm = realm.trim_end_matches('/');
    let keys = format!("{realm}/protocol/openid-connect/certs");
    let issuer = Issuer::new(realm, Keycloak)
        .keys_at(&keys)
        .types(["JWT", "at+jwt"])
        .or_without_type()
        .audience(audience)
        .require_claim("typ", "Bearer")
        .refuse_machines("preferred_username", "service-account-")
        .refuse_claims(ID_TOKEN_CLAIMS);
    match audience {
        "account" => issuer.failed(IssuerError::Audience(Excerpt::of(Some(audience)))),
        _ => issuer,
    }
}

/// A reader of Keycloak's claims. They are those of OpenID Connect, but the realm's operator chooses
/// all names in `amr`, so none has a meaning until the application declares it.
struct Keycloak;

impl Profile for Keycloak {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        OpenIdConnect.evidence(claims)
    }

    fn capabilities(&self) -> Capabilities {
        OpenIdConnect.capabilities()
    }
}
