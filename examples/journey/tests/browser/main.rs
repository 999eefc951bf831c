//! The whole story in Chromium: what users see, with and without a mouse, with and without
//! JavaScript.
//!
//! The tests need `chromedriver` and `chromium` on the path. `AXE_CORE` names axe-core's
//! `axe.min.js`, by default where `.ci/run` installs it. `JOURNEY_SCREENSHOTS` names the directory
//! for the screenshots, by default `target/journey-screenshots`. To run all of it:
//! `cargo test -p journey --test browser -- --ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod across_origins;
mod axe;
mod bank;
mod browser;
mod chromedriver;
mod chromium;
mod gallery;
mod insecure_pair;
mod keyboard;
mod large_transfer;
mod malformed_cookies;
mod passkey;
mod picture;
mod report;
mod sessions;
mod steps;
mod story;
mod without_scripts;
