//! A table for reviewers: how the policies `mfa`, `transfer` and `admin` decide for each session.

use std::time::Duration;

use tower_step_up::policy::{ListError, Prompt, Reason, Requirement};
use tower_step_up::testing::{self, NOW, SessionBuilder};
use tower_step_up::{Factor, Policy, assert_granted};

use crate::support::{proved, seconds, transfer};

fn admin() -> Policy {
    Policy::phishing_resistant()
        .within(seconds(300))
        .and(Policy::session_within(seconds(43_200)))
        .named("admin")
}

/// A policy's decision: no, yes for this many seconds, or yes for as long as the session lasts.
#[derive(Debug, PartialEq)]
enum Decision {
    No,
    For(i64),
    Yes,
}
use Decision::{For, No, Yes};

fn decide(policy: &Policy, session: &SessionBuilder) -> Decision {
    let session = session.clone().ends_in(seconds(1_000_000)).build();
    match policy.evaluate(&session, NOW) {
        Err(_) => No,
        Ok(grant) if grant.expires_at() == session.expires_at() + seconds(5) => Yes,
        Ok(grant) => {
            let end = grant.expires_at();
            assert!(
                grant.holds_at(end) && !grant.holds_at(end + Duration::from_nanos(1)),
                "a limit is inclusive"
            );
            For((end - NOW).whole_seconds())
        }
    }
}

#[track_caller]
fn check(session: SessionBuilder, want: [Decision; 3]) {
    assert_eq!(
        [Policy::mfa(), transfer(), admin()].map(|policy| decide(&policy, &session)),
        want,
        "{session:?}"
    );
}

#[test]
fn one_factor_is_not_two() {
    check(proved(&[Factor::Password]), [No, No, No]);
    check(proved(&[Factor::OtpSms, Factor::OtpWhatsapp]), [No, No, No]);
    check(proved(&[Factor::OtpSms, Factor::OtpSms]), [No, No, No]);
    check(proved(&[Factor::MagicLinkEmail, Factor::MagicLinkEmail]), [No, No, No]);
}

#[test]
fn the_mailbox_resets_the_password() {
    for email in [
        Factor::MagicLinkEmail,
        Factor::OtpEmail,
        Factor::EmailOtp,
        Factor::OAuthGoogle,
        Factor::OAuthHubspot,
    ] {
        check(proved(&[Factor::Password, email.clone()]), [No, No, No]);
        check(proved(&[email, Factor::Password]), [No, No, No]);
    }
}

#[test]
fn a_password_and_a_second_factor_meet_mfa_at_any_age_and_transfer_for_ten_minutes() {
    let password = |age| testing::session().proved_ago(Factor::Password, seconds(age));
    check(password(60).proved_ago(Factor::OtpSms, seconds(60)), [Yes, For(540), No]);
    check(password(7_200).proved_ago(Factor::OtpSms, seconds(600)), [Yes, For(0), No]);
    check(password(60).proved_ago(Factor::OtpSms, seconds(601)), [Yes, No, No]);
    check(
        password(60).proved_ago(Factor::OtpSms, seconds(600) + Duration::from_nanos(1)),
        [Yes, No, No],
    );
    check(password(60).proved_ago(Factor::OtpWhatsapp, seconds(60)), [Yes, No, No]);
    check(password(60).proved_ago(Factor::Totp, seconds(7_200)), [Yes, No, No]);
}

#[test]
fn an_undated_proof_meets_no_limit_and_a_future_one_counts_only_within_the_leeway() {
    let password = || testing::session().proved_ago(Factor::Password, seconds(60));
    check(password().undated(Factor::Totp), [Yes, No, No]);
    check(password().unreadable(Factor::Totp), [No, No, No]);
    check(password().proved_ahead(Factor::Totp, seconds(5)), [Yes, For(605), No]);
    check(
        password().proved_ahead(Factor::Totp, seconds(5) + Duration::from_nanos(1)),
        [No, No, No],
    );
    check(password().proved_ahead(Factor::Totp, seconds(6)), [No, No, No]);
    let fresh_and_ahead =
        password().proved_ago(Factor::Totp, seconds(100)).proved_ahead(Factor::Totp, seconds(6));
    check(fresh_and_ahead, [Yes, For(500), No]);
}

