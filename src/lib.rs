#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
mod axum;
mod cache_control;
mod clock;
pub mod credentials;
mod endpoint;
mod excerpt;
pub mod factor;
mod headers;
#[cfg(feature = "remote")]
mod http_client;
pub mod keys;
pub mod layer;
mod lock;
mod moment;
pub mod policy;
pub mod problem;
mod rejection;
pub mod respond;
mod seconds;
pub mod session;
pub mod sessions;
mod single_flight;
pub mod stytch;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;
pub mod trust;

// Each name has one path: here is what an application starts with, and the rest is in the modules.
#[cfg(feature = "axum")]
pub use self::axum::MissingGrant;
pub use self::clock::{Clock, SystemClock};
pub use self::factor::kind::Factor;
pub use self::layer::guard::StepUpLayer;
pub use self::policy::decision::Grant;
#[cfg(feature = "documents")]
pub use self::policy::document::Policies;
pub use self::policy::explanation::Shortfall;
pub use self::policy::types::Policy;
pub use self::rejection::Rejection;
pub use self::respond::negotiated::Negotiated;
pub use self::respond::responder::{BearerChallenge, Respond};
pub use self::respond::return_to::ReturnTo;
pub use self::session::verified::Session;
pub use self::sessions::authority::SessionTokens;
pub use self::sessions::cookies::SessionCookies;
pub use self::sessions::handle::Sessions;
pub use self::token::error::TokenError;
pub use self::token::verifier::Verifier;
pub use self::token::verify_error::VerifyError;
pub use self::trust::compromise::Compromise;
pub use self::trust::model::TrustModel;
