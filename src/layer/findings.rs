//! Policies that the tokens of an issuer can never meet.

use std::time::Duration;

use time::OffsetDateTime;

use super::guard::StepUpLayer;
use crate::policy::{Demand, Explanation, Policy, Requirement, Span, Verdict};
use crate::token::{Possible, Verifier};

/// The reason why no token of an issuer can meet a guard's policy, or why hardly any can. Each
/// message names the remedy.
///
/// A guard compares its policy with the best token that the issuer could mint. Stytch's tokens can
/// state everything, so a guard for a Stytch project has no findings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerFinding {
    /// The policy names a value of `acr` that no issuer declares, so it never counts.
    #[error(
        "the policy demands acr:{value}, which is not declared for {issuer}; declare it with \
         `acr_values` or `acr`, or correct the value"
    )]
    UndeclaredAcr {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The value.
        value: Box<str>,
    },
    /// A limit applies to something that the issuer's tokens state without a time.
    #[error(
        "the tokens of {issuer} do not say when {clause} was reached or proved, so its `within` \
         never holds; limit the age of the sign-in with `session().within(…)` instead, or declare \
         `auth_time_covers`"
    )]
    Undated {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The requirement of the clause.
        clause: Box<str>,
    },
    /// The policy limits the age of the session, and the issuer's tokens do not say when it began.
    #[error(
        "the tokens of {issuer} do not say when the session began, so `session_within` never holds; \
         use `session().within(…)` for the age of the sign-in"
    )]
    NoStart {
        /// The name of the issuer.
        issuer: Box<str>,
    },
    /// The policy demands independent factors, and the issuer's tokens cannot state them.
    #[error(
        "the tokens of {issuer} cannot state independent factors for {clause}; declare what a value \
         of acr guarantees, or demand the issuer's word with `Policy::acr` or `Policy::amr`"
    )]
    NotIndependent {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The requirement of the clause.
        clause: Box<str>,
    },
    /// The policy demands something that the issuer's tokens never state.
    #[error(
        "the tokens of {issuer} never state {clause}; declare which name states it with `amr` or `acr`"
    )]
    NeverStated {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The requirement of the clause.
        clause: Box<str>,
    },
    /// The shortest limit leaves no time for a round trip to the issuer, or is close to the unit of
    /// the issuer's times.
    #[error(
        "a limit of {} is too short for {issuer}; choose at least {}", Span(*.limit), Span(*.minimum)
    )]
    ShortLimit {
        /// The name of the issuer.
        issuer: Box<str>,
        /// The limit.
        limit: Duration,
        /// The shortest limit that leaves enough time.
        minimum: Duration,
    },
}

/// The shortest limit in which a round trip to an issuer fits.
const ROUND_TRIP: Duration = Duration::from_secs(12);

impl StepUpLayer {
    /// Returns the reasons why no token of the guard's issuers can meet its policy. The list is empty
    /// if the policy fits. [`require`](Self::require) logs each of them as an error. Check them in a
    /// test:
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_step_up::Policy;
    /// use tower_step_up::issuers::oidc;
    /// use tower_step_up::testing::TestIssuer;
    ///
    /// # fn main() -> Result<(), tower_step_up::issuers::IssuerError> {
    /// let issuer = oidc::access_tokens("https://login.example.com", "https://api.example.com")
    ///     .acr_values(["silver", "gold"]);
    /// let guard = TestIssuer::standing_in_for(issuer)?.guard();
    ///
    /// let five_minutes = Duration::from_secs(300);
    /// let gold = Policy::acr("gold");
    /// let fresh = gold.clone().and(Policy::session().within(five_minutes));
    /// assert!(guard.require(fresh).findings().is_empty());
    ///
    /// let dated = guard.require(gold.within(five_minutes));
    /// assert!(dated.findings()[0].to_string().contains("do not say when acr:gold was reached"));
    /// let typo = guard.require(Policy::acr("goId"));
    /// assert!(typo.findings()[0].to_string().contains("acr:goId, which is not declared"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn findings(&self) -> Vec<IssuerFinding> {
        findings(self.verifier(), self.policy())
    }
}

fn findings(verifier: &Verifier, policy: &Policy) -> Vec<IssuerFinding> {
    let assertions = policy.assertions();
    let issuers = verifier.possible(&assertions);
    let is_declared = |value: &str| issuers.iter().any(|issuer| issuer.declared.contains(&value));
    let mut findings = Vec::new();
    for Possible { issuer, limits, sessions, .. } in &issuers {
        let issuer = || Box::from(*issuer);
        let values = assertions.iter().filter_map(|assertion| assertion.acr_value());
        findings.extend(
            values.filter(|value| !is_declared(value)).map(|value| IssuerFinding::UndeclaredAcr {
                issuer: issuer(),
                value: value.into(),
            }),
        );
        let minimum = ROUND_TRIP.max(limits.resolution.saturating_mul(2));
        let short = policy.shortest_limit().filter(|limit| *limit < minimum);
        findings.extend(short.map(|limit| IssuerFinding::ShortLimit {
            issuer: issuer(),
            limit,
            minimum,
        }));
        let now = OffsetDateTime::UNIX_EPOCH;
        let is_met = sessions.iter().any(|session| policy.evaluate(session, now).is_ok());
        // The last session has the most demanding value of `acr`.
        if let Some(best) = sessions.last().filter(|_| !is_met) {
            collect(&policy.explain(best, now), &issuer(), &is_declared, &mut findings);
        }
    }
    findings
}

/// Adds a finding for each requirement that is not met.
fn collect(
    explanation: &Explanation,
    issuer: &str,
    is_declared: &dyn Fn(&str) -> bool,
    findings: &mut Vec<IssuerFinding>,
) {
    let issuer = || Box::from(issuer);
    let (Demand::Requirement(requirement), Verdict::Unmet(reason)) =
        (&explanation.demand, explanation.verdict)
    else {
        let unmet = explanation.clauses().iter().filter(|clause| !clause.is_met());
        return unmet.for_each(|clause| collect(clause, &issuer(), is_declared, findings));
    };
    let clause = crate::policy::Unmet::of(requirement, reason).to_string().into();
    let is_undated = explanation.max_age.is_some()
        && !(explanation.proofs.is_empty() && explanation.choices.is_empty());
    let finding = match requirement {
        Requirement::Acr { value } if !is_declared(value) => return,
        Requirement::SessionWithin => IssuerFinding::NoStart { issuer: issuer() },
        _ if is_undated => IssuerFinding::Undated { issuer: issuer(), clause },
        Requirement::Independent { .. } => {
            IssuerFinding::NotIndependent { issuer: issuer(), clause }
        }
        _ => IssuerFinding::NeverStated { issuer: issuer(), clause },
    };
    if !findings.contains(&finding) {
        findings.push(finding);
    }
}
