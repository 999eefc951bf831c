//! Policies that are read from documents.

mod any;
mod error;
mod json;
mod nearest;
mod parse;
mod policies;
mod read;
mod toml;
mod tree;
mod trust;

pub use self::error::{DocumentError, DocumentFault, UnknownPolicy};
pub use self::policies::Policies;
