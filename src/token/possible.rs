//! The best sessions that an issuer's tokens can yield.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::profiled::ProfiledTokens;
use super::rules::{Rules, Tokens};
use super::verifier::Verifier;
use crate::factor::Assertion;
use crate::profile::{Limits, Resolved};
use crate::session::{BeyondStytch, Session, SessionParts, Times, VerifierId};

/// The best sessions that an issuer's tokens can yield, and what is declared.
pub(crate) struct Possible<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) limits: Limits,
    /// The values of `acr` that are declared.
    pub(crate) declared: Vec<&'a str>,
    /// The sessions, at least one. Each has one of the declared values.
    pub(crate) sessions: Vec<Session>,
}

impl Verifier {
    /// Returns what each issuer other than Stytch can state at best. These names may be in `amr` too.
    pub(crate) fn possible(&self, named: &[Assertion]) -> Vec<Possible<'_>> {
        let profiled =
            self.settings.issuers.iter().filter_map(|issuer| match &issuer.rules.tokens {
                Tokens::Profiled(tokens) => Some((&issuer.rules, tokens)),
                Tokens::Stytch(_) => None,
            });
        profiled.map(|(rules, tokens)| possible(rules, tokens, named)).collect()
    }
}

fn possible<'a>(rules: &'a Rules, tokens: &'a ProfiledTokens, named: &[Assertion]) -> Possible<'a> {
    // Any instant would do.
    let now = OffsetDateTime::UNIX_EPOCH;
    let limits = tokens.profile.limits();
    let best = Resolved::best(&tokens.names, &limits, named, now);
    Possible {
        issuer: &rules.name,
        limits,
        declared: tokens.names.acr_declared().collect(),
        sessions: best.into_iter().map(|evidence| session(rules, evidence, now)).collect(),
    }
}

fn session(rules: &Rules, evidence: Resolved, now: OffsetDateTime) -> Session {
    let now = now.to_utc();
    let parts = SessionParts {
        token: "",
        payload: "",
        id: "",
        user_id: "",
        proofs: evidence.proofs,
        beyond_stytch: Some(BeyondStytch {
            factors: evidence.factors,
            choices: evidence.choices,
            began_at: now,
        }),
        issuer: Arc::clone(&rules.name),
        scopes: "",
        ip_address: "",
        user_agent: "",
        organization: None,
        times: Times {
            started_at: evidence.started_at,
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
