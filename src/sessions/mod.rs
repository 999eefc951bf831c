//! Session renewal, step-up and sign-out, through a [`Sessions`] handle.

mod adopt;
mod ask;
pub(crate) mod authority;
pub(crate) mod cookies;
mod everywhere;
mod exchange;
mod exchanges;
pub(crate) mod handle;
mod presented;
mod set_cookies;
mod sign_out;
mod successions;
mod unfinished;

pub use self::adopt::{AdoptError, Adopted};
pub use self::authority::{AuthorityError, AuthorityFuture, PresentedToken, SessionAuthority};
pub use self::cookies::CookieAttributeError;
pub use self::handle::FRESH_JWT;
pub use self::set_cookies::SetCookies;
pub use self::sign_out::{SignOutError, SignedOut};

pub(crate) use self::ask::Freshness;
pub(crate) use self::cookies::SessionCookies;
pub(crate) use self::exchange::{Exchanged, Presented, Renewed};
pub(crate) use self::handle::Sessions;
