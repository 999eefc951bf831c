//! The factors to ask the user for.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use crate::factor::Factor;

/// The sets of factors with which a session would meet a policy. Each set is an alternative to the
/// others, and no factor can be left out of it.
///
/// If the issuer takes an [authentication request] instead, the list of sets is empty.
/// [`is_retryable`] then says whether the request would help.
///
/// A set suffices if the session would meet the policy with the set's factors proved now, and would
/// still meet it 60 s later. Users take time to authenticate, and without that grace a set could
/// lapse before it is complete. The grace is never more than half the smallest `within` or
/// `session_within` of the policy. For an issuer that is asked for a [new sign-in], a set has to
/// suffice in a new session.
///
/// [authentication request]: crate::Shortfall::authentication_request
/// [`is_retryable`]: Self::is_retryable
/// [new sign-in]: crate::profile::StepUpBy::NewSignIn
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    pub(super) sets: Vec<Vec<Prompt>>,
    pub(super) truncated: bool,
    pub(super) outlook: Outlook,
}

/// Whether the session can meet the policy if the user authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    Retryable,
    /// Not in this session, but in a new one.
    Restart,
    /// Only if the user enrols a second factor first.
    Enrol,
    Hopeless,
}

/// A factor to ask for. [`problem`](crate::problem) describes its members in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prompt {
    /// The factor. If the issuer's name for the method stands for several factors, it is the first of
    /// them.
    pub factor: Factor,
    /// The issuer's name for the method, in JSON `as`. `None` for Stytch, which is asked for the
    /// factor.
    pub method: Option<Box<str>>,
    /// When the factor was last proved in this session. This is too long ago, or will be before the
    /// grace ends. `None` if the factor was not proved, or if the proof has no date that counts.
    pub last_authenticated_at: Option<OffsetDateTime>,
    /// The maximum age that the policy accepts for the factor. `None` if any age will do.
    pub max_age: Option<Duration>,
}

impl Prompts {
    pub(super) fn without_sets(outlook: Outlook) -> Self {
        Self { sets: Vec::new(), truncated: false, outlook }
    }

    /// Returns the sets, at most 16. Sets with the fewest factors that the session has not proved
    /// at a known date come first, then those with the fewest members, then those whose factors
    /// were offered first. Within a set, the factor that may be oldest comes first.
    #[must_use]
    pub fn sets(&self) -> &[Vec<Prompt>] {
        &self.sets
    }

    /// Returns whether further sets may exist. They may if more than 16 sets were found, if more
    /// than 24 factors were on offer, or if the search reached its
    /// [bound](crate::Shortfall::prompts_for).
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Returns whether the policy can be met: with one of the [sets](Self::sets), or with an
    /// [authentication request](crate::Shortfall::authentication_request).
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.outlook == Outlook::Retryable
    }

    /// Returns whether only a new session can meet the policy with the factors on offer.
    #[must_use]
    pub fn needs_restart(&self) -> bool {
        self.outlook == Outlook::Restart
    }

    /// Returns whether the user has to enrol a second factor first. The issuer has just been asked
    /// for one and has answered without, so asking again would not help.
    #[must_use]
    pub fn needs_enrolment(&self) -> bool {
        self.outlook == Outlook::Enrol
    }
}

impl Prompt {
    /// Returns the name to ask for: the issuer's name for the method, or else the factor.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        match &self.method {
            Some(method) => Cow::Borrowed(method),
            None => self.factor.to_string().into(),
        }
    }
}

impl Serialize for Prompt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            factor: &'a Factor,
            #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
            method: Option<&'a str>,
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
        let (method, last_authenticated_at) = (self.method.as_deref(), self.last_authenticated_at);
        Wire { factor, method, reason, max_age, last_authenticated_at }.serialize(serializer)
    }
}
