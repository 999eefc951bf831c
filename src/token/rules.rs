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
        let moment = Moment::from(now);
        let is_over = |end: OffsetDateTime, more: Duration| {
            moment >= Moment::from(end).plus(more).plus(self.leeway)
        };
        let starts = [
            (TimeClaim::NotBefore, session.token_not_before()),
            (TimeClaim::IssuedAt, session.token_issued_at()),
        ];
        let ahead = |(_, at): &(_, OffsetDateTime)| Moment::from(*at) > moment.plus(self.leeway);
        if let Some((claim, at)) = starts.into_iter().find(ahead) {
            return Err(TimeError::NotYetValid { claim, at, now }.into());
        }
        if let Some(at) = session.stated_end().filter(|end| is_over(*end, Duration::ZERO)) {
            return Err(SessionError::Ended { at, now }.into());
        }
        let at = session.token_expires_at();
        if is_over(at, Duration::ZERO) {
            return Err(TimeError::Expired { at, now }.into());
        }
        let (issued_at, max_age) = (session.token_issued_at(), self.max_token_age);
        match is_over(issued_at, max_age) {
            true => Err(TimeError::TooOld { issued_at, max_age, now }.into()),
            false => Ok(()),
        }
    }
}
