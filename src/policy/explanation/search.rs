//! The search for prompts: the smallest sets of factors with which a session would meet a policy.

use std::borrow::Cow;
use std::time::Duration;

use time::OffsetDateTime;

use super::methods::{MAX_OFFERED, Method, Methods};
use super::minimal::{Search, bits, what_is_proved};
use super::need::{Need, NeedBuilder};
use super::prompts::{Outlook, Prompts};
use super::request::grace;
use crate::factor::{Assertion, AuthenticationFactor, Factor};
use crate::moment::Moment;
use crate::policy::decision::{Facts, Readings, until};
use crate::policy::types::{Policy, distinct};
use crate::profile::Terms;
use crate::session::Session;

/// Returns the sets of these factors that would meet the policy.
pub(super) fn prompts(
    policy: &Policy,
    session: &Session,
    at: OffsetDateTime,
    offered: &[Factor],
) -> Prompts {
    count_search();
    counted(policy, session, at, offered).0
}

/// Returns the sets of these methods of an issuer that would meet the policy.
pub(super) fn prompts_for_methods(
    policy: &Policy,
    session: &Session,
    at: OffsetDateTime,
    methods: &Methods,
) -> Prompts {
    count_search();
    let proofs: Vec<_> = methods.proofs.iter().map(|(factor, at)| (factor, *at)).collect();
    let (prompts, _) = search(policy, session, at, &proofs, Some(&methods.all));
    Prompts { truncated: prompts.truncated || methods.truncated, ..prompts }
}

fn count_search() {
    #[cfg(test)]
    SEARCHES.set(SEARCHES.get() + 1);
}

#[cfg(test)]
thread_local! {
    /// The number of searches that this thread has made.
    pub(crate) static SEARCHES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Returns the prompts, and the number of steps that they took.
fn counted(
    policy: &Policy,
    session: &Session,
    at: OffsetDateTime,
    offered: &[Factor],
) -> (Prompts, usize) {
    let now = at.into();
    let known: Vec<_> = distinct(offered.iter().map(|factor| (factor, now)).collect());
    let offered = known.get(..MAX_OFFERED).unwrap_or(&known);
    let (prompts, steps) = search(policy, session, at, offered, None);
    (Prompts { truncated: prompts.truncated || known.len() > MAX_OFFERED, ..prompts }, steps)
}

/// Returns the prompts, and the number of steps that they took. A step is one check: of one proof
/// or one set of factors, against one clause, one attacker of a clause, or one set that was already
/// found. Without methods, each of the proofs is on offer by itself.
fn search(
    policy: &Policy,
    session: &Session,
    at: OffsetDateTime,
    offered: &[(&Factor, Moment)],
    methods: Option<&[Method]>,
) -> (Prompts, usize) {
    let now = at.into();
    let facts = Facts::new(session, now);
    let readings = Readings::of(session, facts.latest());
    // A rounded time may look older by the issuer's unit. The age of a method that is not used again
    // may be rounded in another way in the next token.
    let terms = session.terms();
    let resolution = terms.map_or(Duration::ZERO, |terms| terms.capabilities.resolution);
    let then = now.plus(grace(policy.shortest_limit())).plus(resolution);
    let mut steps = 0;
    let needs = readings.iter().map(|proofs| {
        let reading = facts.with_factors(&proofs);
        let freshest = reading.freshest();
        let facts = reading.with_factors(&freshest);
        let mut builder = NeedBuilder { facts, offered, then, steps: 0 };
        let need = builder.need(policy, None);
        steps += builder.steps;
        need
    });
    let mut search = Search::new(Need::in_every_reading(needs), &facts, offered, methods);

    let (found, complete) = search.minimal_sets();
    // A new session of an issuer that leaves the start out of its tokens would not state it either.
    let states_start = terms.is_none() || session.started_at().is_some();
    // The user can prove this session's factors again in a new one.
    let holds_with = |proofs: &[AuthenticationFactor], new: u32| {
        let again =
            proofs.iter().map(|proof| (proof.factor(), date_in_new_session(proof, terms, now)));
        let new = bits(new).filter_map(|bit| offered.get(bit.trailing_zeros() as usize).copied());
        let assumed: Vec<_> = new.chain(again).collect();
        let facts = facts.with_factors(proofs);
        let anew = facts.assuming(&assumed);
        let anew = if states_start { anew.starting_at(now) } else { anew };
        until(policy, &anew, None).reaches(then)
    };
    let everything = |count: usize| u32::try_from((1_u64 << count) - 1).unwrap_or(u32::MAX);
    let holds_in_new_session = |proofs: Cow<'_, [AuthenticationFactor]>| match methods {
        None => holds_with(&proofs, everything(offered.len())),
        Some(methods) => what_is_proved(methods, everything(methods.len()))
            .into_iter()
            .all(|new| holds_with(&proofs, new)),
    };
    let outlook = if !found.is_empty() {
        Outlook::Retryable
    } else if readings.iter().all(holds_in_new_session) {
        Outlook::Restart
    } else {
        Outlook::Hopeless
    };
    let many = found.len();
    let sets = search.describe(found);
    let truncated = !complete || many > sets.len();
    (Prompts { sets, truncated, outlook }, steps + search.steps)
}

/// Returns the date of a proof that is made again in a new session. An issuer that states something
/// without a date, such as `acr`, does so in every session.
fn date_in_new_session(proof: &AuthenticationFactor, terms: Option<&Terms>, now: Moment) -> Moment {
    let Some(terms) = terms else { return now };
    let is_sign_in = *proof.factor() == Factor::Asserted(Assertion::SIGN_IN);
    let is_dated = match is_sign_in {
        true => terms.capabilities.dates_sign_in,
        false => proof.date().moment().is_some(),
    };
    if is_dated { now } else { Moment::DISTANT_PAST }
}

