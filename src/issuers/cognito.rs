//! Amazon Cognito.
#![doc = include_str!("../../docs/issuers/cognito.md")]

use super::issuer::Issuer;
use super::oidc::{ID_TOKEN_CLAIMS, OpenIdConnect};
use crate::factor::Factor;
use crate::profile::{Capabilities, ClaimError, Claims, Evidence, Names, Profile};
use crate::token::SessionIdSource;

/// Returns a user pool as an issuer of access tokens, by its address, such as
/// `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example`. The tokens have no audience, so list
/// the app clients whose tokens are accepted. There has to be at least one.
#[must_use]
pub fn access_tokens<C: Into<Box<str>>>(
    pool: &str,
    clients: impl IntoIterator<Item = C>,
) -> Issuer {
    tokens(pool, "access").clients(clients).refuse_claims(ID_TOKEN_CLAIMS)
}

/// Returns a user pool as an issuer of ID tokens for this app client.
#[must_use]
pub fn id_tokens(pool: &str, client: &str) -> Issuer {
    tokens(pool, "id").client_audience(client)
}

fn tokens(pool: &str, kind: &str) -> Issuer {
    let pool = pool.trim_end_matches('/');
    Issuer::new(pool, Cognito)
        .keys_at(&format!("{pool}/.well-known/jwks.json"))
        .require_claim("token_use", kind)
        .session_id(SessionIdSource::Claim("origin_jti".into()))
}

/// A reader of Cognito's claims. They are those of OpenID Connect, with Cognito's names.
struct Cognito;

impl Profile for Cognito {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        OpenIdConnect.evidence(claims)
    }

    fn names(&self) -> Names {
        let levels =
            ["urn:cognito:loa:1", "urn:cognito:loa:2", "urn:cognito:loa:3", "urn:cognito:loa:4"];
        let [one, two, three, four] = levels;
        let [password, sms, email] = [Factor::Password, Factor::OtpSms, Factor::OtpEmail];
        let [key, app] = [Factor::WebAuthn, Factor::Totp];
        Names::new()
            .amr("pwd", [password.clone()])
            .amr("otp", [app.clone()])
            .amr("sms", [sms.clone()])
            .amr("email_otp", [email.clone()])
            .amr("swk", [key.clone()])
            .amr("hwk", [key.clone()])
            .amr("fed", [Factor::Federated])
            .acr_values(levels)
            .acr(one, [[password.clone()]])
            .acr(two, [[sms.clone()], [email.clone()]])
            .acr(three, [vec![key], vec![password.clone(), sms], vec![password.clone(), email]])
            .acr(four, [[password, app]])
    }

    fn capabilities(&self) -> Capabilities {
        OpenIdConnect.capabilities()
    }
}
