//! The site and the stand-in for its provider, over HTTP on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod attacks;
mod circles;
mod person;
mod round_trip;
