//! What an audit looks for.

use std::cmp::Reverse;
use std::time::Duration;

use super::attack::{Attack, opens};
use super::finding::Finding;
use crate::factor::Factor;
use crate::policy::evaluate::{Limit, tighter};
use crate::policy::{Clause, Policy};
use crate::trust::Compromises;

/// NIST SP 800-63B-4, section 2.2.3: at AAL2 users authenticate again within 24 hours.
const LONGEST_GOOD_LIMIT: Duration = Duration::from_secs(24 * 3_600);

/// The warnings first.
pub(super) fn findings(
    attack: &Attack<'_>,
    cold: &[Compromises],
    hijacked: &[Compromises],
    password: Compromises,
) -> Vec<Finding> {
    let mut findings = one_compromise(attack, cold);
    findings.extend(password_in_hijacked(cold, hijacked, password));
    findings.extend(overlaps(attack));
    findings.extend(limits(attack.policy));
    if !opens(attack.policy, attack.known()) {
        findings.push(Finding::NeverSatisfiable);
    } else if !opens(attack.policy, attack.known().filter(|factor| **factor != Factor::OtpSms)) {
        findings.push(Finding::OnlySms);
    }
    if !takes_phishing_resistant(attack.policy) {
        findings.push(Finding::NotPhishingResistant);
    }
    findings.sort_by_key(|finding| Reverse(finding.severity()));
    findings
}

/// Where the policy asks this attacker for several factors and gets them from one compromise, that is news; where it
/// asks for one factor, all such compromises are one remark.
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

/// Whoever opens the policy cold as well gains nothing by the session: of single compromises that is a remark, of several
/// it is no news.
fn password_in_hijacked(cold: &[Compromises], hijacked: &[Compromises], password: Compromises) -> Vec<Finding> {
    let opens_cold = |set: &Compromises| cold.iter().any(|opens| opens.is_within(*set));
    let presents = |set: &&Compromises| !set.is_empty() && password.meets(**set);
    let (first, second): (Vec<&Compromises>, Vec<&Compromises>) =
        hijacked.iter().filter(presents).partition(|set| opens_cold(set));
    let sets: Vec<Vec<_>> = second.into_iter().map(|set| set.members().collect()).collect();
    let warning = (!sets.is_empty()).then_some(Finding::HijackerPresentsPassword { sets });
    let single = first.into_iter().filter(|set| set.members().count() == 1);
    let compromises: Vec<_> = single.flat_map(|set| set.members()).collect();
    let remark = (!compromises.is_empty()).then_some(Finding::StepUpByFirstFactor { compromises });
    warning.into_iter().chain(remark).collect()
}

/// Of each `at_least` the factor that alone meets the most of its clauses, where those are several.
fn overlaps(attack: &Attack<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    attack.policy.visit(&mut |policy| {
        let Clause::AtLeast(needed @ 2.., clauses) = policy.clause() else { return };
        let meets = |factor: &Factor| clauses.iter().filter(|clause| opens(clause, [factor])).count();
        let counted = attack.factors.iter().rev().map(|(factor, _)| (meets(factor), factor));
        if let Some((meets @ 2.., factor)) = counted.max_by_key(|(meets, _)| *meets) {
            findings.push(Finding::OverlappingClauses { factor: factor.clone(), meets, needed: *needed });
        }
    });
    findings
}

fn limits(policy: &Policy) -> Vec<Finding> {
    let mut limits = Vec::new();
    deciding_limits(policy, None, &mut limits);
    let zero = limits.contains(&Duration::ZERO).then_some(Finding::ZeroLimit);
    let longest = limits.into_iter().max().filter(|longest| *longest > LONGEST_GOOD_LIMIT);
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

fn takes_phishing_resistant(policy: &Policy) -> bool {
    let mut takes = false;
    policy.visit(&mut |policy| {
        takes |= match policy.clause() {
            Clause::Session | Clause::PhishingResistant => true,
            Clause::Factor(factor) => factor.is_phishing_resistant(),
            Clause::Independent { trust, .. } => trust.presentable_by(&Factor::WebAuthn).is_some(),
            _ => false,
        }
    });
    takes
}
