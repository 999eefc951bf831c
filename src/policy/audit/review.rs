//! The search for the findings of an audit.

use std::cmp::Reverse;

use super::attack::{Attack, minimal_factors};
use super::finding::Finding;
use super::leaves::{any_leaf, any_session_meets, takes};
use super::{clauses, limits, step_up};
use crate::factor::Factor;
use crate::trust::{Compromise, Compromises};

/// Returns the findings, warnings first.
pub(super) fn findings(
    attack: &Attack<'_>,
    cold: &[Compromises],
    hijacked: &[Compromises],
) -> Vec<Finding> {
    let mut findings = one_compromise(attack, cold);
    findings.extend(step_up::findings(attack, cold, hijacked));
    findings.extend(clauses::findings(attack));
    findings.extend(limits::findings(attack.policy));
    findings.extend(only_by_phone(attack));
    if !any_session_meets(attack.policy)
        && !any_leaf(attack.policy, |leaf, _| takes(leaf, &Factor::WebAuthn))
    {
        findings.push(Finding::NotPhishingResistant);
    }
    findings.sort_by_key(|finding| Reverse(finding.severity()));
    findings
}

/// Reports single compromises with which an attacker meets the policy, and a policy that anyone can
/// meet.
///
/// Each compromise with which an attacker needs several factors gets its own finding. Those with
/// which one factor is enough share a remark.
fn one_compromise(attack: &Attack<'_>, cold: &[Compromises]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut alone = Vec::new();
    for set in cold {
        let opens = |factors: &[&Factor]| attack.opens(attack.policy, factors.iter().copied());
        let presented = || minimal_factors(attack.presented_by(*set).collect(), opens);
        if set.is_empty() {
            let factors = attack.presented_by_anyone(opens);
            let word = Finding::issuers_word(&factors);
            findings.push(word.unwrap_or(Finding::OpenToAnyone { factors }));
        } else if let Some(compromise) = set.only_member() {
            match presented() {
                factors if factors.len() > 1 => {
                    findings.push(Finding::OneCompromise { compromise, factors });
                }
                _ => alone.push(compromise),
            }
        }
    }
    if !alone.is_empty() {
        findings.push(Finding::OneFactor { compromises: alone });
    }
    findings
}

/// Reports a policy that cannot be met without a code by SMS, or without a code that arrives at the
/// phone number.
fn only_by_phone(attack: &Attack<'_>) -> Option<Finding> {
    let met_without = |left_out: &[&Factor]| {
        attack.opens(attack.policy, attack.known.iter().filter(|factor| !left_out.contains(factor)))
    };
    if !met_without(&[]) {
        return None; // Nothing can meet the policy, which is another finding.
    }
    if !met_without(&[&Factor::OtpSms]) {
        return Some(Finding::OnlySms);
    }
    let phone_number = Compromises::from_iter([Compromise::PhoneNumber]);
    let by_phone = |code: &&Factor| {
        let row = attack.trust.row(code);
        !row.is_anyone() && row.is_presentable_by(phone_number)
    };
    let codes: Vec<_> = [&Factor::OtpSms, &Factor::OtpWhatsapp, &Factor::OtpCall]
        .into_iter()
        .filter(by_phone)
        .collect();
    if met_without(&codes) {
        return None;
    }
    let enough = codes.iter().copied().filter(|code| {
        let others: Vec<_> = codes.iter().copied().filter(|other| other != code).collect();
        met_without(&others)
    });
    Some(Finding::OnlyPhoneNumber { factors: enough.cloned().collect() })
}