#[test]
fn admin_needs_a_fresh_passkey_in_a_recent_session() {
    let webauthn = |age| testing::session().proved_ago(Factor::WebAuthn, seconds(age));
    check(webauthn(60), [No, No, For(240)]);
    check(webauthn(300).started_ago(seconds(43_200)), [No, No, For(0)]);
    check(webauthn(60).started_ago(seconds(43_201)), [No, No, No]);
    check(webauthn(60).without_start(), [No, No, No]);
    check(proved(&[Factor::WebAuthn, Factor::Totp]), [No, No, For(240)]);
    check(proved(&[Factor::MagicLinkEmail, Factor::WebAuthn]), [Yes, For(540), For(240)]);
}

#[test]
fn only_independent_pairs_meet_mfa() {
    check(proved(&[Factor::OtpSms, Factor::Totp]), [Yes, For(540), No]);
    check(proved(&[Factor::OAuthGoogle, Factor::OtpSms]), [Yes, For(540), No]);
    check(proved(&[Factor::MagicLinkEmail, Factor::OtpSms]), [Yes, For(540), No]);
    check(proved(&[Factor::SsoSaml, Factor::Totp]), [Yes, For(540), No]);
    check(proved(&[Factor::Password, Factor::RecoveryCode]), [Yes, No, No]);
    check(proved(&[Factor::Totp, Factor::RecoveryCode]), [No, No, No]);
    check(proved(&[Factor::CryptoWallet, Factor::Totp]), [No, No, No]);
}

#[test]
fn a_factor_that_anyone_can_present_adds_nothing_and_removes_nothing() {
    let unknown = Factor::from_pair("telepathy", "mind");
    check(proved(&[Factor::Password, Factor::Impersonated, unknown]), [No, No, No]);
    check(proved(&[Factor::Password, Factor::MagicLinkEmbedded]), [No, No, No]);
    check(proved(&[Factor::Impersonated, Factor::Password, Factor::Totp]), [Yes, For(540), No]);
}

#[test]
fn three_factors_are_not_independent_if_two_compromises_are_enough_for_them() {
    // An attacker with the device and the recovery codes can present all three factors.
    let session = proved(&[Factor::CryptoWallet, Factor::Totp, Factor::RecoveryCode]).build();
    assert!(Policy::independent(2).evaluate(&session, NOW).is_ok());
    assert!(Policy::independent(3).evaluate(&session, NOW).is_err());
    let three = proved(&[Factor::SsoOidc, Factor::OtpSms, Factor::WebAuthn]).build();
    assert!(Policy::independent(3).evaluate(&three, NOW).is_ok());
    assert!(Policy::independent(4).evaluate(&three, NOW).is_err());
    assert!(Policy::independent(usize::MAX).evaluate(&three, NOW).is_err());
}

#[test]
fn the_policy_session_accepts_any_factor() {
    let limited = Policy::session().within(seconds(60));
    assert_eq!(decide(&limited, &proved(&[Factor::Impersonated])), For(0));
    assert_eq!(decide(&limited, &testing::session().proved_ago(Factor::Password, seconds(61))), No);
    assert_eq!(decide(&Policy::session(), &testing::session()), No);
    assert_eq!(decide(&Policy::session(), &testing::session().unreadable(Factor::Password)), No);
    assert_eq!(decide(&Policy::session(), &testing::session().undated(Factor::Password)), Yes);
}

#[test]
fn the_tighter_of_nested_limits_counts_and_limits_beyond_the_calendar_do_not() {
    let sms =
        |inner, outer| Policy::factor(Factor::OtpSms).within(seconds(inner)).within(seconds(outer));
    let session = testing::session().proved_ago(Factor::OtpSms, seconds(50));
    assert_eq!(
        [decide(&sms(60, 90), &session), decide(&sms(90, 60), &session)],
        [For(10), For(10)]
    );
    assert_eq!([decide(&sms(40, 90), &session), decide(&sms(90, 40), &session)], [No, No]);
    assert_eq!(decide(&Policy::factor(Factor::OtpSms).within(Duration::MAX), &session), Yes);
    assert_eq!(decide(&Policy::session_within(Duration::MAX), &session), Yes);
    // A tighter `within` limits the session's age too.
    assert_eq!(decide(&Policy::session_within(seconds(700)).within(seconds(599)), &session), No);
    assert_eq!(
        decide(&Policy::session_within(seconds(700)).within(seconds(600)), &session),
        For(0)
    );
}

