//! Audits of policies, with the exact texts of their findings.

use std::time::Duration;

use serde_json::json;
use tower_step_up::policy::{Finding, Severity};
use tower_step_up::{Compromise, Factor, Policy, TrustModel};

const MINUTE: Duration = Duration::from_secs(60);

#[track_caller]
fn check(policy: Policy, want: &str) {
    assert_eq!(policy.audit().to_string(), want);
}

fn second() -> Policy {
    Policy::any_of([Factor::OtpSms, Factor::Totp, Factor::WebAuthn])
}

#[test]
fn one_compromise_or_a_hijacked_session_is_enough_for_the_policy_session() {
    check(
        Policy::session(),
        "\
cold: password, mailbox, phone_number, device, identity_provider, wallet, recovery_codes
hijacked: the session alone
remark: one factor is enough: an attacker who holds password or mailbox or phone_number or device or identity_provider or \
wallet or recovery_codes has it
",
    );
}

#[test]
fn mfa_needs_two_compromises_and_a_step_up_in_a_hijacked_session_needs_one() {
    let audit = Policy::mfa().audit();
    assert!(audit.cold.iter().all(|set| set.len() == 2));
    assert_eq!((audit.hijacked, audit.findings), (vec![vec![]], vec![]));

    let audit = Policy::mfa().and(second().within(10 * MINUTE)).audit();
    assert!(audit.cold.iter().all(|set| set.len() == 2));
    assert_eq!(
        audit.hijacked,
        [vec![Compromise::PhoneNumber], vec![Compromise::Device], vec![Compromise::RecoveryCodes]]
    );
    assert_eq!((audit.findings, audit.cold.len()), (vec![], 14));
}

#[test]
fn the_device_alone_is_enough_for_a_policy_that_needs_a_passkey() {
    check(
        Policy::phishing_resistant().within(5 * MINUTE).and(Policy::session_within(720 * MINUTE)),
        "\
cold: device
hijacked: device
remark: one factor is enough: an attacker who holds device has it
",
    );
}

#[test]
fn a_password_and_a_code_by_email_cause_a_warning_that_names_the_mailbox() {
    check(
        Policy::all_of([Factor::Password, Factor::OtpEmail]),
        "\
cold: mailbox, identity_provider
hijacked: the session alone
warning: one compromise is enough: an attacker with the mailbox can present password and otp/email
warning: one compromise is enough: an attacker with the identity_provider can present password and otp/email
remark: it accepts no phishing-resistant factor
",
    );
}

#[test]
fn a_weak_pair_causes_a_warning_even_with_a_strong_factor_as_the_alternative() {
    let policy =
        Policy::all_of([Factor::Password, Factor::MagicLinkEmail]).or(Policy::phishing_resistant());
    let findings = policy.audit().findings;
    assert!(findings.contains(&Finding::OneCompromise {
        compromise: Compromise::Mailbox,
        factors: vec![Factor::Password, Factor::MagicLinkEmail],
    }));
    assert!(findings.contains(&Finding::OneFactor { compromises: vec![Compromise::Device] }));
}

#[test]
fn an_attacker_who_meets_a_step_up_by_email_code_can_present_the_password_too() {
    let email = Policy::from(Factor::OtpEmail).within(10 * MINUTE);
    let by = [Compromise::Mailbox, Compromise::IdentityProvider];
    let beside_mfa = Policy::mfa().and(email.clone()).audit();
    assert_eq!(
        beside_mfa.findings,
        [Finding::HijackerPresentsPassword { compromises: by.to_vec() }]
    );
    assert_eq!(
        beside_mfa.findings[0].to_string(),
        "in a hijacked session mailbox or identity_provider alone is enough to meet it, and also lets an attacker present the password"
    );
    // Without `mfa` the policy plainly asks for one factor, so this is only a remark.
    let alone = email.audit();
    assert!(alone.findings.contains(&Finding::StepUpByFirstFactor { compromises: by.to_vec() }));
    assert_eq!(alone.severity(), Some(Severity::Remark));
    assert_eq!(
        alone.findings[1].to_string(),
        "the step-up asks for no second factor: mailbox or identity_provider alone meets it"
    );
    // A policy without a password has no such finding, and neither has a step-up by two factors.
    let passkey =
        Policy::from(Factor::WebAuthn).and(Policy::from(Factor::OtpEmail).within(10 * MINUTE));
    let two = Policy::independent(3).and(Policy::mfa().within(10 * MINUTE));
    for policy in [passkey, two] {
        assert_eq!(policy.audit().findings, [], "{policy}");
    }
    let payout =
        Policy::at_least(2, [Factor::Password, Factor::OtpSms, Factor::Totp]).within(60 * MINUTE);
    assert_eq!(payout.audit().findings, [Finding::NotPhishingResistant]);
}

