//! What to ask the user for: the smallest sets of factors whose authentication would satisfy a policy.

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;

use super::evaluate::{self, Facts};
use super::{Clause, Policy, Shortfall};
use crate::factor::{AuthenticationFactor, Factor};
use crate::moment::Moment;
use crate::session::Session;

/// The alternatives that would satisfy a policy. Each is a set of factors that are all needed, none of them for nothing.
///
/// A set suffices where the session, with the factors of the set proved now, satisfies the policy now and still does 60 s
/// later (or half the smallest `within` of the policy later, where that is less): people take their time, and without that
/// grace a set could lapse before it is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    sets: Vec<Vec<Prompt>>,
    truncated: bool,
    outlook: Outlook,
}

/// What authentication can achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outlook {
    Retryable,
    /// Not in this session, but in a new one.
    Restart,
    Hopeless,
}

/// A factor to ask for. As JSON it has the members that [`problem`](crate::problem) describes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prompt {
    /// Which.
    pub factor: Factor,
    /// When the session last proved it, which is too long ago; `None` where it has not, or not with a date.
    pub last_authenticated_at: Option<OffsetDateTime>,
    /// The age to which the policy will hold it; `None` where any will do.
    pub max_age: Option<Duration>,
}

/// The most sets that are given.
const MOST_SETS: usize = 16;
/// The most factors on offer that are looked at.
const MOST_OFFERED: usize = 24;
/// The most sets that are tried.
const MOST_TRIED: usize = 4_000;
const LONGEST_GRACE: Duration = Duration::from_secs(60);

impl Serialize for Prompt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            factor: &'a Factor,
            reason: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            max_age: Option<u64>,
            #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
            last_authenticated_at: Option<OffsetDateTime>,
        }
        let reason = if self.last_authenticated_at.is_some() { "stale" } else { "missing" };
        let (factor, max_age) = (&self.factor, self.max_age.map(|max_age| max_age.as_secs()));
        Wire { factor, reason, max_age, last_authenticated_at: self.last_authenticated_at }.serialize(serializer)
    }
}

impl Prompts {
    /// The sets: those with the fewest missing factors first, then those with the fewest members, then in the order
    /// offered. Within a set the factor that may be oldest comes first. At most 16.
    #[must_use]
    pub fn sets(&self) -> &[Vec<Prompt>] {
        &self.sets
    }

    /// Whether there may be further sets than these: there were more than 16, more than 24 factors on offer, or too many
    /// sets to try.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// Whether the factors on offer can satisfy the policy in this session.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.outlook == Outlook::Retryable
    }

    /// Whether they can in a new session, and only there.
    #[must_use]
    pub fn needs_restart(&self) -> bool {
        self.outlook == Outlook::Restart
    }
}

impl Shortfall {
    /// What to ask the user for, of the factors on offer: those that this user has enrolled, where the application knows.
    ///
    /// Bounded: of more than 24 on offer the first 24 are looked at, and at most 4,000 sets are tried.
    ///
    /// ```
    /// use tower_step_up::{Factor, Policy, testing};
    ///
    /// let session = testing::session().proved(Factor::Password).build();
    /// let shortfall = Policy::mfa().evaluate(&session, testing::NOW).unwrap_err();
    /// let prompts = shortfall.prompts(&[Factor::OtpEmail, Factor::OtpSms, Factor::Totp]);
    /// let sets: Vec<Vec<_>> = prompts.sets().iter().map(|set| set.iter().map(|it| it.factor.to_string()).collect()).collect();
    /// assert_eq!(sets, [["otp/sms"], ["totp"]]); // a code by email is not independent of the password
    /// ```
    #[must_use]
    pub fn prompts(&self, offered: &[Factor]) -> Prompts {
        let mut distinct: Vec<&Factor> = Vec::new();
        for factor in offered {
            if !distinct.contains(&factor) {
                distinct.push(factor);
            }
        }
        let too_many = distinct.len() > MOST_OFFERED;
        distinct.truncate(MOST_OFFERED);
        let now = self.at().into();
        let proofs = Facts::new(self.session(), now).freshest();
        let mut search = Search::new(self, now, &proofs, &distinct);
        let outlook = search.outlook();
        let (mut found, complete) = match outlook {
            Outlook::Retryable => search.minimal_sets(),
            Outlook::Restart | Outlook::Hopeless => (Vec::new(), true),
        };
        let missing = |set: u32| search.members(set).filter(|factor| search.last_proved(factor).is_none()).count();
        // Of sets as large, that comes first whose first members stand first in the offer.
        found.sort_by_cached_key(|set| (missing(*set), set.count_ones(), Reverse(set.reverse_bits())));
        let truncated = too_many || !complete || found.len() > MOST_SETS;
        let sets = found.into_iter().take(MOST_SETS).map(|set| search.describe(set)).collect();
        Prompts { sets, truncated, outlook }
    }
}

/// Sets of offered factors are bits, the first offered the lowest.
struct Search<'a> {
    policy: &'a Policy,
    session: &'a Session,
    /// Of each factor the session's freshest proof.
    proofs: &'a [AuthenticationFactor],
    offered: &'a [&'a Factor],
    now: Moment,
    /// The end of the grace.
    then: Moment,
    tried: usize,
}

