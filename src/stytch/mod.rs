//! Stytch projects, their tokens and their session API.
//!
//! # Members of organizations
//!
//! [`Project::b2b`] creates a project whose users are members of organizations. Its session JWTs
//! name the organization ([`Session::organization`](crate::Session::organization)), and `user_id()`
//! is the member's id. The paths for its keys and sessions begin with `/v1/b2b`.
//!
//! If an organization requires MFA, a member who has proved the primary factor does not have a
//! session yet. Stytch responds with `member_authenticated: false`, `mfa_required` and an
//! *intermediate session token*, which is valid for ten minutes. A guard never accepts that token
//! as a session. It does not read the cookie `stytch_intermediate_session_token`, and it refuses a
//! request that presents such a token as a session token, because Stytch knows no such session.
//! Complete such a sign-in as follows:
//!
//! 1. Put the page that asks such a member for the second factor outside every guard.
//! 2. Let its handler send the code and the intermediate session token to `otps/sms/authenticate`
//!    or `totp/authenticate`.
//! 3. The response contains a session with two factors. Set its cookies with
//!    [`Sessions::adopt`](crate::Sessions::adopt).
//!
//! If an organization does not require MFA, a member has a session with one factor at once. The
//! policy of a route decides whether that is enough. A step-up then works as it does for a
//! consumer, with the session's token.

mod address;
#[cfg(feature = "remote")]
mod api;
mod error;
mod project;

#[cfg(feature = "remote")]
pub use self::api::{ApiError, SessionsApi};
pub use self::error::ProjectError;
pub use self::project::Project;
