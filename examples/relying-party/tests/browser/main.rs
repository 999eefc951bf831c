//! The site in Chromium: with a real OpenID provider, and with the stand-in.
//!
//! The tests need `chromedriver` and `chromium` on the path, `node`, and `npm ci` in
//! `tests/provider`. `AXE_CORE` names axe-core's `axe.min.js`, by default where `.ci/run` installs
//! it. To run them: `cargo test -p relying-party --test browser -- --ignored`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../../../journey/tests/browser/axe.rs"]
mod axe;
#[path = "../../../journey/tests/browser/chromedriver.rs"]
mod chromedriver;

mod accessibility;
mod browser;
mod provider;
mod real_provider;
