//! A policy held against a session.

use time::OffsetDateTime;

use super::decision::{Facts, Grant, until};
use super::explanation::Shortfall;
use super::types::Policy;
use crate::session::Session;

impl Policy {
    /// Holds the policy against a session at an instant.
    ///
    /// Judged is the policy alone. That the session and its token have not expired is the
    /// verifier's business, and [`Grant::holds_at`] knows their end.
    ///
    /// # Errors
    ///
    /// The [`Shortfall`] says what is missing or stale.
    pub fn evaluate(&self, session: &Session, now: OffsetDateTime) -> Result<Grant, Shortfall> {
        let moment = now.into();
        let until = until(self, &Facts::new(session, moment), None);
        if !until.reaches(moment) {
            return Err(Shortfall::new(session.clone(), self.clone(), now));
        }
        Ok(Grant::new(session.clone(), self.clone(), until.limit()))
    }
}
