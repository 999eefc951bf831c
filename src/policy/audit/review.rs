//! What an audit looks for.

use std::cmp::Reverse;
use std::time::Duration;

use super::attack::{Attack, opens};
use super::finding::Finding;
use crate::factor::Factor;
use crate::policy::types::{Clause, Limit, Policy, tighter};
use crate::trust::Compromises;

/// NIST SP 800-63B-4, section 2.2.3: at AAL2 users authenticate again within 24 hours.
const MAX_GOOD_LIMIT: Duration = Duration::from_secs(24 * 3_600);

/// The warnings first.
pub(super) fn findings(
    attack: &Attack<'_>,
    cold: &[Compromises],
    hijacked: &[Compromises],
    password: Compromises,
) -> Vec<Finding> {
    let mut findings = one_compromise(attack, cold);
    findings.extend(password_in_hijacked(attack.policy, cold, hijacked, password));
    findings.extend(overlaps(attack));
    findings.extend(limits(attack.policy));
    if !opens(attack.policy, attack.known()) {
        findings.push(Finding::NeverSatisfiable);
    } else if !opens(attack.policy, attack.known().filter(|factor| **factor != Factor::OtpSms)) {
        findings.push(Finding::OnlySms);
    }
    let is_any = any_session_meets(attack.policy);
    if !is_any && !takes(attack.policy, &Factor::WebAuthn) {
        findings.push(Finding::NotPhishingResistant);
    }
    findings.sort_by_key(|finding| Reverse(finding.severity()));
    findings
}

/// Where the policy asks this attacker for several factors and gets them from one compromise, that
/// is news; where it asks for one factor, all such compromises are one remark.
fn one_compromise(attack: &Attack<'_>, cold: &[Compromises]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut alone = Vec::new();
    for set in cold {
        let factors = attack.presented(*set);
        let mut members = set.members();
        match (members.next(), members.next()) {
            (None, _) => findings.push(Finding::OpenToAnyone { factors }),
            (Some(compromise), None) if factors.len() > 1 => {
                findings.push(Finding::OneCompromise { compromise, factors });
            }
            (Some(compromise), None) => alone.push(compromise),
            (Some(_), Some(_)) => {}
        }
    }
    if !alone.is_empty() {
        findings.push(Finding::OneFactor { compromises: alone });
    }
    findings
}

/// What one compromise meets in a hijacked session. Where the same opens the policy cold, the
/// step-up asks for a first factor only; where it does not, and the policy takes a password, the
/// step-up proves no second one.
fn password_in_hijacked(
    policy: &Policy,
    cold: &[Compromises],
    hijacked: &[Compromises],
    password: Compromises,
) -> Vec<Finding> {
    let mut alone = (Vec::new(), Vec::new());
    for set in hijacked.iter().filter(|set| password.meets(**set)) {
        let mut members = set.members();
        if let (Some(compromise), None) = (members.next(), members.next()) {
            let of = if cold.contains(set) { &mut alone.0 } else { &mut alone.1 };
            of.push(compromise);
        }
    }
    let (first, second) = alone;
    let remark = (!first.is_empty()).then_some(Finding::StepUpByFirstFactor { compromises: first });
    let takes_password = takes(policy, &Factor::Password);
    let warning = (takes_password && !second.is_empty())
        .then_some(Finding::HijackerPresentsPassword { compromises: second });
    warning.into_iter().chain(remark).collect()
}

/// Of each list that asks for several clauses the factor that alone meets the most of them, where
/// those are several: of an `all_of` all of them, less what any session meets.
fn overlaps(attack: &Attack<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    attack.policy.visit(&mut |policy| {
        let (needed, clauses): (_, Vec<&Policy>) = match policy.clause() {
            Clause::AtLeast(needed, clauses) => (*needed, clauses.iter().collect()),
            Clause::AllOf(clauses) => {
                let telling: Vec<_> =
                    clauses.iter().filter(|clause| !any_session_meets(clause)).collect();
                (telling.len(), telling)
            }
            _ => return,
        };
        let meets =
            |factor: &Factor| clauses.iter().filter(|clause| opens(clause, [factor])).count();
        let counted = attack.factors.iter().rev().map(|(factor, _)| (meets(factor), factor));
        let Some((meets, factor)) = counted.max_by_key(|(meets, _)| *meets) else { return };
        let several = meets >= 2 && needed >= 2;
        if several && (matches!(policy.clause(), Clause::AtLeast(..)) || meets == needed) {
            findings.push(Finding::OverlappingClauses { factor: factor.clone(), meets, needed });
        }
    });
    findings
}

/// Whether the clause asks for no factor in particular.
fn any_session_meets(clause: &Policy) -> bool {
    match clause.clause() {
        Clause::Session | Clause::SessionWithin(_) => true,
        Clause::Within(_, inner) => any_session_meets(inner),
        _ => false,
    }
}

fn limits(policy: &Policy) -> Vec<Finding> {
    let mut limits = Vec::new();
    deciding_limits(policy, None, &mut limits);
    let zero = limits.contains(&Duration::ZERO).then_some(Finding::ZeroLimit);
    let longest = limits.into_iter().max().filter(|longest| *longest > MAX_GOOD_LIMIT);
    zero.into_iter().chain(longest.map(|max_age| Finding::LongLimit { max_age })).collect()
}

/// Those that no tighter one outside overrules.
fn deciding_limits(policy: &Policy, outer: Limit, limits: &mut Vec<Duration>) {
    let own = match policy.clause() {
        Clause::Within(max_age, _) | Clause::SessionWithin(max_age) => Some(*max_age),
        _ => None,
    };
    limits.extend(own.filter(|own| outer.is_none_or(|outer| *own <= outer)));
    let inner = own.map_or(outer, |own| Some(tighter(outer, own)));
    policy.clauses().iter().for_each(|clause| deciding_limits(clause, inner, limits));
}

/// Whether some clause asks for factors among which this one is.
fn takes(policy: &Policy, wanted: &Factor) -> bool {
    let mut takes = false;
    policy.visit(&mut |policy| {
        takes |= match policy.clause() {
            Clause::PhishingResistant => wanted.is_phishing_resistant(),
            Clause::Factor(factor) => factor == wanted,
            Clause::Independent { trust, .. } => trust.presentable_by(wanted).is_some(),
            _ => false,
        }
    });
    takes
}
