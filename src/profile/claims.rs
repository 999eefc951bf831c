//! The claims of a token, read one by one.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use time::{OffsetDateTime, UtcDateTime};

use super::error::ClaimError;
use super::times;

/// The members of a JSON object: the claims of a token, its header, or an object inside them. A claim
/// that is null counts as absent.
#[derive(Clone, Default)]
pub struct Claims<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    header: Option<Box<Self>>,
    /// The name of the object that contains these members. It is empty at the top level.
    place: String,
}

/// The maximum number of entries in a list.
pub(super) const MAX_ENTRIES: usize = 256;

impl<'a> Claims<'a> {
    /// Reads a JSON object. Returns `None` if the text is anything else, or if a name occurs twice
    /// at its top level.
    ///
    /// ```
    /// use tower_step_up::profile::Claims;
    ///
    /// let claims = Claims::from_json(r#"{"acr": "gold", "auth_time": 1700000000}"#).expect("an object");
    /// assert_eq!(claims.text("acr")?.as_deref(), Some("gold"));
    /// assert_eq!(claims.text("amr")?, None);
    /// assert!(claims.text("auth_time").is_err());
    /// # Ok::<(), tower_step_up::profile::ClaimError>(())
    /// ```
    #[must_use]
    pub fn from_json(text: &'a str) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_str(text);
        let members = json.deserialize_map(Members).ok()?;
        json.end().ok()?;
        Some(Self { members, ..Self::default() })
    }

    #[must_use]
    pub(crate) fn with_header(self, header: Self) -> Self {
        Self { header: Some(Box::new(header)), ..self }
    }

    /// Returns the members of the token's header. Claims that were read without a token have no header,
    /// and the result is then empty.
    #[must_use]
    pub fn header(&self) -> Self {
        self.header.as_deref().cloned().unwrap_or_default()
    }

