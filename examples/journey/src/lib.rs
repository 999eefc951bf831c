//! A small bank whose customers sign in with Stytch, and whose pages tower-step-up guards.
//!
//! It is an example to read and to copy from. [`Journey::start`] makes the application of
//! [`Settings`]; where those name no project, it starts a
//! [`LocalStytch`](local_stytch::LocalStytch) of its own, so that everything runs on one machine.
//!
//! | what | where |
//! | --- | --- |
//! | the guards, and what they answer a browser | `guards.rs`, `policies.toml` |
//! | which guard stands before which page | `routes.rs` |
//! | the calls to Stytch's API, and what goes wrong there | `identity.rs`, `problem.rs` |
//! | taking up the tokens of a step | `bank.rs` |
//! | one file for each page | `pages/` |

mod asked;
mod bank;
mod books;
mod bounded;
mod clock;
mod demo;
mod drafts;
mod field;
mod frame;
mod guards;
mod identity;
mod journal;
mod log;
mod money;
mod order;
mod pages;
mod problem;
mod routes;
mod settings;
mod start;
mod words;

pub use self::settings::{Settings, StytchProject};
pub use self::start::{Journey, StartError};