#[test]
fn no_policy_holds_for_a_session_without_a_proof() {
    let young = Policy::session_within(seconds(43_200));
    for nothing in [
        testing::session(),
        testing::session().unreadable(Factor::Password),
        testing::session().proved_ahead(Factor::Password, seconds(6)),
    ] {
        assert_eq!(decide(&Policy::session(), &nothing), No);
        assert_eq!(decide(&young, &nothing), No);
        assert_eq!(decide(&young.clone().or(Policy::mfa()), &nothing), No);
    }
    assert_eq!(decide(&young, &proved(&[Factor::Password])), For(42_600));
    assert_eq!(
        decide(&young.within(seconds(700)), &testing::session().undated(Factor::Password)),
        For(100)
    );
}

#[test]
fn within_zero_is_exact() {
    let now = Policy::factor(Factor::Totp).within(Duration::ZERO);
    assert_eq!(decide(&now, &testing::session().proved(Factor::Totp)), For(0));
    assert_eq!(decide(&now, &testing::session().proved_ahead(Factor::Totp, seconds(3))), For(3));
    assert_eq!(
        decide(&now, &testing::session().proved_ago(Factor::Totp, Duration::from_nanos(1))),
        No
    );
}

#[test]
fn any_of_holds_until_its_last_clause_ends_and_all_of_until_its_first_ends() {
    let limited = |factor, limit| Policy::factor(factor).within(seconds(limit));
    let session = proved(&[Factor::OtpSms, Factor::Totp]);
    let (sms, totp) = (limited(Factor::OtpSms, 100), limited(Factor::Totp, 300));
    assert_eq!(decide(&Policy::any_of([sms.clone(), totp.clone()]), &session), For(240));
    assert_eq!(decide(&Policy::all_of([sms.clone(), totp.clone()]), &session), For(40));
    assert_eq!(decide(&sms.clone().or(totp.clone()), &session), For(240));
    assert_eq!(decide(&sms.and(totp), &session), For(40));
    // Any two of the three factors are independent, so the second freshest decides.
    let third = session.proved_ago(Factor::SsoSaml, seconds(10));
    assert_eq!(decide(&Policy::mfa().within(seconds(100)), &third), For(40));
}

#[test]
fn the_end_of_the_session_bounds_a_grant_and_is_exclusive() {
    let session = proved(&[Factor::Password, Factor::OtpSms]).ends_in(seconds(100)).build();
    let grant = transfer().evaluate(&session, NOW).unwrap();
    assert_eq!(grant.expires_at(), NOW + seconds(105));
    assert!(grant.holds_at(NOW + seconds(105) - Duration::from_nanos(1)));
    assert!(!grant.holds_at(NOW + seconds(105)));
    assert_eq!(grant.token_expires_at(), NOW + seconds(300));
    assert_eq!((grant.policy(), grant.session().id()), (&transfer(), session.id()));
}

#[track_caller]
fn check_unmet(
    policy: &Policy,
    session: &SessionBuilder,
    want: &[(Requirement, Reason)],
    text: &str,
) {
    let shortfall = policy.evaluate(&session.build(), NOW).unwrap_err();
    let unmet: Vec<_> =
        shortfall.unmet().iter().map(|it| (it.requirement.clone(), it.reason)).collect();
    assert_eq!(unmet, want);
    assert_eq!(shortfall.to_string(), text);
}

