//! The terms of an issuer, and the evidence of tokens that answer a challenge.

use std::time::Duration;

use time::OffsetDateTime;

use super::evidence::Evidence;
use super::names::Names;
use super::resolve::Resolved;
use super::step_up_by::StepUpBy;
use super::{Capabilities, Profile};

/// The names of an issuer, the capabilities of its tokens, and the way to ask it for more. All its
/// sessions share them, because a challenge depends on them.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) names: Names,
    pub(crate) capabilities: Capabilities,
    pub(crate) step_up_by: StepUpBy,
}

impl Terms {
    pub(crate) fn of(profile: &impl Profile) -> Self {
        Self {
            names: profile.names(),
            capabilities: profile.capabilities(),
            step_up_by: profile.step_up_by(),
        }
    }

    /// Returns the least that a token states after an authentication request for this value of `acr`
    /// and this `max_age`.
    pub(crate) fn after_request(
        &self,
        acr: Option<&str>,
        max_age: Option<Duration>,
        now: OffsetDateTime,
    ) -> Resolved {
        let can = &self.capabilities;
        let signed_in_at = max_age.filter(|_| can.dates_sign_in).map(|age| before(now, age));
        let mut evidence = Evidence::signed_in(signed_in_at)
            .started_at(signed_in_at.filter(|_| can.sign_in_is_start));
        if let Some(value) = acr {
            evidence.acr(value);
        }
        Resolved::new(&evidence, &self.names)
    }

    /// Returns what a token states in addition after the user has just used these methods, by an exact
    /// clock. The issuer may round the time down by the [resolution](Capabilities::resolution).
    pub(crate) fn after_methods<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        now: OffsetDateTime,
    ) -> Resolved {
        let at = Some(now).filter(|_| self.capabilities.dates_methods);
        let mut evidence = Evidence::signed_in(None);
        for name in names {
            evidence.amr(name, at);
            self.names.acr_stated_after(name).for_each(|value| evidence.acr(value));
        }
        Resolved::new(&evidence, &self.names)
    }

    /// Returns what a token states after a new sign-in with these methods.
    pub(crate) fn after_sign_in<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
        now: OffsetDateTime,
    ) -> Resolved {
        let can = &self.capabilities;
        let at = before(now, can.resolution);
        let dated = |can_date: bool| Some(at).filter(|_| can_date);
        let mut evidence =
            Evidence::signed_in(dated(can.dates_sign_in)).started_at(dated(can.states_start));
        names.into_iter().for_each(|name| evidence.amr(name, dated(can.dates_methods)));
        Resolved::new(&evidence, &self.names)
    }
}

/// Returns the instant this long before, or the first one of the calendar.
fn before(now: OffsetDateTime, age: Duration) -> OffsetDateTime {
    let age = age.try_into().unwrap_or(time::Duration::MAX);
    now.checked_sub(age).unwrap_or(time::PrimitiveDateTime::MIN.assume_utc())
}
