//! Logout that begins at the issuer (OpenID Connect Back-Channel Logout 1.0).
//!
//! If a user signs out at the issuer, or an administrator ends a session there, the issuer sends a
//! *logout token* to each client that has registered an address for it (`backchannel_logout_uri`).
//! [`BackChannelLogout`] is the service at that address. It verifies the token and revokes the
//! session in the verifier's [store](crate::Verifier::revocations). With a store that instances
//! share, every guard of every instance then refuses the session.

mod error;
mod event;
mod form;
mod future;
mod receiver;
mod service;

pub use self::error::LogoutError;
pub use self::future::LogoutFuture;
pub use self::service::BackChannelLogout;
