//! The whole story over HTTP on loopback, without a browser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod aged_sessions;
mod api;
mod attacks;
#[path = "../../../../local-stytch/tests/it/authenticator.rs"]
mod authenticator;
mod b2b;
mod bank;
mod browser;
mod large_transfers;
mod log;
mod messages;
mod page;
mod passkeys;
mod program;
mod regressions;
mod security;
mod sign_up;
mod signed_out;
mod start;
mod step_up;
mod transfers;
