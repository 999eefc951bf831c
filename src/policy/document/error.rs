//! Errors of documents.

use std::fmt;

use crate::policy::types::ListError;

/// What is wrong with a document, and where. Its `Debug` is the sentence too, since that is what a
/// `main` prints that ends with an error.
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

    /// The key and the fault, for values that come from no text.
    pub(super) fn without_line(&self) -> impl fmt::Display {
        WithoutLine(self)
    }

    /// The line, from 1; in JSON that of the value, in TOML that of its key.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Where in the document: `policy.transfer.all[1].within`. Empty where the fault is the text
    /// itself.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &DocumentFault {
        &self.fault
    }
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentFault {
    /// It is longer than 64 KiB.
    #[error("the document is longer than 64 KiB")]
    TooLong,
    /// It is not TOML, or not JSON; in the words of the parser. In TOML also a name that stands
    /// twice.
    #[error("{0}")]
    Syntax(String),
    /// A name stands twice in one table, or a factor by both of its names.
    #[error("stands twice")]
    Duplicate,
    /// No such key here; `nearest` is the most similar of those that there are.
    #[error("unknown key; the nearest is {nearest}")]
    UnknownKey {
        /// The key that is meant, perhaps.
        nearest: &'static str,
    },
    /// No such factor or word; `nearest` is the most similar of those that there are.
    #[error("unknown factor {name:?}; the nearest is {nearest:?}")]
    UnknownFactor {
        /// What stands there.
        name: String,
        /// What is meant, perhaps.
        nearest: String,
    },
    /// No such compromise; `nearest` is the most similar of those that there are.
    #[error("unknown compromise {name:?}; the nearest is {nearest:?}")]
    UnknownCompromise {
        /// What stands there.
        name: String,
        /// What is meant, perhaps.
        nearest: String,
    },
    /// A policy's name stands where a factor is expected: write `{ policy = "…" }`.
    #[error("unknown factor {0:?}; the policy of that name is {{ policy = {0:?} }}")]
    BarePolicy(String),
    /// No policy of this name; `nearest` is the most similar of those that there are.
    #[error("there is no policy {name:?}; the nearest is {nearest:?}")]
    UnknownPolicy {
        /// What stands there.
        name: String,
        /// What is meant, perhaps.
        nearest: String,
    },
    /// A policy's name does not match `[a-z][a-z0-9_.-]{0,63}`.
    #[error("the name of a policy has to match [a-z][a-z0-9_.-]{{0,63}}")]
    Name,
    /// Something else should stand there.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What should.
        expected: &'static str,
        /// What does.
        found: &'static str,
    },
    /// A table has no operator.
    #[error(
        "no operator: one of require, all, any, at_least with of, independent, session_within, \
         policy"
    )]
    NoOperator,
    /// A table has two operators.
    #[error("two operators, {0} and {1}; a table has one")]
    TwoOperators(&'static str, &'static str),
    /// A list of clauses is empty or too long, or an `at_least` is out of range.
    #[error(transparent)]
    List(ListError),
    /// `independent = 0`, or less.
    #[error("independent has to be 1 or more")]
    IndependentOfNothing,
    /// Not a duration: one integer above zero, and `s`, `m`, `h` or `d`.
    #[error("{0:?} is no duration: one integer above zero and s, m, h or d, as in \"10m\"")]
    Duration(String),
    /// A policy refers to itself, by way of these.
    #[error("a policy refers to itself: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// With everything that it refers to, a policy has more than 256 clauses, or more than 32
    /// levels.
    #[error("the policy has more than 256 clauses, or more than 32 levels")]
    TooLarge,
    /// Nobody at all could present the factor, so it would count as independent of everything.
    #[error("nobody could present it; to let anyone present it, write \"anyone\"")]
    PresentableByNobody,
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

/// No policy of a document has this name. Its `Debug` is the sentence too.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no policy {name:?} among these: {}", .known.join(", "))]
pub struct UnknownPolicy {
    pub(super) name: String,
    pub(super) known: Vec<String>,
}

impl fmt::Debug for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
