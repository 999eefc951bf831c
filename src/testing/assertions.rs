//! Assertions about policies, and a function that returns the ages around a limit.

use std::time::Duration;

use super::clock::NOW;
use super::session::SessionBuilder;
use crate::policy::{Grant, Implication, Policy, Shortfall};
use crate::session::Session;

/// Asserts that a session meets a policy at [`NOW`](crate::testing::NOW), and returns the
/// [`Grant`](crate::Grant). Pass the session as a
/// [`SessionBuilder`](crate::testing::SessionBuilder) or as a [`Session`](crate::Session). A failure
/// prints the explanation.
///
/// ```
/// use tower_step_up::{Factor, Policy, assert_granted, testing};
///
/// let grant = assert_granted!(
///     Policy::mfa(),
///     testing::session().proved(Factor::Password).proved(Factor::Totp)
/// );
/// assert!(grant.holds_at(testing::NOW));
/// ```
///
/// ```should_panic
/// use tower_step_up::{Factor, Policy, assert_granted, testing};
///
/// // mfa: missing, password (now)
/// assert_granted!(Policy::mfa(), testing::session().proved(Factor::Password));
/// ```
#[macro_export]
macro_rules! assert_granted {
    ($policy:expr, $session:expr $(,)?) => {
        $crate::testing::granted(&$policy, &$session)
    };
}

/// Asserts that a session does not meet a policy at [`NOW`](crate::testing::NOW), and returns the
/// [`Shortfall`](crate::Shortfall). Pass the session as a
/// [`SessionBuilder`](crate::testing::SessionBuilder) or as a [`Session`](crate::Session). A failure
/// prints the explanation.
///
/// ```
/// use tower_step_up::{Factor, Policy, assert_step_up, testing};
///
/// let shortfall =
///     assert_step_up!(Policy::mfa(), testing::session().proved(Factor::Password));
/// assert_eq!(shortfall.to_string(), "authenticate with a second, independent factor");
/// ```
///
/// ```should_panic
/// use tower_step_up::{Factor, Policy, assert_step_up, testing};
///
/// // session: met by password (now)
/// assert_step_up!(Policy::session(), testing::session().proved(Factor::Password));
/// ```
#[macro_export]
macro_rules! assert_step_up {
    ($policy:expr, $session:expr $(,)?) => {
        $crate::testing::stepped_up(&$policy, &$session)
    };
}

/// Asserts that a policy's [audit](crate::Policy::audit) has no warning. A failure prints the
/// audit.
///
/// ```
/// use tower_step_up::{Policy, assert_no_warnings};
///
/// assert_no_warnings!(Policy::mfa());
/// ```
///
/// ```should_panic
/// use tower_step_up::{Factor, Policy, assert_no_warnings};
///
/// // one compromise is enough: an attacker with the mailbox can present password and otp/email
/// assert_no_warnings!(Policy::all_of([Factor::Password, Factor::OtpEmail]));
/// ```
#[macro_export]
macro_rules! assert_no_warnings {
    ($policy:expr $(,)?) => {
        $crate::testing::without_warnings(&$policy)
    };
}

/// Asserts that a policy [implies](crate::Policy::implies) another, which means that it is at least
/// as strict. A failure prints a session that meets the first policy but not the second.
///
/// ```
/// use tower_step_up::{Factor, Policy, assert_implies};
///
/// assert_implies!(Policy::all_of([Factor::Password, Factor::OtpSms]), Policy::mfa());
/// ```
///
/// ```should_panic
/// use tower_step_up::{Factor, Policy, assert_implies};
///
/// // webauthn meets the first but not the second
/// assert_implies!(Policy::phishing_resistant(), Policy::mfa());
/// ```
#[macro_export]
macro_rules! assert_implies {
    ($policy:expr, $other:expr $(,)?) => {
        $crate::testing::implied(&$policy, &$other)
    };
}

/// A session, or the description of one.
#[doc(hidden)]
pub trait AsSession {
    /// Returns the session.
    fn as_session(&self) -> Session;
}

impl AsSession for SessionBuilder {
    fn as_session(&self) -> Session {
        self.build()
    }
}

impl AsSession for Session {
    fn as_session(&self) -> Session {
        self.clone()
    }
}

#[doc(hidden)]
#[track_caller]
pub fn without_warnings(policy: &Policy) {
    let audit = policy.audit();
    assert!(audit.warnings().next().is_none(), "{policy}:\n{audit}");
}

#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "an assertion")]
pub fn implied(policy: &Policy, other: &Policy) {
    match policy.implies(other) {
        Implication::Holds => {}
        Implication::Fails(session) => panic!("{session} meets {policy}\nbut not {other}"),
        Implication::Undecided { comparisons } => {
            panic!(
                "after {comparisons} comparisons it is undecided whether {policy}\nimplies {other}"
            )
        }
    }
}

#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "an assertion")]
pub fn granted(policy: &Policy, session: &impl AsSession) -> Grant {
    let session = session.as_session();
    match policy.evaluate(&session, NOW) {
        Ok(grant) => grant,
        Err(shortfall) => {
            panic!("the session does not meet the policy:\n{}", shortfall.explanation())
        }
    }
}

#[doc(hidden)]
#[track_caller]
#[expect(clippy::panic, reason = "an assertion")]
pub fn stepped_up(policy: &Policy, session: &impl AsSession) -> Shortfall {
    let session = session.as_session();
    match policy.evaluate(&session, NOW) {
        Err(shortfall) => shortfall,
        Ok(_) => panic!("the session meets the policy:\n{}", policy.explain(&session, NOW)),
    }
}

/// Returns the ages at which to test a limit: one second less, the limit itself, which is still
/// fresh, and one second more.
///
/// ```
/// use std::time::Duration;
/// use tower_step_up::{Factor, Policy, testing};
///
/// let limit = Duration::from_secs(600);
/// let policy = Policy::factor(Factor::Totp).within(limit);
/// let fresh = testing::ages_around(limit).map(|age| {
///     policy
///         .evaluate(&testing::session().proved_ago(Factor::Totp, age).build(), testing::NOW)
///         .is_ok()
/// });
/// assert_eq!(fresh, [true, true, false]);
/// ```
#[must_use]
pub fn ages_around(limit: Duration) -> [Duration; 3] {
    let second = Duration::from_secs(1);
    [limit.saturating_sub(second), limit, limit.saturating_add(second)]
}
