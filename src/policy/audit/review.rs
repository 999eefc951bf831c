//! What an audit looks for.

use std::time::Duration;

use super::attack::{Attack, opens};
use super::finding::Finding;
use crate::factor::Factor;
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
    findings.extend(clauses(attack));
    findings.extend(limits(attack.policy));
    let every_factor = || attack.factors.iter().map(|(factor, _)| factor);
    if !opens(attack.policy, every_factor()) {
        findings.push(Finding::NeverSatisfiable);
    } else if !opens(attack.policy, every_factor().filter(|factor| **factor != Factor::OtpSms)) {
        findings.push(Finding::OnlySms);
    }
    if !takes_phishing_resistant(attack.policy) {
        findings.push(Finding::NotPhishingResistant);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level()));
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

fn password_in_hijacked(cold: &[Compromises], hijacked: &[Compromises], password: Compromises) -> Option<Finding> {
    let no_news = |set: &Compromises| set.members().count() > 1 && cold.iter().any(|opens| opens.is_within(*set));
    let presents = |set: &&Compromises| !set.is_empty() && password.meets(**set) && !no_news(set);
    let sets: Vec<_> = hijacked.iter().filter(presents).map(|set| set.members().collect()).collect();
    (!sets.is_empty()).then_some(Finding::HijackerPresentsPassword { sets })
}

/// Of each `at_least` the factor that alone meets the most of its clauses, where those are several.
fn clauses(attack: &Attack<'_>) -> Vec<Finding> {
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
    let limits = [policy.limits(), policy.session_limits()].concat();
    let zero = limits.contains(&Duration::ZERO).then_some(Finding::ZeroLimit);
    let longest = limits.into_iter().max().filter(|longest| *longest > LONGEST_GOOD_LIMIT);
    zero.into_iter().chain(longest.map(|max_age| Finding::LongLimit { max_age })).collect()
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
