//! Findings about the step-up, for an attacker who holds a hijacked session.

use std::time::Duration;

use super::attack::Attack;
use super::finding::Finding;
use super::leaves::{any_leaf, takes, visit_leaves};
use crate::factor::Factor;
use crate::policy::types::{Clause, Limit};
use crate::trust::{Compromise, Compromises};

pub(super) fn findings(
    attack: &Attack<'_>,
    cold: &[Compromises],
    hijacked: &[Compromises],
) -> Vec<Finding> {
    let mut findings = first_factors(attack, cold, hijacked);
    findings.extend(session_limit(attack));
    if cold.iter().any(|set| set.is_empty()) || attack.hijacker_opens([]) {
        return findings; // Anyone can meet the policy without a session, or it has no step-up.
    }
    let takes_code =
        |leaf: &Clause, limit: Limit| limit.is_some() && takes(leaf, &Factor::RecoveryCode);
    if hijacked.iter().any(|set| set.is_empty()) {
        let opens = |factors: &[&Factor]| attack.hijacker_opens(factors.iter().copied());
        let factors = attack.presented_by_anyone(opens);
        let word = Finding::issuers_word(&factors);
        findings.push(word.unwrap_or(Finding::StepUpOpenToAnyone { factors }));
    } else if any_leaf(attack.policy, takes_code) && attack.hijacker_opens([&Factor::RecoveryCode])
    {
        findings.push(Finding::StepUpByRecoveryCode);
    }
    findings
}

/// Reports single compromises that are enough to meet the step-up in a hijacked session and also
/// let an attacker present a first factor.
///
/// If such a compromise is also enough without a session, the step-up asks only for a first factor.
/// Otherwise the step-up proves no second factor.
fn first_factors(
    attack: &Attack<'_>,
    cold: &[Compromises],
    hijacked: &[Compromises],
) -> Vec<Finding> {
    let policy = attack.policy;
    let mut named = policy.named_factors();
    named.retain(signs_in);
    named.sort_unstable();
    // The password may be a first factor even if the policy does not name it.
    let expected = [&Factor::Password].into_iter().chain(&named);
    let presents = |factor: &Factor, set: Compromises| {
        let row = attack.trust.row(factor);
        !row.is_anyone() && row.is_presentable_by(set)
    };
    let alone = |factor: &&Factor, opens_cold: bool| -> Vec<Compromise> {
        let sets = hijacked.iter().filter(|set| cold.contains(set) == opens_cold);
        sets.filter(|set| presents(factor, **set)).filter_map(|set| set.only_member()).collect()
    };

    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for factor in expected.clone().filter(|factor| is_first_factor(attack, factor)) {
        let mut compromises = alone(&factor, false);
        compromises.retain(|compromise| !seen.contains(compromise));
        seen.extend(&compromises);
        if !compromises.is_empty() {
            findings.push(match factor {
                Factor::Password => Finding::HijackerPresentsPassword { compromises },
                _ => Finding::HijackerPresentsFirstFactor { factor: factor.clone(), compromises },
            });
        }
    }
    let mut compromises: Vec<_> = expected.flat_map(|factor| alone(&factor, true)).collect();
    compromises.sort_unstable();
    compromises.dedup();
    if !compromises.is_empty() {
        findings.push(Finding::StepUpByFirstFactor { compromises });
    }
    findings
}

/// Returns whether people sign in with this factor: the password, the mailbox or a provider.
fn signs_in(factor: &Factor) -> bool {
    matches!(
        factor,
        Factor::Password | Factor::MagicLinkEmail | Factor::OtpEmail | Factor::EmailOtp
    ) || matches!(factor.factor_type(), "oauth" | "sso")
}

/// Returns whether the policy accepts the factor outside the step-up: at any age, or as one proof
/// of several.
///
/// The password also counts if `mfa` accepts it, since most people sign in with one. The policy has
/// to name any other first factor. A policy that accepts any fresh proof does not ask for the
/// mailbox in particular. Stytch's own rule is one: two of three groups of factors, and any proof
/// from the last hour.
fn is_first_factor(attack: &Attack<'_>, factor: &Factor) -> bool {
    let is_password = *factor == Factor::Password;
    let at_any_age = |leaf: &Clause, limit: Limit| {
        let named = matches!(leaf, Clause::Factor(named) if named == factor);
        limit.is_none() && (named || is_password && takes(leaf, factor))
    };
    any_leaf(attack.policy, |leaf, _| takes(leaf, factor))
        && (any_leaf(attack.policy, at_any_age) || !attack.hijacker_opens([factor]))
        && (is_password || !attack.hijacker_opens([&attack.other]))
}

/// Reports a limit on `session` if a fresh factor that anyone can present is enough to meet it. It
/// assumes that all other proofs of the session are just older than the limit.
fn session_limit(attack: &Attack<'_>) -> Option<Finding> {
    let mut limits = Vec::new();
    visit_leaves(attack.policy, None, &mut |leaf, limit| {
        limits.extend(limit.filter(|_| matches!(leaf, Clause::Session)));
    });
    limits.sort_unstable();
    limits.dedup();
    let decides = |limit: &Duration| {
        let older = limit.checked_add(Duration::from_nanos(1));
        !attack.hijacker_opens_after(older, [])
            && attack.hijacker_opens_after(older, [&attack.other])
    };
    limits
        .iter()
        .any(decides)
        .then(|| Finding::SessionLimitMetByAnyone { factor: attack.other.clone() })
}
