//! Properties of every policy and every session.

use std::time::Duration;

use proptest::prelude::*;
use tower_step_up::policy::{Finding, Implication};
use tower_step_up::testing::{self, NOW, SessionBuilder};
use tower_step_up::{Compromise, Factor, Policy, TrustModel};

const FACTORS: [Factor; 8] = [
    Factor::Password,
    Factor::OtpSms,
    Factor::OtpEmail,
    Factor::Totp,
    Factor::WebAuthn,
    Factor::OAuthGoogle,
    Factor::RecoveryCode,
    Factor::Impersonated,
];

/// A factor with its age in seconds, without a date, or with an unreadable date. A negative age is
/// a date in the future.
#[derive(Clone, Debug)]
enum Entry {
    Dated(Factor, i64),
    Undated(Factor),
    Unreadable(Factor),
}

fn factor() -> impl Strategy<Value = Factor> {
    prop::sample::select(&FACTORS[..])
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        8 => (factor(), -8_i64..40).prop_map(|(factor, age)| Entry::Dated(factor, age)),
        1 => factor().prop_map(Entry::Undated),
        1 => factor().prop_map(Entry::Unreadable),
    ]
}

fn session(entries: &[Entry]) -> SessionBuilder {
    entries.iter().fold(
        testing::session().started_ago(Duration::from_secs(20)),
        |session, entry| match entry.clone() {
            Entry::Dated(factor, age) if age < 0 => {
                session.proved_ahead(factor, Duration::from_secs(age.unsigned_abs()))
            }
            Entry::Dated(factor, age) => {
                session.proved_ago(factor, Duration::from_secs(age.unsigned_abs()))
            }
            Entry::Undated(factor) => session.undated(factor),
            Entry::Unreadable(factor) => session.unreadable(factor),
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let limit = || (0_u64..30).prop_map(Duration::from_secs);
    let leaf = prop_oneof![
        factor().prop_map(Policy::factor),
        Just(Policy::session()),
        Just(Policy::phishing_resistant()),
        (1_usize..4).prop_map(Policy::independent),
        limit().prop_map(Policy::session_within),
    ];
    leaf.prop_recursive(4, 24, 3, move |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.or(b)),
            (1_usize..4, prop::collection::vec(inner.clone(), 3))
                .prop_map(|(needed, clauses)| Policy::try_at_least(needed, clauses).unwrap()),
            (inner, limit()).prop_map(|(policy, limit)| policy.within(limit)),
        ]
    })
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(entry(), 0..6)
}

