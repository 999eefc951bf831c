//! The rules that the tokens of every issuer have: its names and the times.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::error::{ClaimsError, SessionError, TimeClaim, TimeError, TokenError};
use crate::excerpt::Excerpt;
use crate::moment::Moment;
use crate::session::Session;

/// The rules of one issuer that do not depend on the form of its tokens.
#[derive(Clone)]
pub(super) struct Rules {
    /// The name of the issuer: the first value of `iss` that is accepted.
    pub(super) name: Arc<str>,
    /// The further values of `iss` that are accepted.
    pub(super) other_names: Vec<Box<str>>,
    pub(super) leeway: Duration,
    pub(super) max_token_age: Duration,
    pub(super) refuse_impersonation: bool,
}

impl Rules {
    pub(super) fn check_issuer(&self, issuer: Option<&str>) -> Result<(), ClaimsError> {
        match issuer.is_some_and(|issuer| self.accepts_issuer(issuer)) {
            true => Ok(()),
            false => Err(ClaimsError::WrongIssuer(Excerpt::of(issuer))),
        }
    }

    /// Returns whether this `iss` is accepted. An empty one never is.
    pub(super) fn accepts_issuer(&self, issuer: &str) -> bool {
        !issuer.is_empty()
            && (*self.name == *issuer
                || self.other_names.iter().any(|accepted| **accepted == *issuer))
    }

    /// Returns every value of `iss` that is accepted.
    pub(super) fn issuers(&self) -> impl Iterator<Item = &str> {
        [&*self.name].into_iter().chain(self.other_names.iter().map(|name| &**name))
    }

    /// Returns the longest time for which a token that has already been issued can still be
    /// accepted. The leeway counts twice, because the clocks may differ both when the token is
    /// issued and when it is checked.
    pub(super) fn longest_acceptance(&self) -> Duration {
        self.max_token_age.saturating_add(self.leeway).saturating_add(self.leeway)
    }

    /// Finds the rule of time that a session breaks if it is not current. `Expired` and `TooOld` are
    /// checked last, so a fresh token is enough to fix either.
    pub(super) fn find_time_error(
        &self,
        session: &Session,
        now: OffsetDateTime,
    ) -> Result<(), TokenError> {
        self.check_start(session.token_not_before(), session.token_issued_at(), now)?;
        if let Some(at) = session.stated_end().filter(|end| self.is_over(*end, now)) {
            return Err(SessionError::Ended { at, now }.into());
        }
        Ok(self.check_end(session.token_issued_at(), session.token_expires_at(), now)?)
    }

    /// Checks that a token is valid already.
    pub(super) fn check_start(
        &self,
        not_before: OffsetDateTime,
        issued_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), TimeError> {
        let starts = [(TimeClaim::NotBefore, not_before), (TimeClaim::IssuedAt, issued_at)];
        let latest = Moment::from(now).plus(self.leeway);
        match starts.into_iter().find(|(_, at)| Moment::from(*at) > latest) {
            Some((claim, at)) => Err(TimeError::NotYetValid { claim, at, now }),
            None => Ok(()),
        }
    }

    /// Checks that a token is still valid.
    pub(super) fn check_end(
        &self,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), TimeError> {
        if self.is_over(expires_at, now) {
            return Err(TimeError::Expired { at: expires_at, now });
        }
        let max_age = self.max_token_age;
        let oldest = Moment::from(issued_at).plus(max_age).plus(self.leeway);
        match Moment::from(now) >= oldest {
            true => Err(TimeError::TooOld { issued_at, max_age, now }),
            false => Ok(()),
        }
    }

    fn is_over(&self, end: OffsetDateTime, now: OffsetDateTime) -> bool {
        Moment::from(now) >= Moment::from(end).plus(self.leeway)
    }
}