#[test]
fn a_shortfall_names_every_unmet_clause() {
    let missing = |factor| (Requirement::Factor { factor }, Reason::Missing);
    let independent = |needed, have| (Requirement::Independent { needed, have }, Reason::Missing);
    let stale = |age, limit| Reason::Stale { since: NOW - seconds(age), max_age: seconds(limit) };

    let password = testing::session().proved(Factor::Password);
    check_unmet(
        &Policy::mfa(),
        &password,
        &[independent(2, 1)],
        "authenticate with a second, independent factor",
    );
    check_unmet(
        &Policy::mfa(),
        &testing::session(),
        &[independent(2, 0)],
        "authenticate with 2 independent factors",
    );
    check_unmet(
        &Policy::independent(3),
        &proved(&[Factor::Password, Factor::OtpSms]),
        &[independent(3, 2)],
        "authenticate with a further, independent factor",
    );
    check_unmet(
        &transfer(),
        &password,
        &[
            independent(2, 1),
            missing(Factor::OtpSms),
            missing(Factor::Totp),
            missing(Factor::WebAuthn),
        ],
        "authenticate with a second, independent factor and (otp/sms, totp or webauthn)",
    );
    check_unmet(
        &transfer(),
        &password.clone().proved_ago(Factor::OtpSms, seconds(700)),
        &[
            (Requirement::Factor { factor: Factor::OtpSms }, stale(700, 600)),
            missing(Factor::Totp),
            missing(Factor::WebAuthn),
        ],
        "authenticate with otp/sms again, totp or webauthn",
    );
    check_unmet(
        &Policy::mfa().within(seconds(60)),
        &password.proved_ago(Factor::OtpSms, seconds(61)),
        &[(Requirement::Independent { needed: 2, have: 1 }, stale(61, 60))],
        "authenticate with a second, independent factor again",
    );
    check_unmet(
        &Policy::session(),
        &testing::session(),
        &[(Requirement::Session, Reason::Missing)],
        "authenticate with any factor",
    );
}

#[test]
fn a_new_session_is_asked_for_only_if_the_session_is_too_old() {
    let restart = |started_at, limit| {
        (Requirement::SessionWithin, Reason::Restart { started_at, max_age: seconds(limit) })
    };
    let began = |ago| Some(NOW - seconds(ago));
    let young = || Policy::session_within(seconds(60));
    let old = testing::session().started_ago(seconds(61));
    check_unmet(&young(), &old, &[restart(began(61), 60)], "authenticate in a new session");
    check_unmet(
        &young(),
        &testing::session().proved(Factor::Totp).without_start(),
        &[restart(None, 60)],
        "authenticate in a new session",
    );
    // The session is young enough, but nothing was proved in it.
    check_unmet(
        &young(),
        &testing::session().started_ago(seconds(60)),
        &[(Requirement::SessionWithin, Reason::Missing)],
        "authenticate with any factor",
    );
    let without_proof = testing::session().started_ago(seconds(0)).build();
    let shortfall = Policy::session_within(seconds(600)).evaluate(&without_proof, NOW).unwrap_err();
    assert!(shortfall.prompts().is_retryable() && !shortfall.prompts().needs_restart());
    let is_totp = |set: &Vec<_>| matches!(&set[..], [Prompt { factor: Factor::Totp, .. }]);
    assert!(shortfall.prompts().sets().iter().any(is_totp));
    check_unmet(
        &admin(),
        &testing::session().proved_ago(Factor::WebAuthn, seconds(301)).started_ago(seconds(50_000)),
        &[
            (
                Requirement::PhishingResistant,
                Reason::Stale { since: NOW - seconds(301), max_age: seconds(300) },
            ),
            restart(began(50_000), 43_200),
        ],
        "authenticate with a phishing-resistant factor again and in a new session",
    );
    check_unmet(
        &young().and(Factor::Totp),
        &old,
        &[restart(began(61), 60), (Requirement::Factor { factor: Factor::Totp }, Reason::Missing)],
        "authenticate with totp and in a new session",
    );
}

#[test]
#[should_panic(expected = "would demand nothing")]
fn independent_zero_is_refused() {
    let _ = Policy::independent(0);
}

#[test]
fn a_restart_helps_even_if_the_limit_is_shorter_than_the_grace() {
    let old = testing::session().proved(Factor::Password).started_ago(seconds(100));
    for limit in [seconds(0), seconds(1), seconds(30), seconds(60), seconds(99)] {
        for policy in [
            Policy::session_within(limit),
            Policy::session_within(seconds(3_600)).within(limit),
            Policy::session_within(limit).within(seconds(3_600)),
            Policy::session_within(limit).and(Policy::session()),
        ] {
            let shortfall = policy.evaluate(&old.build(), NOW).unwrap_err();
            let restart = Reason::Restart { started_at: Some(NOW - seconds(100)), max_age: limit };
            assert_eq!(shortfall.unmet()[0].reason, restart, "{policy}");
            assert!(shortfall.prompts_for(&[Factor::Password]).needs_restart(), "{policy}");
        }
    }
}

