//! Issuers other than Stytch: whose tokens a guard accepts, and what they prove.
//!
//! An [`Issuer`] has the keys, the rules and the [`Profile`](crate::profile::Profile) of one issuer.
//! It makes verifiers and guards. The presets know what an issuer's tokens look like by default:
//!
//! | the users sign in with | preset |
//! | --- | --- |
//! | any OpenID Connect provider | [`oidc::access_tokens`], [`oidc::id_tokens`] |
//! | Keycloak | [`keycloak`] |
//! | Supabase Auth | [`supabase`] |
//! | Clerk | [`clerk`] |
//! | Okta | [`okta::access_tokens`], [`okta::id_tokens`] |
//! | Auth0 | [`auth0::access_tokens_with_methods`], [`auth0::access_tokens`], [`auth0::id_tokens`] |
//! | Microsoft Entra ID | [`entra`] |
//! | Amazon Cognito | [`cognito::access_tokens`], [`cognito::id_tokens`] |
//! | Firebase, Identity Platform | [`firebase::project`], [`firebase::tenant`] |
//! | Ory Kratos | [`kratos::tokens`] |
//! | Zitadel, authentik, Logto | no preset: [profiles to copy](crate::guide::more_issuers) |
//! | Stytch | [`stytch::Project`](crate::stytch::Project) |
//!
//! ```
//! use std::time::Duration;
//! use tower_step_up::issuers::{IssuerError, keycloak};
//! use tower_step_up::{Factor, Policy};
//!
//! # #[cfg(feature = "remote")]
//! # fn main() -> Result<(), IssuerError> {
//! let guard = keycloak("https://login.example.com/realms/shop", "https://api.example.com")
//!     .acr_values(["silver", "gold"]) // gold includes silver
//!     .acr("gold", [[Factor::Password, Factor::Totp]]) // what this realm's flow guarantees
//!     .guard()?;
//!
//! let fresh = Policy::session().within(Duration::from_secs(300));
//! let transfer = guard.require(Policy::mfa().and(fresh));
//! assert!(transfer.findings().is_empty()); // tokens of this issuer can meet the policy
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "remote"))]
//! # fn main() {}
//! ```
//!
//! [The guide](crate::guide::issuers) explains what a token proves, and builds a profile for a
//! made-up issuer.
//!
//! Opaque access tokens, which a resource server looks up with token introspection (RFC 7662), are
//! not supported. Let the issuer sign its access tokens as JWTs.

pub mod auth0;
mod clerk;
pub mod cognito;
mod declare;
mod entra;
mod error;
pub mod firebase;
mod issuer;
mod keycloak;
pub mod kratos;
pub mod oidc;
pub mod okta;
mod rules;
#[cfg(feature = "testing")]
mod stand_in;
mod supabase;
mod verifier;

pub use self::clerk::clerk;
pub use self::entra::entra;
pub use self::error::IssuerError;
pub use self::issuer::Issuer;
pub use self::keycloak::keycloak;
pub use self::supabase::supabase;
