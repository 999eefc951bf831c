//! Behaviour over HTTP on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod aged_sessions;
mod authenticator;
mod b2b;
mod bounds;
mod codes;
mod failures;
mod foreign_requests;
mod hostile_json;
mod life_cycle;
mod magic_links;
mod official_rust_client;
mod official_rust_client_accounts;
mod official_rust_passkeys;
mod passkeys;
mod password_resets;
mod passwords;
mod phone;
mod program;
mod readme;
mod request_log;
mod requests;
mod session_jwts;
mod sessions;
mod support;
mod totps;
mod unfinished_requests;
mod unread_bodies;
mod user_changes;
mod users;
