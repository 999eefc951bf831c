//! What stands anywhere in a policy.

use std::collections::HashSet;
use std::time::Duration;

use super::{Clause, Policy};
use crate::factor::Factor;

impl Policy {
    /// Every `within` in the policy, the smallest first.
    pub(super) fn limits(&self) -> Vec<Duration> {
        let mut limits = Vec::new();
        self.visit(&mut |policy| {
            if let Clause::Within(max_age, _) = policy.clause() {
                limits.push(*max_age);
            }
        });
        limits.sort_unstable();
        limits.dedup();
        limits
    }

    /// What a person can be asked for to meet the policy.
    pub(super) fn askable(&self) -> Vec<Factor> {
        let mut askable: Vec<Factor> = Vec::new();
        self.visit(&mut |policy| match policy.clause() {
            Clause::Factor(factor) => askable.push(factor.clone()),
            Clause::PhishingResistant => askable.push(Factor::WebAuthn),
            Clause::Session => askable.extend(ASKABLE),
            Clause::Independent { trust, .. } => {
                askable.extend(ASKABLE.into_iter().filter(|factor| trust.presentable_by(factor).is_some()));
            }
            _ => {}
        });
        let mut seen = HashSet::new();
        askable.retain(|factor| seen.insert(factor.clone()));
        askable
    }

    pub(super) fn visit(&self, visitor: &mut impl FnMut(&Self)) {
        visitor(self);
        match self.clause() {
            Clause::Within(_, inner) => inner.visit(visitor),
            Clause::AllOf(clauses) | Clause::AnyOf(clauses) | Clause::AtLeast(_, clauses) => {
                clauses.iter().for_each(|clause| clause.visit(visitor));
            }
            _ => {}
        }
    }
}

/// What a person can be asked for when a policy names nothing. Logins with a provider are not among them: they sign in.
const ASKABLE: [Factor; 11] = [
    Factor::OtpSms,
    Factor::OtpWhatsapp,
    Factor::Totp,
    Factor::WebAuthn,
    Factor::Biometric,
    Factor::CryptoWallet,
    Factor::RecoveryCode,
    Factor::Password,
    Factor::MagicLinkEmail,
    Factor::OtpEmail,
    Factor::EmailOtp,
];
