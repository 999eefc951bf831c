//! Parsing of documents in TOML and JSON.

use super::error::{DocumentError, DocumentFault};
use super::policies::Policies;
use super::tree::Node;
use super::{json, read, toml};

/// The maximum length of a document, in bytes.
const MAX_LENGTH: usize = 65_536;

impl Policies {
    /// Parses a document in TOML.
    ///
    /// # Errors
    ///
    /// Returns a [`DocumentError`] if the text is not TOML or breaks a rule of the format.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        read_text(text, toml::parse)
    }

    /// Parses a document in JSON.
    ///
    /// # Errors
    ///
    /// Returns a [`DocumentError`] if the text is not JSON or breaks a rule of the format.
    pub fn from_json(text: &str) -> Result<Self, DocumentError> {
        read_text(text, json::parse)
    }
}

fn read_text(
    text: &str,
    parse: fn(&str) -> Result<Node, DocumentError>,
) -> Result<Policies, DocumentError> {
    if text.len() > MAX_LENGTH {
        return Err(DocumentError::new(1, "", DocumentFault::TooLong));
    }
    read::policies(&parse(text)?)
}