#[test]
fn if_sms_resets_the_password_a_step_up_by_sms_is_weak() {
    let by_sms = TrustModel::default()
        .presentable_only_by(Factor::Password, [Compromise::Password, Compromise::PhoneNumber]);
    let step_up = |factor| Policy::mfa().and(Policy::factor(factor).within(10 * MINUTE));
    let want = Finding::HijackerPresentsPassword { compromises: vec![Compromise::PhoneNumber] };
    assert_eq!(step_up(Factor::OtpSms).with_trust_model(&by_sms).audit().findings[0], want);
    assert_eq!(
        want.to_string(),
        "in a hijacked session phone_number alone is enough to meet it, and also lets an attacker present the password"
    );
    assert!(step_up(Factor::OtpEmail).with_trust_model(&by_sms).audit().findings.is_empty());

    // A policy that names its pair keeps the trust model that it was given.
    let pair = Policy::all_of([Factor::Password, Factor::OtpSms]);
    assert_eq!(pair.audit().severity(), Some(Severity::Remark));
    assert_eq!(pair.audit_with_trust_model(&by_sms).cold, [[Compromise::PhoneNumber]]);
    assert_eq!(
        pair.clone().with_trust_model(&by_sms).audit(),
        pair.audit_with_trust_model(&by_sms)
    );
    assert_eq!(pair.clone().with_trust_model(&by_sms).named("pair").audit().warnings().count(), 1);
    assert_eq!(
        pair.clone().with_trust_model(&by_sms).with_trust_model(&TrustModel::default()),
        pair
    );
}

#[test]
fn under_several_trust_models_an_attacker_presents_what_any_of_them_allows() {
    let by_sms =
        TrustModel::default().presentable_also_by(Factor::Password, [Compromise::PhoneNumber]);
    let pair = Policy::all_of([Factor::Password, Factor::OtpSms]);
    let opens = |policy: Policy| policy.audit().cold.contains(&vec![Compromise::PhoneNumber]);
    assert!(!opens(Policy::any_of([pair.clone(), Policy::mfa()])));
    assert!(opens(Policy::any_of([pair, Policy::mfa(), Policy::mfa().with_trust_model(&by_sms)])));
}

#[test]
fn a_factor_that_anyone_can_present_counts_if_the_policy_names_it() {
    check(
        Factor::Impersonated.into(),
        "\
cold: anyone
hijacked: the session alone
warning: open to anyone: the trust model lets anyone present impersonated
remark: it accepts no phishing-resistant factor
",
    );
    let own = Factor::from_pair("trusted_auth_token", "card_reader");
    assert_eq!(
        Policy::all_of([own.clone(), Factor::Totp]).audit().severity(),
        Some(Severity::Warning)
    );
    let trust = TrustModel::default().presentable_only_by(own.clone(), [Compromise::Wallet]);
    let audit = Policy::all_of([own, Factor::Totp]).audit_with_trust_model(&trust);
    assert_eq!(
        audit.cold,
        [[Compromise::Device, Compromise::Wallet], [Compromise::Wallet, Compromise::RecoveryCodes]]
    );
}

#[test]
fn a_policy_that_nothing_can_meet_causes_a_warning() {
    check(
        Policy::independent(8),
        "cold: nothing meets it\nhijacked: nothing meets it\nwarning: nothing can meet it\n",
    );
}

#[test]
fn limits_of_zero_and_of_more_than_a_day_are_found_everywhere() {
    let limited = |limit| Policy::mfa().and(Policy::session().within(limit)).audit().findings;
    assert!(limited(Duration::ZERO).contains(&Finding::ZeroLimit));
    assert_eq!(
        Finding::ZeroLimit.to_string(),
        "a limit of zero: only a proof dated at this very instant meets it, or one dated later but within the leeway"
    );
    assert!(!limited(Duration::from_nanos(1)).contains(&Finding::ZeroLimit));
    let day = 1_440 * MINUTE;
    let long = |max_age| Finding::LongLimit { max_age };
    assert!(!limited(day).contains(&long(day)));
    assert!(limited(day + MINUTE).contains(&long(day + MINUTE)));
    assert_eq!(
        long(day + MINUTE).to_string(),
        "a limit of 1441m is long: at AAL2, NIST SP 800-63B-4 asks for reauthentication within 24h"
    );
    let overruled =
        Policy::mfa().within(2 * day).within(day).and(Policy::session_within(2 * day).within(day));
    assert!(overruled.audit().findings.is_empty());
    let session =
        Policy::mfa().and(Policy::session_within(2 * day).or(Policy::session_within(3 * day)));
    assert!(session.audit().findings.contains(&long(3 * day)));
}

