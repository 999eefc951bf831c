//! Reading JSON so that every fault has a name, and no error quotes the token.

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_json::value::RawValue;

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NotAnObject,
    DuplicateName,
}

/// An object whose members are all lenient ([`Field`], [`Presence`], raw), so that the only fault in its data can be a
/// name that stands twice. Derived readers also take arrays, hence the look at the first character.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return Err(Fault::NotAnObject);
    }
    serde_json::from_str(text).map_err(|error| if error.is_data() { Fault::DuplicateName } else { Fault::NotAnObject })
}

/// A member that may be absent (or null), of another type, or as it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Field<T> {
    #[default]
    Absent,
    Unreadable,
    Value(T),
}

impl<T> Field<T> {
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&'de RawValue>::deserialize(deserializer)?;
        Ok(match raw.get() {
            "null" => Self::Absent,
            text => serde_json::from_str(text).map_or(Self::Unreadable, Self::Value),
        })
    }
}

/// Whether a member is there, null included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Presence(pub(super) bool);

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Example {
        #[serde(default)]
        text: Field<String>,
        #[serde(default)]
        number: Field<u64>,
        #[serde(default)]
        mark: Presence,
    }

    fn example(text: Field<&str>, number: Field<u64>, mark: bool) -> Example {
        let text = match text {
            Field::Value(text) => Field::Value(text.to_owned()),
            Field::Absent => Field::Absent,
            Field::Unreadable => Field::Unreadable,
        };
        Example { text, number, mark: Presence(mark) }
    }

    #[track_caller]
    fn check(text: &str, want: Result<Example, Fault>) {
        assert_eq!(object::<Example>(text), want, "{text}");
    }

    #[test]
    fn members_are_absent_unreadable_or_values() {
        use Field::{Absent, Unreadable, Value};

        check("{}", Ok(example(Absent, Absent, false)));
        check(" {\"text\":null,\"number\":null,\"mark\":null}\n", Ok(example(Absent, Absent, true)));
        check(r#"{"text":"\u0061","number":7,"other":[{}]}"#, Ok(example(Value("a"), Value(7), false)));
        check(r#"{"text":7,"number":"7","mark":0}"#, Ok(example(Unreadable, Unreadable, true)));
        for number in ["-1", "7.0", "7e0", "1e999", "99999999999999999999", "[7]", "true"] {
            check(&format!("{{\"number\":{number}}}"), Ok(example(Absent, Unreadable, false)));
        }
    }

    #[test]
    fn faults_are_told_apart() {
        for text in ["", "null", "[]", r#"["a",7,true]"#, "{", "{}x", "{\"a\":1,}", "\u{feff}{}", "{\"number\":07}"] {
            check(text, Err(Fault::NotAnObject));
        }
        check(r#"{"text":"a","text":"a"}"#, Err(Fault::DuplicateName));
        check(r#"{"text":"a","te\u0078t":"a"}"#, Err(Fault::DuplicateName));
        check(r#"{"mark":null,"mark":null}"#, Err(Fault::DuplicateName));
    }
}
