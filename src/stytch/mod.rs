//! What is Stytch's own: a project, what its tokens look like, and the API of its sessions.
//!
//! # Members of organizations
//!
//! [`Project::b2b`] is a project whose users are members of organizations: its session JWTs name
//! the organization ([`Session::organization`](crate::Session::organization)), `user_id()` is the
//! member's id, and keys and sessions are asked for under `/v1/b2b`.
//!
//! Where an organization requires MFA, a member who has proved the primary factor gets no session
//! yet. Stytch answers with `member_authenticated: false`, with `mfa_required`, and with an
//! *intermediate session token*, which lives ten minutes. It is no session, and a guard never takes
//! it for one: the cookie `stytch_intermediate_session_token` is not read, and whoever sends such a
//! token as a session token is refused, since Stytch knows no such session. So:
//!
//! 1. The page that asks for the second factor of such a member stands outside every guard.
//! 2. Its handler sends the code and the intermediate session token to `otps/sms/authenticate` or
//!    `totp/authenticate`.
//! 3. The answer is a session with two factors, and
//!    [`Sessions::adopt`](crate::Sessions::adopt) sets its cookies.
//!
//! Where an organization does not require MFA, a member has a session with one factor at once, and
//! the policy of a route decides whether that is enough; a step-up then goes the way of a
//! consumer's, with the session's token.

mod address;
#[cfg(feature = "remote")]
mod api;
mod error;
mod project;

#[cfg(feature = "remote")]
pub use self::api::{ApiError, SessionsApi};
pub use self::error::ProjectError;
pub use self::project::Project;
