//! The search for the minimal sets of what is on offer.

use std::cmp::Reverse;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::methods::Method;
use super::need::Need;
use super::prompts::Prompt;
use crate::factor::Factor;
use crate::moment::Moment;
use crate::policy::decision::Facts;

/// The maximum number of sets returned.
pub(super) const MAX_SETS: usize = 16;
/// The maximum number of steps of the search. The first set is found in any case.
const MAX_SEARCH: usize = 200_000;
/// The maximum number of steps of the search and of describing the sets found. The first set is
/// described in any case.
pub(super) const MAX_STEPS: usize = 2 * MAX_SEARCH;
/// The maximum number of combinations of what several methods may prove.
const MAX_COMBINATIONS: usize = 16;

/// The search for minimal sets. A set of what is on offer is a bit set, in which the lowest bit is
/// what was offered first.
pub(super) struct Search<'a> {
    need: Need,
    /// The factors on offer, or what the methods on offer may prove.
    proofs: &'a [(&'a Factor, Moment)],
    methods: Option<&'a [Method]>,
    /// When each factor or method on offer was last used in the session.
    proved: Vec<Option<Moment>>,
    pub(super) steps: usize,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        need: Need,
        facts: &Facts<'_>,
        proofs: &'a [(&'a Factor, Moment)],
        methods: Option<&'a [Method]>,
    ) -> Self {
        let freshest = facts.freshest();
        let last = |factor: &Factor| {
            freshest.iter().find(|proof| proof.factor() == factor)?.date().moment()
        };
        let proved = match methods {
            None => proofs.iter().map(|(factor, _)| last(factor)).collect(),
            Some(methods) => methods.iter().map(|method| last(&method.amr())).collect(),
        };
        Self { need, proofs, methods, proved, steps: 0 }
    }

    /// Returns the minimal sets that suffice, and whether they are all of them.
    ///
    /// The search first tries the single factors and puts the others into a pool. It reduces a pool
    /// to one minimal set. Every other minimal set in the pool lacks a member of that set, so the
    /// search goes on with the pool without each member in turn. Every set found is minimal, even
    /// if the search is cut short.
    pub(super) fn minimal_sets(&mut self) -> (Vec<u32>, bool) {
        let singles = (0..self.proved.len()).map(|index| 1_u32 << index);
        let (mut found, others): (Vec<u32>, Vec<u32>) =
            singles.partition(|single| self.suffices(*single));
        let rest = others.into_iter().sum();
        if rest == 0 {
            // Each factor on offer suffices alone, so no larger set is minimal.
            return (found, true);
        }
        let (mut pools, mut seen) = (VecDeque::from([rest]), BTreeSet::from([rest]));
        while let Some(pool) = pools.pop_front() {
            if self.steps >= MAX_SEARCH && !found.is_empty() {
                return (found, false);
            }
            self.steps += found.len();
            let known = found.iter().copied().find(|set| set & pool == *set);
            let Some(set) = known.or_else(|| self.minimal_within(pool)) else { continue };
            if known.is_none() {
                found.push(set);
            }
            self.steps += bits(set).count();
            pools.extend(
                bits(set).map(|member| pool & !member).filter(|smaller| seen.insert(*smaller)),
            );
        }
        (found, true)
    }

    /// Removes from the pool each factor that can be left out, trying the last offered first.
    /// Returns `None` if the whole pool does not suffice.
    fn minimal_within(&mut self, pool: u32) -> Option<u32> {
        let enough = self.suffices(pool);
        let needed =
            |set: u32, factor: u32| if self.suffices(set & !factor) { set & !factor } else { set };
        enough.then(|| bits(pool.reverse_bits()).map(u32::reverse_bits).fold(pool, needed))
    }

    /// Returns whether the session meets the policy with this set, whatever the issuer says about
    /// it.
    fn suffices(&mut self, set: u32) -> bool {
        let Some(methods) = self.methods else {
            self.steps += self.need.steps();
            return self.need.is_met_by(set);
        };
        let proved = what_is_proved(methods, set);
        self.steps += proved.len() * self.need.steps();
        proved.into_iter().all(|proofs| self.need.is_met_by(proofs))
    }

    /// Sorts these sets and returns the prompts of the first ones.
    pub(super) fn describe(&mut self, mut sets: Vec<u32>) -> Vec<Vec<Prompt>> {
        let missing = |set: u32| {
            bits(set).filter(|bit| self.proved(bit.trailing_zeros() as usize).is_none()).count()
        };
        // Among sets of the same size, the set with the members that were offered first comes
        // first.
        sets.sort_by_cached_key(|set| {
            (missing(*set), set.count_ones(), Reverse(set.reverse_bits()))
        });
        let mut described = Vec::new();
        for set in sets.into_iter().take(MAX_SETS) {
            if self.steps >= MAX_STEPS && !described.is_empty() {
                break;
            }
            described.push(self.prompts(set));
        }
        described
    }

    fn prompts(&mut self, set: u32) -> Vec<Prompt> {
        let mut prompts: Vec<_> = bits(set).filter_map(|bit| self.prompt(bit, set)).collect();
        // A user who begins with the factor that may be oldest has the most time.
        prompts.sort_by_key(|prompt| Reverse(prompt.max_age.unwrap_or(Duration::MAX)));
        prompts
    }

    fn prompt(&mut self, bit: u32, set: u32) -> Option<Prompt> {
        let max_age = self.max_age(bit, set).filter(|age| *age < Duration::MAX);
        let index = bit.trailing_zeros() as usize;
        let last_authenticated_at = self.proved(index).and_then(Moment::date);
        let (factor, method) = match self.methods {
            None => (self.proofs.get(index)?.0.clone(), None),
            Some(methods) => {
                let method = methods.get(index)?;
                (method.factor.clone(), Some(method.name.clone()))
            }
        };
        Some(Prompt { factor, method, last_authenticated_at, max_age })
    }

    /// Returns how old one member of a set may be for the set to suffice, whatever the issuer says
    /// about the members.
    fn max_age(&mut self, bit: u32, set: u32) -> Option<Duration> {
        let Some(methods) = self.methods else {
            self.steps += self.need.steps();
            return self.need.max_age(bit, set);
        };
        let member = what_is_proved(methods, bit);
        let others = what_is_proved(methods, set & !bit);
        self.steps += member.len() * others.len() * self.need.steps();
        let pairs = member.iter().flat_map(|one| others.iter().map(move |rest| (*one, *rest)));
        // The others are proved now, together with what both have in common.
        pairs.map(|(one, rest)| self.need.max_age(one & !rest, one | rest)).min().flatten()
    }

    fn proved(&self, index: usize) -> Option<Moment> {
        self.proved.get(index).copied().flatten()
    }
}

/// Returns every set of proofs that these methods may have made. A method whose alternatives would
/// make too many counts for what all of them have in common.
pub(super) fn what_is_proved(methods: &[Method], set: u32) -> Vec<u32> {
    let mut proved = vec![0];
    for bit in bits(set) {
        let method = methods.get(bit.trailing_zeros() as usize);
        let alternatives = method.map_or(&[][..], |method| &method.alternatives);
        proved = if proved.len() * alternatives.len() > MAX_COMBINATIONS {
            let common = alternatives.iter().fold(u32::MAX, |common, one| common & one);
            proved.iter().map(|proofs| proofs | common).collect()
        } else {
            proved
                .iter()
                .flat_map(|proofs| alternatives.iter().map(move |one| proofs | one))
                .collect()
        };
    }
    proved
}

/// Returns the bits of a set, lowest first.
pub(super) fn bits(set: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(set), |rest| Some(rest & rest.wrapping_sub(1)))
        .take_while(|rest| *rest != 0)
        .map(|rest| rest & rest.wrapping_neg())
}
