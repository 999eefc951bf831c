//! What to ask the user for.

use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::factor::Factor;

/// The alternatives that would satisfy a policy. Each is a set of factors that are all needed, none
/// of them for nothing.
///
/// A set suffices where the session, with the factors of the set proved now, satisfies the policy
/// now and still does 60 s later (or half the smallest `within` or `session_within` of the policy
/// later, if that is less): people take their time, and without that grace a set could lapse
/// before it is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    pub(super) sets: Vec<Vec<Prompt>>,
    pub(super) truncated: bool,
    pub(super) outlook: Outlook,
}

/// What authentication can achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    Retryable,
    /// Not in this session, but in a new one.
    Restart,
    Hopeless,
}

/// A factor to ask for. As JSON it has the members that [`problem`](crate::problem) describes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prompt {
    /// Which.
    pub factor: Factor,
    /// When the session last proved it, which is too long ago; `None` where it has not, or not with
    /// a date.
    pub last_authenticated_at: Option<OffsetDateTime>,
    /// The age to which the policy will hold it; `None` where any will do.
    pub max_age: Option<Duration>,
}

impl Prompts {
    /// The sets: those with the fewest missing factors first, then those with the fewest members,
    /// then in the order offered. Within a set the factor that may be oldest comes first. At most
    /// 16.
    #[must_use]
    pub fn sets(&self) -> &[Vec<Prompt>] {
        &self.sets
    }

    /// Whether there may be further sets than these: there were more than 16, more than 24 factors
    /// on offer, or too many sets to try within the [bound](crate::Shortfall::prompts_for).
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether the factors on offer can satisfy the policy in this session.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.outlook == Outlook::Retryable
    }

    /// Whether they can in a new session, and only there.
    #[must_use]
    pub fn needs_restart(&self) -> bool {
        self.outlook == Outlook::Restart
    }
}

impl Serialize for Prompt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            factor: &'a Factor,
            reason: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_age: Option<u64>,
            #[serde(
                with = "time::serde::rfc3339::option",
                skip_serializing_if = "Option::is_none"
            )]
            last_authenticated_at: Option<OffsetDateTime>,
        }
        let reason = if self.last_authenticated_at.is_some() { "stale" } else { "missing" };
        let (factor, max_age) = (&self.factor, self.max_age.map(|max_age| max_age.as_secs()));
        Wire { factor, reason, max_age, last_authenticated_at: self.last_authenticated_at }
            .serialize(serializer)
    }
}
