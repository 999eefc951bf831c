//! The parts of a session that policies do not read.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The organization that a B2B session belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Organization<'a> {
    pub(super) id: &'a str,
    pub(super) slug: &'a str,
}

impl<'a> Organization<'a> {
    /// Returns the organization's id (`organization-…`).
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.id
    }

    /// Returns the organization's name in URLs, which is empty if the token has none.
    #[must_use]
    pub fn slug(&self) -> &'a str {
        self.slug
    }
}

/// The IP address and the browser that a session was started from, as the application reported them
/// to Stytch. Each is an empty string if it was not reported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Attributes<'a> {
    pub(super) ip_address: &'a str,
    pub(super) user_agent: &'a str,
}

impl<'a> Attributes<'a> {
    /// Returns the IP address that the application reported at sign-in.
    #[must_use]
    pub fn ip_address(&self) -> &'a str {
        self.ip_address
    }

    /// Returns the user agent of the browser that the application reported at sign-in.
    #[must_use]
    pub fn user_agent(&self) -> &'a str {
        self.user_agent
    }
}

impl fmt::Debug for Attributes<'_> {
    /// Keeps addresses out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attributes").finish_non_exhaustive()
    }
}

/// The claims that are not custom: those registered in RFC 7519, and Stytch's own.
const RESERVED: [&str; 9] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "https://stytch.com/session",
    "https://stytch.com/organization",
];

/// Reads the custom claims of a payload. `T` deserializes the original text of each claim, so it
/// can be as strict as its author wants.
pub(super) fn custom<T: DeserializeOwned>(payload: &str) -> Result<T, CustomClaimsError> {
    let custom = serde_json::Deserializer::from_str(payload).deserialize_map(CustomClaims)?;
    serde_json::from_str::<NothingHidden>(&custom)?;
    Ok(serde_json::from_str(&custom)?)
}

/// A visitor that collects the custom claims into one JSON object, as text.
struct CustomClaims;

impl<'de> Visitor<'de> for CustomClaims {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut claims: A) -> Result<String, A::Error> {
        let mut seen = HashSet::new();
        let mut custom = Vec::new();
        while let Some((name, value)) = claims.next_entry::<String, &RawValue>()? {
            if !RESERVED.contains(&name.as_str()) {
                let name = serde_json::to_string(&name).map_err(A::Error::custom)?;
                custom.push(format!("{name}:{value}"));
            }
            if !seen.insert(name) {
                return Err(A::Error::custom("a claim occurs twice"));
            }
        }
        Ok(format!("{{{}}}", custom.join(",")))
    }
}

/// A check that no text in the JSON is itself read as JSON.
///
/// With the feature `raw_value`, `serde_json` reads the text under the name [`HIDDEN_JSON`] as
/// JSON, for example into a `Value`. The depth limit starts anew in each such text. A token has
/// room for twelve of them nested in each other, and reading those would overflow the stack.
struct NothingHidden;

const HIDDEN_JSON: &str = "$serde_json::private::RawValue";

impl<'de> Deserialize<'de> for NothingHidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for NothingHidden {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == HIDDEN_JSON {
                return Err(A::Error::custom("JSON is hidden in text"));
            }
            members.next_value::<Self>()?;
        }
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(Self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self)
    }
}

/// An error reading custom claims. It does not contain the claims, because errors are logged.
///
/// The column counts bytes in the JSON object that contains only the custom claims. If a claim
/// occurs twice, it counts them in the whole payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the custom claims cannot be read, at column {column}")]
pub struct CustomClaimsError {
    column: usize,
}

impl From<serde_json::Error> for CustomClaimsError {
    fn from(error: serde_json::Error) -> Self {
        Self { column: error.column() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn custom_claims_are_those_that_are_not_reserved() {
        let payload =
            r#"{"iss":"i","plan":"gold","https://stytch.com/session":{},"n":1,"jti":"j"}"#;
        let custom: Map<String, Value> = custom(payload).expect("readable claims");
        assert_eq!(Value::Object(custom), serde_json::json!({"plan": "gold", "n": 1}));
    }

    #[test]
    fn a_duplicate_custom_claim_is_an_error() {
        assert!(custom::<Value>(r#"{"plan":"gold","plan":"lead"}"#).is_err());
    }

    #[test]
    fn json_hidden_in_json_is_refused() {
        let mut text = "1".to_owned();
        for _ in 0..11 {
            let inner = serde_json::to_string(&text).expect("valid JSON");
            text = format!(
                "{}{{\"$serde_json::private::RawValue\":{inner}}}{}",
                "[".repeat(110),
                "]".repeat(110)
            );
        }
        let escaped = text.replacen("$serde", "\\u0024serde", 1);
        for odd in [&*text, &escaped, "[{\"$serde_json::private::RawValue\":\"[1]\"}]"] {
            assert!(custom::<Value>(&format!("{{\"odd\":{odd}}}")).is_err(), "{}", odd.len());
        }
        for plain in [
            "[1,-2,3.5,1e300,null,true,\"$serde_json::private::RawValue\"]",
            "{\"$serde\":{\"a\":[]}}",
        ] {
            let read: Result<std::collections::HashMap<String, Box<RawValue>>, _> =
                custom(&format!("{{\"odd\":{plain}}}"));
            assert_eq!(read.expect("readable claims")["odd"].get(), plain);
        }
    }
}
