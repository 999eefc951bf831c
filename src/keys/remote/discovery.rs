//! Finds an issuer's key set with OpenID Connect Discovery 1.0.

use http::Uri;
use http::uri::Scheme;
use serde::Deserialize;
use tokio::time::Instant;

use crate::endpoint::{self, EndpointError};
use crate::excerpt::Excerpt;
use crate::http_client::{Bounds, FetchError, HttpClient};

/// An issuer that publishes a discovery document.
#[derive(Clone)]
pub(super) struct DiscoverableIssuer {
    name: Box<str>,
    document_url: Uri,
}

impl DiscoverableIssuer {
    /// Checks an issuer's name and derives the URL of its discovery document (section 4.1).
    pub(super) fn parse(name: &str) -> Result<Self, EndpointError> {
        endpoint::parse_issuer(name)?;
        let base = name.strip_suffix('/').unwrap_or(name);
        let document_url = endpoint::parse(&format!("{base}/.well-known/openid-configuration"))?;
        Ok(Self { name: name.into(), document_url })
    }

    pub(super) fn document_url(&self) -> &Uri {
        &self.document_url
    }

    /// Fetches the discovery document. Returns the URL of the key set, and the bounds that are left
    /// for fetching it.
    pub(super) async fn find_key_set(
        &self,
        client: &HttpClient,
        bounds: Bounds,
    ) -> Result<(Uri, Bounds), DiscoveryError> {
        let began = Instant::now();
        let response = client.get(&self.document_url, "application/json", bounds).await;
        let document = response.map_err(DiscoveryError::Unavailable)?.body;
        let url = self.key_set_url(&document)?;
        let timeout = bounds.timeout.saturating_sub(began.elapsed());
        Ok((url, Bounds { timeout, ..bounds }))
    }

    /// Reads the URL of the key set from the discovery document. The document must be about this
    /// issuer (section 4.3), because a server may host several issuers.
    fn key_set_url(&self, document: &[u8]) -> Result<Uri, DiscoveryError> {
        let Document { issuer, jwks_uri } = Document::read(document)?;
        if issuer.as_deref() != Some(&*self.name) {
            return Err(DiscoveryError::WrongIssuer {
                found: Excerpt::of(issuer.as_deref()),
                expected: Excerpt::of(Some(&self.name)),
            });
        }
        let url = jwks_uri.ok_or(DiscoveryError::NoKeySetUrl)?;
        let url = endpoint::parse(&url).map_err(DiscoveryError::UnusableKeySetUrl)?;
        // An issuer elsewhere must not choose what this machine asks itself.
        let is_as_secure =
            url.scheme() == Some(&Scheme::HTTPS) || url.scheme() == self.document_url.scheme();
        match is_as_secure {
            true => Ok(url),
            false => Err(DiscoveryError::UnusableKeySetUrl(EndpointError::InsecureUrl)),
        }
    }
}

/// The members of a discovery document that are read. The algorithms are not among them: each key
/// pins its own.
///
/// A [`serde_json::Value`] could hide JSON in JSON. Enough of it overflows the stack. Other members
/// are skipped without recursion.
#[derive(Debug, PartialEq, Deserialize)]
struct Document {
    issuer: Option<String>,
    jwks_uri: Option<String>,
}

impl Document {
    fn read(document: &[u8]) -> Result<Self, DiscoveryError> {
        // A derived reader would also accept an array.
        if !document.trim_ascii_start().starts_with(b"{") {
            return Err(DiscoveryError::NotAnObject);
        }
        serde_json::from_slice(document).map_err(|error| match error.is_data() {
            true => DiscoveryError::MalformedMember,
            false => DiscoveryError::NotAnObject,
        })
    }
}

/// The reason why discovery found no key set.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiscoveryError {
    #[error("the discovery document: {0}")]
    Unavailable(FetchError),
    #[error("the discovery document is not a JSON object")]
    NotAnObject,
    #[error("the discovery document has two members issuer or jwks_uri, or one is not a string")]
    MalformedMember,
    #[error("the issuer of the discovery document is {found}, expected {expected}")]
    WrongIssuer { found: Excerpt, expected: Excerpt },
    #[error("the discovery document has no jwks_uri")]
    NoKeySetUrl,
    /// The error does not show the URL, which may contain a password.
    #[error("the jwks_uri of the discovery document cannot be used: {0}")]
    UnusableKeySetUrl(EndpointError),
}

