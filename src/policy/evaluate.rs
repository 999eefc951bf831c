//! The evaluation of a policy against a session.

use std::sync::Arc;

use time::OffsetDateTime;

use super::decision::{Grant, Held, until_in_every_reading};
use super::explanation::Shortfall;
use super::types::Policy;
use crate::moment::Moment;
use crate::session::Session;

impl Policy {
    /// Evaluates the policy against a session at an instant.
    ///
    /// It does not check whether the session has ended or its token has expired. The verifier
    /// checks that, and [`Grant::holds_at`] checks the session's end again.
    ///
    /// # Errors
    ///
    /// Returns a [`Shortfall`] if the policy does not hold, which states what is missing or too
    /// old.
    pub fn evaluate(&self, session: &Session, now: OffsetDateTime) -> Result<Grant, Shortfall> {
        match self.held(session, now.into()) {
            Some(held) => Ok(Grant::new(session.clone(), held.into())),
            None => Err(Shortfall::new(session.clone(), self.clone(), now)),
        }
    }

    /// Returns whether the policy holds on only those proofs that are dated later than this. Proofs
    /// without a date do not count.
    pub(crate) fn holds_on_proofs_after(
        &self,
        session: &Session,
        after: OffsetDateTime,
        now: OffsetDateTime,
    ) -> bool {
        self.held(&session.with_proofs_after(after.into()), now.into()).is_some()
    }

    /// Works like [`evaluate`](Self::evaluate), but caches the decision in the session if the
    /// policy holds. Later calls with the same policy reuse it until one of the policy's limits
    /// passes.
    pub(crate) fn evaluate_cached(
        &self,
        session: Session,
        now: OffsetDateTime,
    ) -> Result<Grant, Shortfall> {
        let moment = now.into();
        let known = session.cached(|held: &Held| held.is_of(self) && held.holds_at(moment));
        if let Some(held) = known {
            return Ok(Grant::new(session, held));
        }
        match self.held(&session, moment) {
            Some(held) => {
                let held = Arc::new(held);
                if held.holds_at(moment) {
                    session.cache(held.clone());
                }
                Ok(Grant::new(session, held))
            }
            None => Err(Shortfall::new(session, self.clone(), now)),
        }
    }

    fn held(&self, session: &Session, now: Moment) -> Option<Held> {
        let until = until_in_every_reading(self, session, now);
        until.reaches(now).then(|| Held::new(self.clone(), all_proofs_count_from(session), until))
    }
}

/// Returns the instant from which the session's start and all its dated proofs count. From then on,
/// the instant until which a policy holds no longer changes.
fn all_proofs_count_from(session: &Session) -> Moment {
    let proofs = session.proofs().iter().filter_map(|proof| proof.date().moment());
    let mut latest = proofs.chain(session.start()).max();
    for choice in session.choices() {
        let proofs = choice.proofs().filter_map(|proof| proof.date().moment());
        latest = latest.max(proofs.max());
    }
    latest.unwrap_or(Moment::FIRST).minus(session.leeway())
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

    /// Returns more policies than a session has room for. Two of them are equal but were built
    /// separately.
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
    fn a_cached_grant_equals_a_fresh_one() {
        let session = || {
            testing::session()
                .proved_ago(Factor::Password, seconds(60))
                .proved_ago(Factor::OtpSms, seconds(590))
                .proved_ahead(Factor::OtpSms, seconds(8))
                .started_ago(seconds(3_500))
                .build()
        };
        let policies = policies();
        // The clock moves forward, and is then set back.
        let instants = [0, 1, 2, 3, 9, 10, 11, 60, 61, 100, 101, 608, 609, 7, 0, -2, -60, -61, 5];
        for first in 0..policies.len() {
            let session = session();
            for seconds in instants.map(time::Duration::seconds) {
                let (before, after) = policies.split_at(first);
                for policy in after.iter().chain(before) {
                    let now = NOW + seconds;
                    let end = |grant: Result<Grant, _>| grant.ok().map(|grant| grant.expires_at());
                    let fresh = end(policy.evaluate(&session, now));
                    let got = end(policy.evaluate_cached(session.clone(), now));
                    assert_eq!(got, fresh, "{policy} at {seconds}");
                }
            }
        }
    }

    #[test]
    fn a_grant_is_cached_once_and_until_its_limit() {
        let session = testing::session().proved_ago(Factor::OtpSms, seconds(540)).build();
        let policy = Policy::factor(Factor::OtpSms).within(seconds(600));
        let held = |after| {
            let grant = policy.evaluate_cached(session.clone(), NOW + seconds(after));
            grant.ok().map(|grant| grant.expires_at())
        };
        let is_cached = |policy: &Policy, after: u64| {
            let moment = (NOW + seconds(after)).into();
            session.cached(|held: &Held| held.is_of(policy) && held.holds_at(moment)).is_some()
        };
        assert!(!is_cached(&policy, 0));
        // At 61 s the limit has passed. Then the clock is set back.
        for (after, want) in [(10, true), (60, true), (61, false), (9, true), (0, true)] {
            assert_eq!(held(after), want.then_some(NOW + seconds(60)), "{after}");
            assert_eq!(is_cached(&policy, after), want, "{after}");
        }
        // The decision takes one of the session's three places.
        for _ in 0..2 {
            let other = Policy::session();
            assert!(other.evaluate_cached(session.clone(), NOW).is_ok());
            assert!(is_cached(&other, 0));
        }
    }

    #[test]
    fn nothing_is_cached_while_a_proof_is_dated_ahead() {
        let session = testing::session()
            .proved(Factor::Password)
            .proved_ahead(Factor::OtpSms, seconds(8))
            .build();
        let policy = Policy::session();
        for (after, want) in [(0, false), (2, false), (3, true), (4, true)] {
            assert!(policy.evaluate_cached(session.clone(), NOW + seconds(after)).is_ok());
            let is_cached = session.cached(|held: &Held| held.is_of(&policy)).is_some();
            assert_eq!(is_cached, want, "{after}");
        }
    }

    #[test]
    fn the_cache_of_a_session_is_bounded() {
        let session = testing::session().proved(Factor::Password).build();
        let policies: Vec<_> = (0..10).map(|_| Policy::session()).collect();
        for policy in &policies {
            assert!(policy.evaluate_cached(session.clone(), NOW).is_ok());
        }
        let is_cached =
            |policy: &&Policy| session.cached(|held: &Held| held.is_of(policy)).is_some();
        assert_eq!(policies.iter().filter(is_cached).count(), 3);
        assert!(policies.iter().take(3).all(|policy| is_cached(&policy)));
    }
}
