//! The values of an action's fields.

use std::borrow::Cow;

/// The value of a field of an [`Action`](super::Action): a text, an integer, a boolean, bytes, or
/// nothing.
///
/// A value has a type, so the text `"1"`, the integer `1` and the byte `1` differ. An integer counts by
/// its number, whatever its type in Rust. `None` differs from an empty text.
///
/// Floats are not accepted, because one amount can have several of them. Pass an integer in the
/// smallest unit, such as cents, or a text that your code has written in one way.
///
/// ```compile_fail,E0277
/// let action = tower_step_up::Action::new("transfer").with("amount", 12.34);
/// ```
#[derive(Clone)]
pub struct ActionValue(Kind);

#[derive(Clone)]
enum Kind {
    Nothing,
    Text(Box<str>),
    Integer(Box<str>),
    Boolean(bool),
    Bytes(Box<[u8]>),
}

impl ActionValue {
    /// Returns the mark of the type, and the bytes of the value.
    pub(super) fn parts(&self) -> (u8, &[u8]) {
        match &self.0 {
            Kind::Nothing => (b'n', &[]),
            Kind::Text(text) => (b't', text.as_bytes()),
            Kind::Integer(decimal) => (b'i', decimal.as_bytes()),
            Kind::Boolean(false) => (b'b', b"0"),
            Kind::Boolean(true) => (b'b', b"1"),
            Kind::Bytes(bytes) => (b'x', bytes),
        }
    }
}

macro_rules! from {
    ($($type:ty, $value:ident => $kind:expr;)*) => {$(
        impl From<$type> for ActionValue {
            fn from($value: $type) -> Self {
                Self($kind)
            }
        }
    )*};
}

from! {
    &str, text => Kind::Text(text.into());
    String, text => Kind::Text(text.into());
    &String, text => Kind::Text(text.as_str().into());
    Box<str>, text => Kind::Text(text);
    Cow<'_, str>, text => Kind::Text(text.into());
    bool, flag => Kind::Boolean(flag);
    &[u8], bytes => Kind::Bytes(bytes.into());
    Vec<u8>, bytes => Kind::Bytes(bytes.into());
    &Vec<u8>, bytes => Kind::Bytes(bytes.as_slice().into());
}

/// The decimal form has no sign for zero and no leading zeros, so a number has exactly one.
macro_rules! from_integers {
    ($($type:ty)*) => {$(
        impl From<$type> for ActionValue {
            fn from(number: $type) -> Self {
                Self(Kind::Integer(number.to_string().into()))
            }
        }
    )*};
}

from_integers! { i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize }

impl<const N: usize> From<[u8; N]> for ActionValue {
    fn from(bytes: [u8; N]) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }
}

impl<const N: usize> From<&[u8; N]> for ActionValue {
    fn from(bytes: &[u8; N]) -> Self {
        Self(Kind::Bytes(bytes.as_slice().into()))
    }
}

impl<T: Into<Self>> From<Option<T>> for ActionValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(Kind::Nothing), Into::into)
    }
}
