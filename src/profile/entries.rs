//! Lists of methods, each with its own time.

use std::borrow::Cow;

use time::OffsetDateTime;

use super::claims::{Claims, text};
use super::error::ClaimError;
use super::times;

/// A method that a token names, with the time of its use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'a> {
    /// The name of the method. It is empty if the entry has none, and the entry then proves nothing.
    pub name: Cow<'a, str>,
    /// When the method was used, or `None` if the entry does not say.
    pub at: Option<OffsetDateTime>,
}

impl<'a> Claims<'a> {
    /// Returns a claim that is a list of at most 256 methods. Each is a text, or an object with
    /// members of these names: the method's name, and the time of its use in seconds since 1970 or
    /// as in RFC 3339. An entry with a date in text that cannot be read is left out.
    ///
    /// ```
    /// use tower_step_up::profile::Claims;
    ///
    /// let json = r#"{"amr": [{"method": "totp", "timestamp": 1700000000}, "password"]}"#;
    /// let claims = Claims::from_json(json).expect("an object");
    /// let entries = claims.entries("amr", "method", "timestamp")?;
    /// assert_eq!(entries[0].name, "totp");
    /// assert!(entries[0].at.is_some() && entries[1].at.is_none());
    /// # Ok::<(), tower_step_up::profile::ClaimError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ClaimError`] if the claim is present and not such a list.
    pub fn entries(
        &self,
        claim: &str,
        name: &str,
        time: &str,
    ) -> Result<Vec<Entry<'a>>, ClaimError> {
        let mut entries = Vec::new();
        for item in self.items(claim)? {
            let unreadable = |_| self.unreadable(claim);
            if let Some(name) = text(item.get()) {
                entries.push(Entry { name, at: None });
                continue;
            }
            let members = Claims::from_json(item.get()).ok_or_else(|| self.unreadable(claim))?;
            let name = members.text(name).map_err(unreadable)?.unwrap_or_default();
            let at = match members.text(time) {
                Ok(Some(text)) => times::date(&text).map(Some),
                _ => Some(members.time(time).map_err(unreadable)?),
            };
            entries.extend(at.map(|at| Entry { name, at }));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the names of the entries, and their times in nanoseconds since 1970.
    fn entries(list: &str) -> Result<Vec<(String, Option<i128>)>, ClaimError> {
        let json = format!(r#"{{"amr":{list}}}"#);
        let claims = Claims::from_json(&json).expect("an object");
        let entries = claims.entries("amr", "method", "at")?.into_iter();
        let at = |at: Option<OffsetDateTime>| at.map(OffsetDateTime::unix_timestamp_nanos);
        Ok(entries.map(|entry| (entry.name.into_owned(), at(entry.at))).collect())
    }

    #[test]
    fn an_entry_has_a_name_and_perhaps_a_time() {
        let one = |name: &str, at| Ok(vec![(name.to_owned(), at)]);
        for (list, want) in [
            ("[]", Ok(vec![])),
            ("null", Ok(vec![])),
            (r#"["totp"]"#, one("totp", None)),
            (r#"[{"method":"totp","at":1.5}]"#, one("totp", Some(1_500_000_000))),
            (
                r#"[{"method":"totp","at":"1970-01-01T00:00:02.5Z"}]"#,
                one("totp", Some(2_500_000_000)),
            ),
            (r#"[{"method":"totp","at":null,"x":{}}]"#, one("totp", None)),
            (r#"[{"method":"totp"}]"#, one("totp", None)),
            (r#"[{"at":1}]"#, one("", Some(1_000_000_000))),
            // A date in text that cannot be read is not a proof.
            (r#"[{"method":"totp","at":"yesterday"}]"#, Ok(vec![])),
            (r#"[{"method":"totp","at":""}]"#, Ok(vec![])),
        ] {
            assert_eq!(entries(list), want, "{list}");
        }
        for list in [
            "\"totp\"",
            "{}",
            "[7]",
            "[null]",
            "[[]]",
            r#"[{"method":7}]"#,
            r#"[{"method":"totp","at":true}]"#,
            r#"[{"method":"totp","at":-1}]"#,
            r#"[{"method":"totp","at":1700000000000}]"#,
            r#"[{"method":"totp","method":"pwd"}]"#,
            r#"[{"method":"totp","$serde_json::private::Number":"1","at":[]}]"#,
        ] {
            assert_eq!(entries(list), Err(ClaimError::Unreadable("amr".into())), "{list}");
        }
    }
}
