//! Decides when to fetch keys and when to pause. The functions read no clock. They take instants as
//! arguments.
//!
//! Instants are readings of [`Clock::monotonic`](crate::Clock::monotonic).

use std::time::Duration;

/// The bounds for the `max-age` that a server sends.
const MIN_STATED: Duration = Duration::from_secs(60);
const MAX_STATED: Duration = Duration::from_secs(60 * 60);

/// The limits of the schedule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The age at which a set is fetched again in the background if its server sends no `max-age`.
    pub(super) refresh_after: Duration,
    /// The age up to which a set may be used at all.
    pub(super) usable_for: Duration,
    /// The pause between a successful fetch and the next one that an unknown `kid` may cause.
    pub(super) cool_down: Duration,
    /// The pause after the first failure. Each further failure doubles it, up to `longest_backoff`.
    pub(super) backoff: Duration,
    pub(super) longest_backoff: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            refresh_after: Duration::from_secs(10 * 60),
            usable_for: Duration::from_secs(12 * 60 * 60),
            cool_down: Duration::from_secs(30),
            backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Returns the age at which a set is fetched again. `stated` is the `max-age` that its server
    /// sent.
    pub(super) fn refresh_at(&self, stated: Option<Duration>) -> Duration {
        stated.map_or(self.refresh_after, |stated| stated.clamp(MIN_STATED, MAX_STATED))
    }
}

/// The results of the fetches so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Schedule {
    /// When the last successful fetch began, and the age at which another is due.
    fetched: Option<(Duration, Duration)>,
    /// The failures since the last successful fetch.
    failing: Option<Failing>,
}

#[derive(Clone, Copy, Debug)]
struct Failing {
    /// The number of failures in a row.
    count: u32,
    last_at: Duration,
}

/// The next step for a `kid` that the set does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextStep {
    Fetch,
    /// No fetch, because the last one succeeded recently. The known keys apply.
    CoolDown,
    /// No fetch for this much longer, because the last one failed.
    BackOff(Duration),
}

impl Schedule {
    pub(super) fn decide(&self, now: Duration, limits: &Limits) -> NextStep {
        if let Some(rest) = self.backoff_left(now, limits) {
            return NextStep::BackOff(rest);
        }
        // A set that may no longer be used causes no cool-down, however recent it is.
        let cooling_for = limits.cool_down.min(limits.usable_for);
        match self.fetched {
            Some((fetched_at, _))
                if self.failing.is_none() && now.saturating_sub(fetched_at) < cooling_for =>
            {
                NextStep::CoolDown
            }
            _ => NextStep::Fetch,
        }
    }

    /// Returns whether a background fetch is due: the set is old enough, and no pause after a
    /// failure is left.
    pub(super) fn is_due(&self, now: Duration, limits: &Limits) -> bool {
        self.fetched.is_none_or(|(fetched_at, due)| now.saturating_sub(fetched_at) >= due)
            && self.backoff_left(now, limits).is_none()
    }

    /// Records a successful fetch that began at `began`. Another is due at the age `due`.
    pub(super) fn succeeded(&mut self, began: Duration, due: Duration) {
        *self = Self { fetched: Some((began, due)), failing: None };
    }

    /// Records a failure, and returns how long to wait after it.
    pub(super) fn failed(&mut self, now: Duration, limits: &Limits) -> Duration {
        let count = self.failing.map_or(1, |failing| failing.count.saturating_add(1));
        self.failing = Some(Failing { count, last_at: now });
        self.backoff_left(now, limits).unwrap_or_default()
    }

    fn backoff_left(&self, now: Duration, limits: &Limits) -> Option<Duration> {
        let failing = self.failing?;
        let doubled =
            limits.backoff.saturating_mul(1_u32.checked_shl(failing.count - 1).unwrap_or(u32::MAX));
        let retry_at = failing.last_at.saturating_add(doubled.min(limits.longest_backoff));
        // A clock that ran backwards must not lengthen the pause.
        retry_at
            .checked_sub(now)
            .filter(|rest| !rest.is_zero())
            .map(|rest| rest.min(limits.longest_backoff))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_first_decision_is_to_fetch() {
        let schedule = Schedule::default();
        assert_eq!(schedule.decide(at(0), &Limits::default()), NextStep::Fetch);
        assert!(schedule.is_due(at(0), &Limits::default()));
    }

    #[test]
    fn a_successful_fetch_starts_a_cool_down() {
        let limits = Limits::default();
        let mut schedule = Schedule::default();
        schedule.succeeded(at(100), limits.refresh_at(None));
        assert_eq!(schedule.decide(at(100), &limits), NextStep::CoolDown);
        assert_eq!(schedule.decide(at(129), &limits), NextStep::CoolDown);
        assert_eq!(schedule.decide(at(130), &limits), NextStep::Fetch);
        assert!(!schedule.is_due(at(699), &limits));
        assert!(schedule.is_due(at(700), &limits));
    }

    #[test]
    fn the_cool_down_ends_when_the_keys_may_no_longer_be_used() {
        let limits = Limits { usable_for: at(10), ..Limits::default() };
        let mut schedule = Schedule::default();
        schedule.succeeded(at(100), limits.refresh_at(None));
        assert_eq!(schedule.decide(at(109), &limits), NextStep::CoolDown);
        assert_eq!(schedule.decide(at(110), &limits), NextStep::Fetch);
    }

    #[test]
    fn the_backoff_grows_to_thirty_seconds_and_ends_with_a_successful_fetch() {
        let limits = Limits::default();
        let mut schedule = Schedule::default();
        for want in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(schedule.failed(at(50), &limits), at(want));
            assert_eq!(schedule.decide(at(50), &limits), NextStep::BackOff(at(want)));
            assert!(!schedule.is_due(at(49 + want), &limits));
            assert_eq!(schedule.decide(at(50 + want), &limits), NextStep::Fetch);
        }
        for _ in 0..100 {
            assert_eq!(schedule.failed(at(50), &limits), at(30));
        }
        schedule.succeeded(at(90), limits.refresh_at(None));
        assert_eq!(schedule.decide(at(90), &limits), NextStep::CoolDown);
        assert_eq!(schedule.failed(at(91), &limits), at(1));
    }

    #[test]
    fn a_failure_ends_the_cool_down_after_the_backoff() {
        let limits = Limits::default();
        let mut schedule = Schedule::default();
        schedule.succeeded(at(100), limits.refresh_at(None));
        schedule.failed(at(110), &limits);
        assert_eq!(schedule.decide(at(110), &limits), NextStep::BackOff(at(1)));
        assert_eq!(schedule.decide(at(111), &limits), NextStep::Fetch);
    }

    #[test]
    fn the_servers_max_age_is_clamped() {
        let limits = Limits::default();
        for (stated, want) in
            [(None, 600), (Some(0), 60), (Some(61), 61), (Some(3_600), 3_600), (Some(3_601), 3_600)]
        {
            assert_eq!(limits.refresh_at(stated.map(at)), at(want), "{stated:?}");
        }
    }
}
