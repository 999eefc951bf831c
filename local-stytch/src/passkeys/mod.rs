//! The server's part of WebAuthn: options for a browser, and the verification of its responses.
//! The crate `webauthn_rp` implements it. This module decides what to ask for and what to accept.

mod authenticate;
mod register;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;
use url::{Host, Url};
use webauthn_rp::{
    request::{
        AsciiDomain, PublicKeyCredentialDescriptor, RpId, UserVerificationRequirement,
        register::UserHandle64,
    },
    response::{AuthTransports, CredentialId, Origin, SentChallenge, register::DynamicState},
};

pub(crate) use self::{
    authenticate::{Asserted, Authenticating, authenticate},
    register::{Authenticator, Created, Registering, register},
};

/// The domain for which a passkey is made: a relying party id (WebAuthn Level 3, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Domain(RpId);

/// The random id of a user that their passkeys keep.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle(UserHandle64);

/// A registered passkey, with its public key and its counter.
#[derive(Clone)]
pub(crate) struct Credential {
    id: CredentialId<Vec<u8>>,
    transports: AuthTransports,
    handle: Handle,
    /// The encoded `StaticState`.
    key: Vec<u8>,
    state: DynamicState,
}

/// The options for a browser, and the state that waits for its response.
pub(crate) struct Started<T> {
    pub(crate) state: T,
    pub(crate) challenge: String,
    /// The options as WebAuthn Level 3, section 5.1.10, writes them in JSON.
    pub(crate) options: Value,
}

/// A response that could not be read or verified. Clients are not told the reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invalid;

impl Domain {
    /// Returns the domain if a browser accepts it as a relying party id. It is in lower case, and
    /// no browser accepts an IP address.
    pub(crate) fn new(domain: &str) -> Option<Self> {
        match Host::parse(domain) {
            Ok(Host::Domain(host)) if host == domain => {
                AsciiDomain::try_from(host).ok().map(|domain| Self(RpId::Domain(domain)))
            }
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.0.as_ref()
    }

    /// Returns whether a page of this origin may use the domain's passkeys: a page of the domain or
    /// a subdomain, with TLS or on `localhost`, at any port.
    fn covers(&self, origin: &str) -> bool {
        let Ok(url) = Url::parse(origin) else { return false };
        let Some(host) = url.host_str() else { return false };
        let within = |host: &str, domain: &str| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let secure = match url.scheme() {
            "https" => true,
            "http" => within(host, "localhost"),
            _ => false,
        };
        secure && within(host, self.name()) && url.origin().ascii_serialization() == origin
    }
}

/// Compares as equal with each origin that [`Domain::covers`].
struct Pages<'a>(&'a Domain);

impl PartialEq<Origin<'_>> for Pages<'_> {
    fn eq(&self, origin: &Origin<'_>) -> bool {
        self.0.covers(&origin.0)
    }
}

impl Handle {
    pub(crate) fn random() -> Self {
        Self(UserHandle64::new())
    }
}

impl Credential {
    /// Returns whether both have the same id, which must be unique (WebAuthn Level 3, section 7.1,
    /// step 26).
    pub(crate) fn has_id_of(&self, other: &Self) -> bool {
        self.id == other.id
    }

    fn descriptor(&self) -> PublicKeyCredentialDescriptor<Vec<u8>> {
        PublicKeyCredentialDescriptor { id: self.id.clone(), transports: self.transports }
    }
}

impl<T> Started<T> {
    /// Returns `None` if the options have no challenge, which `webauthn_rp` never leaves out.
    fn new(state: T, options: &impl Serialize) -> Option<Self> {
        let options = serde_json::to_value(options).ok()?;
        let challenge = options.get("challenge")?.as_str()?.to_owned();
        Some(Self { state, challenge, options })
    }
}

/// Stytch asks for a PIN or a biometric only if its caller asks for the options of a passkey.
fn user_verification(passkey: bool) -> UserVerificationRequirement {
    if passkey {
        UserVerificationRequirement::Preferred
    } else {
        UserVerificationRequirement::Discouraged
    }
}

/// Returns a response's challenge as the options wrote it.
fn written(challenge: SentChallenge) -> String {
    URL_SAFE_NO_PAD.encode(challenge.0.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_one_that_browsers_accept() {
        for domain in ["localhost", "example.com", "login.example.com"] {
            assert_eq!(Domain::new(domain).unwrap().name(), domain);
        }
        for domain in ["", "127.0.0.1", "::1", "Example.com", "https://example.com", "a..b", "ä"] {
            assert_eq!(Domain::new(domain), None, "{domain}");
        }
    }

    #[test]
    fn only_pages_of_a_domain_may_use_its_passkeys() {
        let covers = |domain: &str, origin: &str| Domain::new(domain).unwrap().covers(origin);
        for (domain, origin) in [
            ("localhost", "http://localhost:3000"),
            ("localhost", "https://localhost"),
            ("example.com", "https://example.com"),
            ("example.com", "https://login.example.com:8443"),
        ] {
            assert!(covers(domain, origin), "{domain} {origin}");
        }
        for (domain, origin) in [
            ("localhost", "http://localhost.example.com"),
            ("localhost", "http://127.0.0.1:3000"),
            ("example.com", "http://example.com"),
            ("example.com", "https://notexample.com"),
            ("example.com", "https://example.com.attacker.test"),
            ("login.example.com", "https://example.com"),
            ("example.com", "https://example.com/"),
            ("example.com", "https://example.com@attacker.test"),
            ("example.com", "https://EXAMPLE.com"),
            ("example.com", "android:apk-key-hash:example.com"),
            ("example.com", "null"),
            ("example.com", ""),
        ] {
            assert!(!covers(domain, origin), "{domain} {origin}");
        }
    }
}
