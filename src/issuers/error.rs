//! The reasons why an issuer cannot be used as configured.

use crate::excerpt::Excerpt;
use crate::keys::EndpointError;
use crate::profile::DeclarationError;

/// The reason why an [`Issuer`](super::Issuer) cannot be used as configured. Each message names the
/// value and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// The issuer is not an https address, or not plain http to this machine. It may have a path,
    /// but no user name, query or fragment.
    #[error(
        "the issuer {0} is not an https address; expected one such as https://login.example.com"
    )]
    Address(Excerpt),
    /// The issuer of Microsoft Entra ID names no tenant by its id. Tokens of all tenants have other
    /// issuers.
    #[error(
        "the issuer {0} does not end in a tenant's id and /v2.0; expected one such as \
         https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"
    )]
    Tenant(Excerpt),
    /// The issuer is Okta's org authorization server. Its access tokens are for Okta's own APIs, and nobody
    /// else has their keys.
    #[error(
        "the issuer {0} is not a custom authorization server; expected one such as \
         https://example.okta.com/oauth2/default"
    )]
    AuthorizationServer(Excerpt),
    /// No rule says for whom the tokens are. A token for any other service would be accepted.
    #[error(
        "nothing says for whom the tokens of {0} are; call `audience`, or `authorized_parties` if \
         they have no audience"
    )]
    NoAudience(Excerpt),
    /// The audience is empty, or it is `account` at Keycloak, which is in the tokens of every client.
    #[error(
        "the audience {0} does not tell this service's tokens from others; add an audience mapper \
         for this service to its clients at the issuer, and use that audience"
    )]
    Audience(Excerpt),
    /// The list of clients or of authorized parties is empty. No token would be accepted.
    #[error(
        "the tokens of {0} name the client that they were issued to, and no client is accepted; \
         pass at least one: a client's id, or an origin such as https://app.example.com"
    )]
    NoClient(Excerpt),
    /// A declaration of the issuer's names breaks a rule.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// The address of the keys cannot be used.
    #[error("the keys of {issuer} cannot be fetched: {source}")]
    Keys {
        /// The name of the issuer.
        issuer: Excerpt,
        /// The reason.
        source: EndpointError,
    },
    /// The crate was built without the feature `remote`, and `keys` was not called.
    #[error("{0} has no keys; call `keys`, or enable the feature `remote` to fetch them")]
    NoKeys(Excerpt),
}
