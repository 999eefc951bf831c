//! Implications between policies, and their counterexamples.

use std::time::Duration;

use tower_step_up::policy::{Counterexample, Implication};
use tower_step_up::testing::{self, NOW, SessionBuilder};
use tower_step_up::{Factor, Policy, TrustModel};

const MINUTE: Duration = Duration::from_secs(60);

/// Returns the session that a counterexample describes.
pub(crate) fn session_of(counterexample: &Counterexample) -> SessionBuilder {
    let session = match counterexample.session_age {
        Some(age) => testing::session().started_ago(age),
        None => testing::session().without_start(),
    };
    counterexample.factors.iter().cloned().fold(session, |session, (factor, age)| match age {
        Some(age) => session.proved_ago(factor, age),
        None => session.undated(factor),
    })
}

#[track_caller]
fn check_holds(policy: &Policy, other: &Policy) {
    assert_eq!(policy.implies(other), Implication::Holds, "{policy} implies {other}");
}

#[track_caller]
fn check_fails(policy: &Policy, other: &Policy, want: &str) {
    let Implication::Fails(counterexample) = policy.implies(other) else {
        panic!("{policy} implies {other}")
    };
    assert_eq!(counterexample.to_string(), want);
    let session = session_of(&counterexample).build();
    assert!(policy.evaluate(&session, NOW).is_ok());
    assert!(other.evaluate(&session, NOW).is_err());
}

fn second() -> Policy {
    Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn])
}

fn transfer() -> Policy {
    Policy::mfa().and(second().within(10 * MINUTE)).named("transfer")
}

#[test]
fn a_further_demand_makes_a_policy_stricter() {
    check_holds(&transfer(), &Policy::mfa());
    check_fails(&Policy::mfa(), &transfer(), "password (of any age), otp/sms (of any age)");
    check_holds(&Policy::independent(3), &Policy::mfa());
    check_fails(&Policy::mfa(), &Policy::independent(3), "password, otp/sms");
    check_holds(&Factor::Totp.into(), &second());
    check_fails(&second(), &Factor::Totp.into(), "otp/sms");
}

#[test]
fn a_tighter_limit_makes_a_policy_stricter() {
    let within = |minutes| Policy::mfa().within(minutes * MINUTE);
    check_holds(&within(5), &within(5));
    check_holds(&within(5), &within(6));
    check_fails(&within(6), &within(5), "password (6m old), otp/sms (6m old)");
    check_holds(&within(6).within(5 * MINUTE), &within(5));
    check_fails(&Policy::mfa(), &within(5), "password (of any age), otp/sms (of any age)");
    check_holds(&Policy::session_within(MINUTE), &Policy::session_within(2 * MINUTE));
    check_fails(
        &Policy::session_within(2 * MINUTE),
        &Policy::session_within(MINUTE),
        "password, in a session 2m old",
    );
}

#[test]
fn every_dated_proof_meets_a_limit_that_is_too_long_to_exceed() {
    check_fails(
        &Policy::session(),
        &Policy::session().within(Duration::MAX),
        "password (of any age)",
    );
    check_holds(&Policy::session().within(Duration::MAX), &Policy::session());
}

#[test]
fn a_pair_implies_mfa_only_if_the_trust_model_makes_it_independent() {
    let pair = |second| Policy::all_of([Factor::Password, second]);
    check_holds(&pair(Factor::OtpSms), &Policy::mfa());
    check_fails(&pair(Factor::OtpEmail), &Policy::mfa(), "password, otp/email");
    let by_sms = TrustModel::default()
        .presentable_also_by(Factor::Password, [tower_step_up::Compromise::PhoneNumber]);
    check_fails(
        &pair(Factor::OtpSms),
        &Policy::mfa().with_trust_model(&by_sms),
        "password, otp/sms",
    );
    check_holds(&Policy::mfa().with_trust_model(&by_sms), &Policy::mfa());
    check_fails(&Policy::mfa(), &Policy::mfa().with_trust_model(&by_sms), "password, otp/sms");
}

#[test]
fn counterexamples_use_factors_that_no_policy_names() {
    let mfa_or_passkey = Policy::mfa().or(Policy::phishing_resistant());
    check_fails(&mfa_or_passkey, &Policy::mfa(), "phishing_resistant_key");
    check_fails(&Policy::session(), &second(), "password");
    check_fails(
        &Policy::mfa().within(5 * MINUTE),
        &transfer(),
        "password (5m old), otp/whatsapp (5m old)",
    );
}

