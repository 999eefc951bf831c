//! The trait [`Respond`], which turns a rejection into a response, and its implementations.

mod accept;
mod bearer;
mod client;
mod forms;
mod grpc;
pub(crate) mod negotiated;
mod page;
mod pages;
mod problem;
mod redirect;
mod refusal;
pub(crate) mod responder;
pub(crate) mod return_to;
mod route;

pub use self::forms::{ClerkReverification, EntraClaimsChallenge, OryStepUp};
pub use self::pages::PageError;
pub use self::return_to::ReturnToError;

pub(crate) use self::responder::{BearerChallenge, Respond, refuse};
pub(crate) use self::route::RouteChallenge;
