//! The best sessions that an issuer's tokens can yield.

use std::sync::Arc;
use std::time::Duration;

use time::{OffsetDateTime, UtcDateTime};

use super::form::Tokens;
use super::profiled::ProfiledTokens;
use super::rules::Rules;
use super::verifier::{TrustedIssuer, Verifier};
use crate::factor::{AuthenticationFactor, Factor, ProofDate};
use crate::profile::{Limits, Resolved};
use crate::session::{BeyondStytch, Session, SessionParts, Times, VerifierId};

/// The best that an issuer's tokens can state.
pub(crate) struct Possible<'a> {
    pub(crate) issuer: &'a str,
    /// The limits that the issuer's profile states. They are `None` for Stytch, whose tokens state
    /// every factor with its time.
    pub(crate) limits: Option<Limits>,
    /// The values of `acr` that are declared.
    pub(crate) declared: Vec<&'a str>,
    /// The sessions, at least one. Each has one of the declared values.
    pub(crate) sessions: Vec<Session>,
}

impl Possible<'_> {
    pub(crate) fn states_acr(&self) -> bool {
        self.limits.is_some_and(|limits| limits.states_acr)
    }
}

/// The instant of the sessions. Any would do.
const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

impl Verifier {
    /// Returns the best that the tokens of each issuer can state. It includes what `named` lists, if
    /// the issuer has it: names in `amr`, and factors that are not listed.
    pub(crate) fn possible(&self, named: &[Factor]) -> Vec<Possible<'_>> {
        let issuers = self.settings.issuers.iter();
        issuers
            .map(|TrustedIssuer { rules, tokens, .. }| match tokens {
                Tokens::Profiled(tokens) => profiled(rules, tokens, named),
                Tokens::Stytch(_) => stytch(rules, named),
            })
            .collect()
    }
}

fn profiled<'a>(rules: &'a Rules, tokens: &'a ProfiledTokens, named: &[Factor]) -> Possible<'a> {
    let limits = tokens.profile.limits();
    let assertion = |factor: &Factor| match factor {
        Factor::Asserted(assertion) => Some(assertion.clone()),
        _ => None,
    };
    let named: Vec<_> = named.iter().filter_map(assertion).collect();
    let best = Resolved::best(&tokens.names, &limits, &named, NOW).into_iter().map(|evidence| {
        let beyond_stytch = BeyondStytch {
            factors: evidence.factors,
            choices: evidence.choices,
            began_at: NOW.to_utc(),
        };
        session(rules, evidence.proofs, evidence.started_at, Some(beyond_stytch))
    });
    Possible {
        issuer: &rules.name,
        limits: Some(limits),
        declared: tokens.names.acr_declared().collect(),
        sessions: best.collect(),
    }
}

/// Returns a session in which the user has just proved every factor that Stytch's sessions can name.
fn stytch<'a>(rules: &'a Rules, named: &[Factor]) -> Possible<'a> {
    let is_stytchs = |factor: &&Factor| {
        Factor::from_pair(factor.factor_type(), factor.delivery_method()) == **factor
    };
    let factors = Factor::LISTED.iter().chain(named).filter(is_stytchs).cloned();
    let proofs = factors.map(|factor| AuthenticationFactor::new(factor, ProofDate::At(NOW.into())));
    let session = session(rules, proofs.collect(), Some(NOW.to_utc()), None);
    Possible { issuer: &rules.name, limits: None, declared: Vec::new(), sessions: vec![session] }
}

fn session(
    rules: &Rules,
    proofs: Vec<AuthenticationFactor>,
    started_at: Option<UtcDateTime>,
    beyond_stytch: Option<BeyondStytch>,
) -> Session {
    let now = NOW.to_utc();
    let parts = SessionParts {
        token: "",
        payload: "",
        id: "",
        user_id: "",
        proofs,
        beyond_stytch,
        issuer: Arc::clone(&rules.name),
        scopes: "",
        ip_address: "",
        user_agent: "",
        organization: None,
        times: Times {
            started_at,
            last_accessed_at: None,
            expires_at: None,
            token_not_before: now,
            token_issued_at: now,
            token_expires_at: now,
        },
        leeway: rules.leeway,
        max_token_age: Duration::ZERO,
        verified_by: VerifierId::new(),
    };
    Session::new(parts, std::iter::empty())
}
