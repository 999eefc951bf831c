//! A policy held against a session.

use std::sync::Arc;

use time::OffsetDateTime;

use super::decision::{Facts, Grant, Held, until};
use super::explanation::Shortfall;
use super::types::Policy;
use crate::moment::Moment;
use crate::session::Session;

impl Policy {
    /// Holds the policy against a session at an instant.
    ///
    /// Judged is the policy alone. That the session and its token have not expired is the
    /// verifier's business, and [`Grant::holds_at`] knows their end.
    ///
    /// # Errors
    ///
    /// Returns a [`Shortfall`] that says what is missing or stale.
    pub fn evaluate(&self, session: &Session, now: OffsetDateTime) -> Result<Grant, Shortfall> {
        match self.held(session, now.into()) {
            Some(held) => Ok(Grant::new(session.clone(), held.into())),
            None => Err(Shortfall::new(session.clone(), self.clone(), now)),
        }
    }

    /// As [`evaluate`](Self::evaluate), but remembers a grant with the session. The clauses are not
    /// judged again before one of their limits passes.
    pub(crate) fn evaluate_remembered(
        &self,
        session: Session,
        now: OffsetDateTime,
    ) -> Result<Grant, Shortfall> {
        let moment = now.into();
        let known = session.remembered(|held: &Held| held.is_of(self) && held.holds_at(moment));
        if let Some(held) = known {
            return Ok(Grant::new(session, held));
        }
        match self.held(&session, moment) {
            Some(held) => {
                let held = Arc::new(held);
                session.remember(held.clone());
                Ok(Grant::new(session, held))
            }
            None => Err(Shortfall::new(session, self.clone(), now)),
        }
    }

    fn held(&self, session: &Session, now: Moment) -> Option<Held> {
        let until = until(self, &Facts::new(session, now), None);
        until.reaches(now).then(|| Held::new(self.clone(), now, until))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::factor::Factor;
    use crate::testing::{self, NOW};

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// More policies than a session remembers, and one that only equals another.
    fn policies() -> Vec<Policy> {
        let fresh = || Policy::factor(Factor::OtpSms).within(seconds(600));
        vec![
            Policy::mfa(),
            fresh(),
            fresh(),
            Policy::mfa().within(seconds(120)),
            Policy::session_within(seconds(3_600)),
            Policy::factor(Factor::Totp),
            Policy::any_of([fresh(), Policy::mfa().within(seconds(30))]),
        ]
    }

    #[test]
    fn a_remembered_grant_holds_whenever_a_fresh_one_does_and_ends_no_later() {
        let session = || {
            testing::session()
                .proved_ago(Factor::Password, seconds(60))
                .proved_ago(Factor::OtpSms, seconds(590))
                .proved_ahead(Factor::OtpSms, seconds(3))
                .started_ago(seconds(3_500))
                .build()
        };
        let policies = policies();
        // The clock goes on, and is put back.
        let instants = [0, 1, 9, 10, 11, 60, 61, 100, 101, 603, 604, 7, 0, -2, -3, -60, -61, 5];
        for first in 0..policies.len() {
            let session = session();
            for seconds in instants.map(time::Duration::seconds) {
                let (before, after) = policies.split_at(first);
                for policy in after.iter().chain(before) {
                    let now = NOW + seconds;
                    let fresh = policy.evaluate(&session, now);
                    let got = policy.evaluate_remembered(session.clone(), now);
                    assert_eq!(got.is_ok(), fresh.is_ok(), "{policy} at {seconds}");
                    if let (Ok(got), Ok(fresh)) = (got, fresh) {
                        assert!(got.policy().is_same_as(policy));
                        assert!(got.holds_at(now) && got.expires_at() <= fresh.expires_at());
                    }
                }
            }
        }
    }

    #[test]
    fn what_held_is_remembered_until_its_limit() {
        let session = testing::session().proved_ago(Factor::OtpSms, seconds(540)).build();
        let policy = Policy::factor(Factor::OtpSms).within(seconds(600));
        let held = |after| {
            let grant = policy.evaluate_remembered(session.clone(), NOW + seconds(after));
            grant.ok().map(|grant| grant.expires_at())
        };
        let is_remembered = |after: u64| {
            let moment = (NOW + seconds(after)).into();
            session.remembered(|held: &Held| held.is_of(&policy) && held.holds_at(moment)).is_some()
        };
        assert!(!is_remembered(0));
        assert_eq!(held(10), Some(NOW + seconds(60)));
        assert_eq!([9, 10, 60, 61].map(is_remembered), [false, true, true, false]);
        assert_eq!([9, 60, 61].map(held), [Some(NOW + seconds(60)), Some(NOW + seconds(60)), None]);
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let session = testing::session().proved(Factor::Password).build();
        let policies: Vec<_> = (0..10).map(|_| Policy::session()).collect();
        for policy in &policies {
            assert!(policy.evaluate_remembered(session.clone(), NOW).is_ok());
        }
        let is_remembered =
            |policy: &&Policy| session.remembered(|held: &Held| held.is_of(policy)).is_some();
        assert_eq!(policies.iter().filter(is_remembered).count(), 3);
        assert!(policies.iter().take(3).all(|policy| is_remembered(&policy)));
    }
}
