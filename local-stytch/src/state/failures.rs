//! Failures that a test asked for.

use std::time::Duration;

use crate::error::Refusal;

/// The maximum number of failures that wait for their calls.
const WAITING: usize = 100;
/// The maximum number of calls of one failure.
const CALLS: u32 = 1000;
const DELAY: Duration = Duration::from_secs(30);
/// The maximum length of a path, in bytes.
const PATH: usize = 200;

/// A failure of the next calls of Stytch's API. A call that is refused or dropped has no effect.
///
/// ```
/// use std::time::Duration;
/// use local_stytch::{Failure, LocalStytch};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stytch = LocalStytch::builder().start().await?;
/// // The next two codes are not sent, and the next key set comes two seconds late.
/// stytch.fail_next(Failure::status(503).at("/v1/otps/").times(2))?;
/// stytch.fail_next(Failure::delay(Duration::from_secs(2)).at("/v1/sessions/jwks/"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "calls fail only after `LocalStytch::fail_next`"]
pub struct Failure {
    path: String,
    calls: u32,
    delay: Duration,
    outcome: Outcome,
}

/// How a call ends after its delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As without a failure.
    Answered,
    /// With a refusal of this status.
    Refused(u16),
    /// Without a response.
    Dropped,
}

impl Failure {
    /// Refuses the call with a status from 400 to 599. The `error_type` is `too_many_requests` for
    /// 429, `internal_server_error` for 500, `server_unavailable` for 503, and otherwise
    /// `planned_failure`.
    pub fn status(status: u16) -> Self {
        Self::new(Outcome::Refused(status))
    }

    /// Closes the connection without a response.
    pub fn dropped_connection() -> Self {
        Self::new(Outcome::Dropped)
    }

    /// Responds as usual, but at least `by` later by the system's clock. The maximum is 30 seconds.
    pub fn delay(by: Duration) -> Self {
        Self::new(Outcome::Answered).after(by)
    }

    fn new(outcome: Outcome) -> Self {
        Self { path: "/v1/".into(), calls: 1, delay: Duration::ZERO, outcome }
    }

    /// Sets how long the call takes before it fails, by the system's clock. The default is zero, and
    /// the maximum is 30 seconds.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Restricts the failure to calls whose path begins with `path`, such as `/v1/otps/`. The
    /// default is `/v1/`, which is every call. The maximum is 200 bytes.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets how many calls fail, from 1 to 1000. The default is 1.
    pub fn times(mut self, calls: u32) -> Self {
        self.calls = calls;
        self
    }

    fn check(&self) -> Result<(), Refusal> {
        if !self.path.starts_with("/v1/") || self.path.len() > PATH {
            return Err(Refusal::InvalidField(
                "The path of a failure must begin with /v1/ and is limited to 200 bytes.",
            ));
        }
        if !(1..=CALLS).contains(&self.calls) {
            return Err(Refusal::InvalidField("A failure is limited to 1 to 1000 calls."));
        }
        if self.delay > DELAY {
            return Err(Refusal::InvalidField("A delay is limited to 30 seconds."));
        }
        if matches!(self.outcome, Outcome::Refused(status) if !(400..600).contains(&status)) {
            return Err(Refusal::InvalidField("The status of a failure must be 400 to 599."));
        }
        Ok(())
    }
}

/// The failures that wait for their calls, in the order in which they were asked for.
#[derive(Default)]
pub(crate) struct Failures {
    waiting: Vec<Failure>,
}

impl Failures {
    /// Adds a failure.
    pub(crate) fn plan(&mut self, failure: Failure) -> Result<(), Refusal> {
        failure.check()?;
        if self.waiting.len() >= WAITING {
            return Err(Refusal::Full("This stand-in is limited to 100 failures that wait."));
        }
        self.waiting.push(failure);
        Ok(())
    }

    /// Returns the number of failures that wait for at least one more call.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns the delay and the outcome of a call, if it fails. The first failure for its path
    /// counts it.
    pub(crate) fn next(&mut self, path: &str) -> Option<(Duration, Outcome)> {
        let at = self.waiting.iter().position(|failure| path.starts_with(&failure.path))?;
        let failure = self.waiting.get_mut(at)?;
        let planned = (failure.delay, failure.outcome);
        failure.calls -= 1;
        if failure.calls == 0 {
            let _used_up = self.waiting.remove(at);
        }
        Some(planned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_used_in_order_and_by_path() {
        let mut failures = Failures::default();
        failures.plan(Failure::status(500).at("/v1/otps/").times(2)).unwrap();
        failures.plan(Failure::dropped_connection()).unwrap();
        let mut next = |path| failures.next(path).map(|(_, outcome)| outcome);
        assert_eq!(next("/local/clock"), None);
        assert_eq!(next("/v1/otps/sms/send"), Some(Outcome::Refused(500)));
        assert_eq!(next("/v1/users"), Some(Outcome::Dropped));
        assert_eq!(next("/v1/users"), None);
        assert_eq!(next("/v1/otps/sms/send"), Some(Outcome::Refused(500)));
        assert_eq!(next("/v1/otps/sms/send"), None);
    }

    #[test]
    fn a_failure_has_limits() {
        #[track_caller]
        fn check(failure: Failure, want: bool) {
            let text = format!("{failure:?}");
            assert_eq!(Failures::default().plan(failure).is_ok(), want, "{text}");
        }
        check(Failure::status(400), true);
        check(Failure::status(599), true);
        check(Failure::status(399), false);
        check(Failure::status(600), false);
        check(Failure::dropped_connection().times(0), false);
        check(Failure::dropped_connection().times(1000), true);
        check(Failure::dropped_connection().times(1001), false);
        check(Failure::delay(Duration::from_secs(30)), true);
        check(Failure::delay(Duration::from_millis(30_001)), false);
        check(Failure::status(500).after(Duration::MAX), false);
        check(Failure::status(500).at("/local/clock"), false);
        check(Failure::status(500).at(format!("/v1/{}", "a".repeat(197))), false);
    }

    #[test]
    fn at_most_a_hundred_failures_wait() {
        let mut failures = Failures::default();
        for _ in 0..WAITING {
            failures.plan(Failure::status(500)).unwrap();
        }
        assert!(matches!(failures.plan(Failure::status(500)), Err(Refusal::Full(_))));
        failures.next("/v1/users").unwrap();
        failures.plan(Failure::status(500)).unwrap();
    }
}
