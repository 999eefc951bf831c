//! The evidence that a token states.

use time::{OffsetDateTime, UtcDateTime};

use super::Capabilities;
use crate::factor::Factor;

/// The statements of a token about a sign-in, in the issuer's own names. [`Names`](super::Names) gives
/// them a meaning.
///
/// State only what the token says. `iat` is the time of issue and never a date of a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    pub(super) anonymous: bool,
    pub(super) signed_in_at: Option<UtcDateTime>,
    pub(super) started_at: Option<UtcDateTime>,
    pub(super) amr: Vec<Method>,
    pub(super) acr: Vec<Box<str>>,
    pub(super) factors: Vec<(Factor, Option<UtcDateTime>)>,
}

/// A method that a token names, once or several times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Method {
    pub(super) name: Box<str>,
    pub(super) freshest: Option<UtcDateTime>,
    pub(super) oldest: Option<UtcDateTime>,
}

impl Evidence {
    /// Returns the evidence of a user who signed in, at this time if the token states it
    /// (`auth_time`, OpenID Connect Core 1.0, section 2). The time dates the sign-in and nothing
    /// else, unless the application declares that it
    /// [covers](crate::issuers::Issuer::auth_time_covers) a factor.
    #[must_use]
    pub fn signed_in(at: Option<OffsetDateTime>) -> Self {
        Self { signed_in_at: at.map(utc), ..Self::default() }
    }

    /// Returns the evidence of a token that says that no user signed in. It meets no policy.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { anonymous: true, ..Self::default() }
    }

    /// Sets when the session began, if the token states it. Without it,
    /// [`session_within`](crate::Policy::session_within) never holds.
    #[must_use]
    pub fn started_at(mut self, at: Option<OffsetDateTime>) -> Self {
        self.started_at = at.map(utc);
        self
    }

    /// Adds the name of a method that the user used, and the time if the token states one for this
    /// method. The time dates the sign-in too, unless the name is declared to
    /// [prove nothing](super::Names::proves_nothing). A name that occurs twice counts once, at its
    /// freshest time. An empty name is ignored.
    pub fn amr(&mut self, name: &str, at: Option<OffsetDateTime>) {
        let at = at.map(utc);
        match self.amr.iter_mut().find(|known| *known.name == *name) {
            _ if name.is_empty() => {}
            Some(known) => {
                known.freshest = known.freshest.max(at);
                known.oldest = [known.oldest, at].into_iter().flatten().min();
            }
            None => self.amr.push(Method { name: name.into(), freshest: at, oldest: at }),
        }
    }

    /// Adds an authentication context class. It counts only if the issuer's [`Names`](super::Names)
    /// declare it.
    pub fn acr(&mut self, value: &str) {
        if self.acr.iter().all(|known| **known != *value) {
            self.acr.push(value.into());
        }
    }

    /// Adds a factor that the user certainly proved, at this time if the token states it.
    pub fn factor(&mut self, factor: Factor, at: Option<OffsetDateTime>) {
        self.factors.push((factor, at.map(utc)));
    }

    /// Returns the most that a token of an issuer can state: these methods and these values of `acr`,
    /// all dated as well as its tokens can.
    pub(super) fn best(
        capabilities: &Capabilities,
        methods: &[&str],
        acr: &[&str],
        now: OffsetDateTime,
    ) -> Self {
        let dated = |can_date: bool| Some(now).filter(|_| can_date);
        let mut evidence = Self::signed_in(dated(capabilities.dates_sign_in))
            .started_at(dated(capabilities.states_start));
        if capabilities.names_methods {
            for name in methods {
                evidence.amr(name, dated(capabilities.dates_methods));
            }
        }
        if capabilities.states_acr {
            acr.iter().for_each(|value| evidence.acr(value));
        }
        evidence
    }
}

/// Returns the instant in UTC. One beyond the calendar's end becomes the last one, which is in the
/// future and counts for nothing, and one before its beginning becomes the first.
fn utc(at: OffsetDateTime) -> UtcDateTime {
    let nearest = if at.year() > 0 { UtcDateTime::MAX } else { UtcDateTime::MIN };
    at.checked_to_utc().unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::Moment;

    #[test]
    fn dates_beyond_the_calendar_are_moved_into_it() {
        let at = |date: time::PrimitiveDateTime, hours| {
            Some(date.assume_offset(time::UtcOffset::from_hms(hours, 0, 0).expect("an offset")))
        };
        for (at, want) in [
            (at(time::PrimitiveDateTime::MAX, -1), UtcDateTime::MAX),
            (at(time::PrimitiveDateTime::MAX, 0), UtcDateTime::MAX),
            (at(time::PrimitiveDateTime::MIN, 1), UtcDateTime::MIN),
        ] {
            let mut evidence = Evidence::signed_in(at).started_at(at);
            evidence.amr("pwd", at);
            evidence.factor(Factor::Totp, at);
            let dates = [evidence.signed_in_at, evidence.started_at, evidence.amr[0].freshest];
            assert_eq!(dates, [Some(want); 3]);
            assert_eq!(evidence.factors, [(Factor::Totp, Some(want))]);
            let _: Moment = OffsetDateTime::from(want).into();
        }
    }
}
