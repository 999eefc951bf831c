//! Any OpenID Connect provider.
#![doc = include_str!("../../docs/issuers/oidc.md")]

use super::issuer::Issuer;
use crate::factor::{Assertion, Factor};
use crate::profile::{Capabilities, ClaimError, Claims, Evidence, Names, Profile};

/// The claims that only ID tokens have (OpenID Connect Core 1.0, sections 2 and 3.3.2.11).
pub(super) const ID_TOKEN_CLAIMS: [&str; 3] = ["nonce", "at_hash", "c_hash"];
/// The claims that only access tokens have.
pub(super) const ACCESS_TOKEN_CLAIMS: [&str; 2] = ["scope", "scp"];

/// Returns the assertion `amr:mfa`, which some values of `acr` guarantee.
pub(super) fn amr_mfa() -> Factor {
    Factor::Asserted(Assertion::amr("mfa"))
}

/// Returns an issuer of access tokens for this audience, as RFC 9068 describes them. The audience is
/// the identifier of this service at the issuer (RFC 8707). The keys are found by discovery.
///
/// The tokens may have the type `at+jwt`, `JWT` or none. Call [`rfc9068`] to accept only `at+jwt`.
#[must_use]
pub fn access_tokens(issuer: &str, audience: &str) -> Issuer {
    Issuer::new(issuer, OpenIdConnect)
        .types(["at+jwt", "JWT"])
        .or_without_type()
        .audience(audience)
        .refuse_claims(ID_TOKEN_CLAIMS)
}

/// Works like [`access_tokens`], but accepts only tokens of the type `at+jwt`, as RFC 9068,
/// section 4 demands.
#[must_use]
pub fn rfc9068(issuer: &str, audience: &str) -> Issuer {
    access_tokens(issuer, audience).types(["at+jwt"])
}

/// Returns an issuer of ID tokens for this client (OpenID Connect Core 1.0, section 2). The keys are
/// found by discovery.
///
/// An ID token tells a client who signed in. Use it for a service that is this client's own server.
/// A service that others call too needs access tokens.
#[must_use]
pub fn id_tokens(issuer: &str, client: &str) -> Issuer {
    Issuer::new(issuer, OpenIdConnect).client_audience(client).refuse_claims(ACCESS_TOKEN_CLAIMS)
}

/// A reader of the claims that OpenID Connect Core 1.0, section 2 defines: `auth_time`, `amr` and
/// `acr`.
///
/// Only three names in `amr` (RFC 8176) mean the same to all issuers: `pwd` is a password, `sms` is a
/// code by SMS, and `tel` is a code by call. All others count as the issuer's word, until the
/// application [declares](Issuer::amr) what they mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenIdConnect;

impl Profile for OpenIdConnect {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(claims.time("auth_time")?);
        for name in claims.texts("amr")? {
            evidence.amr(&name, None);
        }
        if let Some(value) = claims.text("acr")? {
            evidence.acr(&value);
        }
        Ok(evidence)
    }

    fn names(&self) -> Names {
        Names::new()
            .amr("pwd", [Factor::Password])
            .amr("sms", [Factor::OtpSms])
            .amr("tel", [Factor::OtpCall])
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { names_methods: true, states_acr: true, ..Capabilities::sign_in_only() }
    }
}