proptest! {
    #[test]
    fn a_further_factor_never_loses_a_grant(policy in policy(), entries in entries(),
        more in entry()) {
        if policy.evaluate(&session(&entries).build(), NOW).is_ok() {
            let more = [entries, vec![more]].concat();
            prop_assert!(policy.evaluate(&session(&more).build(), NOW).is_ok());
        }
    }

    #[test]
    fn a_fresher_proof_never_loses_a_grant(policy in policy(), entries in entries(),
        which in 0_usize..6, age in -5_i64..40) {
        if policy.evaluate(&session(&entries).build(), NOW).is_ok() {
            let mut redated = entries;
            if let Some(Entry::Dated(_, old)) = redated.get_mut(which) {
                *old = age.min(*old);
            }
            prop_assert!(policy.evaluate(&session(&redated).build(), NOW).is_ok());
        }
    }

    #[test]
    fn order_and_repetition_do_not_matter(policy in policy(), entries in entries()) {
        let turned: Vec<_> = entries.iter().rev().chain(&entries).cloned().collect();
        let end = |entries: &[Entry]| policy.evaluate(&session(entries).build(),
            NOW).ok().map(|it| it.expires_at());
        prop_assert_eq!(end(&entries), end(&turned));
    }

    #[test]
    fn a_grant_ends_exactly_when_the_policy_no_longer_holds(
        policy in policy(), entries in entries()
    ) {
        // An entry that is dated ahead begins to count later, so this leaves such entries out.
        let past: Vec<_> = entries.into_iter().filter(|it| !matches!(it, Entry::Dated(_,
            ..0))).collect();
        let session = session(&past).ends_in(Duration::from_secs(1_000_000)).build();
        if let Ok(grant) = policy.evaluate(&session, NOW) {
            let end = grant.expires_at();
            if end < session.expires_at() {
                prop_assert!(policy.evaluate(&session, end).is_ok());
                prop_assert!(policy.evaluate(&session, end + Duration::from_nanos(1)).is_err());
            }
        }
    }

    #[test]
    fn a_shortfall_always_names_something(policy in policy(), entries in entries()) {
        if let Err(shortfall) = policy.evaluate(&session(&entries).build(), NOW) {
            prop_assert!(!shortfall.unmet().is_empty());
            prop_assert!(shortfall.to_string().len() > "authenticate ".len());
        }
    }

    #[test]
    fn an_attacker_with_the_mailbox_never_meets_mfa(
        proofs in prop::collection::vec((any::<prop::sample::Index>(), -8_i64..100_000,
            any::<bool>()), 0..8)
    ) {
        let trust = TrustModel::default();
        let by_mailbox = |factor: &&Factor| {
            trust.presentable_by(factor).is_some_and(|row| row.into_iter().any(|it| it == Compromise::Mailbox))
        };
        let weak: Vec<_> = Factor::LISTED.iter().filter(by_mailbox).collect();
        assert!(weak.len() > 20 && weak.contains(&&Factor::Password)
            && weak.contains(&&Factor::OAuthApple));
        let entries: Vec<_> = proofs
            .into_iter()
            .map(|(which, age, dated)| match (weak[which.index(weak.len())].clone(), dated) {
                (factor, true) => Entry::Dated(factor, age),
                (factor, false) => Entry::Undated(factor),
            })
            .collect();
        prop_assert!(Policy::mfa().evaluate(&session(&entries).build(), NOW).is_err());
    }

    #[test]
    fn the_operators_make_policies_stricter_or_weaker_as_expected(
        (one, other) in (policy(), policy()), limit in (0_u64..30).prop_map(Duration::from_secs)
    ) {
        for (stricter, than) in [
            (one.clone(), one.clone()),
            (one.clone().and(other.clone()), one.clone()),
            (one.clone().and(other.clone()), other.clone()),
            (one.clone(), one.clone().or(other.clone())),
            (one.clone().within(limit), one.clone()),
            (one.clone().within(limit), one.clone().within(limit + Duration::from_secs(1))),
        ] {
            prop_assert!(!matches!(stricter.implies(&than), Implication::Fails(_)), "{} => {}",
                stricter, than);
        }
        let renamed = one.clone().named("renamed");
        for (stricter, than) in [
            (&one, &renamed),
            (&one.clone().and(other.clone()), &renamed),
            (&one, &renamed.clone().or(other.clone())),
        ] {
            prop_assert_eq!(stricter.implies(than), Implication::Holds);
        }
    }

    #[test]
    fn a_redundant_alternative_can_be_left_out(
        (one, other) in (policy(), policy()), entries in entries()
    ) {
        let both = one.clone().or(other.clone());
        let redundant = both.audit().findings.into_iter().find_map(|it| match it {
            Finding::RedundantClause { clause, .. } => Some(clause),
            _ => None,
        });
        // A clause with the same text inside the other policy may be meant instead.
        let is_outside = |policy: &Policy, clause: &str| !policy.to_string().contains(clause);
        let left = match redundant {
            Some(clause) if clause == one.to_string() && is_outside(&other, &clause) => other,
            Some(clause) if clause == other.to_string() && is_outside(&one, &clause) => one,
            _ => return Ok(()),
        };
        let met = |policy: &Policy| policy.evaluate(&session(&entries).build(), NOW).is_ok();
        prop_assert_eq!(met(&both), met(&left));
    }

    #[test]
    fn compromises_that_are_enough_for_a_stricter_policy_are_enough_for_the_other(
        one in policy(), other in policy()
    ) {
        // A factor that anyone can present counts only if a policy names it. An added clause that
        // names it can therefore make the policy easier to meet.
        prop_assume!(!other.to_string().contains("impersonated"));
        let is_within = |less: &[Compromise],
            more: &[Compromise]| less.iter().all(|it| more.contains(it));
        let (one, both) = (one.audit(), one.and(other).audit());
        for (of_both, of_one) in [(&both.cold, &one.cold), (&both.hijacked, &one.hijacked),
            (&one.cold, &one.hijacked)] {
            for set in of_both {
                prop_assert!(of_one.iter().any(|smaller| is_within(smaller, set)), "{:?} in {:?}",
                    set, of_one);
            }
        }
    }

    #[test]
    fn the_factors_of_a_finding_meet_the_policy_and_no_fewer_do(policy in policy()) {
        let opens = |factors: &[Factor]| {
            let session = factors.iter().cloned().fold(testing::session().started_ago(Duration::ZERO), SessionBuilder::proved);
            policy.evaluate(&session.build(), NOW).is_ok()
        };
        for finding in policy.audit().findings {
            let (Finding::OneCompromise { factors,
                .. } | Finding::OpenToAnyone { factors }) = finding else { continue };
            prop_assert!(opens(&factors));
            for left_out in 0..factors.len() {
                let mut less = factors.clone();
                less.remove(left_out);
                prop_assert!(!opens(&less));
            }
        }
    }
}