#[test]
fn the_challenge_states_the_smallest_limit() {
    let sms = || Policy::factor(Factor::OtpSms);
    assert_eq!(Policy::mfa().max_age(), None);
    assert_eq!(Policy::session_within(seconds(9)).max_age(), None);
    assert_eq!(sms().within(seconds(5)).within(seconds(9)).max_age(), Some(seconds(5)));
    assert_eq!(
        sms().within(seconds(9)).and(Policy::mfa().within(seconds(7))).max_age(),
        Some(seconds(7))
    );
}

#[test]
fn and_extends_a_list_unless_it_has_a_name() {
    let three = Policy::mfa().and(Factor::Totp).and(Factor::OtpSms);
    assert_eq!(three, Policy::all_of([Policy::mfa(), Factor::Totp.into(), Factor::OtpSms.into()]));
    let named = Policy::mfa().and(Factor::Totp).named("base");
    assert_eq!(named.clone().and(Factor::OtpSms), Policy::all_of([named, Factor::OtpSms.into()]));
}

#[test]
fn at_least_counts_clauses_and_holds_until_too_few_are_left() {
    let limited = |factor, limit| Policy::factor(factor).within(seconds(limit));
    let clauses = || {
        [limited(Factor::OtpSms, 100), limited(Factor::Totp, 200), limited(Factor::WebAuthn, 300)]
    };
    let all = proved(&[Factor::OtpSms, Factor::Totp, Factor::WebAuthn]);
    let ends = [1, 2, 3].map(|needed| decide(&Policy::at_least(needed, clauses()), &all));
    assert_eq!(ends, [For(240), For(140), For(40)]);
    let two = proved(&[Factor::Totp, Factor::OtpSms]);
    let ends = [1, 2, 3].map(|needed| decide(&Policy::at_least(needed, clauses()), &two));
    assert_eq!(ends, [For(140), For(40), No]);
    // One factor may meet several clauses.
    let twice =
        Policy::at_least(2, [Policy::session(), Factor::Totp.into(), Factor::OtpSms.into()]);
    assert_eq!(decide(&twice, &proved(&[Factor::Totp])), Yes);
}

#[test]
fn a_shortfall_of_at_least_says_how_many_more_are_needed() {
    let payout = Policy::at_least(2, [Factor::Password, Factor::OtpSms, Factor::Totp]);
    let text = |policy: &Policy, factors: &[Factor]| {
        policy.evaluate(&proved(factors).build(), NOW).unwrap_err().to_string()
    };
    assert_eq!(text(&payout, &[Factor::Password]), "authenticate with otp/sms or totp");
    assert_eq!(
        text(&payout, &[Factor::WebAuthn]),
        "authenticate with 2 of password, otp/sms and totp"
    );
    let both = Policy::at_least(2, [Factor::Password, Factor::Totp]);
    assert_eq!(text(&both, &[Factor::OtpSms]), "authenticate with password and totp");
}

#[test]
#[should_panic(expected = "needed must be from 1 to the number of clauses (2), not 3")]
fn at_least_more_than_the_number_of_clauses_is_refused() {
    let _ = Policy::at_least(3, [Factor::Password, Factor::Totp]);
}

#[test]
#[should_panic(expected = "needed must be from 1 to the number of clauses (2), not 0")]
fn at_least_zero_is_refused() {
    let _ = Policy::at_least(0, [Factor::Password, Factor::Totp]);
}

#[test]
fn run_time_lists_must_be_neither_empty_nor_too_long() {
    let list = |length| vec![Factor::Totp; length];
    for length in [1, 2, 64] {
        assert!(
            Policy::try_all_of(list(length)).is_ok() && Policy::try_any_of(list(length)).is_ok()
        );
        assert!(Policy::try_at_least(length, list(length)).is_ok());
    }
    assert_eq!(Policy::try_all_of(list(0)), Err(ListError::Empty));
    assert_eq!(Policy::try_any_of(list(65)), Err(ListError::TooLong));
    assert_eq!(Policy::try_any_of(std::iter::repeat(Factor::Totp)), Err(ListError::TooLong));
    for needed in [0, 3] {
        assert_eq!(
            Policy::try_at_least(needed, list(2)),
            Err(ListError::OutOfRange { needed, clauses: 2 })
        );
    }
    let read: Vec<Factor> = ["otp/sms", "totp"].iter().map(|name| name.parse().unwrap()).collect();
    assert_eq!(Policy::try_any_of(read), Ok(Policy::any_of([Factor::OtpSms, Factor::Totp])));
}

