//! Rate limits: counts within a window of time that opens with the first event.

use time::{Duration, OffsetDateTime};

use crate::{bounded::Bounded, error::Refusal};

/// The maximum number of messages to one destination within [`SEND_WINDOW`].
const SENDS: u32 = 30;
const SEND_WINDOW: Duration = Duration::minutes(1);
/// The maximum number of a user's wrong passwords, TOTP codes and recovery codes within
/// [`FAILURE_WINDOW`].
const FAILURES: u32 = 10;
const FAILURE_WINDOW: Duration = Duration::minutes(5);
/// The maximum number of destinations, and of users, with a count. Beyond it, the oldest count is
/// dropped.
const COUNTED: usize = 20_000;

pub(crate) struct Limits {
    sends: Bounded<Window>,
    failures: Bounded<Window>,
}

#[derive(Clone, Copy)]
struct Window {
    opened_at: OffsetDateTime,
    count: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sends: Bounded::new(COUNTED), failures: Bounded::new(COUNTED) }
    }
}

impl Limits {
    /// Refuses if `destination` has received too many messages.
    pub(crate) fn check_send(&self, destination: &str, now: OffsetDateTime) -> Result<(), Refusal> {
        check(&self.sends, destination, SENDS, SEND_WINDOW, now)
    }

    pub(crate) fn count_send(&mut self, destination: &str, now: OffsetDateTime) {
        count(&mut self.sends, destination, SEND_WINDOW, now);
    }

    /// Refuses if the user has failed too often.
    pub(crate) fn check_failures(&self, user_id: &str, now: OffsetDateTime) -> Result<(), Refusal> {
        check(&self.failures, user_id, FAILURES, FAILURE_WINDOW, now)
    }

    /// Counts a TOTP code or a recovery code of the user that was right or wrong. A code that was
    /// refused for another reason is not counted.
    pub(crate) fn count<T>(
        &mut self,
        user_id: &str,
        proved: &Result<T, Refusal>,
        now: OffsetDateTime,
    ) {
        match proved {
            Ok(_) => self.succeeded(user_id),
            Err(Refusal::TotpNotUsable | Refusal::RecoveryCodeNotUsable) => {
                self.failed(user_id, now);
            }
            Err(_) => {}
        }
    }

    pub(crate) fn failed(&mut self, user_id: &str, now: OffsetDateTime) {
        count(&mut self.failures, user_id, FAILURE_WINDOW, now);
    }

    pub(crate) fn succeeded(&mut self, user_id: &str) {
        self.failures.remove(user_id);
    }
}

fn check(
    windows: &Bounded<Window>,
    key: &str,
    most: u32,
    length: Duration,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    match windows.get(key) {
        Some(window) if window.count >= most && now < window.opened_at + length => {
            Err(Refusal::TooManyRequests)
        }
        _ => Ok(()),
    }
}

fn count(windows: &mut Bounded<Window>, key: &str, length: Duration, now: OffsetDateTime) {
    match windows.get_mut(key) {
        Some(window) if now < window.opened_at + length => window.count += 1,
        _ => {
            windows.insert(key.to_owned(), Window { opened_at: now, count: 1 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_a_fixed_length_and_counts_one_destination() {
        let mut limits = Limits::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        for _ in 0..SENDS {
            limits.check_send("a", start).unwrap();
            limits.count_send("a", start);
        }
        let late = start + SEND_WINDOW - Duration::NANOSECOND;
        assert_eq!(limits.check_send("a", late), Err(Refusal::TooManyRequests));
        assert_eq!(limits.check_send("b", late), Ok(()));
        limits.count_send("a", start + SEND_WINDOW);
        assert_eq!(limits.check_send("a", start + SEND_WINDOW), Ok(()));
    }

    #[test]
    fn a_success_clears_the_failures() {
        let mut limits = Limits::default();
        let now = OffsetDateTime::UNIX_EPOCH;
        for _ in 0..FAILURES {
            limits.check_failures("user", now).unwrap();
            limits.failed("user", now);
        }
        assert_eq!(limits.check_failures("user", now), Err(Refusal::TooManyRequests));
        assert_eq!(limits.check_failures("user", now + FAILURE_WINDOW), Ok(()));
        limits.succeeded("user");
        assert_eq!(limits.check_failures("user", now), Ok(()));
    }
}
