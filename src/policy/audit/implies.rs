//! Whether one policy is at least as strict as another.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::time::Duration;

use super::attack::unheard_of;
use super::sameness::remainder;
use crate::factor::Factor;
use crate::policy::decision::holds_for;
use crate::policy::types::{Policy, distinct};
use crate::policy::words::Span;

/// Whether every session that meets one policy meets another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Implication {
    /// Every one does.
    Holds,
    /// This one does not.
    Fails(Counterexample),
    /// It was not found out within the bound. Whoever relies on an implication takes it for failed.
    Undecided {
        /// How often a session was held against a policy.
        comparisons: usize,
    },
}

impl Implication {
    /// Whether it was found to hold; not where it is undecided.
    #[must_use]
    pub fn holds(&self) -> bool {
        *self == Self::Holds
    }
}

/// A session that meets one policy and not the other. Without any of its factors, or with one of
/// them older than the next limit, it would not meet the one either.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counterexample {
    /// What was proved, and at most how long ago; `None` where any age will do, even without a
    /// date.
    pub factors: Vec<(Factor, Option<Duration>)>,
    /// At most how long ago the session began; `None` where any age will do, even an unknown one.
    pub session_age: Option<Duration>,
    /// Whether a policy limits an age, so that having none says something.
    is_limited: bool,
}

/// How often sessions are held against policies of up to 64 clauses between them before the search
/// is given up; less often the larger they are.
const MAX_COMPARISONS: usize = 100_000;
const MAX_WORK: usize = 64 * MAX_COMPARISONS;

impl Policy {
    /// Whether every session that meets this policy also meets `other`, at any instant: whether
    /// this one is at least as strict.
    ///
    /// Decided by search, over the factors that the policies name, one representative of all that
    /// the trust models do not tell apart, and one age between each two limits. Bounded: after
    /// 100,000 comparisons, a tenth of a second or so, it is undecided; if the two have more than
    /// 64 clauses or factors between them, after as many fewer. Clauses that both have are not
    /// searched, so a policy always implies itself, whatever its name.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_step_up::policy::Implication;
    /// use tower_step_up::{Factor, Policy};
    ///
    /// let ten = Duration::from_secs(600);
    /// let transfer = Policy::mfa().and(Policy::from(Factor::OtpSms).within(ten));
    /// assert_eq!(transfer.implies(&Policy::mfa()), Implication::Holds);
    ///
    /// let Implication::Fails(session) = Policy::mfa().implies(&transfer) else { panic!() };
    /// assert_eq!(session.to_string(), "password (of any age), otp/sms (of any age)");
    /// ```
    #[must_use]
    pub fn implies(&self, other: &Self) -> Implication {
        compare(self, other, MAX_COMPARISONS).0
    }
}

/// Compares two policies at most so often, and returns how often it did too.
pub(super) fn compare(policy: &Policy, other: &Policy, most: usize) -> (Implication, usize) {
    let weight = policy.weight() + other.weight();
    let Some(other) = &remainder(policy, other) else { return (Implication::Holds, 0) };
    let domain = Domain::of(policy, other);
    // Each clause looks at each factor.
    let most_comparisons = most.min(MAX_WORK / (weight * (1 + domain.factors.len() / 64)));
    let mut search = Search { policy, other, domain: &domain, comparisons: 0, most_comparisons };
    let found = search.find(domain.least(), domain.most());
    let implication = match found {
        Some(found) => {
            Implication::Fails(domain.describe(&search.minimal(policy, &domain.least(), found)))
        }
        None if search.comparisons < most_comparisons => Implication::Holds,
        None => Implication::Undecided { comparisons: search.comparisons },
    };
    (implication, search.comparisons)
}

/// What two policies can tell apart.
struct Domain {
    factors: Vec<Factor>,
    /// The ages of a factor, each up to another limit, and one beyond them all.
    ages: Vec<Option<Duration>>,
    /// The ages of a session, likewise.
    session_ages: Vec<Option<Duration>>,
}

impl Domain {
    fn of(one: &Policy, other: &Policy) -> Self {
        let named = distinct([one.named_factors(), other.named_factors()].concat());
        let models = [one.trust_models(), other.trust_models()].concat();
        let mut known: Vec<_> =
            models.iter().flat_map(|model| model.changed()).chain(Factor::LISTED).collect();
        let unheard = unheard_of(|factor| named.contains(factor) || known.contains(&factor));
        known.push(&unheard);
        known.retain(|factor| !named.contains(factor));
        let mut seen = Vec::new();
        known.retain(|factor| {
            let rows: Vec<_> = models.iter().map(|model| model.row(factor)).collect();
            let looks = (factor.is_phishing_resistant(), rows);
            let new = !seen.contains(&looks);
            seen.push(looks);
            new
        });
        let limits = [one.limits(), other.limits()].concat();
        let session_limits = [one.session_limits(), other.session_limits()].concat();
        let session_ages = if session_limits.is_empty() {
            Vec::new()
        } else {
            [&*limits, &session_limits].concat()
        };
        // In the order of the documentation, so that a counterexample is of the usual factors
        // first.
        let factors = BTreeSet::from_iter(named.iter().chain(known).cloned());
        Self {
            factors: factors.into_iter().collect(),
            ages: ages(limits),
            session_ages: ages(session_ages),
        }
    }
}

