//! A Tower layer that enforces multi-factor and step-up authentication on axum and hyper services.
//! Users sign in with [Stytch](https://stytch.com), Keycloak, Supabase, Clerk or any other OpenID
//! Connect issuer.
//!
//! A [`StepUpLayer`] is called a *guard*. It verifies the token of a request. It then checks which
//! factors the user proved, and when, against a [`Policy`]. If the policy is met, the handler
//! receives a [`Grant`]. If it is not, the client receives a challenge that lists the factors to
//! prompt for.
//!
//! ```
//! use axum::{Router, routing::{get, post}};
//! use std::time::Duration;
//! use tower_step_up::{Factor, Grant, Policy, stytch};
//!
//! # fn main() -> Result<(), stytch::ProjectError> {
//! let guard = stytch::Project::new("project-test-185e9a9f-8bab-42f2-a924-953a59e8ff94")?.guard();
//! let fresh_code = Policy::from(Factor::OtpSms).within(Duration::from_secs(600));
//!
//! let app: Router = Router::new()
//!     .route("/account", get(account).layer(guard.require(Policy::mfa())))
//!     .route("/transfer", post(transfer).layer(guard.require(Policy::mfa().and(fresh_code))));
//!
//! async fn account(grant: Grant) -> String {
//!     format!("the account of {}", grant.session().user_id())
//! }
//!
//! async fn transfer(grant: Grant) -> String {
//!     format!("{} may transfer", grant.session().user_id())
//! }
//! # Ok(())
//! # }
//! ```
//!
//! For an issuer other than Stytch, the guard comes from the module [`issuers`]. The policies are
//! the same.
//!
//! # Six places to start
//!
//! | if you want to | go to |
//! | --- | --- |
//! | guard your first route | the guide [getting started](guide::getting_started), then the [other guides](guide) |
//! | accept tokens of another issuer | the guide [issuers](guide::issuers), and the module [`issuers`] |
//! | decide what a route requires | [`Policy`], and the module [`policy`] for the exact rules |
//! | place and configure the guard | [`StepUpLayer`], and the module [`layer`] for what it does with a request |
//! | renew, step up and sign out | [`Sessions`] |
//! | test policies and routes | the module [`testing`] |
//!
//! The crate root has the items that most applications use. All others are in the modules. Each item
//! has one path.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(feature = "axum", feature = "remote", feature = "documents", feature = "testing")),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "some links lead to items behind features; they are checked with all features"
    )
)]

#[cfg(feature = "axum")]
mod axum;
mod cache_control;
mod clock;
pub mod credentials;
mod detached;
mod endpoint;
mod excerpt;
pub mod factor;
pub mod guide;
mod headers;
#[cfg(feature = "remote")]
mod http_client;
pub mod intent;
pub mod issuers;
pub mod keys;
pub mod layer;
mod lock;
pub mod logout;
mod moment;
pub mod policy;
pub mod problem;
pub mod profile;
mod rejection;
pub mod resource;
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

/// The README, whose code is tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "axum")]
pub use self::axum::MissingGrant;
pub use self::clock::{Clock, SystemClock};
pub use self::factor::kind::Factor;
pub use self::intent::action::Action;
pub use self::intent::intents::Intents;
pub use self::layer::guard::StepUpLayer;
pub use self::layer::once::{Once, Unconfirmed};
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