#[test]
fn a_requirement_with_more_than_it_needs_can_be_displayed() {
    let shortfall = Policy::mfa().evaluate(&testing::session().build(), NOW).unwrap_err();
    let mut unmet = shortfall.unmet()[0].clone();
    unmet.requirement = Requirement::Independent { needed: 1, have: 3 };
    assert_eq!(unmet.to_string(), "0 independent factors");
}

#[test]
fn stytchs_own_rule_for_its_resources_can_be_written() {
    let rule = Policy::at_least(
        2,
        [
            Policy::any_of([Factor::OAuthGoogle, Factor::MagicLinkEmail, Factor::OtpEmail]),
            Policy::any_of([Factor::OtpSms, Factor::OtpWhatsapp]),
            Policy::any_of([Factor::WebAuthn, Factor::Totp]),
        ],
    )
    .and(Policy::session().within(seconds(3_600)));
    assert_eq!(decide(&rule, &proved(&[Factor::Password, Factor::OtpSms])), No);
    assert_eq!(decide(&rule, &proved(&[Factor::OtpSms, Factor::OtpWhatsapp])), No);
    assert_eq!(decide(&rule, &proved(&[Factor::MagicLinkEmail, Factor::OtpSms])), For(3_540));
    let old = testing::session()
        .proved_ago(Factor::OtpSms, seconds(9_000))
        .proved_ago(Factor::Totp, seconds(3_601));
    assert_eq!(decide(&rule, &old), No);
}

/// Writes each prompt as its factor, followed by `!` if the factor is missing, and by its maximum
/// age in seconds if it has one.
fn prompts_as_text(policy: &Policy, session: &SessionBuilder, offered: &[Factor]) -> Vec<String> {
    let shortfall = policy.evaluate(&session.build(), NOW).unwrap_err();
    let word = |prompt: &Prompt| {
        let missing = if prompt.last_authenticated_at.is_none() { "!" } else { "" };
        let held =
            prompt.max_age.map_or(String::new(), |max_age| format!(" {}", max_age.as_secs()));
        format!("{}{missing}{held}", prompt.factor)
    };
    let prompts = shortfall.prompts_for(offered);
    prompts.sets().iter().map(|set| set.iter().map(word).collect::<Vec<_>>().join(" + ")).collect()
}

#[test]
fn prompts_are_ordered_by_what_is_missing_then_by_size_then_as_offered() {
    let offered = [Factor::Totp, Factor::OtpSms, Factor::WebAuthn];
    let stale =
        testing::session().proved(Factor::Password).proved_ago(Factor::OtpSms, seconds(900));
    assert_eq!(
        prompts_as_text(&transfer(), &stale, &offered),
        ["otp/sms 600", "totp! 600", "webauthn! 600"]
    );
    // A factor that may be older is asked for earlier, so that the others are as fresh as possible.
    let both = Policy::factor(Factor::OtpSms)
        .within(seconds(60))
        .and(Policy::factor(Factor::Totp).within(seconds(600)))
        .and(Factor::WebAuthn);
    let words = prompts_as_text(
        &both,
        &testing::session(),
        &[Factor::OtpSms, Factor::Totp, Factor::WebAuthn],
    );
    assert_eq!(words, ["webauthn! + totp! 600 + otp/sms! 60"]);
}

#[test]
fn a_factor_that_would_lapse_before_the_prompt_is_answered_is_asked_for_too() {
    let both = Policy::all_of([Factor::Password, Factor::OtpSms]).within(seconds(600));
    let session = |age| testing::session().proved_ago(Factor::Password, seconds(age));
    let offered = [Factor::Password, Factor::OtpSms];
    assert_eq!(prompts_as_text(&both, &session(540), &offered), ["otp/sms! 600"]);
    assert_eq!(prompts_as_text(&both, &session(541), &offered), ["password 600 + otp/sms! 600"]);
}

