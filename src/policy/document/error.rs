//! Errors in documents.

use std::fmt;

use crate::policy::types::ListError;
use crate::trust::Compromise;

/// The maximum length of a parser's message, in characters.
const MAX_MESSAGE: usize = 300;

/// An error in a document: the fault, and its place. `Debug` writes the same sentence as `Display`,
/// because a `main` that returns an error prints its `Debug`.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{} {}", if .key.is_empty() { ":" } else { "," }, self.without_line())]
pub struct DocumentError {
    line: usize,
    key: String,
    fault: DocumentFault,
}

impl DocumentError {
    pub(super) fn new(line: usize, key: &str, fault: DocumentFault) -> Self {
        Self { line, key: key.into(), fault }
    }

    /// Returns a parser's message as an error. The message may quote the document.
    pub(super) fn syntax(line: usize, message: &str) -> Self {
        let escaped = |character: char| match character.is_control() {
            true => character.escape_default().collect(),
            false => String::from(character),
        };
        let message = message.chars().take(MAX_MESSAGE).map(escaped).collect();
        Self::new(line, "", DocumentFault::Syntax(message))
    }

    /// Returns the message without the line, for values that were not read from a text.
    pub(super) fn without_line(&self) -> impl fmt::Display {
        WithoutLine(self)
    }

    /// Returns the line of the fault, counted from 1. For a member of a TOML table, this is the
    /// line of its key. Otherwise it is the line of the value.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the place of the fault in the document, such as `policy.transfer.all[1].within`. It
    /// is empty for a syntax error, and for a fault of the whole document.
    ///
    /// A name is in quotes if it is empty, longer than 64 characters, or contains anything but
    /// ASCII letters, digits, `_`, `-` and `/`. A quoted name is cut after 64 characters, and its
    /// control characters are escaped.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the fault.
    #[must_use]
    pub fn fault(&self) -> &DocumentFault {
        &self.fault
    }
}