#[cfg(test)]
mod tests {
    use super::super::minimal::MAX_STEPS;
    use super::super::prompts::Prompt;
    use super::*;
    use crate::testing::{self, NOW, SessionBuilder};

    fn on_offer() -> Vec<Factor> {
        Factor::LISTED.iter().take(MAX_OFFERED).cloned().collect()
    }

    /// Returns a session with a password and this many useless proofs.
    fn session_of(others: usize) -> Session {
        let other = |index| Factor::from_pair("other", &format!("number_{index}"));
        let session = testing::session().proved(Factor::Password);
        (0..others).map(other).fold(session, SessionBuilder::proved).build()
    }

    fn limited(policy: &Policy, limits: std::ops::Range<u64>) -> Vec<Policy> {
        limits.map(|limit| policy.clone().within(Duration::from_secs(limit))).collect()
    }

    /// Returns the most expensive policies of each kind, short and long.
    fn expensive_policies() -> Vec<Policy> {
        let most_expensive = Policy::independent(4);
        let long =
            |start: u64| Policy::try_all_of(limited(&most_expensive, start..start + 60)).unwrap();
        let half = Policy::try_at_least(12, on_offer()).unwrap();
        let mixed =
            on_offer().into_iter().map(Policy::from).chain(limited(&most_expensive, 120..128));
        vec![
            most_expensive.clone(),
            Policy::try_any_of(limited(&Policy::mfa(), 120..184)).unwrap(),
            half.clone(),
            half.and(long(120)),
            Policy::try_at_least(20, mixed).unwrap(),
            Policy::try_all_of((2..10).map(|start| long(60 * start))).unwrap(),
        ]
    }

    #[test]
    fn the_steps_are_bounded_for_every_policy_and_session() {
        for policy in expensive_policies() {
            for others in [0, 1, 400] {
                let (prompts, steps) = counted(&policy, &session_of(others), NOW, &on_offer());
                let once = policy.weight() * (1 + others + MAX_OFFERED);
                let most = once + MAX_STEPS + 100 * policy.weight();
                assert!(steps <= most, "{policy:.100}: {steps} of {most}");
                assert!(prompts.is_retryable() && !prompts.sets().is_empty(), "{policy:.100}");
            }
        }
    }

    /// Returns a session with this many ambiguous proofs, each of which is one of two factors.
    fn ambiguous(choices: usize) -> Session {
        let one = |session: SessionBuilder, index| {
            session.one_of(&format!("name-{index}"), [Factor::OtpEmail, Factor::MagicLinkEmail])
        };
        (0..choices).fold(testing::session().proved(Factor::Password), one).build()
    }

    #[test]
    fn the_steps_are_bounded_for_ambiguous_sessions_too() {
        for policy in expensive_policies() {
            for (choices, readings) in [(1, 2), (6, 64), (40, 64)] {
                let (prompts, steps) = counted(&policy, &ambiguous(choices), NOW, &on_offer());
                let once = policy.weight() * (1 + choices + MAX_OFFERED);
                let most = readings * once + MAX_STEPS + 100 * readings * policy.weight();
                assert!(steps <= most, "{policy:.100}: {steps} of {most}");
                assert!(prompts.is_retryable() && !prompts.sets().is_empty(), "{policy:.100}");
            }
        }
    }

    #[test]
    fn a_set_has_to_suffice_in_every_reading() {
        let session = testing::session().one_of("otp", [Factor::OtpSms, Factor::OtpEmail]).build();
        let offered = [Factor::Password, Factor::Totp, Factor::MagicLinkEmail];
        let prompts = prompts(&Policy::mfa(), &session, NOW, &offered);
        let sets: Vec<Vec<_>> = prompts
            .sets()
            .iter()
            .map(|set| set.iter().map(|it| it.factor.to_string()).collect())
            .collect();
        // The password is not enough: the code may have been sent by email.
        assert_eq!(sets, [["totp"]]);
    }

    #[test]
    fn each_proof_is_checked_once_for_each_clause() {
        for policy in expensive_policies() {
            let [(few, less), (many, more)] =
                [0, 400].map(|others| counted(&policy, &session_of(others), NOW, &on_offer()));
            assert_eq!(few, many, "{policy:.100}");
            assert!(more - less <= 400 * policy.weight(), "{policy:.100}: {}", more - less);
        }
    }

    #[test]
    fn every_set_found_is_sufficient_and_minimal_even_if_the_search_is_cut_short() {
        for policy in expensive_policies() {
            let session = session_of(0);
            let (prompts, _) = counted(&policy, &session, NOW, &on_offer());
            let holds = |set: &[&Prompt]| {
                let now = NOW.into();
                let assumed: Vec<_> = set.iter().map(|prompt| (&prompt.factor, now)).collect();
                let facts = Facts::new(&session, now);
                until(&policy, &facts.assuming(&assumed), None)
                    .reaches(now.plus(Duration::from_secs(60)))
            };
            for set in prompts.sets() {
                let set: Vec<_> = set.iter().collect();
                assert!(holds(&set), "{policy:.100}");
                for left_out in 0..set.len() {
                    let mut less = set.clone();
                    less.remove(left_out);
                    assert!(!holds(&less), "{policy:.100}");
                }
            }
        }
    }
}
