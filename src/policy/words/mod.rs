//! Policies, durations and lists as text.

mod measure;
mod text;
mod tree;
mod word;

pub(crate) use self::measure::Span;
#[cfg(feature = "documents")]
pub(in crate::policy) use self::measure::UNITS;
pub(in crate::policy) use self::measure::{Age, Joined};
pub(in crate::policy) use self::tree::indent;
pub(crate) use self::word::Independent;
#[cfg(feature = "documents")]
pub(in crate::policy) use self::word::{INDEPENDENT, MFA};
pub(in crate::policy) use self::word::{PHISHING_RESISTANT, SESSION, SESSION_WITHIN};