impl<'a> Search<'a> {
    fn new(
        shortfall: &'a Shortfall,
        now: Moment,
        proofs: &'a [AuthenticationFactor],
        offered: &'a [&'a Factor],
    ) -> Self {
        let (policy, session) = (shortfall.policy(), shortfall.session());
        let grace = policy.max_age().map_or(LONGEST_GRACE, |smallest| (smallest / 2).min(LONGEST_GRACE));
        Self { policy, session, proofs, offered, now, then: now.saturating_add(grace), tried: 0 }
    }

    fn facts(&self) -> Facts<'_> {
        Facts::new(self.session, self.now).with_factors(self.proofs)
    }

    /// Whether the policy holds to the end of the grace.
    fn holds(&self, facts: &Facts<'_>) -> bool {
        evaluate::until(self.policy, facts, None).reaches(self.then)
    }

    fn suffices(&mut self, set: u32) -> bool {
        self.tried += 1;
        let supposed: Vec<_> = self.members(set).map(|factor| (factor, self.now)).collect();
        self.holds(&self.facts().supposing(&supposed))
    }

    fn outlook(&self) -> Outlook {
        let mut supposed: Vec<_> = self.offered.iter().map(|factor| (*factor, self.now)).collect();
        if self.holds(&self.facts().supposing(&supposed)) {
            return Outlook::Retryable;
        }
        // In a new session the user can prove again what this one has.
        supposed.extend(self.session.factors().iter().map(|proof| (proof.factor(), self.now)));
        let anew = self.facts().supposing(&supposed).started(self.now);
        if self.holds(&anew) { Outlook::Restart } else { Outlook::Hopeless }
    }

    /// The minimal sets that suffice, and whether those are all. First the single factors; then from pools of the others:
    /// a minimal set of a pool, and for each of its members the pool without it, since every further minimal set lacks
    /// one of them. Whatever is found is minimal, also where the search is cut short.
    fn minimal_sets(&mut self) -> (Vec<u32>, bool) {
        let singles = (0..self.offered.len()).map(|index| 1_u32 << index);
        let mut found: Vec<u32> = singles.filter(|single| self.suffices(*single)).collect();
        let rest = (0..self.offered.len()).map(|index| 1 << index).filter(|single| !found.contains(single)).sum();
        let (mut pools, mut seen) = (VecDeque::from([rest]), HashSet::from([rest]));
        while let Some(pool) = pools.pop_front() {
            if self.tried >= MOST_TRIED {
                return (found, false);
            }
            self.tried += 1;
            let known = found.iter().copied().find(|set| set & pool == *set);
            let Some(set) = known.or_else(|| self.minimal_within(pool)) else { continue };
            if known.is_none() {
                found.push(set);
            }
            pools.extend(bits(set).map(|member| pool & !member).filter(|smaller| seen.insert(*smaller)));
        }
        (found, true)
    }

    /// The pool less every factor that can be left out, the last offered first.
    fn minimal_within(&mut self, pool: u32) -> Option<u32> {
        let enough = self.suffices(pool);
        let needed = |set: u32, factor: u32| if self.suffices(set & !factor) { set & !factor } else { set };
        enough.then(|| bits(pool.reverse_bits()).map(u32::reverse_bits).fold(pool, needed))
    }

    fn members(&self, set: u32) -> impl Iterator<Item = &'a Factor> + use<'a> {
        let offered = self.offered;
        bits(set).filter_map(move |bit| offered.get(bit.trailing_zeros() as usize).copied())
    }

    fn describe(&self, set: u32) -> Vec<Prompt> {
        let mut prompts: Vec<_> = self.members(set).map(|factor| self.prompt(factor, set)).collect();
        // Whoever begins with the one that may be oldest has the most time.
        prompts.sort_by_key(|prompt| Reverse(prompt.max_age.unwrap_or(Duration::MAX)));
        prompts
    }

    fn last_proved(&self, factor: &Factor) -> Option<Moment> {
        self.proofs.iter().find(|proof| proof.factor() == factor)?.dated().moment()
    }

    fn prompt(&self, factor: &Factor, set: u32) -> Prompt {
        let holds_where_proved = |proved: Moment| {
            let when = |other: &Factor| if other == factor { proved } else { self.now };
            let supposed: Vec<_> = self.members(set).map(|other| (other, when(other))).collect();
            self.holds(&self.facts().supposing(&supposed))
        };
        let max_age = if holds_where_proved(Moment::DISTANT_PAST) {
            None
        } else {
            let limits = self.policy.limits();
            limits.into_iter().rev().find(|limit| holds_where_proved(self.then.saturating_sub(*limit)))
        };
        Prompt {
            factor: factor.clone(),
            last_authenticated_at: self.last_proved(factor).and_then(Moment::date),
            max_age,
        }
    }
}

/// The bits of a set, the lowest first.
fn bits(set: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(set), |rest| Some(rest & rest.wrapping_sub(1)))
        .take_while(|rest| *rest != 0)
        .map(|rest| rest & rest.wrapping_neg())
}

impl Policy {
    /// Every `within` in the policy, the smallest first.
    fn limits(&self) -> Vec<Duration> {
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

    fn visit(&self, visitor: &mut impl FnMut(&Self)) {
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