    /// Returns whether the claim is present and not null.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.json(name).is_some()
    }

    /// Returns the names of all claims, also of those that are null, in the order of the token.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| &**name)
    }

    /// Returns a claim that is a text.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Unreadable`] if the claim is present and not a text.
    pub fn text(&self, name: &str) -> Result<Option<Cow<'a, str>>, ClaimError> {
        self.json(name).map(|json| self.readable(name, text(json))).transpose()
    }

    /// Returns a claim that is true or false.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Unreadable`] if the claim is present and neither true nor false.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ClaimError> {
        let flag = |json| match json {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        self.json(name).map(|json| self.readable(name, flag(json))).transpose()
    }

    /// Returns a claim that is a time: a number of seconds since 1970 from 0 to 253402300799.
    /// Fractions are exact to the nanosecond.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Unreadable`] if the claim is present and not such a number.
    pub fn time(&self, name: &str) -> Result<Option<OffsetDateTime>, ClaimError> {
        Ok(self.utc(name)?.map(Into::into))
    }

    pub(crate) fn utc(&self, name: &str) -> Result<Option<UtcDateTime>, ClaimError> {
        self.json(name).map(|json| self.readable(name, times::instant(json))).transpose()
    }

    /// Returns a claim that is a time, as [`time`](Self::time) does, or a date in RFC 3339.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Unreadable`] if the claim is present and neither.
    pub fn date(&self, name: &str) -> Result<Option<OffsetDateTime>, ClaimError> {
        match self.text(name) {
            Ok(Some(text)) => self.readable(name, times::date(&text)).map(Some),
            Ok(None) => Ok(None),
            Err(_) => self.time(name),
        }
    }

    /// Returns a claim that is an integer.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Unreadable`] if the claim is present and not an integer of 64 bits.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ClaimError> {
        self.json(name).map(|json| self.readable(name, json.parse().ok())).transpose()
    }

    /// Returns a claim that is a list of integers, as many as `N`.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Unreadable`] if the claim is present and not such a list.
    pub fn integers<const N: usize>(&self, name: &str) -> Result<Option<[i64; N]>, ClaimError> {
        let integers = |json| {
            let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
            let integers: Option<Vec<i64>> =
                items.into_iter().map(|item| item.get().parse().ok()).collect();
            integers?.try_into().ok()
        };
        self.json(name).map(|json| self.readable(name, integers(json))).transpose()
    }

    /// Returns a claim that is a list of at most 256 texts. It is empty if the claim is absent.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError`] if the claim is present and not such a list.
    pub fn texts(&self, name: &str) -> Result<Vec<Cow<'a, str>>, ClaimError> {
        let texts = self.items(name)?.into_iter().map(|item| text(item.get()));
        self.readable(name, texts.collect())
    }

    /// Returns a claim that is a text or a list of at most 256 texts, as a list. It is empty if the
    /// claim is absent.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError`] if the claim is present and neither.
    pub fn text_or_texts(&self, name: &str) -> Result<Vec<Cow<'a, str>>, ClaimError> {
        match self.json(name) {
            Some(json) if json.starts_with('"') => Ok(self.text(name)?.into_iter().collect()),
            _ => self.texts(name),
        }
    }

    /// Returns the members of a claim that is an object. The result is empty if the claim is absent.
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError::Unreadable`] if the claim is present and not an object, or if one of
    /// its names occurs twice.
    pub fn object(&self, name: &str) -> Result<Self, ClaimError> {
        let Some(json) = self.json(name) else { return Ok(Self::default()) };
        let object = self.readable(name, Self::from_json(json))?;
        Ok(Self { place: format!("{}{name}.", self.place), ..object })
    }

    /// Returns the items of a claim that is a list of at most 256 of any kind.
    pub(super) fn items(&self, name: &str) -> Result<Vec<&'a RawValue>, ClaimError> {
        let Some(json) = self.json(name) else { return Ok(Vec::new()) };
        let items: Vec<_> = self.readable(name, serde_json::from_str(json).ok())?;
        match items.len() {
            count if count > MAX_ENTRIES => {
                Err(ClaimError::TooMany { claim: self.full_name(name), count })
            }
            _ => Ok(items),
        }
    }

    pub(super) fn unreadable(&self, name: &str) -> ClaimError {
        ClaimError::Unreadable(self.full_name(name))
    }

    fn readable<T>(&self, name: &str, value: Option<T>) -> Result<T, ClaimError> {
        value.ok_or_else(|| self.unreadable(name))
    }

    fn full_name(&self, name: &str) -> Box<str> {
        crate::excerpt::printable(&format!("{}{name}", self.place))
    }

    /// Returns the JSON of a claim, unless it is absent or null.
    fn json(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.members.iter().find(|(known, _)| known == name)?;
        Some(value.get()).filter(|json| *json != "null")
    }
}

/// Reads a JSON text. It borrows from the token unless the text has escapes.
pub(super) fn text(json: &str) -> Option<Cow<'_, str>> {
    let plain = json.strip_prefix('"')?.strip_suffix('"')?;
    match plain.contains('\\') {
        true => serde_json::from_str(json).ok().map(Cow::Owned),
        false => Some(Cow::Borrowed(plain)),
    }
}

/// A visitor that collects the members of an object. A name must not occur twice.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let (mut members, mut seen) = (Vec::new(), HashSet::new());
        while let Some((name, value)) = object.next_entry::<&RawValue, &RawValue>()? {
            let name = text(name.get()).ok_or_else(|| A::Error::custom("a name is not a text"))?;
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom("a name occurs twice"));
            }
            members.push((name, value));
        }
        Ok(members)
    }
}

impl fmt::Debug for Claims<'_> {
    /// Shows the names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable(name: &str) -> ClaimError {
        ClaimError::Unreadable(name.into())
    }

    #[test]
    fn only_an_object_with_distinct_names_is_read() {
        for text in [
            "",
            "null",
            "[]",
            "\"a\"",
            "7",
            r#"{"a":1}{}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":1"#,
            r#"{a:1}"#,
        ] {
            assert!(Claims::from_json(text).is_none(), "{text}");
        }
        let claims = Claims::from_json(" {\"\\u0061\":1,\"b\":null}\n").expect("an object");
        assert_eq!(claims.names().collect::<Vec<_>>(), ["a", "b"]);
        assert!(claims.has("a") && !claims.has("b") && !claims.has("c"));
    }

    #[test]
    fn a_claim_of_another_type_is_unreadable_and_null_is_absent() {
        let values = [
            ("text", r#""a\nb""#),
            ("flag", "true"),
            ("time", "1700000000.5"),
            ("integer", "-7"),
            ("pair", "[7,-1]"),
            ("texts", r#"["a","b"]"#),
            ("object", r#"{"a":1}"#),
            ("null", "null"),
        ];
        let members = values.map(|(name, value)| format!("\"{name}\":{value}")).join(",");
        let json = format!("{{{members}}}");
        let claims = Claims::from_json(&json).expect("an object");
        for (name, _) in values {
            let is_absent = matches!(name, "null" | "missing");
            let check = |kind: &str, got: Result<bool, ClaimError>| {
                let want = match (kind == name, is_absent) {
                    (true, _) => Ok(true),
                    (false, true) => Ok(false),
                    (false, false) => Err(unreadable(name)),
                };
                assert_eq!(got, want, "{name} as {kind}");
            };
            check("text", claims.text(name).map(|text| text.is_some_and(|text| text == "a\nb")));
            check("flag", claims.flag(name).map(|flag| flag == Some(true)));
            check("time", claims.time(name).map(|time| time.is_some()));
            check("integer", claims.integer(name).map(|integer| integer == Some(-7)));
            check("pair", claims.integers(name).map(|pair| pair == Some([7, -1])));
            check("texts", claims.texts(name).map(|texts| texts == ["a", "b"]));
            check("object", claims.object(name).map(|object| object.has("a")));
        }
        assert_eq!(claims.text_or_texts("text").as_deref(), Ok(&["a\nb".into()][..]));
        assert_eq!(claims.text_or_texts("texts").map(|texts| texts.len()), Ok(2));
        assert_eq!(claims.text_or_texts("flag"), Err(unreadable("flag")));
    }

    #[test]
    fn an_error_names_the_place_of_a_claim() {
        let claims = Claims::from_json(r#"{"login":{"at":"now","deep":{"x":[1]}}}"#);
        let login = claims.expect("an object").object("login").expect("an object");
        assert_eq!(login.time("at"), Err(unreadable("login.at")));
        let deep = login.object("deep").expect("an object");
        assert_eq!(deep.text("x"), Err(unreadable("login.deep.x")));
        assert_eq!(deep.integers::<2>("x"), Err(unreadable("login.deep.x")));
    }

    #[test]
    fn a_list_has_at_most_256_entries() {
        for (count, is_readable) in [(256, true), (257, false)] {
            let json = format!(r#"{{"amr":[{}]}}"#, vec!["\"a\""; count].join(","));
            let claims = Claims::from_json(&json).expect("an object");
            let too_many = || ClaimError::TooMany { claim: "amr".into(), count };
            let want = if is_readable { Ok(count) } else { Err(too_many()) };
            assert_eq!(claims.texts("amr").map(|texts| texts.len()), want);
            assert_eq!(claims.entries("amr", "method", "at").map(|texts| texts.len()), want);
        }
    }
}