#[test]
fn a_needed_factor_is_prompted_for_alone_wherever_it_is_in_the_offer() {
    let mfa = proved(&[Factor::Password, Factor::OtpSms]);
    let by_default = |policy: &Policy, session: &SessionBuilder| {
        let shortfall = policy.evaluate(&session.build(), NOW).unwrap_err();
        assert!(!shortfall.prompts().is_truncated());
        prompts_as_text(policy, session, &shortfall.offered())
    };
    assert_eq!(by_default(&Policy::mfa().and(Factor::SsoSaml), &mfa), ["sso/sso_saml!"]);
    assert_eq!(
        by_default(&Policy::session().and(Factor::OAuthGoogle), &mfa),
        ["oauth/oauth_google!"]
    );
    let google = Policy::factor(Factor::OAuthGoogle).within(seconds(600));
    assert_eq!(by_default(&Policy::mfa().and(google), &mfa), ["oauth/oauth_google! 600"]);
    let email = Policy::mfa().and(Policy::session().within(seconds(3_600))).and(Factor::EmailOtp);
    assert_eq!(by_default(&email, &proved(&[Factor::Password, Factor::Totp])), ["email_otp!"]);
}

#[test]
fn a_search_that_is_cut_short_returns_only_minimal_sets() {
    let offered: Vec<_> = Factor::LISTED.iter().take(24).cloned().collect();
    for needed in [3, 8, 12, 20, 23] {
        let some = Policy::try_at_least(needed, offered.clone()).unwrap();
        let shortfall = some.evaluate(&testing::session().build(), NOW).unwrap_err();
        let prompts = shortfall.prompts_for(&offered);
        assert!(prompts.is_retryable() && !prompts.sets().is_empty());
        assert!(prompts.sets().iter().all(|set| set.len() == needed), "{needed}");
    }
}

#[test]
fn prompts_are_bounded_for_any_policy() {
    // Each of the millions of ways to choose 12 factors out of 24 is a minimal set.
    let offered: Vec<_> = Factor::LISTED.iter().take(30).cloned().collect();
    let half = Policy::try_at_least(12, offered.iter().take(24).cloned()).unwrap();
    let shortfall = half.evaluate(&testing::session().build(), NOW).unwrap_err();
    let prompts = shortfall.prompts_for(&offered);
    assert!(prompts.is_truncated() && prompts.is_retryable());
    assert_eq!(prompts.sets().len(), 16);
    assert!(prompts.sets().iter().all(|set| set.len() == 12));
}

#[track_caller]
fn check_explanation(policy: &Policy, session: &SessionBuilder, want: &str) {
    assert_eq!(policy.explain(&session.build(), NOW).to_string(), want);
}

#[test]
fn an_explanation_is_a_tree_with_evidence_age_limit_and_verdict() {
    let stale =
        testing::session().proved(Factor::Password).proved_ago(Factor::OtpSms, seconds(900));
    check_explanation(
        &transfer(),
        &stale,
        "transfer: all of: not met\n  \
           mfa: met by password (now), otp/sms (15m ago)\n  \
           any of: not met\n    \
             otp/sms within 10m: stale, otp/sms (15m ago)\n    \
             totp within 10m: missing\n    \
             webauthn within 10m: missing\n",
    );
    check_explanation(
        &admin(),
        &testing::session().proved_ago(Factor::WebAuthn, seconds(90)).started_ago(seconds(90_000)),
        "admin: all of: not met\n  \
           phishing_resistant within 5m: met by webauthn (1m 30s ago)\n  \
           session_within 12h: restart\n",
    );
    check_explanation(
        &Policy::at_least(2, [Policy::mfa().named("base"), Policy::session().within(seconds(60))])
            .named("both"),
        &testing::session()
            .undated(Factor::Password)
            .undated(Factor::Impersonated)
            .unreadable(Factor::Totp),
        "both: 2 of: not met\n  \
           base: mfa: missing, password (undated)\n  \
           session within 1m: missing, password (undated), impersonated (undated)\n",
    );
}