#[test]
fn the_tightest_of_nested_limits_counts() {
    let day = 1_440 * MINUTE;
    let limits = |policy: Policy| {
        let mut findings = policy.audit().findings;
        findings.retain(|it| matches!(it, Finding::LongLimit { .. } | Finding::ZeroLimit));
        findings
    };
    let long = |max_age| vec![Finding::LongLimit { max_age }];
    let totp = Policy::from(Factor::Totp);
    assert_eq!(limits(totp.clone().within(10 * MINUTE).within(9 * day)), []);
    assert_eq!(limits(totp.clone().within(9 * day).within(10 * MINUTE)), []);
    assert_eq!(limits(Policy::session_within(10 * MINUTE).within(9 * day)), []);
    assert_eq!(limits(Policy::session_within(9 * day).within(10 * MINUTE)), []);
    assert_eq!(limits(totp.clone().within(2 * day).within(9 * day)), long(2 * day));
    assert_eq!(limits(totp.clone().within(9 * day).within(2 * day)), long(2 * day));
    assert_eq!(limits(totp.clone().within(Duration::ZERO).within(9 * day)), [Finding::ZeroLimit]);
    // Only one of the two clauses has a limit inside the outer one.
    let one_of = Policy::from(Factor::OtpSms).or(totp.within(10 * MINUTE));
    assert_eq!(limits(one_of.within(9 * day)), long(9 * day));
}

#[test]
fn a_policy_that_cannot_be_met_without_sms_causes_a_remark() {
    assert_eq!(
        Finding::OnlySms.to_string(),
        "it cannot be met without otp/sms, which NIST SP 800-63B-4 restricts"
    );
    let only = |policy: Policy| policy.audit().findings.contains(&Finding::OnlySms);
    assert!(only(Policy::all_of([Factor::Password, Factor::OtpSms])));
    assert!(only(Policy::mfa().and(Policy::from(Factor::OtpSms).within(MINUTE))));
    assert!(!only(Policy::mfa().and(second())));
    assert!(!only(Policy::mfa()));
}

#[test]
fn clauses_overlap_if_one_factor_meets_several_of_them() {
    let (left, right) = ([Factor::Totp, Factor::WebAuthn], [Factor::WebAuthn, Factor::OtpSms]);
    let overlapping =
        Policy::at_least(2, [Policy::any_of(left.clone()), Policy::any_of(right.clone())]);
    let want = Finding::OverlappingClauses { factor: Factor::WebAuthn, meets: 2, needed: 2 };
    assert_eq!(
        want.to_string(),
        "clauses overlap: webauthn alone meets 2 of them, and 2 have to hold"
    );
    assert!(overlapping.clone().within(MINUTE).audit().findings.contains(&want));
    let all =
        Policy::any_of(left).and(Policy::any_of(right.clone())).and(Policy::session_within(MINUTE));
    assert!(all.audit().findings.contains(&want));
    let mfa_and_more = Policy::mfa().and(Policy::any_of(right)).and(Policy::session());
    assert!(mfa_and_more.audit().findings.is_empty());
    let apart = Policy::at_least(2, [Factor::Totp, Factor::WebAuthn, Factor::OtpSms]);
    let one_of = Policy::at_least(1, [Policy::session(), second()]);
    for policy in [apart, one_of] {
        assert!(
            !policy
                .audit()
                .findings
                .iter()
                .any(|it| matches!(it, Finding::OverlappingClauses { .. }))
        );
    }
}

#[test]
fn stytchs_own_rule_has_no_overlap_and_needs_two_compromises() {
    let first = Policy::any_of([Factor::OAuthGoogle, Factor::MagicLinkEmail, Factor::OtpEmail]);
    let groups = [
        first,
        Policy::any_of([Factor::OtpSms, Factor::OtpWhatsapp]),
        Policy::any_of([Factor::WebAuthn, Factor::Totp]),
    ];
    let audit = Policy::at_least(2, groups).and(Policy::session().within(60 * MINUTE)).audit();
    assert!(audit.cold.iter().all(|set| set.len() == 2));
    // The rule accepts any proof of the last hour, even one that anyone can present.
    assert_eq!(audit.findings, [Finding::SessionLimitMetByAnyone { factor: Factor::Impersonated }]);
}

