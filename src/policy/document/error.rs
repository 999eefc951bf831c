//! Errors of documents.

use std::fmt;

use crate::policy::types::ListError;
use crate::trust::Compromise;

/// The most characters of what a parser says.
const MAX_MESSAGE: usize = 300;

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

    /// Returns a parser's message as an error. The message may quote the document.
    pub(super) fn syntax(line: usize, message: &str) -> Self {
        let escaped = |character: char| match character.is_control() {
            true => character.escape_default().collect(),
            false => String::from(character),
        };
        let message = message.chars().take(MAX_MESSAGE).map(escaped).collect();
        Self::new(line, "", DocumentFault::Syntax(message))
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
    /// itself. A name of other characters than letters, digits, `_`, `-` and `/` stands in quotes,
    /// with its control characters escaped, and without what it has beyond 64 characters.
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
    /// It is not TOML, or not JSON; in the words of the parser, with control characters escaped. In
    /// TOML also a name that stands twice.
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
    /// No such factor or word.
    #[error("unknown factor {name:?}{}", Nearest(.nearest, "a name such as password, otp/sms, totp or webauthn"))]
    UnknownFactor {
        /// What stands there.
        name: String,
        /// The name that is probably meant. `None` if no name is similar enough, because a guess
        /// could be weaker.
        nearest: Option<String>,
    },
    /// No such compromise.
    #[error("unknown compromise {name:?}{}", Nearest(.nearest, &list_of_compromises()))]
    UnknownCompromise {
        /// What stands there.
        name: String,
        /// The name that is probably meant; `None` if no name is similar enough.
        nearest: Option<String>,
    },
    /// A policy's name stands where a factor is expected: write `{ policy = "…" }`.
    #[error("unknown factor {0:?}; the policy of that name is {{ policy = {0:?} }}")]
    BarePolicy(String),
    /// No policy has this name.
    #[error("there is no policy {name:?}{}", Nearest(.nearest, "the name of another policy"))]
    UnknownPolicy {
        /// What stands there.
        name: String,
        /// The name that is probably meant; `None` if no name is similar enough.
        nearest: Option<String>,
    },
    /// A policy's name does not match `[a-z][a-z0-9_.-]{0,63}`.
    #[error("the name of a policy has to match [a-z][a-z0-9_.-]{{0,63}}")]
    Name,
    /// A policy has the name of a factor or of a word of the format. In a clause, that name means
    /// the factor or the word.
    #[error("a policy cannot have this name, which means something else in a clause")]
    ReservedName,
    /// A table inside the table of a policy, such as `[policy.a.b]`.
    #[error("policies cannot be nested; quote a name that contains a dot: [policy.{0:?}]")]
    NestedPolicy(String),
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
    /// A list of clauses is empty or too long.
    #[error(transparent)]
    List(ListError),
    /// An `at_least` below 1, or of more than there are clauses.
    #[error("at_least takes from 1 to the number of clauses, here {clauses}, and not {needed}")]
    OutOfRange {
        /// How many are to hold.
        needed: i64,
        /// How many there are.
        clauses: usize,
    },
    /// `independent = 0`, or less.
    #[error("independent has to be 1 or more")]
    IndependentOfNothing,
    /// Not a duration: one integer above zero, and `s`, `m`, `h` or `d`.
    #[error("{0:?} is not a duration: one integer above zero and s, m, h or d, as in \"10m\"")]
    Duration(String),
    /// A duration of more than 2⁶⁴ − 1 seconds.
    #[error("{0:?} is too long: a duration is at most {max}s", max = u64::MAX)]
    DurationTooLong(String),
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

/// The name that is probably meant, or else the names that could stand there.
struct Nearest<'a>(&'a Option<String>, &'a str);

impl fmt::Display for Nearest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(Some(nearest), _) => write!(f, "; the nearest is {nearest:?}"),
            Self(None, expected) => write!(f, ": expected {expected}"),
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
