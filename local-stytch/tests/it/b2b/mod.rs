//! The B2B API.

mod enrollment;
mod members;
mod mfa;
mod official_rust_client;
mod official_rust_client_admin;
mod organizations;
mod passwords;
mod recovery_codes;
mod session_jwts;
mod sessions;
mod support;
