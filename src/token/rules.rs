//! The rules for a payload whose signature is valid: issuer, audience, token confusion, tenancy and
//! times.

use std::borrow::Cow;
use std::time::Duration;

use time::{OffsetDateTime, UtcDateTime};

use super::claims::{Claims, OrganizationMembers};
use super::error::{AccessTokenClaim, ClaimsError, SessionError, TimeClaim, TimeError, TokenError};
use super::json::{Field, Presence};
use crate::excerpt::Excerpt;
use crate::factor::Factor;
use crate::moment::Moment;
use crate::session::{Session, SessionParts, Tenancy, Times, VerifierId};

#[derive(Clone)]
pub(super) struct Rules {
    pub(super) issuers: Vec<Box<str>>,
    pub(super) audience: Box<str>,
    pub(super) tenancy: Tenancy,
    pub(super) leeway: Duration,
    pub(super) max_token_age: Duration,
    pub(super) refuse_impersonation: bool,
    pub(super) allowed_claims: Vec<AccessTokenClaim>,
}

impl Rules {
    /// Returns the session of a payload that meets every rule except those of time.
    pub(super) fn session(
        &self,
        verifier: VerifierId,
        token: &str,
        payload: &str,
    ) -> Result<Session, TokenError> {
        let mut claims = Claims::read(payload)?;
        self.check_origin(&claims)?;
        let user_id = match &claims.sub {
            Field::Value(sub) if !sub.is_empty() => sub.clone(),
            _ => return Err(ClaimsError::NoSubject.into()),
        };
        let token_expires_at = time_claim(claims.exp, TimeClaim::ExpiresAt)?;
        let token_issued_at = time_claim(claims.iat, TimeClaim::IssuedAt)?;
        let token_not_before = time_claim(claims.nbf, TimeClaim::NotBefore)?;
        self.check_token_confusion(claims.scope, AccessTokenClaim::Scope)?;
        self.check_token_confusion(claims.client_id, AccessTokenClaim::ClientId)?;
        let session = claims.session()?;
        let organization = self.organization(&claims.organization)?;
        if self.refuse_impersonation
            && session.factors.iter().any(|proof| is_impersonation(proof.factor()))
        {
            return Err(ClaimsError::Impersonated.into());
        }
        let parts = SessionParts {
            token,
            payload: "",
            id: &session.id,
            user_id: &user_id,
            factors: session.factors,
            ip_address: text(&session.attributes.ip_address),
            user_agent: text(&session.attributes.user_agent),
            organization: organization.map(|it| (text(&it.organization_id), text(&it.slug))),
            times: Times {
                started_at: session.started_at,
                last_accessed_at: session.last_accessed_at,
                expires_at: session.expires_at,
                token_not_before,
                token_issued_at,
                token_expires_at,
            },
            leeway: self.leeway,
            max_token_age: self.max_token_age,
            verified_by: verifier,
        };
        Ok(Session::new(parts, session.roles.iter().map(|role| &**role)))
    }

    fn check_origin(&self, claims: &Claims<'_>) -> Result<(), ClaimsError> {
        let issuer = match &claims.iss {
            Field::Value(issuer) => Some(&**issuer),
            _ => None,
        };
        let is_accepted = |issuer: &str| self.issuers.iter().any(|accepted| **accepted == *issuer);
        if !issuer.is_some_and(is_accepted) {
            return Err(ClaimsError::WrongIssuer(Excerpt::of(issuer)));
        }
        match &claims.aud {
            Field::Value(audience) if audience.contains(&self.audience) => Ok(()),
            _ => Err(ClaimsError::WrongAudience),
        }
    }

    fn check_token_confusion(
        &self,
        presence: Presence,
        claim: AccessTokenClaim,
    ) -> Result<(), ClaimsError> {
        if presence.0 && !self.allowed_claims.contains(&claim) {
            return Err(ClaimsError::NotASession(claim));
        }
        Ok(())
    }

    fn organization<'a>(
        &self,
        claim: &'a Field<OrganizationMembers<'a>>,
    ) -> Result<Option<&'a OrganizationMembers<'a>>, ClaimsError> {
        match (self.tenancy, claim) {
            (Tenancy::Consumer, Field::Absent) => Ok(None),
            (Tenancy::Consumer, Field::Value(_) | Field::Unreadable) => {
                Err(ClaimsError::UnexpectedOrganization)
            }
            (Tenancy::B2b, Field::Absent) => Err(ClaimsError::NoOrganization),
            (Tenancy::B2b, Field::Unreadable) => {
                Err(ClaimsError::UnreadableSession("organization"))
            }
            (Tenancy::B2b, Field::Value(members)) => match &members.organization_id {
                Field::Value(id) if !id.is_empty() => Ok(Some(members)),
                _ => Err(ClaimsError::NoOrganization),
            },
        }
    }

    /// Returns the longest time for which a token that has already been issued can still be
    /// accepted. The leeway counts twice, because the clocks may differ both when the token is
    /// issued and when it is checked.
    pub(super) fn longest_acceptance(&self) -> Duration {
        self.max_token_age.saturating_add(self.leeway).saturating_add(self.leeway)
    }

    /// Checks the rules of time. `Expired` and `TooOld` are checked last, so a fresh token is
    /// enough to fix either.
    pub(super) fn check_times(
        &self,
        session: &Session,
        now: OffsetDateTime,
    ) -> Result<(), TokenError> {
        if session.is_current(now.into()) {
            return Ok(());
        }
        self.find_time_error(session, now)
    }

    fn find_time_error(&self, session: &Session, now: OffsetDateTime) -> Result<(), TokenError> {
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

/// Returns whether a factor marks an impersonation. Elsewhere a factor is known only by its type
/// and its method together. Here either one is enough.
fn is_impersonation(factor: &Factor) -> bool {
    factor.factor_type() == Factor::Impersonated.factor_type()
        || factor.delivery_method() == Factor::Impersonated.delivery_method()
}

fn text<'a>(field: &'a Field<Cow<'_, str>>) -> &'a str {
    match field {
        Field::Value(text) => text,
        Field::Absent | Field::Unreadable => "",
    }
}

fn time_claim(seconds: Field<u64>, claim: TimeClaim) -> Result<UtcDateTime, ClaimsError> {
    const END_OF_YEAR_9999: u64 = 253_402_300_799;
    let seconds = seconds
        .value()
        .filter(|seconds| *seconds <= END_OF_YEAR_9999)
        .and_then(|seconds| i64::try_from(seconds).ok());
    let instant = seconds.and_then(|seconds| UtcDateTime::from_unix_timestamp(seconds).ok());
    instant.ok_or(ClaimsError::UnreadableTime(claim))
}