#[cfg(test)]
mod real_issuers;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key_set_url(document: &str) -> Result<String, String> {
        let issuer = DiscoverableIssuer::parse("https://login.example.com/a").expect("an issuer");
        let url = issuer.key_set_url(document.as_bytes());
        url.map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_path_of_the_document_is_appended_to_the_issuer() {
        for (issuer, want) in [
            ("https://a.example", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
            ("https://a.example:8/b/c", "https://a.example:8/b/c/.well-known/openid-configuration"),
            ("https://a.example/b/", "https://a.example/b/.well-known/openid-configuration"),
            ("http://127.0.0.1:1", "http://127.0.0.1:1/.well-known/openid-configuration"),
        ] {
            let url =
                DiscoverableIssuer::parse(issuer).map(|issuer| issuer.document_url.to_string());
            assert_eq!(url.as_deref(), Ok(want), "{issuer}");
        }
    }

    #[test]
    fn an_issuer_has_a_secure_url_without_user_query_and_fragment() {
        use EndpointError::{InsecureUrl, InvalidUrl};
        for (issuer, want) in [
            ("http://a.example", InsecureUrl),
            ("https://user@a.example", InsecureUrl),
            ("https://user:word@a.example/b", InsecureUrl),
            ("https://a.example?b", InvalidUrl),
            ("https://a.example/b?", InvalidUrl),
            ("https://a.example#b", InvalidUrl),
            ("https://a.example/b#", InvalidUrl),
            ("a.example", InvalidUrl),
            ("", InvalidUrl),
        ] {
            assert_eq!(DiscoverableIssuer::parse(issuer).err(), Some(want), "{issuer}");
        }
    }

    #[test]
    fn the_url_of_the_key_set_is_read() {
        let url = "https://keys.example.com/jwks?b=c";
        let name = "https://login.example.com/a";
        for document in [
            json!({"issuer": name, "jwks_uri": url}),
            json!({"jwks_uri": url, "other": [{"issuer": 7}, null], "issuer": name}),
            json!({"issuer": name, "jwks_uri": url, "id_token_signing_alg_values_supported": 7}),
        ] {
            assert_eq!(key_set_url(&format!(" \n{document}\t")).as_deref(), Ok(url), "{document}");
        }
        let escaped =
            r#"{"is\u0073uer":"https:\/\/login.example.com\/a","jwks_uri":"https:\/\/b"}"#;
        assert_eq!(key_set_url(escaped).as_deref(), Ok("https://b/"));
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        for issuer in [
            "https://login.example.com/a/",
            "https://login.example.com/A",
            "https://login.example.com",
            "https://Login.example.com/a",
            "https://login.example.com:443/a",
            "https://login.example.com/%61",
            "https://{tenant}/a",
            "",
        ] {
            let document = json!({"issuer": issuer, "jwks_uri": "https://a.example"}).to_string();
            let want = format!(
                "the issuer of the discovery document is \"{issuer}\", expected \
                 \"https://login.example.com/a\""
            );
            assert_eq!(key_set_url(&document), Err(want));
        }
        let hidden = json!({"issuer": "https://secret-live-a\n", "jwks_uri": "https://a.example"});
        assert_eq!(
            key_set_url(&hidden.to_string()).unwrap_err(),
            "the issuer of the discovery document is \"https://secret-...\", expected \
             \"https://login.example.com/a\""
        );
    }

    #[test]
    fn each_fault_of_a_document_is_named() {
        const NOT_AN_OBJECT: &str = "the discovery document is not a JSON object";
        const MALFORMED: &str =
            "the discovery document has two members issuer or jwks_uri, or one is not a string";
        const NO_URL: &str = "the discovery document has no jwks_uri";
        const ABSENT: &str = "the issuer of the discovery document is absent or not a string, \
                              expected \"https://login.example.com/a\"";
        let after_the_issuer =
            |rest: &str| format!(r#"{{"issuer":"https://login.example.com/a"{rest}"#);
        for (document, want) in [
            (String::new(), NOT_AN_OBJECT),
            ("<html>".into(), NOT_AN_OBJECT),
            ("null".into(), NOT_AN_OBJECT),
            (r#"["https://login.example.com/a","https://b.example"]"#.into(), NOT_AN_OBJECT),
            (after_the_issuer(""), NOT_AN_OBJECT),
            (after_the_issuer("}{}"), NOT_AN_OBJECT),
            ("{}".into(), ABSENT),
            (r#"{"issuer":null,"jwks_uri":"https://b.example"}"#.into(), ABSENT),
            (r#"{"issuer":["https://login.example.com/a"]}"#.into(), MALFORMED),
            (after_the_issuer("}"), NO_URL),
            (after_the_issuer(r#","jwks_uri":null}"#), NO_URL),
            (after_the_issuer(r#","jwks_uri":7}"#), MALFORMED),
            (after_the_issuer(r#","jwks_uri":"https://b","jwks_uri":"https://b"}"#), MALFORMED),
            (after_the_issuer(r#","issuer":"https://login.example.com/a"}"#), MALFORMED),
            (after_the_issuer(r#","is\u0073uer":null}"#), MALFORMED),
        ] {
            assert_eq!(key_set_url(&document).unwrap_err(), want, "{document}");
        }
    }

    #[test]
    fn the_key_set_has_a_secure_url_that_no_error_shows() {
        const INSECURE: &str = "the URL is insecure: expected https, or http to this machine, and \
                                no user name";
        const INVALID: &str = "the URL is invalid: expected https://host or https://host/path";
        for (url, want) in [
            ("http://keys.example.com", INSECURE),
            ("ftp://127.0.0.1", INSECURE),
            ("http://127.0.0.1/jwks", INSECURE),
            ("https://user:hidden@keys.example.com", INSECURE),
            ("keys.example.com", INVALID),
            ("/jwks", INVALID),
            ("", INVALID),
        ] {
            let document = json!({"issuer": "https://login.example.com/a", "jwks_uri": url});
            let want = format!("the jwks_uri of the discovery document cannot be used: {want}");
            assert_eq!(key_set_url(&document.to_string()), Err(want), "{url}");
        }
    }

    /// `serde_json::Value` reads the text of such a member as JSON, with a fresh limit on its depth.
    #[test]
    fn json_hidden_in_json_does_not_overflow_the_stack() {
        let nest = |inner: String| format!("{}{inner}{}", "[".repeat(120), "]".repeat(120));
        let hidden = (0..20).fold("1".to_owned(), |inner, _| {
            nest(json!({ "$serde_json::private::RawValue": inner }).to_string())
        });
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for unusual in [hidden, deep] {
            let url = "https://a.example/";
            let document = format!(
                r#"{{"a":{unusual},"issuer":"https://login.example.com/a","jwks_uri":"{url}"}}"#
            );
            assert_eq!(key_set_url(&document).as_deref(), Ok(url));
            for member in ["issuer", "jwks_uri"] {
                assert!(key_set_url(&format!(r#"{{"{member}":{unusual}}}"#)).is_err());
            }
        }
    }
}
