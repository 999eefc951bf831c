//! Documents that real issuers published. They are not part of the repository. The variable
//! `ISSUER_DOCUMENTS` names their directory.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{DiscoverableIssuer, DiscoveryError, Document};
use crate::issuers::{Issuer, IssuerError, auth0, cognito, entra, okta};
use crate::keys::{KeySet, KeySetError};

const API: &str = "https://api.example.com";
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

fn directory() -> String {
    std::env::var("ISSUER_DOCUMENTS")
        .expect("ISSUER_DOCUMENTS names a directory with documents of real issuers")
}

/// Returns the document in this file, which is an object with the member `document`.
fn document(file: &str) -> String {
    #[derive(Deserialize)]
    struct File<'a> {
        #[serde(borrow)]
        document: &'a RawValue,
    }
    let text = std::fs::read_to_string(format!("{}/{file}", directory())).expect("a text");
    let file: File<'_> = serde_json::from_str(&text).expect("a document");
    file.document.get().to_owned()
}

/// Returns the documents whose file names begin with this text.
fn documents(kind: &str) -> Vec<(String, String)> {
    let files = std::fs::read_dir(directory()).expect("a directory");
    let names = files.map(|entry| entry.expect("an entry").file_name().into_string());
    let names = names.map(|name| name.expect("a text")).filter(|name| name.starts_with(kind));
    let documents: Vec<_> = names.map(|name| (name.clone(), document(&name))).collect();
    assert!(!documents.is_empty(), "{kind}");
    documents
}

/// Returns the name and the URL of the key set that the document states.
fn stated(document: &str) -> (String, String) {
    let Document { issuer, jwks_uri } = Document::read(document.as_bytes()).expect("readable");
    (issuer.expect("a name"), jwks_uri.expect("a URL"))
}

/// Returns the URL of the key set that discovery finds for the issuer in this document.
fn found(issuer: &Issuer, document: &str) -> Result<String, DiscoveryError> {
    assert_eq!(issuer.key_set_url(), None, "the keys are found by discovery");
    let issuer = DiscoverableIssuer::parse(issuer.name()).expect("an address");
    issuer.key_set_url(document.as_bytes()).map(|url| url.to_string())
}

#[test]
#[ignore = "needs documents of real issuers: ISSUER_DOCUMENTS=…"]
fn the_discovery_documents_are_read() {
    for (file, document) in documents("discovery-") {
        let (name, url) = stated(&document);
        // Some documents are templates, whose names are not URLs.
        if let Ok(issuer) = DiscoverableIssuer::parse(&name) {
            let found = issuer.key_set_url(document.as_bytes()).expect("a URL");
            assert_eq!(found.to_string(), url, "{file}");
        }
    }
}

#[test]
#[ignore = "needs documents of real issuers: ISSUER_DOCUMENTS=…"]
fn the_presets_of_okta_find_the_key_set() {
    let document = document("discovery-okta.json");
    let (name, url) = stated(&document);
    for issuer in [okta::access_tokens(&name, API), okta::id_tokens(&name, "client")] {
        assert_eq!(found(&issuer, &document).expect("a URL"), url);
    }
}

/// The document is the one for all tenants. That of one tenant has the tenant's id in its place.
#[test]
#[ignore = "needs documents of real issuers: ISSUER_DOCUMENTS=…"]
fn the_preset_of_entra_finds_the_key_set_of_one_tenant_only() {
    let common = document("discovery-entra-common.json");
    let (template, _) = stated(&common);
    let is_refused =
        |issuer: &str| matches!(entra(issuer, "api").verifier(), Err(IssuerError::Tenant(_)));
    assert!(is_refused(&template));
    assert!(is_refused(&template.replace("{tenantid}", "common")));

    let issuer = entra(&template.replace("{tenantid}", TENANT), "api");
    assert!(issuer.verifier().is_ok());
    let refused = found(&issuer, &common).expect_err("another issuer");
    assert!(matches!(refused, DiscoveryError::WrongIssuer { .. }), "{refused}");

    let own = common.replace("{tenantid}", TENANT).replace("/common/", &format!("/{TENANT}/"));
    let url = format!("https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys");
    assert_eq!(found(&issuer, &own).expect("a URL"), url);
}

/// Firebase is not among them: the document of `accounts.google.com` is for other tokens, with
/// other keys.
#[test]
#[ignore = "needs documents of real issuers: ISSUER_DOCUMENTS=…"]
fn the_presets_with_a_fixed_address_have_that_of_the_document() {
    let auth0 = document("discovery-auth0.json").replace("{yourDomain}", "example");
    let (tenant, keys) = stated(&auth0);
    for issuer in [
        auth0::access_tokens(&tenant, API),
        auth0::access_tokens_with_methods(&tenant, API, "https://app.example.com/methods"),
        auth0::id_tokens(&tenant, "client"),
    ] {
        assert_eq!((issuer.name(), issuer.key_set_url()), (&*tenant, Some(&*keys)));
    }
    let (pool, keys) = stated(&document("discovery-cognito.json"));
    for issuer in [cognito::access_tokens(&pool, ["client"]), cognito::id_tokens(&pool, "client")] {
        assert_eq!((issuer.name(), issuer.key_set_url()), (&*pool, Some(&*keys)));
    }
}

#[test]
#[ignore = "needs documents of real issuers: ISSUER_DOCUMENTS=…"]
fn the_key_sets_have_keys_or_a_named_error() {
    for (file, document) in documents("jwks-") {
        match KeySet::from_jwks(document.as_bytes()) {
            Ok(keys) => assert!(keys.len() > 0, "{file}"),
            Err(error) => {
                assert!(matches!(error, KeySetError::NoUsableKey { .. }), "{file}: {error}");
            }
        }
    }
}

#[test]
#[ignore = "needs documents of real issuers: ISSUER_DOCUMENTS=…"]
fn every_key_of_the_issuers_with_a_preset_is_usable() {
    #[derive(Deserialize)]
    struct Keys {
        keys: Vec<Key>,
    }
    #[derive(Deserialize)]
    struct Key {
        kid: String,
    }
    for issuer in ["auth0", "clerk", "cognito", "entra-common", "google"] {
        let document = document(&format!("jwks-{issuer}.json"));
        let Keys { keys } = serde_json::from_str(&document).expect("a key set");
        let usable = KeySet::from_jwks(document.as_bytes()).expect("usable keys");
        assert_eq!(usable.len(), keys.len(), "{issuer}");
        for Key { kid } in keys {
            assert!(usable.contains(&kid), "{issuer}: {kid}");
        }
    }
    // Okta's is from a test of its library. The modulus has a zero octet in front, which RFC 7518,
    // section 6.3.1.1 forbids. The tokens among the vectors have usable keys.
    let okta = KeySet::from_jwks(document("jwks-okta.json").as_bytes());
    assert!(matches!(okta, Err(KeySetError::NoUsableKey { keys: 1, symmetric: 0 })), "{okta:?}");
}
