//! Policies, durations and lists as text.

mod measure;
mod text;
mod tree;

#[cfg(feature = "documents")]
pub(in crate::policy) use self::measure::UNITS;
pub(in crate::policy) use self::measure::{Age, Joined, Span};
pub(in crate::policy) use self::tree::indent;
