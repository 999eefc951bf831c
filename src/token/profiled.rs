//! The rules for tokens of issuers other than Stytch, which a profile reads.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;

use super::claim_rule::{CLIENT_CLAIMS, ClaimRule};
use super::error::{ClaimsError, MalformedToken, TimeClaim, TokenError, TokenPart};
use super::json;
use super::rules::Rules;
use crate::excerpt::Excerpt;
use crate::keys::digest;
use crate::profile::{Claims, Profile, Resolved, Terms};
use crate::session::{BeyondStytch, Session, SessionParts, Times, VerifierId};

/// The claim that identifies the user by default (RFC 7519, section 4.1.2).
pub(crate) const SUBJECT: &str = "sub";

/// The form of an issuer's tokens, and their reader.
#[derive(Clone)]
pub(crate) struct ProfiledTokens {
    pub(crate) profile: Arc<dyn Profile>,
    /// The meaning of the issuer's names, and the way to ask it for more.
    pub(crate) terms: Arc<Terms>,
    /// The accepted values of the header's `typ`, in any case.
    pub(crate) types: Vec<Box<str>>,
    pub(crate) type_may_be_absent: bool,
    pub(crate) rules: Vec<ClaimRule>,
    /// The claim that identifies the user.
    pub(crate) user_id: Box<str>,
    pub(crate) session_id: SessionIdSource,
    /// The longest time from `iat` to `exp`.
    pub(crate) longest_life: Duration,
    /// Whether a token in which another party acts as the user counts as the user's own.
    pub(crate) keep_delegated: bool,
}

/// The source of a session's id.
///
/// If the token does not have the claim, the next source in this list is used: the claim, then the
/// subject with the time of the sign-in, then the token itself. In the last case, revoking the
/// session revokes only this token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionIdSource {
    /// The claim with this name, such as `sid`.
    Claim(Box<str>),
    /// `sub` and `auth_time`.
    SubjectAndSignIn,
    /// The token itself.
    Token,
}

impl ProfiledTokens {
    /// Returns the session of a payload that meets every rule except those of time.
    pub(super) fn session(
        &self,
        rules: &Rules,
        verifier: VerifierId,
        token: &str,
        header: &str,
        payload: &str,
    ) -> Result<Session, TokenError> {
        let header = object(header, TokenPart::Header)?;
        let claims = object(payload, TokenPart::Payload)?.with_header(header);
        rules.check_issuer(claims.text("iss").ok().flatten().as_deref())?;
        check_kind(&claims)?;
        self.rules.iter().try_for_each(|rule| rule.check(&claims))?;
        let subject = match claims.text(SUBJECT) {
            Ok(Some(subject)) if !subject.is_empty() => subject,
            _ => return Err(ClaimsError::NoSubject.into()),
        };
        check_user(&claims, &subject)?;
        let user_id = self.user_id(&claims, subject)?;
        let times = times(&claims)?;
        self.check_life(&times)?;

        let is_delegated = self.is_delegated(&claims);
        if is_delegated && rules.refuse_impersonation {
            return Err(ClaimsError::Impersonated.into());
        }
        let evidence = self.profile.evidence(&claims).map_err(ClaimsError::from)?;
        let evidence = Resolved::new(&evidence, &self.terms.names);
        let evidence = if is_delegated { evidence.impersonated() } else { evidence };
        let id = self.session_id(&claims, token, &user_id)?;
        // No session begins after its token was issued.
        let issued_at = times.token_issued_at;
        let began_at = evidence.began_at.unwrap_or(issued_at).min(issued_at);
        let scopes = scopes(&claims)?;
        let times = Times { started_at: evidence.started_at, ..times };
        let parts = SessionParts {
            token,
            id: &id,
            user_id: &user_id,
            proofs: evidence.proofs,
            beyond_stytch: Some(BeyondStytch {
                factors: evidence.factors,
                choices: evidence.choices,
                began_at,
                terms: Some(Arc::clone(&self.terms)),
            }),
            scopes: &scopes,
            leeway: rules.leeway,
            max_token_age: rules.max_token_age,
            ..SessionParts::new(Arc::clone(&rules.name), times, verifier)
        };
        Ok(Session::new(parts, std::iter::empty()))
    }

