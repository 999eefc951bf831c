//! The answer that Clerk's clients read.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use serde::Serialize;

use super::{answer, forbidden};
use crate::policy::{Prompt, Shortfall};
use crate::profile::{FIRST_FACTOR, SECOND_FACTOR};
use crate::rejection::Rejection;
use crate::respond::refusal::{Challenge, Refusal};
use crate::respond::responder::{BearerChallenge, Respond};

/// A responder for clients of Clerk. If a session has to step up, the answer is the one that
/// Clerk's own helpers give, so `useReverification` of Clerk's packages opens the dialog and calls
/// again.
///
/// ```
/// use std::time::Duration;
/// use http::Request;
/// use tower_step_up::issuers::clerk;
/// use tower_step_up::respond::ClerkReverification;
/// use tower_step_up::testing::{self, TestIssuer};
/// use tower_step_up::{Policy, Rejection, Respond};
///
/// let issuer = clerk("https://clerk.example.com", ["https://app.example.com"]);
/// let test = TestIssuer::standing_in_for(issuer)?;
/// // The second factor was verified 20 minutes ago.
/// let session = test.session_with(&serde_json::json!({"fva": [0, 20]}));
/// let policy = Policy::amr("second_factor").within(Duration::from_secs(600));
/// let shortfall = policy.evaluate(&session, testing::NOW).unwrap_err();
///
/// let (request, ()) = Request::post("/transfer").body(())?.into_parts();
/// let answer = ClerkReverification::new().respond(&Rejection::StepUpRequired(shortfall), &request);
/// assert_eq!(answer.status(), 403);
/// let body: serde_json::Value = serde_json::from_slice(answer.body())?;
/// assert_eq!(body, serde_json::json!({"clerk_error": {
///     "type": "forbidden",
///     "reason": "reverification-error",
///     "metadata": {"reverification": {"level": "second_factor", "afterMinutes": 10}},
/// }}));
///
/// let guard = test.guard().require(policy).respond_with(ClerkReverification::new());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The body is what `reverificationError` of npm `@clerk/shared` 4 builds.
///
/// | member | value |
/// | --- | --- |
/// | `level` | the lowest of `first_factor`, `second_factor` and `multi_factor` (both) that meets the policy |
/// | `afterMinutes` | the smallest limit for these factors in whole minutes, from 1 to 99,998; without a limit 1,440, as in Clerk's preset `lax` |
///
/// A user without a second factor can verify only the first one, whatever `level` asks for. After
/// that, the answer is a 403 with the [body](crate::problem) of a problem and without a challenge.
/// It asks the user to enrol a second factor. Clerk's client does not open the dialog again.
///
/// The [`BearerChallenge`] answers every other refusal. It also answers a shortfall that a
/// reverification would not remedy, for example with a limit under two minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClerkReverification {
    challenge: BearerChallenge,
}

#[derive(Serialize)]
struct Body {
    clerk_error: ClerkError,
}

#[derive(Serialize)]
struct ClerkError {
    r#type: &'static str,
    reason: &'static str,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Metadata {
    reverification: Reverification,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reverification {
    level: Level,
    after_minutes: u64,
}

/// The factors that the user has to verify, the least first.
#[derive(Clone, Copy, Serialize, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    #[serde(rename = "first_factor")]
    First,
    #[serde(rename = "second_factor")]
    Second,
    #[serde(rename = "multi_factor")]
    Both,
}

impl ClerkReverification {
    /// Creates a responder whose challenges, for other refusals, are for the realm `api`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the challenge for other refusals.
    #[must_use]
    pub fn challenge(self, challenge: BearerChallenge) -> Self {
        Self { challenge }
    }

    /// Returns the problem that tells a user to enrol a second factor.
    fn enrol(&self, refusal: Refusal<'_>) -> Response<Bytes> {
        let (status, challenge) = (StatusCode::FORBIDDEN, Challenge::None);
        self.challenge.problem(&Refusal { status, challenge, ..refusal })
    }
}

impl Respond for ClerkReverification {
    fn respond(&self, why: &Rejection, request: &Parts) -> Response<Bytes> {
        answer(&self.challenge, why, request, |shortfall, refusal| {
            if shortfall.prompts().needs_enrolment() {
                return self.enrol(refusal);
            }
            reverification(shortfall).unwrap_or_else(|| self.challenge.problem(&refusal))
        })
    }
}

/// Returns the answer that asks for the lowest level that suffices, if there is one.
fn reverification(shortfall: &Shortfall) -> Option<Response<Bytes>> {
    let sets = shortfall.prompts().sets().iter();
    let levels = sets.filter_map(|set| Some((Level::of(set)?, after_minutes(set))));
    let (level, after_minutes) = levels.min_by_key(|(level, _)| *level)?;
    let reverification = Reverification { level, after_minutes };
    let metadata = Metadata { reverification };
    let (r#type, reason) = ("forbidden", "reverification-error");
    Some(forbidden(&Body { clerk_error: ClerkError { r#type, reason, metadata } }))
}

impl Level {
    /// Returns the level that verifies exactly these slots, or `None` if other factors are needed.
    fn of(set: &[Prompt]) -> Option<Self> {
        let levels = set.iter().map(|prompt| match prompt.method.as_deref() {
            Some(FIRST_FACTOR) => Some(Self::First),
            Some(SECOND_FACTOR) => Some(Self::Second),
            _ => None,
        });
        let both = |one, other| if one == other { one } else { Self::Both };
        levels.reduce(|one, other| Some(both(one?, other?))).flatten()
    }
}

/// Returns the age in minutes from which Clerk considers one of these factors stale, within the limits of
/// its SDKs. Their clients would ignore the level too if it were not positive.
fn after_minutes(set: &[Prompt]) -> u64 {
    const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let limit = set.iter().filter_map(|prompt| prompt.max_age).min();
    (limit.unwrap_or(A_DAY).as_secs() / 60).clamp(1, 99_998)
}
