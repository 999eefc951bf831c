//! Reads JSON so that every fault has a name and no error quotes the token.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::{MalformedToken, TokenPart};

/// A fault of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NotAnObject,
    DuplicateName,
}

impl Fault {
    /// Returns the error about a token with this fault in this part.
    pub(super) fn in_part(self, part: TokenPart) -> MalformedToken {
        match self {
            Self::NotAnObject => MalformedToken::NotAnObject(part),
            Self::DuplicateName => MalformedToken::DuplicateName(part),
        }
    }
}

/// Reads an object whose members are all lenient ([`Field`], [`Presence`]), so the only possible
/// data error is a duplicate name. Derived readers also accept arrays, so this checks the first
/// character.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return Err(Fault::NotAnObject);
    }
    serde_json::from_str(text)
        .map_err(|error| if error.is_data() { Fault::DuplicateName } else { Fault::NotAnObject })
}

/// A member that is absent (or null), has a type that cannot be read, or has a value.
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

/// A type that can be read from certain kinds of JSON values. By default every kind is unreadable.
pub(super) trait Lenient<'de>: Sized {
    fn from_text(_text: Cow<'de, str>) -> Option<Self> {
        None
    }

    fn from_integer(_integer: u64) -> Option<Self> {
        None
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_seq(list).map(|_| None)
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_map(object).map(|_| None)
    }
}

impl<'a, 'de: 'a> Lenient<'de> for Cow<'a, str> {
    fn from_text(text: Cow<'de, str>) -> Option<Self> {
        Some(text)
    }
}

impl Lenient<'_> for u64 {
    fn from_integer(integer: u64) -> Option<Self> {
        Some(integer)
    }
}

/// A list of strings. It is unreadable if one element is not a string.
impl<'a, 'de: 'a> Lenient<'de> for Vec<Cow<'a, str>> {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let (mut texts, mut readable) = (Self::new(), true);
        while let Some(item) = list.next_element()? {
            match item {
                Field::Value(text) => texts.push(text),
                Field::Absent | Field::Unreadable => readable = false,
            }
        }
        Ok(readable.then_some(texts))
    }
}

impl<'de, T: Lenient<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor(PhantomData))
    }
}

struct FieldVisitor<T>(PhantomData<T>);

impl<T> FieldVisitor<T> {
    fn field(read: Option<T>) -> Field<T> {
        read.map_or(Field::Unreadable, Field::Value)
    }
}

impl<'de, T: Lenient<'de>> Visitor<'de> for FieldVisitor<T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Field<T>, E> {
        Ok(Field::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field<T>, E> {
        Ok(Field::Unreadable)
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Field<T>, E> {
        Ok(Self::field(T::from_integer(integer)))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Field<T>, E> {
        Ok(Field::Unreadable)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Field<T>, E> {
        Ok(Field::Unreadable)
    }

    fn visit_str<E>(self, text: &str) -> Result<Field<T>, E> {
        Ok(Self::field(T::from_text(Cow::Owned(text.to_owned()))))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<T>, E> {
        Ok(Self::field(T::from_text(Cow::Borrowed(text))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Field<T>, A::Error> {
        T::from_list(list).map(Self::field)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Field<T>, A::Error> {
        T::from_object(object).map(Self::field)
    }
}

/// Whether a member is present, even with the value null.
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
    struct Example<'a> {
        #[serde(borrow, default)]
        text: Field<Cow<'a, str>>,
        #[serde(default)]
        number: Field<u64>,
        #[serde(default)]
        mark: Presence,
    }

    fn example<'a>(text: Field<&'a str>, number: Field<u64>, mark: bool) -> Example<'a> {
        let text = match text {
            Field::Value(text) => Field::Value(Cow::Borrowed(text)),
            Field::Absent => Field::Absent,
            Field::Unreadable => Field::Unreadable,
        };
        Example { text, number, mark: Presence(mark) }
    }

    #[track_caller]
    fn check(text: &str, want: Result<Example<'_>, Fault>) {
        assert_eq!(object::<Example<'_>>(text), want, "{text}");
    }

    #[test]
    fn a_member_is_absent_unreadable_or_a_value() {
        use Field::{Absent, Unreadable, Value};

        check("{}", Ok(example(Absent, Absent, false)));
        check(
            " {\"text\":null,\"number\":null,\"mark\":null}\n",
            Ok(example(Absent, Absent, true)),
        );
        check(
            r#"{"text":"\u0061","number":7,"other":[{}]}"#,
            Ok(example(Value("a"), Value(7), false)),
        );
        check(r#"{"text":7,"number":"7","mark":0}"#, Ok(example(Unreadable, Unreadable, true)));
        for number in ["-1", "7.0", "7e0", "99999999999999999999", "[7]", "true"] {
            check(&format!("{{\"number\":{number}}}"), Ok(example(Absent, Unreadable, false)));
        }
    }

    #[test]
    fn each_fault_is_recognized() {
        // In a member that is read, this reader treats half a surrogate pair and a number beyond
        // the range of `f64` as invalid JSON.
        check(r#"{"text":"\ud800"}"#, Err(Fault::NotAnObject));
        for text in [
            "",
            "null",
            "[]",
            r#"["a",7,true]"#,
            "{",
            "{}x",
            "{\"a\":1,}",
            "\u{feff}{}",
            "{\"number\":07}",
            "{\"number\":1e999}",
        ] {
            check(text, Err(Fault::NotAnObject));
        }
        check(r#"{"text":"a","text":"a"}"#, Err(Fault::DuplicateName));
        check(r#"{"text":"a","te\u0078t":"a"}"#, Err(Fault::DuplicateName));
        check(r#"{"mark":null,"mark":null}"#, Err(Fault::DuplicateName));
    }
}
