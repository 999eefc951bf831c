//! Behaviour through the public API.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should say where"
)]

mod answers;
#[cfg(any())]
mod axum_routes;
#[cfg(any())]
mod backends;
mod contract;
#[cfg(any())]
mod events;
#[cfg(any())]
mod hyper_server;
mod policy_laws;
mod policy_table;
#[cfg(any())]
mod remote_keys;
#[cfg(any())]
mod stytch_vector;
mod support;
mod test_kit;
mod token_rules;