    fn user_id<'a>(
        &self,
        claims: &Claims<'a>,
        subject: Cow<'a, str>,
    ) -> Result<Cow<'a, str>, ClaimsError> {
        if self.has_subject_as_user() {
            return Ok(subject);
        }
        let id = claims.text(&self.user_id)?.filter(|id| !id.is_empty());
        id.ok_or_else(|| ClaimsError::Missing(Excerpt::of(Some(&self.user_id))))
    }

    /// Returns whether `sub` identifies the user.
    pub(super) fn has_subject_as_user(&self) -> bool {
        *self.user_id == *SUBJECT
    }

    /// Returns whether another party acts as the user (`act`, RFC 8693, section 4.1).
    fn is_delegated(&self, claims: &Claims<'_>) -> bool {
        !self.keep_delegated && claims.has("act")
    }

    /// Checks that a token does not live longer than the issuer's tokens do. It would outlive its
    /// revocation.
    fn check_life(&self, times: &Times) -> Result<(), ClaimsError> {
        let life = times.token_expires_at - times.token_issued_at;
        let life = life.try_into().unwrap_or(Duration::ZERO);
        match life > self.longest_life {
            true => Err(ClaimsError::LivesTooLong { life, longest: self.longest_life }),
            false => Ok(()),
        }
    }

    fn session_id<'a>(
        &self,
        claims: &Claims<'a>,
        token: &str,
        user_id: &str,
    ) -> Result<Cow<'a, str>, ClaimsError> {
        if let SessionIdSource::Claim(name) = &self.session_id
            && let Some(id) = claims.text(name)?.filter(|id| !id.is_empty())
        {
            return Ok(id);
        }
        // The prefixes keep these ids apart from each other. A claim that looked like one would only
        // share its revocation.
        match claims.utc("auth_time")? {
            Some(at) if self.session_id != SessionIdSource::Token => {
                Ok(format!("sign-in:{}:{user_id}", at.unix_timestamp_nanos()).into())
            }
            _ => {
                // The signature is left out, because the same claims can have several.
                let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
                let digest = digest(signed.as_bytes());
                Ok(format!("token:{}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(digest))
                    .into())
            }
        }
    }
}

/// Returns the members of a part of a token.
pub(super) fn object(text: &str, part: TokenPart) -> Result<Claims<'_>, MalformedToken> {
    Claims::from_json(text).ok_or_else(|| match json::object::<IgnoredAny>(text) {
        Ok(_) => MalformedToken::DuplicateName(part),
        Err(_) => MalformedToken::NotAnObject(part),
    })
}

/// Refuses tokens that are no evidence of a session for anyone who presents them.
fn check_kind(claims: &Claims<'_>) -> Result<(), ClaimsError> {
    // Logout tokens and security event tokens (RFC 8417, section 2.2).
    if claims.has("events") {
        return Err(ClaimsError::AnotherKind(Excerpt::of(Some("events"))));
    }
    // The token is bound to a sender (RFC 7800, section 3.1), which this crate does not check.
    if claims.names().any(|name| name == "cnf") {
        return Err(ClaimsError::SenderConstrained);
    }
    Ok(())
}

/// Refuses the tokens of machines, such as those whose `sub` is the client.
fn check_user(claims: &Claims<'_>, user_id: &str) -> Result<(), ClaimsError> {
    let machine = |claim: &str| ClaimsError::Machine(Excerpt::of(Some(claim)));
    // Auth0 adds this to the client's id.
    let client = user_id.strip_suffix("@clients").unwrap_or(user_id);
    for claim in CLIENT_CLAIMS {
        if claims.text(claim)?.is_some_and(|named| named == user_id || named == client) {
            return Err(machine(claim));
        }
    }
    let grants = claims.text_or_texts("gty")?;
    if grants.iter().any(|grant| grant.split(' ').any(|one| one == "client-credentials")) {
        return Err(machine("gty"));
    }
    match claims.text("idtyp")?.as_deref() {
        Some("app") => Err(machine("idtyp")),
        _ => Ok(()),
    }
}

pub(super) fn times(claims: &Claims<'_>) -> Result<Times, ClaimsError> {
    let time = |name, claim| claims.utc(name).map_err(|_| ClaimsError::UnreadableTime(claim));
    let required = |name, claim| time(name, claim)?.ok_or(ClaimsError::UnreadableTime(claim));
    let token_issued_at = required("iat", TimeClaim::IssuedAt)?;
    Ok(Times {
        started_at: None,
        last_accessed_at: None,
        expires_at: None,
        token_not_before: time("nbf", TimeClaim::NotBefore)?.unwrap_or(token_issued_at),
        token_issued_at,
        token_expires_at: required("exp", TimeClaim::ExpiresAt)?,
    })
}

/// Returns the scopes of a token, separated by spaces: `scope` (RFC 9068, section 2.2.3) or `scp`.
fn scopes(claims: &Claims<'_>) -> Result<String, ClaimsError> {
    let scopes = claims.text_or_texts("scope")?;
    let scopes = if scopes.is_empty() { claims.text_or_texts("scp")? } else { scopes };
    Ok(scopes.join(" "))
}
