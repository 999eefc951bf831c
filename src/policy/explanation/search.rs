//! The search for prompts: the smallest sets of factors whose authentication would satisfy a
//! policy.

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use time::OffsetDateTime;

use super::prompts::{Outlook, Prompt, Prompts};
use crate::factor::Factor;
use crate::moment::Moment;
use crate::policy::decision::{Facts, until};
use crate::policy::types::{Policy, distinct};
use crate::session::Session;

/// The most sets that are given.
const MAX_SETS: usize = 16;
/// The most factors on offer that are looked at.
const MAX_OFFERED: usize = 24;
/// The most sets that are tried, of policies of up to 320 clauses; fewer the larger they are.
const MAX_TRIED: usize = 4_000;
const MAX_WORK: usize = 320 * MAX_TRIED;
const MAX_GRACE: Duration = Duration::from_secs(60);

/// Returns the sets of these factors that would meet the policy.
pub(super) fn prompts(
    policy: &Policy,
    session: &Session,
    at: OffsetDateTime,
    offered: &[Factor],
) -> Prompts {
    let known = distinct(offered.to_vec());
    let offered: Vec<&Factor> = known.iter().take(MAX_OFFERED).collect();
    let too_many = known.len() > MAX_OFFERED;
    let now = at.into();
    let facts = Facts::new(session, now);
    let freshest = facts.freshest();
    let mut search = Search::new(policy, facts.with_factors(&freshest), now, &offered);
    let outlook = search.outlook(session);
    let (mut found, complete) = match outlook {
        Outlook::Retryable => search.minimal_sets(),
        Outlook::Restart | Outlook::Hopeless => (Vec::new(), true),
    };
    let missing = |set: u32| {
        search.members(set).filter(|factor| search.last_proved(factor).is_none()).count()
    };
    // Among sets of one size, the set whose members were offered first comes first.
    found.sort_by_cached_key(|set| (missing(*set), set.count_ones(), Reverse(set.reverse_bits())));
    let truncated = too_many || !complete || found.len() > MAX_SETS;
    let sets = found.into_iter().take(MAX_SETS).map(|set| search.describe(set)).collect();
    Prompts { sets, truncated, outlook }
}

/// Sets of offered factors are bits, the first offered the lowest.
struct Search<'a> {
    policy: &'a Policy,
    /// What the session proves: of each factor the freshest proof.
    facts: Facts<'a>,
    offered: &'a [&'a Factor],
    now: Moment,
    /// The end of the grace.
    then: Moment,
    tried: usize,
    most_tried: usize,
}

impl<'a> Search<'a> {
    fn new(policy: &'a Policy, facts: Facts<'a>, now: Moment, offered: &'a [&'a Factor]) -> Self {
        let most_tried = MAX_TRIED.min(MAX_WORK / policy.weight());
        let grace = policy.max_age().map_or(MAX_GRACE, |smallest| (smallest / 2).min(MAX_GRACE));
        Self { policy, facts, offered, now, then: now.plus(grace), tried: 0, most_tried }
    }

    /// Whether the policy holds to the end of the grace.
    fn holds(&self, facts: &Facts<'_>) -> bool {
        until(self.policy, facts, None).reaches(self.then)
    }

    fn suffices(&mut self, set: u32) -> bool {
        self.tried += 1;
        let supposed: Vec<_> = self.members(set).map(|factor| (factor, self.now)).collect();
        self.holds(&self.facts.supposing(&supposed))
    }

    fn outlook(&self, session: &Session) -> Outlook {
        let mut supposed: Vec<_> = self.offered.iter().map(|factor| (*factor, self.now)).collect();
        if self.holds(&self.facts.supposing(&supposed)) {
            return Outlook::Retryable;
        }
        // In a new session the user can prove again what this one has.
        supposed.extend(session.factors().iter().map(|proof| (proof.factor(), self.now)));
        let anew = self.facts.supposing(&supposed).started(self.now);
        if self.holds(&anew) { Outlook::Restart } else { Outlook::Hopeless }
    }

    /// The minimal sets that suffice, and whether those are all. First the single factors; then
    /// from pools of the others: a minimal set of a pool, and for each of its members the pool
    /// without it, since every further minimal set lacks one of them. Whatever is found is minimal,
    /// also where the search is cut short.
    fn minimal_sets(&mut self) -> (Vec<u32>, bool) {
        let singles = (0..self.offered.len()).map(|index| 1_u32 << index);
        let mut found: Vec<u32> = singles.filter(|single| self.suffices(*single)).collect();
        let rest = (0..self.offered.len())
            .map(|index| 1 << index)
            .filter(|single| !found.contains(single))
            .sum();
        let (mut pools, mut seen) = (VecDeque::from([rest]), HashSet::from([rest]));
        while let Some(pool) = pools.pop_front() {
            if self.tried >= self.most_tried {
                return (found, false);
            }
            self.tried += 1;
            let known = found.iter().copied().find(|set| set & pool == *set);
            let Some(set) = known.or_else(|| self.minimal_within(pool)) else { continue };
            if known.is_none() {
                found.push(set);
            }
            pools.extend(
                bits(set).map(|member| pool & !member).filter(|smaller| seen.insert(*smaller)),
            );
        }
        (found, true)
    }

    /// The pool less every factor that can be left out, the last offered first.
    fn minimal_within(&mut self, pool: u32) -> Option<u32> {
        let enough = self.suffices(pool);
        let needed =
            |set: u32, factor: u32| if self.suffices(set & !factor) { set & !factor } else { set };
        enough.then(|| bits(pool.reverse_bits()).map(u32::reverse_bits).fold(pool, needed))
    }

    fn members(&self, set: u32) -> impl Iterator<Item = &'a Factor> + use<'a> {
        let offered = self.offered;
        bits(set).filter_map(move |bit| offered.get(bit.trailing_zeros() as usize).copied())
    }

    fn describe(&self, set: u32) -> Vec<Prompt> {
        let mut prompts: Vec<_> =
            self.members(set).map(|factor| self.prompt(factor, set)).collect();
        // Whoever begins with the one that may be oldest has the most time.
        prompts.sort_by_key(|prompt| Reverse(prompt.max_age.unwrap_or(Duration::MAX)));
        prompts
    }

    fn last_proved(&self, factor: &Factor) -> Option<Moment> {
        self.facts.factors().iter().find(|proof| proof.factor() == factor)?.dated().moment()
    }

    fn prompt(&self, factor: &Factor, set: u32) -> Prompt {
        let holds_where_proved = |proved: Moment| {
            let when = |other: &Factor| if other == factor { proved } else { self.now };
            let supposed: Vec<_> = self.members(set).map(|other| (other, when(other))).collect();
            self.holds(&self.facts.supposing(&supposed))
        };
        let max_age = if holds_where_proved(Moment::DISTANT_PAST) {
            None
        } else {
            let limits = self.policy.limits();
            limits.into_iter().rev().find(|limit| holds_where_proved(self.then.minus(*limit)))
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