#[test]
fn an_audit_can_be_written_as_json() {
    let audit = serde_json::to_value(Policy::from(Factor::OtpEmail).within(1_500 * MINUTE).audit())
        .unwrap();
    assert_eq!(
        audit,
        json!({
            "cold": [["mailbox"], ["identity_provider"]],
            "hijacked": [["mailbox"], ["identity_provider"]],
            "findings": [
                {"severity": "remark", "finding": "one_factor", "compromises": ["mailbox", "identity_provider"]},
                {"severity": "remark", "finding": "step_up_by_first_factor", "compromises": ["mailbox", "identity_provider"]},
                {"severity": "remark", "finding": "long_limit", "max_age": 90_000},
                {"severity": "remark", "finding": "not_phishing_resistant"},
            ]
        })
    );
}

#[test]
fn phishing_resistant_is_open_to_anyone_if_anyone_can_present_such_a_factor() {
    let trust = TrustModel::default().presentable_by_anyone(Factor::WebAuthn);
    let anyone = Finding::OpenToAnyone { factors: vec![Factor::WebAuthn] };
    for policy in [Policy::phishing_resistant(), Policy::phishing_resistant().or(Policy::mfa())] {
        let audit = policy.clone().with_trust_model(&trust).audit();
        assert_eq!((audit.cold, &audit.findings[0]), (vec![vec![]], &anyone));
    }
}

#[test]
fn a_factor_that_the_policys_own_model_trusts_counts_under_another_model() {
    let own =
        TrustModel::default().presentable_only_by(Factor::TrustedAuthToken, [Compromise::Wallet]);
    let audit = Policy::mfa().with_trust_model(&own).audit_with_trust_model(&TrustModel::default());
    assert!(audit.cold.contains(&vec![Compromise::Password]));
    assert_eq!(audit.severity(), Some(Severity::Warning));
}

#[test]
fn a_policy_that_only_unlisted_factors_meet_is_satisfiable() {
    let nobody = Factor::LISTED
        .iter()
        .cloned()
        .fold(TrustModel::default(), TrustModel::presentable_by_anyone);
    let audit = Policy::session().audit_with_trust_model(&nobody);
    assert!(audit.cold.is_empty() && !audit.findings.contains(&Finding::NeverSatisfiable));
    // The session that a hijacker holds proves something, even if anyone can present it.
    assert_eq!(audit.hijacked, [[]]);
}

#[test]
fn a_factor_open_to_anyone_in_the_audits_model_counts_if_the_policy_accepts_it() {
    let anyones = |factor| TrustModel::default().presentable_by_anyone(factor);
    let by_password = Finding::OneCompromise {
        compromise: Compromise::Password,
        factors: vec![Factor::Password, Factor::OtpSms],
    };
    // The policy's own model accepts the code by SMS, which anyone can present under the audit's.
    let audit = Policy::mfa().audit_with_trust_model(&anyones(Factor::OtpSms));
    assert!(audit.cold.contains(&vec![Compromise::Password]), "{audit}");
    assert!(audit.findings.contains(&by_password), "{audit}");
    // The same holds if another clause brings that model.
    let other_model = Policy::session_within(MINUTE).with_trust_model(&anyones(Factor::OtpSms));
    let audit = Policy::mfa().and(other_model).audit();
    assert!(audit.findings.contains(&by_password), "{audit}");
    // The policy does not count the code if its own model lets anyone present it.
    let audit = Policy::mfa().with_trust_model(&anyones(Factor::OtpSms)).audit();
    assert!(audit.cold.iter().all(|set| set.len() == 2), "{audit}");
}

#[test]
fn a_factor_that_anyone_can_present_does_not_open_the_policy_session() {
    let trust = TrustModel::default().presentable_by_anyone(Factor::RecoveryCode);
    let want = Policy::session().audit_with_trust_model(&trust);
    assert_eq!(want.severity(), Some(Severity::Remark), "{want}");
    assert!(want.cold.iter().all(|set| set.len() == 1), "{want}");
    assert_eq!(Policy::session().with_trust_model(&trust).audit(), want);
}

#[test]
fn a_hijacked_session_has_old_proofs_of_factors_that_anyone_can_present() {
    // Four factors are independent only if one of them is a code sent to the phone number.
    let anyones = TrustModel::default()
        .presentable_by_anyone(Factor::OtpSms)
        .presentable_by_anyone(Factor::OtpWhatsapp);
    let four = Policy::independent(4);
    assert_eq!(four.audit().hijacked, [[]]);
    assert_eq!(four.audit_with_trust_model(&anyones).hijacked, [[]]);
}

#[test]
fn severities_are_ordered() {
    assert!(Severity::Remark < Severity::Warning);
}
