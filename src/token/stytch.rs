//! The rules for the session JWTs of Stytch.

use std::borrow::Cow;
use std::sync::Arc;

use time::UtcDateTime;

use super::claims::{OrganizationMembers, StytchClaims};
use super::error::{AccessTokenClaim, ClaimsError, TimeClaim, TokenError};
use super::json::{Field, Presence};
use super::rules::Rules;
use crate::session::{Session, SessionParts, Tenancy, Times, VerifierId};

/// The form of a project's session JWTs.
#[derive(Clone)]
pub(super) struct StytchTokens {
    pub(super) audience: Box<str>,
    pub(super) tenancy: Tenancy,
    pub(super) allowed_claims: Vec<AccessTokenClaim>,
}

impl StytchTokens {
    /// Returns the session of a payload that meets every rule except those of time.
    pub(super) fn session(
        &self,
        rules: &Rules,
        verifier: VerifierId,
        token: &str,
        payload: &str,
    ) -> Result<Session, TokenError> {
        let mut claims = StytchClaims::read(payload)?;
        self.check_origin(rules, &claims)?;
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
        if rules.refuse_impersonation
            && session.factors.iter().any(|proof| proof.factor().is_impersonation())
        {
            return Err(ClaimsError::Impersonated.into());
        }
        let parts = SessionParts {
            token,
            payload: "",
            id: &session.id,
            user_id: &user_id,
            proofs: session.factors,
            beyond_stytch: None,
            issuer: Arc::clone(&rules.name),
            scopes: "",
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
            leeway: rules.leeway,
            max_token_age: rules.max_token_age,
            verified_by: verifier,
        };
        Ok(Session::new(parts, session.roles.iter().map(|role| &**role)))
    }

    fn check_origin(&self, rules: &Rules, claims: &StytchClaims<'_>) -> Result<(), ClaimsError> {
        let issuer = match &claims.iss {
            Field::Value(issuer) => Some(&**issuer),
            _ => None,
        };
        rules.check_issuer(issuer)?;
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
