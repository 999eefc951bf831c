//! The parts of a session that policies do not read.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The organization that a B2B session belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub(crate) id: Box<str>,
    pub(crate) slug: Box<str>,
}

impl Organization {
    /// The organization's id (`organization-…`).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The organization's name in URLs; empty where the token has none.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.slug
    }
}

/// Where a session was started from, as the application told Stytch; empty strings where it did not.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    pub(crate) ip_address: Box<str>,
    pub(crate) user_agent: Box<str>,
}

impl Attributes {
    /// The address that the application reported at sign-in.
    #[must_use]
    pub fn ip_address(&self) -> &str {
        &self.ip_address
    }

    /// The browser that the application reported at sign-in.
    #[must_use]
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }
}

impl fmt::Debug for Attributes {
    /// Addresses stay out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attributes").finish_non_exhaustive()
    }
}

/// The claims that are not custom: RFC 7519's and Stytch's.
const RESERVED: [&str; 9] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "https://stytch.com/session", "https://stytch.com/organization"];

pub(super) fn custom<T: DeserializeOwned>(payload: &str) -> Result<T, serde_json::Error> {
    let custom = serde_json::Deserializer::from_str(payload).deserialize_map(CustomClaims)?;
    serde_json::from_value(Value::Object(custom))
}

struct CustomClaims;

impl<'de> Visitor<'de> for CustomClaims {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut claims: A) -> Result<Self::Value, A::Error> {
        let mut seen = HashSet::new();
        let mut custom = Map::new();
        while let Some((name, value)) = claims.next_entry::<String, Value>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom("a claim stands twice"));
            }
            if !RESERVED.contains(&name.as_str()) {
                custom.insert(name, value);
            }
        }
        Ok(custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_claims_are_those_that_nobody_reserved() {
        let payload = r#"{"iss":"i","plan":"gold","https://stytch.com/session":{},"n":1,"jti":"j"}"#;
        let custom: Map<String, Value> = custom(payload).expect("readable");
        assert_eq!(Value::Object(custom), serde_json::json!({"plan": "gold", "n": 1}));
    }

    #[test]
    fn a_custom_claim_that_stands_twice_is_an_error() {
        assert!(custom::<Value>(r#"{"plan":"gold","plan":"lead"}"#).is_err());
    }
}
