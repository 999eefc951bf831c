//! The identifier of a protected resource, and the address of its metadata.

use std::sync::Arc;

use crate::endpoint;
use crate::excerpt::Excerpt;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// A resource that guards protect, by its identifier (RFC 9728, section 1.2): the address under
/// which clients call it, such as `https://api.example.com/mcp`. It should have no query.
///
/// Pass it to the [guards](crate::StepUpLayer::protected_resource) of the resource's routes, and
/// serve its [`metadata`](Self::metadata).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedResource {
    identifier: Arc<str>,
    metadata_url: Arc<str>,
}

/// The reason why a text cannot identify a resource. Each message names the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// The identifier is neither an https address nor a plain http address of this machine. An
    /// address may have a port, a path and a query, but no user name.
    #[error(
        "the resource identifier {0} is not an https address; expected one such as \
         https://api.example.com/mcp"
    )]
    Address(Excerpt),
    /// The identifier has a fragment (RFC 9728, section 1.2).
    #[error("the resource identifier {0} has a fragment; remove the `#` and what follows it")]
    Fragment(Excerpt),
    /// The identifier has a character that no address has (RFC 3986, section 2).
    #[error(
        "the resource identifier {0} has a character that an address cannot have; percent-encode it"
    )]
    Character(Excerpt),
}

impl ProtectedResource {
    /// Creates the resource with this identifier. Clients compare it with the address that they
    /// call, character by character (RFC 9728, section 3.3).
    ///
    /// ```
    /// use tower_step_up::resource::ProtectedResource;
    ///
    /// let resource = ProtectedResource::new("https://api.example.com/mcp")?;
    /// assert_eq!(
    ///     resource.metadata_url(),
    ///     "https://api.example.com/.well-known/oauth-protected-resource/mcp"
    /// );
    /// # Ok::<(), tower_step_up::resource::ResourceError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ResourceError`] if the identifier is not an https address, or a plain http address
    /// of this machine. It also does so if the identifier has a fragment, or a character that no
    /// address has.
    pub fn new(identifier: &str) -> Result<Self, ResourceError> {
        let excerpt = || Excerpt::of(Some(identifier));
        if identifier.contains('#') {
            return Err(ResourceError::Fragment(excerpt()));
        }
        // `Uri` accepts more, for example quotes.
        if !identifier.bytes().all(is_of_address) {
            return Err(ResourceError::Character(excerpt()));
        }
        endpoint::parse(identifier).map_err(|_| ResourceError::Address(excerpt()))?;
        let (origin, rest) = split(identifier);
        let metadata_url = format!("{origin}{WELL_KNOWN}{rest}").into();
        Ok(Self { identifier: identifier.into(), metadata_url })
    }

    /// Returns the identifier as it was given.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Returns the address of the metadata. The path and the query of the identifier follow the
    /// well-known part (RFC 9728, section 3.1).
    #[must_use]
    pub fn metadata_url(&self) -> &str {
        &self.metadata_url
    }

    /// Returns the path of the metadata on its server, without a query.
    pub(super) fn metadata_path(&self) -> &str {
        let path_and_query = self.metadata_url.get(split(&self.metadata_url).0.len()..);
        path_and_query.and_then(|text| text.split('?').next()).unwrap_or(WELL_KNOWN)
    }

    pub(crate) fn shared_metadata_url(&self) -> Arc<str> {
        Arc::clone(&self.metadata_url)
    }
}

/// Returns whether a byte is a reserved or unreserved character of RFC 3986, section 2, or the `%` of
/// an escape. None of them can end a quoted string.
fn is_of_address(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

/// Splits an address after its host and port. A path of only a slash is removed (RFC 9728, section
/// 3.1).
fn split(address: &str) -> (&str, &str) {
    let host = address.find("://").map_or(0, |at| at + "://".len());
    let end = address.get(host..).and_then(|text| text.find(['/', '?'])).map(|at| host + at);
    let (origin, rest) = address.split_at_checked(end.unwrap_or(address.len())).unwrap_or_default();
    match rest.strip_prefix('/') {
        Some(after) if after.is_empty() || after.starts_with('?') => (origin, after),
        _ => (origin, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_and_the_query_follow_the_well_known_part() {
        const OF_HOST: &str = "https://a.example/.well-known/oauth-protected-resource";
        for (identifier, rest, path) in [
            ("https://a.example", "", ""),
            ("https://a.example/", "", ""),
            ("https://a.example?tenant=7", "?tenant=7", ""),
            ("https://a.example/?tenant=7", "?tenant=7", ""),
            ("https://a.example/mcp", "/mcp", "/mcp"),
            ("https://a.example/mcp/", "/mcp/", "/mcp/"),
            ("https://a.example/a/b?x=/y?z", "/a/b?x=/y?z", "/a/b"),
            ("https://a.example//", "//", "//"),
            ("https://a.example/a%20b", "/a%20b", "/a%20b"),
        ] {
            let resource = ProtectedResource::new(identifier).unwrap();
            assert_eq!(resource.identifier(), identifier);
            assert_eq!(resource.metadata_url(), format!("{OF_HOST}{rest}"), "{identifier}");
            assert_eq!(resource.metadata_path(), format!("{WELL_KNOWN}{path}"), "{identifier}");
        }
        let local = ProtectedResource::new("http://[::1]:3000/mcp").unwrap();
        assert_eq!(
            local.metadata_url(),
            "http://[::1]:3000/.well-known/oauth-protected-resource/mcp"
        );
    }

    #[test]
    fn an_identifier_is_an_https_address_without_a_fragment() {
        let address = "is not an https address; expected one such as https://api.example.com/mcp";
        let character = "has a character that an address cannot have; percent-encode it";
        for (identifier, want) in [
            ("https://a.example#", "has a fragment; remove the `#`"),
            ("https://a.example/mcp#x", "has a fragment"),
            ("http://a.example", address),
            ("https://ada:pw@a.example", address),
            ("ftp://a.example", address),
            ("a.example", address),
            ("/mcp", address),
            ("urn:example:mcp", address),
            ("https://", address),
            ("https:///mcp", address),
            ("https://a..example", address),
            ("https://a.example:99999", address),
            ("", address),
            ("https://a.example/\"", character),
            ("https://a.example/\\", character),
            ("https://a.example/a b", character),
            ("https://a.example/\r\nSet-Cookie: x", character),
            ("https://a.example/{id}", character),
            ("https://ä.example", character),
            ("https://a.example/\u{0}", character),
            (" https://a.example", character),
        ] {
            let error = ProtectedResource::new(identifier).unwrap_err().to_string();
            assert!(error.starts_with("the resource identifier \""), "{error}");
            assert!(error.contains(want), "{identifier}: {error}");
        }
        let secret = ProtectedResource::new("https://a.example/secret-test-x#").unwrap_err();
        assert!(!secret.to_string().contains("test-x"), "{secret}");
    }
}
