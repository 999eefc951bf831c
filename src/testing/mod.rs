//! A kit for unit tests of policies and routes, which needs neither an account nor a network.
//!
//! A test of a policy needs no token:
//!
//! ```
//! use std::time::Duration;
//! use tower_step_up::{Factor, Policy, assert_granted, assert_step_up, testing};
//!
//! let policy = Policy::mfa().within(Duration::from_secs(600));
//! let password = testing::session().proved(Factor::Password);
//! assert_granted!(
//!     policy,
//!     password.clone().proved_ago(Factor::Totp, Duration::from_secs(600))
//! );
//! assert_step_up!(policy, password.proved_ago(Factor::Totp, Duration::from_secs(601)));
//! ```
//!
//! A test of a route sends tokens to a guard. A [`TestIssuer`] mints the tokens and makes the
//! guard:
//!
//! ```
//! use tower_step_up::{Factor, Policy, testing};
//!
//! let issuer = testing::TestIssuer::new();
//! let guard = issuer.guard().require(Policy::mfa());
//! let token =
//!     issuer.mint(&testing::session().proved(Factor::Password).proved(Factor::Totp));
//! assert!(guard.verifier().verify_at(&token, testing::NOW).is_ok());
//! ```

mod assertions;
mod clock;
mod issuer;
mod key;
mod layout;
mod mint;
mod project;
mod session;
mod sessions;

pub use self::assertions::ages_around;
#[doc(hidden)]
pub use self::assertions::{AsSession, granted, implied, stepped_up, without_warnings};
pub use self::clock::{FixedClock, NOW};
pub use self::issuer::TestIssuer;
pub use self::session::{SessionBuilder, session};
pub use self::sessions::TestSessions;
