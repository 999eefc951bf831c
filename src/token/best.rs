//! The best sessions that the tokens of each issuer can yield.

use std::sync::Arc;

use time::{OffsetDateTime, UtcDateTime};

use super::claim_rule::ClaimRule;
use super::form::Tokens;
use super::profiled::ProfiledTokens;
use super::rules::Rules;
use super::verifier::{TrustedIssuer, Verifier};
use crate::factor::{AuthenticationFactor, Factor, ProofDate};
use crate::profile::{Capabilities, Resolved};
use crate::session::{BeyondStytch, Session, SessionParts, Times, VerifierId};

/// The best sessions that an issuer's tokens can yield.
pub(crate) struct BestSessions<'a> {
    pub(crate) issuer: &'a str,
    /// The capabilities that the issuer's profile states. They are `None` for Stytch, whose tokens
    /// state every factor with its time.
    pub(crate) capabilities: Option<Capabilities>,
    /// The values of `acr` that are declared.
    pub(crate) declared: Vec<&'a str>,
    /// Whether the time of the sign-in dates some factors too.
    pub(crate) covers_factors: bool,
    /// The sessions, at least one. Each has one of the declared values.
    pub(crate) sessions: Vec<Session>,
}

impl BestSessions<'_> {
    /// The instant of the sessions. Any would do.
    pub(crate) const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    pub(crate) fn states_acr(&self) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities.states_acr)
    }
}

impl Verifier {
    /// Returns the best sessions of each issuer. They have what `named` lists, if the issuer's tokens
    /// can state it: names in `amr`, and factors that are not listed.
    pub(crate) fn best_sessions(&self, named: &[Factor]) -> Vec<BestSessions<'_>> {
        let issuers = self.settings.issuers.iter();
        issuers
            .map(|TrustedIssuer { rules, tokens, .. }| match tokens {
                Tokens::Profiled(tokens) => profiled(rules, tokens, named),
                Tokens::Stytch(_) => stytch(rules, named),
            })
            .collect()
    }

    /// Returns the values of `acr` that the issuers declare.
    pub(crate) fn declared_acr_values(&self) -> impl Iterator<Item = &str> {
        let profiled = self.settings.issuers.iter().filter_map(|issuer| match &issuer.tokens {
            Tokens::Stytch(_) => None,
            Tokens::Profiled(tokens) => Some(tokens),
        });
        profiled.flat_map(|tokens| tokens.terms.names.acr_declared())
    }

    /// Returns the names of the issuers whose tokens never have scopes. They are Stytch, and issuers
    /// for which the claim `scope` marks another kind of token.
    pub(crate) fn issuers_without_scopes(&self) -> impl Iterator<Item = &str> {
        let refuses_scope =
            |rule: &ClaimRule| matches!(rule, ClaimRule::Absent(name) if **name == *"scope");
        let without = self.settings.issuers.iter().filter(move |issuer| match &issuer.tokens {
            Tokens::Stytch(_) => true,
            Tokens::Profiled(tokens) => tokens.rules.iter().any(refuses_scope),
        });
        without.map(|issuer| &*issuer.rules.name)
    }
}

fn profiled<'a>(
    rules: &'a Rules,
    tokens: &'a ProfiledTokens,
    named: &[Factor],
) -> BestSessions<'a> {
    let capabilities = tokens.terms.capabilities;
    let methods = named.iter().filter_map(|factor| factor.assertion()?.amr_name());
    let best = Resolved::best(&tokens.terms.names, &capabilities, methods, BestSessions::NOW);
    let sessions = best.into_iter().map(|evidence| {
        let beyond_stytch = BeyondStytch {
            factors: evidence.factors,
            choices: evidence.choices,
            began_at: BestSessions::NOW.to_utc(),
            terms: None,
        };
        session(rules, evidence.proofs, evidence.started_at, Some(beyond_stytch))
    });
    BestSessions {
        issuer: &rules.name,
        capabilities: Some(capabilities),
        declared: tokens.terms.names.acr_declared().collect(),
        covers_factors: tokens.terms.names.covers_factors(),
        sessions: sessions.collect(),
    }
}

/// Returns a session in which the user has just proved every factor that Stytch's sessions can name.
fn stytch<'a>(rules: &'a Rules, named: &[Factor]) -> BestSessions<'a> {
    let is_stytchs = |factor: &&Factor| {
        Factor::from_pair(factor.factor_type(), factor.delivery_method()) == **factor
    };
    let factors = Factor::LISTED.iter().chain(named).filter(is_stytchs).cloned();
    let proofs = factors
        .map(|factor| AuthenticationFactor::new(factor, ProofDate::At(BestSessions::NOW.into())));
    let session = session(rules, proofs.collect(), Some(BestSessions::NOW.to_utc()), None);
    BestSessions {
        issuer: &rules.name,
        capabilities: None,
        declared: Vec::new(),
        covers_factors: false,
        sessions: vec![session],
    }
}

fn session(
    rules: &Rules,
    proofs: Vec<AuthenticationFactor>,
    started_at: Option<UtcDateTime>,
    beyond_stytch: Option<BeyondStytch>,
) -> Session {
    let now = BestSessions::NOW.to_utc();
    let times = Times {
        started_at,
        last_accessed_at: None,
        expires_at: None,
        token_not_before: now,
        token_issued_at: now,
        token_expires_at: now,
    };
    let parts = SessionParts::new(Arc::clone(&rules.name), times, VerifierId::new());
    Session::new(SessionParts { proofs, beyond_stytch, ..parts }, std::iter::empty())
}