/// A session: for each factor the index of its age, or beyond the last where it was not proved, and
/// then the index of the session's own age. The larger, the less.
type Point = Vec<usize>;

impl Domain {
    /// Everything proved now, in a session that began now.
    fn most(&self) -> Point {
        vec![0; self.factors.len() + 1]
    }

    /// Nothing proved, in the oldest session.
    fn least(&self) -> Point {
        let factors = self.factors.iter().map(|_| self.ages.len());
        factors.chain([self.session_ages.len() - 1]).collect()
    }

    fn session_age(&self, point: &[usize]) -> Option<Duration> {
        point.last().and_then(|index| self.session_ages.get(*index).copied()).flatten()
    }

    fn proved(&self, point: &[usize]) -> impl Iterator<Item = (&Factor, Option<Duration>)> {
        self.factors
            .iter()
            .zip(point)
            .filter_map(|(factor, index)| Some((factor, *self.ages.get(*index)?)))
    }

    fn describe(&self, point: &[usize]) -> Counterexample {
        let factors = self.proved(point).map(|(factor, age)| (factor.clone(), age)).collect();
        let is_limited = self.ages.len() > 1;
        Counterexample { factors, session_age: self.session_age(point), is_limited }
    }
}

fn with(point: &[usize], coordinate: usize, choice: usize) -> Point {
    point
        .iter()
        .enumerate()
        .map(|(index, old)| if index == coordinate { choice } else { *old })
        .collect()
}

/// One age for each region between limits, the youngest first; last that beyond them all, which is
/// as good as no date. Exactly at the limit is fresh.
fn ages(mut limits: Vec<Duration>) -> Vec<Option<Duration>> {
    limits.sort_unstable();
    limits.dedup();
    limits.into_iter().map(Some).chain([None]).collect()
}

struct Search<'a> {
    policy: &'a Policy,
    other: &'a Policy,
    domain: &'a Domain,
    comparisons: usize,
    most_comparisons: usize,
}

impl Search<'_> {
    /// A session between the least and the most that meets the policy and not the other. Both are
    /// monotone, so what the most does not meet none does, and what the least meets all do.
    fn find(&mut self, mut least: Point, most: Point) -> Option<Point> {
        if self.comparisons >= self.most_comparisons
            || !self.meets(self.policy, &most)
            || self.meets(self.other, &least)
        {
            return None;
        }
        if !self.meets(self.other, &most) {
            return Some(most);
        }
        // Whoever has all of this meets the other, so a counterexample lacks some of it.
        let enough = self.minimal(self.other, &least, most.clone());
        for (coordinate, choice) in enough.into_iter().enumerate().rev() {
            if least.get(coordinate) != Some(&choice) {
                let found = self.find(least.clone(), with(&most, coordinate, choice + 1));
                if found.is_some() {
                    return found;
                }
                least = with(&least, coordinate, choice);
            }
        }
        None
    }

    /// From a point that meets the policy towards the least, coordinate by coordinate, as far as it
    /// still does.
    fn minimal(&mut self, policy: &Policy, least: &[usize], mut point: Point) -> Point {
        for (coordinate, lowest) in least.iter().enumerate().rev() {
            let current = point.get(coordinate).copied().unwrap_or_default();
            let lower =
                (current + 1..=*lowest).rev().map(|choice| with(&point, coordinate, choice));
            if let Some(less) = lower.into_iter().find(|less| self.meets(policy, less)) {
                point = less;
            }
        }
        point
    }

    fn meets(&mut self, policy: &Policy, point: &[usize]) -> bool {
        self.comparisons += 1;
        holds_for(policy, self.domain.proved(point), self.domain.session_age(point))
    }
}

impl Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (factor, age)) in self.factors.iter().enumerate() {
            write!(f, "{}{factor}", if index > 0 { ", " } else { "" })?;
            match age {
                Some(age) => write!(f, " ({} old)", Span(*age))?,
                None if self.is_limited => f.write_str(" (of any age)")?,
                None => {}
            }
        }
        match self.session_age {
            None => Ok(()),
            Some(age) => write!(f, ", in a session {} old", Span(age)),
        }
    }
}
