//! A small bank whose customers sign in with Stytch and whose pages tower-step-up guards.
//!
//! It is an example to read and to copy from. [`Journey::start`] builds the application from
//! [`Settings`]. If they name no project, it starts a [`LocalStytch`](local_stytch::LocalStytch),
//! and everything runs on one machine.
//!
//! | what | where |
//! | --- | --- |
//! | the guards, and what a refused browser sees | `guards.rs`, `policies.toml` |
//! | the guard of each page | `routes.rs` |
//! | the proof that a large transfer needs | `pay.rs`, `drafts.rs` |
//! | the calls to Stytch's API, and their errors | `identity.rs`, `problem.rs` |
//! | adopting new tokens after authentication | `bank.rs` |
//! | the pages, one file each | `pages/` |

mod bank;
mod books;
mod bounded;
mod clock;
mod confirms;
mod demo;
mod drafts;
mod enrolment;
mod field;
mod frame;
mod guards;
mod identity;
mod journal;
mod ledger;
mod log;
mod money;
mod order;
mod page_query;
mod pages;
mod passkeys;
mod pay;
mod phone;
mod problem;
mod refusal;
#[path = "../../support/report/mod.rs"]
mod report;
mod routes;
mod settings;
mod start;
mod text;
mod words;

pub use self::settings::{Settings, StytchProject};
pub use self::start::{Journey, StartError};
