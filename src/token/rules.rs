//! The rules for a payload whose signature held: issuer, audience, token confusion, tenancy, times.

use std::borrow::Cow;
use std::time::Duration;

use time::OffsetDateTime;

use super::claims::{Claims, OrganizationMembers};
use super::error::TokenError;
use super::evidence::{AccessTokenClaim, TimeClaim};
use super::json::{Field, Presence};
use crate::excerpt::Excerpt;
use crate::factor::Factor;
use crate::moment::Moment;
use crate::session::{Session, SessionParts, Source, Tenancy, Text, VerifierId};

#[derive(Clone)]
pub(super) struct Rules {
    pub(super) issuers: Vec<Box<str>>,
    pub(super) audience: Box<str>,
    pub(super) tenancy: Tenancy,
    pub(super) leeway: Duration,
    pub(super) max_token_age: Option<Duration>,
    pub(super) refuse_impersonation: bool,
    pub(super) allowed_claims: Vec<AccessTokenClaim>,
}

impl Rules {
    /// The session of a payload that met every rule but those of time.
    pub(super) fn session(
        &self,
        verifier: VerifierId,
        source: Source,
    ) -> Result<Session, TokenError> {
        let mut claims = Claims::read(source.payload())?;
        self.judge_origin(&claims)?;
        let user_id = match &claims.sub {
            Field::Value(sub) if !sub.is_empty() => source.text(sub),
            _ => return Err(TokenError::NoSubject),
        };
        let token_expires_at = time_claim(claims.exp, TimeClaim::ExpiresAt)?;
        let token_issued_at = time_claim(claims.iat, TimeClaim::IssuedAt)?;
        let token_not_before = time_claim(claims.nbf, TimeClaim::NotBefore)?;
        self.judge_confusion(claims.scope, AccessTokenClaim::Scope)?;
        self.judge_confusion(claims.client_id, AccessTokenClaim::ClientId)?;
        let session = claims.session()?;
        let organization = self.organization(&claims.organization)?;
        if self.refuse_impersonation
            && session.factors.iter().any(|proof| is_impersonation(proof.factor()))
        {
            return Err(TokenError::Impersonated);
        }
        let text = |field: &Field<Cow<'_, str>>| match field {
            Field::Value(text) => source.text(text),
            Field::Absent | Field::Unreadable => Text::default(),
        };
        let organization = organization.map(|of| (text(&of.organization_id), text(&of.slug)));
        let (ip_address, user_agent) =
            (text(&session.attributes.ip_address), text(&session.attributes.user_agent));
        let (id, roles) = (
            source.text(&session.id),
            session.roles.into_iter().map(|role| source.text(&role)).collect(),
        );
        Ok(Session::new(SessionParts {
            id,
            user_id,
            factors: session.factors,
            started_at: session.started_at,
            last_accessed_at: session.last_accessed_at,
            expires_at: session.expires_at,
            token_not_before,
            token_issued_at,
            token_expires_at,
            ip_address,
            user_agent,
            roles,
            organization,
            leeway: self.leeway,
            verified_by: verifier,
            source,
        }))
    }

    fn judge_origin(&self, claims: &Claims<'_>) -> Result<(), TokenError> {
        let issuer = match &claims.iss {
            Field::Value(issuer) => Some(&**issuer),
            _ => None,
        };
        if !issuer.is_some_and(|issuer| self.issuers.iter().any(|accepted| **accepted == *issuer)) {
            return Err(TokenError::WrongIssuer(Excerpt::of(issuer)));
        }
        match &claims.aud {
            Field::Value(audience) if audience.contains(&self.audience) => Ok(()),
            _ => Err(TokenError::WrongAudience),
        }
    }

    fn judge_confusion(
        &self,
        presence: Presence,
        claim: AccessTokenClaim,
    ) -> Result<(), TokenError> {
        if presence.0 && !self.allowed_claims.contains(&claim) {
            return Err(TokenError::NotASession(claim));
        }
        Ok(())
    }

    fn organization<'a>(
        &self,
        claim: &'a Field<OrganizationMembers<'a>>,
    ) -> Result<Option<&'a OrganizationMembers<'a>>, TokenError> {
        match (self.tenancy, claim) {
            (Tenancy::Consumer, Field::Absent) => Ok(None),
            (Tenancy::Consumer, Field::Value(_) | Field::Unreadable) => {
                Err(TokenError::UnexpectedOrganization)
            }
            (Tenancy::B2b, Field::Absent) => Err(TokenError::NoOrganization),
            (Tenancy::B2b, Field::Unreadable) => Err(TokenError::UnreadableSession("organization")),
            (Tenancy::B2b, Field::Value(members)) => match &members.organization_id {
                Field::Value(id) if !id.is_empty() => Ok(Some(members)),
                _ => Err(TokenError::NoOrganization),
            },
        }
    }

    /// The rules that time alone can break; *expired* is judged last, so that it means only that.
    pub(super) fn judge_times(
        &self,
        session: &Session,
        now: OffsetDateTime,
    ) -> Result<(), TokenError> {
        if session.is_current(now.into()) && self.max_token_age.is_none() {
            return Ok(());
        }
        self.find_fault(session, now)
    }

    fn find_fault(&self, session: &Session, now: OffsetDateTime) -> Result<(), TokenError> {
        let moment = Moment::from(now);
        let is_over = |end: OffsetDateTime, more: Duration| {
            moment >= Moment::from(end).plus(more).plus(self.leeway)
        };
        let starts = [
            (TimeClaim::NotBefore, session.token_not_before()),
            (TimeClaim::IssuedAt, session.token_issued_at()),
        ];
        if let Some((claim, at)) =
            starts.into_iter().find(|(_, at)| Moment::from(*at) > moment.plus(self.leeway))
        {
            return Err(TokenError::NotYetValid { claim, at, now });
        }
        if let Some(at) = session.stated_end().filter(|end| is_over(*end, Duration::ZERO)) {
            return Err(TokenError::SessionEnded { at, now });
        }
        if let Some(max_age) = self.max_token_age {
            let issued_at = session.token_issued_at();
            if is_over(issued_at, max_age) {
                return Err(TokenError::TooOld { issued_at, max_age, now });
            }
        }
        match session.token_expires_at() {
            at if is_over(at, Duration::ZERO) => Err(TokenError::Expired { at, now }),
            _ => Ok(()),
        }
    }
}

/// What adds strength goes by the exact pair; what is refused, by either half of it.
fn is_impersonation(factor: &Factor) -> bool {
    factor.factor_type() == Factor::Impersonated.factor_type()
        || factor.delivery_method() == Factor::Impersonated.delivery_method()
}

fn time_claim(seconds: Field<u64>, claim: TimeClaim) -> Result<OffsetDateTime, TokenError> {
    const END_OF_YEAR_9999: u64 = 253_402_300_799;
    let seconds = seconds
        .value()
        .filter(|seconds| *seconds <= END_OF_YEAR_9999)
        .and_then(|it| i64::try_from(it).ok());
    let instant = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    instant.ok_or(TokenError::UnreadableTime(claim))
}
