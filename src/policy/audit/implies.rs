//! The comparison of two policies: whether one is at least as strict as the other.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::time::Duration;

use super::attack::unknown_factor;
use super::sameness::remainder;
use crate::factor::Factor;
use crate::policy::decision::holds_with_ages;
use crate::policy::types::{Policy, distinct};
use crate::policy::words::Span;

/// The result of [`Policy::implies`]: whether every session that meets one policy meets another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Implication {
    /// Every session that meets the first policy also meets the other.
    Holds,
    /// This session meets the first policy but not the other.
    Fails(Counterexample),
    /// The search reached its bound without a result. A caller that relies on the implication
    /// should treat it as failed.
    Undecided {
        /// How often a session was evaluated against a policy.
        comparisons: usize,
    },
}

impl Implication {
    /// Returns whether the implication is known to hold. Returns `false` if it is undecided.
    #[must_use]
    pub fn holds(&self) -> bool {
        *self == Self::Holds
    }
}

/// A session that meets one policy but not the other.
///
/// It is minimal. If one of its factors were missing or older than stated, or the session were
/// older than stated, it would not meet the first policy either.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counterexample {
    /// The proved factors, each with its maximum age. The maximum is `None` if any age will do,
    /// even an unknown one.
    pub factors: Vec<(Factor, Option<Duration>)>,
    /// The maximum age of the session. `None` if any age will do, even an unknown one.
    pub session_age: Option<Duration>,
    /// Whether a policy limits the age of factors. If none does, the text leaves out "of any age".
    is_limited: bool,
}

/// The maximum number of comparisons in a search, for two policies whose weights add up to at most
/// 64. The bound is lower for larger policies.
const MAX_COMPARISONS: usize = 100_000;
const MAX_WORK: usize = 64 * MAX_COMPARISONS;

impl Policy {
    /// Returns whether every session that meets this policy also meets `other`, at any instant. If
    /// it does, this policy is at least as strict.
    ///
    /// This is a search. It tries the factors that the policies name, and one representative of
    /// each group of other factors that the trust models treat alike. For each factor it tries one
    /// age for each interval between limits.
    ///
    /// The search is bounded. A comparison evaluates one policy for one session. After 100,000
    /// comparisons, about a tenth of a second, the result is undecided. The bound is lower if the
    /// two policies together have more than 64 clauses, or more than 32 clauses and dozens of
    /// factors. A clause that requires independent factors counts here once for each set of
    /// compromises: 7 times for `mfa`, at most 35 times.
    ///
    /// The search leaves out clauses that both policies have, so a policy always implies itself,
    /// whatever its name.
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

/// Compares two policies in at most `max_comparisons` comparisons. Also returns how many it made.
pub(super) fn compare(
    policy: &Policy,
    other: &Policy,
    max_comparisons: usize,
) -> (Implication, usize) {
    let weight = policy.weight() + other.weight();
    let Some(other) = &remainder(policy, other) else { return (Implication::Holds, 0) };
    let domain = Domain::of(policy, other);
    // An evaluation checks every factor against every clause.
    let max_comparisons =
        max_comparisons.min(MAX_WORK / (weight * (1 + domain.factors.len() / 64)));
    let mut search = Search { policy, other, domain: &domain, comparisons: 0, max_comparisons };
    let found = search.find(domain.weakest(), domain.strongest());
    let implication = match found {
        Some(found) => {
            Implication::Fails(domain.describe(&search.minimal(policy, &domain.weakest(), found)))
        }
        None if search.comparisons < max_comparisons => Implication::Holds,
        None => Implication::Undecided { comparisons: search.comparisons },
    };
    (implication, search.comparisons)
}

/// The factors and ages that make a difference to two policies.
struct Domain {
    factors: Vec<Factor>,
    /// The ages of a factor: each limit, and `None` for an age above them all.
    ages: Vec<Option<Duration>>,
    /// The ages of a session: each limit, and `None` for an age above them all.
    session_ages: Vec<Option<Duration>>,
}

impl Domain {
    fn of(one: &Policy, other: &Policy) -> Self {
        let named = distinct([one.named_factors(), other.named_factors()].concat());
        let models = [one.trust_models(), other.trust_models()].concat();
        let mut known: Vec<_> =
            models.iter().flat_map(|model| model.changed()).chain(Factor::LISTED).collect();
        let unknown = unknown_factor(|factor| named.contains(factor) || known.contains(&factor));
        known.push(&unknown);
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
        // The order of the documentation puts common factors first, so a counterexample prefers
        // them.
        let factors = BTreeSet::from_iter(named.iter().chain(known).cloned());
        Self {
            factors: factors.into_iter().collect(),
            ages: ages(limits),
            session_ages: ages(session_ages),
        }
    }
}

/// A session, as indices of ages: one for each factor, and then that of the session itself. A
/// factor that was not proved has an index beyond the last age. Larger indices make a weaker
/// session.
type Point = Vec<usize>;

impl Domain {
    /// Returns the strongest session: every factor and the session itself have the lowest age.
    fn strongest(&self) -> Point {
        vec![0; self.factors.len() + 1]
    }

    /// Returns the weakest session: no factor is proved, and the session has the highest age.
    fn weakest(&self) -> Point {
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

/// Returns one age for each interval between limits, the lowest first. It is the upper limit of the
/// interval, which is still fresh. The last one is `None`, above every limit and equivalent to no
/// date.
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
    max_comparisons: usize,
}

impl Search<'_> {
    /// Returns a session between `weakest` and `strongest` that meets the policy but not the other
    /// one.
    ///
    /// Policies are monotone. If `strongest` does not meet one, no session between them does. If
    /// `weakest` meets one, all of them do.
    fn find(&mut self, mut weakest: Point, strongest: Point) -> Option<Point> {
        if self.comparisons >= self.max_comparisons
            || !self.meets(self.policy, &strongest)
            || self.meets(self.other, &weakest)
        {
            return None;
        }
        if !self.meets(self.other, &strongest) {
            return Some(strongest);
        }
        // A session with all of `enough` meets the other policy, so a counterexample lacks some of
        // it.
        let enough = self.minimal(self.other, &weakest, strongest.clone());
        for (coordinate, choice) in enough.into_iter().enumerate().rev() {
            if weakest.get(coordinate) != Some(&choice) {
                let found = self.find(weakest.clone(), with(&strongest, coordinate, choice + 1));
                if found.is_some() {
                    return found;
                }
                weakest = with(&weakest, coordinate, choice);
            }
        }
        None
    }

    /// Weakens a session, one coordinate at a time and towards `weakest`, as long as it still meets
    /// the policy.
    fn minimal(&mut self, policy: &Policy, weakest: &[usize], mut point: Point) -> Point {
        for (coordinate, lowest) in weakest.iter().enumerate().rev() {
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
        holds_with_ages(policy, self.domain.proved(point), self.domain.session_age(point))
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
