//! Clerk.

use std::time::Duration;

use time::OffsetDateTime;

use super::issuer::Issuer;
use crate::factor::Factor;
use crate::profile::{
    Capabilities, ClaimError, Claims, Evidence, FIRST_FACTOR, Names, Profile, SECOND_FACTOR,
    StepUpBy,
};

/// Returns a Clerk application as an issuer, by its Frontend API address, such as
/// `https://clerk.example.com`. The authorized parties are the origins of the application's pages,
/// such as `https://app.example.com`. There has to be at least one.
///
#[doc = include_str!("../../docs/issuers/clerk.md")]
#[must_use]
pub fn clerk<P: Into<Box<str>>>(
    issuer: &str,
    authorized_parties: impl IntoIterator<Item = P>,
) -> Issuer {
    let issuer = issuer.trim_end_matches('/');
    Issuer::new(issuer, Clerk)
        .keys_at(&format!("{issuer}/.well-known/jwks.json"))
        .types(["JWT"])
        .authorized_parties(authorized_parties)
        .require_present("sid")
        .require_claim_if_present("sts", "active")
        .longest_life(Duration::from_secs(600))
}

/// A reader of Clerk's claims. `fva` has the age of the first and of the second factor, in whole
/// minutes. −1 means that the factor was never verified.
struct Clerk;

const SLOTS: [&str; 2] = [FIRST_FACTOR, SECOND_FACTOR];
const MINUTE: i64 = 60;

impl Profile for Clerk {
    fn evidence(&self, claims: &Claims<'_>) -> Result<Evidence, ClaimError> {
        let mut evidence = Evidence::signed_in(None);
        // The header's `oiat` says when the claims were assembled. `iat` can be later.
        let assembled_at =
            [claims.header().time("oiat")?, claims.time("iat")?].into_iter().flatten().min();
        let ages = claims.integers::<2>("fva")?.unwrap_or([-1, -1]);
        for (name, minutes) in SLOTS.into_iter().zip(ages) {
            if minutes >= 0 {
                evidence.amr(name, assembled_at.and_then(|at| verified_at(at, minutes)));
            }
        }
        Ok(evidence)
    }

    fn names(&self) -> Names {
        Names::new().amr(SECOND_FACTOR, [Factor::OtpSms, Factor::Totp, Factor::RecoveryCode])
    }

    fn capabilities(&self) -> Capabilities {
        let resolution = Duration::from_secs(MINUTE.unsigned_abs());
        Capabilities {
            states_acr: false,
            states_start: false,
            resolution,
            ..Capabilities::default()
        }
    }

    fn step_up_by(&self) -> StepUpBy {
        StepUpBy::Reverification
    }
}

/// Returns the earliest time at which a factor of this age can have been verified: at the end of the
/// next minute, whether Clerk rounds down, up or to the nearest.
fn verified_at(assembled_at: OffsetDateTime, minutes: i64) -> Option<OffsetDateTime> {
    let age = minutes.checked_add(1)?.checked_mul(MINUTE)?;
    assembled_at.checked_sub(time::Duration::seconds(age))
}
