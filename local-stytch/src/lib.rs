#![doc = include_str!("../README.md")]

mod api;
mod app;
mod b2b;
mod bounded;
mod builder;
mod clock;
mod control;
mod error;
mod failing;
mod guard;
mod jwt;
mod keys;
mod local;
mod log;
mod passkeys;
mod passwords;
mod random;
mod server;
mod stamp;
mod state;
mod unread_body;

pub use self::{
    builder::{Builder, DEFAULT_PROJECT_ID, DEFAULT_SECRET, StartError},
    control::{LocalError, NewSession},
    keys::KeyError,
    server::LocalStytch,
    state::{Channel, FactorKind, Failure, LoggedRequest, Message},
};
