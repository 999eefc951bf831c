//! The pages, one file each.

pub(crate) mod account;
pub(crate) mod api;
pub(crate) mod assets;
pub(crate) mod authenticator;
pub(crate) mod card;
pub(crate) mod close;
pub(crate) mod exchange;
pub(crate) mod front;
pub(crate) mod health;
pub(crate) mod local_clock;
pub(crate) mod passkey;
pub(crate) mod policies;
pub(crate) mod second_factor;
pub(crate) mod security;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod sign_up;
pub(crate) mod transfer;
pub(crate) mod trouble;
pub(crate) mod use_passkey;
pub(crate) mod verify_email;