#[test]
fn an_explanation_can_be_written_as_json() {
    let policy =
        Policy::factor(Factor::OtpSms).within(seconds(600)).or(Policy::mfa()).named("either");
    let session = testing::session().proved_ago(Factor::OtpSms, seconds(60)).build();
    let explanation = serde_json::to_value(policy.explain(&session, NOW)).unwrap();
    let sms = serde_json::json!([{"factor": "otp/sms", "age": 60, "last_authenticated_at": "2026-01-01T11:59:00Z"}]);
    let want = serde_json::json!({
        "name": "either", "clause": "any_of", "verdict": "met", "until": "2026-01-01T12:09:00Z",
        "clauses": [
            {"requirement": "factor", "factor": "otp/sms", "max_age": 600, "verdict": "met",
             "until": "2026-01-01T12:09:00Z", "evidence": sms},
            {"requirement": "independent", "needed": 2, "have": 1, "reason": "missing",
                "evidence": sms},
        ],
    });
    assert_eq!(explanation, want);
}

#[test]
fn a_decision_that_grants_allocates_the_grant_and_nothing_else() {
    let factors = [Factor::OAuthGoogle, Factor::Password, Factor::OtpSms, Factor::Totp];
    let session = factors.into_iter().fold(testing::session(), SessionBuilder::proved);
    let groups = Policy::at_least(2, [Factor::Password, Factor::OtpSms, Factor::Totp]);
    let policy = transfer()
        .and(groups)
        .and(Policy::independent(3))
        .and(Policy::session_within(seconds(3_600)));
    // The first decision of a process also builds the list of all sets of compromises.
    assert_granted!(policy, session);
    let session = session.build();
    let allocations =
        allocation_counter::measure(|| assert!(policy.evaluate(&session, NOW).is_ok()));
    assert_eq!(allocations.count_total, 1);
}

#[test]
fn an_explanation_as_json_names_each_member_once() {
    let second = Policy::any_of([Factor::OtpSms, Factor::Totp]).named("inner").within(seconds(600));
    let groups = Policy::at_least(1, [Policy::mfa(), Factor::WebAuthn.into()]);
    let policy = second.and(groups).named("transfer");
    let session = testing::session()
        .proved_ago(Factor::OtpSms, seconds(900))
        .proved(Factor::Password)
        .build();
    let whole = policy.explain(&session, NOW);
    let sms = serde_json::json!(
        {"factor": "otp/sms", "age": 900, "last_authenticated_at": "2026-01-01T11:45:00Z"}
    );
    let password = serde_json::json!(
        {"factor": "password", "age": 0, "last_authenticated_at": "2026-01-01T12:00:00Z"}
    );
    let want = serde_json::json!({
        "name": "transfer", "clause": "all_of", "verdict": "not_met",
        "clauses": [
            {"name": "inner", "clause": "any_of", "verdict": "not_met", "clauses": [
                {"requirement": "factor", "factor": "otp/sms", "max_age": 600, "reason": "stale",
                 "last_authenticated_at": "2026-01-01T11:45:00Z", "evidence": [sms]},
                {"requirement": "factor", "factor": "totp", "max_age": 600, "reason": "missing"},
            ]},
            {"clause": "at_least", "needed": 1, "verdict": "met", "clauses": [
                {"requirement": "independent", "needed": 2, "have": 2, "verdict": "met",
                 "evidence": [sms, password]},
                {"requirement": "factor", "factor": "webauthn", "reason": "missing"},
            ]},
        ],
    });
    assert_eq!(serde_json::to_value(&whole).unwrap(), want);
    // No object has `max_age` twice, because readers may refuse a name that is repeated.
    for policy in [&policy, &admin(), &Policy::session().within(seconds(60))] {
        let session =
            testing::session().proved_ago(Factor::WebAuthn, seconds(900)).without_start().build();
        let text = serde_json::to_string(&policy.explain(&session, NOW)).unwrap();
        for object in text.split('{') {
            assert!(
                object.split(['[', '}']).next().unwrap().matches("\"max_age\"").count() <= 1,
                "{text}"
            );
        }
    }
    let lifted = Policy::from(Factor::Totp).named("inner").within(seconds(60));
    assert_eq!(lifted.explain(&session, NOW).to_string(), "totp within 1m: missing\n");
}