/// A fault in a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentFault {
    /// The document is longer than 64 KiB.
    #[error("the document is longer than 64 KiB")]
    TooLong,
    /// The document is not valid TOML or JSON. The text is the parser's message, with control
    /// characters escaped. In TOML, this includes duplicate names.
    #[error("{0}")]
    Syntax(String),
    /// A table has the same name twice, or has a factor under both of its names.
    #[error("defined twice")]
    Duplicate,
    /// The key is not allowed here.
    #[error("unknown key{}", NearestKey(.nearest, .known))]
    UnknownKey {
        /// The known key that is probably meant. `None` if no key is similar enough: a wrong guess
        /// could make the policy weaker than its author meant.
        nearest: Option<&'static str>,
        /// The keys that are allowed here.
        known: Vec<&'static str>,
    },
    /// No factor or keyword has this name.
    #[error("unknown factor {name:?}{}", Nearest(.nearest, "a name such as password, otp/sms, totp or webauthn, or acr:VALUE"))]
    UnknownFactor {
        /// The unknown name, cut after 64 characters.
        name: String,
        /// The name that is probably meant. `None` if no name is similar enough: a wrong guess
        /// could make the policy weaker than its author meant.
        nearest: Option<String>,
    },
    /// The value in `acr:VALUE` or `amr:VALUE` is empty, is `0`, or contains anything but visible
    /// ASCII, or a space, `"` or `\`.
    #[error(
        "{0:?} cannot be a value of acr or amr: expected visible ASCII without space, quote and backslash, and not 0"
    )]
    Assertion(String),
    /// No compromise has this name.
    #[error("unknown compromise {name:?}{}", Nearest(.nearest, &list_of_compromises()))]
    UnknownCompromise {
        /// The unknown name, cut after 64 characters.
        name: String,
        /// The name that is probably meant. `None` if no name is similar enough.
        nearest: Option<String>,
    },
    /// A policy's name is used where a factor is expected. A reference to a policy is written as
    /// `{ policy = "…" }`.
    #[error("unknown factor {0:?}; to refer to the policy, write {{ policy = {0:?} }}")]
    BarePolicy(String),
    /// No policy has this name.
    #[error("unknown policy {name:?}{}", Nearest(.nearest, "the name of another policy"))]
    UnknownPolicy {
        /// The unknown name, cut after 64 characters.
        name: String,
        /// The name that is probably meant. `None` if no name is similar enough.
        nearest: Option<String>,
    },
    /// A policy's name does not match `[a-z][a-z0-9_.-]{0,63}`.
    #[error("the name of a policy has to match [a-z][a-z0-9_.-]{{0,63}}")]
    Name,
    /// A policy has the name of a factor or of a keyword (`session`, `mfa`, `phishing_resistant`).
    /// In a clause, such a name means the factor or the keyword.
    #[error("a policy cannot have this name, which means something else in a clause")]
    ReservedName,
    /// A table inside the table of a policy, such as `[policy.a.b]`.
    #[error("policies cannot be nested; quote a name that contains a dot: [policy.{0:?}]")]
    NestedPolicy(String),
    /// The document lacks an expected value, or has one of a different kind.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// The expected value.
        expected: &'static str,
        /// The kind of value in the document, or `none`.
        found: &'static str,
    },
    /// A table has no operator.
    #[error(
        "no operator: expected one of require, all, any, at_least (with of), independent, \
         session_within, policy"
    )]
    NoOperator,
    /// A table has two operators, or it has `of` but not `at_least`.
    #[error("{0} and {1} cannot be in one table")]
    TwoOperators(&'static str, &'static str),
    /// A list of clauses is empty or too long.
    #[error(transparent)]
    List(ListError),
    /// An `at_least` is below 1 or above the number of clauses.
    #[error("at_least must be from 1 to the number of clauses ({clauses}), not {needed}")]
    OutOfRange {
        /// The value of `at_least`.
        needed: i64,
        /// The number of clauses.
        clauses: usize,
    },
    /// An `independent` is below 1.
    #[error("independent has to be 1 or more")]
    IndependentOutOfRange,
    /// Not a duration. A duration is a positive integer followed by `s`, `m`, `h` or `d`.
    #[error(
        "{0:?} is not a duration: expected a positive integer followed by s, m, h or d, as in \
         \"10m\""
    )]
    Duration(String),
    /// A duration of more than 2⁶⁴ − 1 seconds.
    #[error("{0:?} is too long: a duration is at most {max}s", max = u64::MAX)]
    DurationTooLong(String),
    /// A policy refers to itself through these policies.
    #[error("a policy refers to itself: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// A policy has more than 256 clauses or more than 32 levels, including everything that it
    /// refers to.
    #[error("the policy has more than 256 clauses, or more than 32 levels")]
    TooLarge,
    /// The list of compromises is empty. No attacker could present the factor, so it would count as
    /// independent of everything.
    #[error("the list of compromises is empty; to let anyone present the factor, write \"anyone\"")]
    NoCompromises,
}

/// The name that is probably meant, or else a description of the allowed names.
struct Nearest<'a>(&'a Option<String>, &'a str);

impl fmt::Display for Nearest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(nearest), _) => write!(f, "; the nearest is {nearest:?}"),
            Self(None, expected) => write!(f, ": expected {expected}"),
        }
    }
}

/// The key that is probably meant, or else the allowed keys.
struct NearestKey<'a>(&'a Option<&'a str>, &'a [&'a str]);

impl fmt::Display for NearestKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(nearest), _) => write!(f, "; the nearest is {nearest}"),
            Self(None, [only]) => write!(f, ": expected {only}"),
            Self(None, known) => write!(f, ": expected one of {}", known.join(", ")),
        }
    }
}

fn list_of_compromises() -> String {
    format!("one of {}", Compromise::ALL.map(|known| known.to_string()).join(", "))
}

struct WithoutLine<'a>(&'a DocumentError);

impl fmt::Display for WithoutLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DocumentError { key, fault, .. } = self.0;
        if key.is_empty() { fault.fmt(f) } else { write!(f, "{key}: {fault}") }
    }
}

impl fmt::Debug for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An error looking up a policy: the document has none with this name. `Debug` writes the same
/// sentence as `Display`.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown policy {name:?}: expected one of {}", .known.join(", "))]
pub struct UnknownPolicy {
    pub(super) name: String,
    pub(super) known: Vec<String>,
}

impl fmt::Debug for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
