//! Queries that visit every clause of a policy.

use std::collections::BTreeSet;
use std::time::Duration;

use super::policy::{Clause, Policy};
use crate::factor::Factor;
use crate::trust::{Compromises, TrustModel};

impl Policy {
    /// Returns the smallest [`within`](Self::within) anywhere in the policy.
    /// [`session_within`](Self::session_within) does not count. The body of a refusal states the
    /// result as `max_age`, in whole seconds, if it is at least one second.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.limits().first().copied()
    }

    /// Returns every `within` in the policy, smallest first, without repeats.
    pub(in crate::policy) fn limits(&self) -> Vec<Duration> {
        self.durations(|clause| match clause {
            Clause::Within(max_age, _) => Some(*max_age),
            _ => None,
        })
    }

    /// Returns every `session_within` in the policy, smallest first, without repeats.
    pub(in crate::policy) fn session_limits(&self) -> Vec<Duration> {
        self.durations(|clause| match clause {
            Clause::SessionWithin(max_age) => Some(*max_age),
            _ => None,
        })
    }

    fn durations(&self, select: impl Fn(&Clause) -> Option<Duration>) -> Vec<Duration> {
        let mut durations = Vec::new();
        self.visit(&mut |policy| durations.extend(select(policy.clause())));
        durations.sort_unstable();
        durations.dedup();
        durations
    }

    /// Returns the factors and assertions that the policy names, in its order, without repeats.
    /// `phishing_resistant` counts as WebAuthn.
    pub(crate) fn named_factors(&self) -> Vec<Factor> {
        let mut named = Vec::new();
        self.visit(&mut |policy| match policy.clause() {
            Clause::Factor(factor) => named.push(factor.clone()),
            Clause::PhishingResistant => named.push(Factor::WebAuthn),
            _ => {}
        });
        distinct(named)
    }

    /// Returns the shortest limit of the policy, for the age of a proof or of the session.
    pub(crate) fn shortest_limit(&self) -> Option<Duration> {
        self.limits().into_iter().chain(self.session_limits()).min()
    }

    /// Returns every trust model in the policy, without repeats: those that were set for it or for
    /// a policy inside it, and those that its clauses use.
    pub(in crate::policy) fn trust_models(&self) -> Vec<TrustModel> {
        let mut models = Vec::new();
        self.visit(&mut |policy| models.extend(policy.0.trust.clone()));
        models.extend(self.deciding_trust_models());
        distinct_models(models)
    }

    /// Returns the trust models of all `mfa` and `independent` clauses, without repeats.
    pub(in crate::policy) fn deciding_trust_models(&self) -> Vec<TrustModel> {
        let mut models = Vec::new();
        self.visit(&mut |policy| {
            if let Clause::Independent { trust, .. } = policy.clause() {
                models.push(trust.clone());
            }
        });
        distinct_models(models)
    }

    /// Returns how many comparisons one decision makes for each proof. A clause counts once, but a
    /// clause that requires independent factors counts once for each set of compromises.
    pub(in crate::policy) fn weight(&self) -> usize {
        let mut weight = 0;
        self.visit(&mut |policy| {
            weight += match policy.clause() {
                Clause::Independent { needed, .. } => {
                    Compromises::sets_of(needed.saturating_sub(1)).len()
                }
                _ => 1,
            }
        });
        weight
    }

    /// Returns the factors that a user can be asked for to meet the policy.
    pub(in crate::policy) fn askable(&self) -> Vec<Factor> {
        let mut askable: Vec<Factor> = Vec::new();
        self.visit(&mut |policy| match policy.clause() {
            Clause::Factor(factor)
                if !factor.is_assertion() && !NOT_PROVABLE_BY_USER.contains(factor) =>
            {
                askable.push(factor.clone());
            }
            Clause::PhishingResistant => askable.push(Factor::WebAuthn),
            Clause::Session | Clause::SessionWithin(_) => askable.extend(ASKABLE),
            Clause::Independent { trust, .. } => {
                askable.extend(
                    ASKABLE.into_iter().filter(|factor| trust.presentable_by(factor).is_some()),
                );
            }
            _ => {}
        });
        distinct(askable)
    }

    pub(in crate::policy) fn visit(&self, visitor: &mut impl FnMut(&Self)) {
        visitor(self);
        self.clauses().iter().for_each(|clause| clause.visit(visitor));
    }

    pub(in crate::policy) fn clauses(&self) -> &[Self] {
        self.clause().clauses()
    }
}

/// Returns the items without repeats, in their original order.
pub(in crate::policy) fn distinct<T: Ord + Clone>(mut items: Vec<T>) -> Vec<T> {
    if items.len() > 1 {
        let mut seen = BTreeSet::new();
        items.retain(|item| seen.insert(item.clone()));
    }
    items
}

fn distinct_models(models: Vec<TrustModel>) -> Vec<TrustModel> {
    let mut distinct: Vec<TrustModel> = Vec::new();
    for model in models {
        if !distinct.contains(&model) {
            distinct.push(model);
        }
    }
    distinct
}

/// The factors that a user can be asked for if a clause names none. Logins with an identity
/// provider are left out. A guard asks for one only if the policy names it or the application
/// offers it.
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

/// The factors that support staff and other systems prove. No user can be asked for them.
pub(in crate::policy) const NOT_PROVABLE_BY_USER: [Factor; 8] = [
    Factor::Impersonated,
    Factor::ImportedAuth0,
    Factor::TrustedAuthToken,
    Factor::OAuthAccessTokenExchange,
    Factor::OAuthExchangeSlack,
    Factor::OAuthExchangeHubspot,
    Factor::OAuthExchangeGithub,
    Factor::OAuthExchangeGoogle,
];