#[test]
fn counterexamples_use_unlisted_factors() {
    let all = Factor::LISTED.iter().cloned();
    let trusting = all.fold(TrustModel::default(), |trust, factor| {
        trust.presentable_only_by(factor, [tower_step_up::Compromise::Device])
    });
    check_fails(
        &Policy::session(),
        &Policy::independent(1).with_trust_model(&trusting),
        "unlisted/factor_1",
    );
    let one_of_them = Factor::from_pair("unlisted", "factor_1");
    let naming = Policy::independent(1).with_trust_model(&trusting).or(one_of_them);
    check_fails(&Policy::session(), &naming, "unlisted/factor_2");
    check_fails(&Policy::session(), &Policy::independent(1), "magic_link/embedded");
}

#[test]
fn long_conjunctions_are_decided() {
    let admin =
        Policy::phishing_resistant().within(5 * MINUTE).and(Policy::session_within(720 * MINUTE));
    let strict = Policy::mfa().within(5 * MINUTE).and(transfer()).and(admin.clone());
    check_holds(&strict, &transfer().within(60 * MINUTE).and(admin));
}

#[test]
fn a_comparison_beyond_the_bound_is_undecided() {
    let of_24 =
        |needed| Policy::try_at_least(needed, Factor::LISTED.iter().take(24).cloned()).unwrap();
    check_holds(&of_24(3), &of_24(2));
    assert!(!of_24(12).implies(&of_24(11)).holds() && of_24(3).implies(&of_24(2)).holds());
    let Implication::Undecided { comparisons } = of_24(12).implies(&of_24(11)) else {
        panic!("decided")
    };
    assert!((100_000..101_000).contains(&comparisons), "{comparisons}");
    // A larger policy gets fewer comparisons.
    let large = |needed| {
        let limited =
            (0..90).map(|limit| Policy::independent(4).within(Duration::from_secs(limit)));
        Policy::try_all_of([of_24(needed), Policy::try_any_of(limited.take(60)).unwrap()]).unwrap()
    };
    let Implication::Undecided { comparisons } = large(12).implies(&large(11)) else {
        panic!("decided")
    };
    assert!(comparisons < 2_000, "{comparisons}");
}

#[test]
fn a_policy_implies_itself_however_wide_it_is() {
    let of_24 = |needed| {
        let clauses = Factor::LISTED.iter().take(24).cloned();
        Policy::try_at_least(needed, clauses).unwrap()
    };
    let fours = |needed| {
        let clauses = (0..30).map(|limit| Policy::independent(4).within(limit * MINUTE));
        Policy::try_at_least(needed, clauses).unwrap()
    };
    // This policy is too large for even one comparison.
    let heavy = |needed| Policy::try_all_of((0..16).map(|_| fours(needed))).unwrap();
    assert!(!heavy(15).implies(&heavy(14)).holds(), "the search decided it after all");
    for (policy, again) in [(of_24(12), of_24(12)), (fours(15), fours(15)), (heavy(15), heavy(15))]
    {
        let (policy, again) = (|| policy.clone(), || again.clone());
        let pairs = [
            (policy(), policy()),
            (policy(), again()),
            (policy().named("one"), again().named("other")),
            (policy().within(MINUTE), again().named("inner").within(MINUTE)),
            (policy().and(Policy::mfa()), again()),
            (policy().and(Policy::mfa()), Policy::mfa().and(again())),
            (policy(), again().or(Policy::mfa())),
            (policy().or(Policy::mfa()), Policy::mfa().or(again())),
        ];
        for (index, (one, other)) in pairs.iter().enumerate() {
            assert!(one.implies(other).holds(), "pair {index}");
        }
    }
}

#[test]
fn clauses_that_both_policies_share_are_not_searched() {
    let wide = || {
        let clauses = Factor::LISTED.iter().take(24).cloned();
        Policy::try_at_least(12, clauses).unwrap()
    };
    let with = |minutes| wide().and(Policy::from(Factor::Totp).within(minutes * MINUTE));
    check_holds(&with(10), &with(20));
    let Implication::Fails(session) = with(20).implies(&with(10)) else { panic!("no failure") };
    assert!(session.to_string().contains("totp (20m old)"), "{session}");
    let session = session_of(&session).build();
    assert!(with(20).evaluate(&session, NOW).is_ok() && with(10).evaluate(&session, NOW).is_err());
}

#[test]
fn a_policy_that_nothing_can_meet_implies_every_policy() {
    check_holds(&Policy::independent(8), &Policy::phishing_resistant());
}
