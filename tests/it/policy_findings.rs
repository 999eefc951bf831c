//! A table for each kind of audit finding. It lists policies that have the finding, with its text,
//! and similar policies without it.

use std::time::Duration;

use tower_step_up::policy::{Finding, Severity};
use tower_step_up::{Compromise, Factor, Policy, TrustModel};

const MINUTE: Duration = Duration::from_secs(60);
const TEN: Duration = Duration::from_secs(600);

/// Returns the texts of the policy's findings of this kind.
fn found(policy: &Policy, kind: fn(&Finding) -> bool) -> Vec<String> {
    let of_kind = |finding: &&Finding| kind(finding);
    policy.audit().findings.iter().filter(of_kind).map(ToString::to_string).collect()
}

#[track_caller]
fn check(kind: fn(&Finding) -> bool, severity: Severity, rows: &[(Policy, &[&str])]) {
    for (policy, want) in rows {
        assert_eq!(found(policy, kind), *want, "{policy}");
    }
    let mut severities = rows.iter().flat_map(|(policy, _)| policy.audit().findings);
    assert!(severities.all(|finding| !kind(&finding) || finding.severity() == severity));
}

fn within(policy: impl Into<Policy>, limit: Duration) -> Policy {
    policy.into().within(limit)
}

fn default() -> TrustModel {
    TrustModel::default()
}

#[test]
fn a_step_up_is_found_if_an_attacker_who_meets_it_can_present_the_first_factor_too() {
    let email = || within(Factor::OtpEmail, TEN);
    let pair = |first| Policy::all_of([first, Factor::OtpSms]);
    let both = |first: &str| {
        format!(
            "in a hijacked session mailbox or identity_provider alone is enough to meet it, and \
             also lets an attacker present {first}"
        )
    };
    let [link, google, password] =
        ["magic_link/email", "oauth/oauth_google", "the password"].map(both);
    let elsewhere = default().presentable_only_by(Factor::MagicLinkEmail, [Compromise::Wallet]);
    check(
        |it| {
            matches!(
                it,
                Finding::HijackerPresentsPassword { .. }
                    | Finding::HijackerPresentsFirstFactor { .. }
            )
        },
        Severity::Warning,
        &[
            (pair(Factor::MagicLinkEmail).and(email()), &[&link]),
            (pair(Factor::OAuthGoogle).and(email()), &[&google]),
            (pair(Factor::Password).and(email()), &[&password]),
            (pair(Factor::MagicLinkEmail).and(within(Factor::Password, TEN)), &[&link]),
            (pair(Factor::MagicLinkEmail).and(within(Factor::MagicLinkEmail, TEN)), &[&link]),
            // The limit does not ask for a particular factor.
            (pair(Factor::MagicLinkEmail).and(Policy::session().within(TEN)), &[]),
            // An attacker with the mailbox cannot present the first factor, under either model.
            (
                pair(Factor::SsoSaml).and(email()),
                &["in a hijacked session identity_provider alone is enough to meet it, and also \
                 lets an attacker present sso/sso_saml"],
            ),
            (pair(Factor::MagicLinkEmail).and(email()).with_trust_model(&elsewhere), &[]),
            (pair(Factor::WebAuthn).and(email()), &[]),
            (pair(Factor::MagicLinkEmail).and(within(Factor::Totp, TEN)), &[]),
            // The passkey is the first factor, so the step-up does ask for a second one.
            (Policy::from(Factor::WebAuthn).and(within(Factor::OAuthGoogle, TEN)), &[]),
            (Policy::from(Factor::WebAuthn).and(within(Factor::Password, TEN)), &[]),
            // One of the two fresh proofs is the password.
            (within(Factor::Password, MINUTE).and(Factor::Totp).and(email()), &[&password]),
        ],
    );
}

#[test]
fn a_step_up_that_a_first_factor_alone_meets_is_found() {
    // The mailbox does not reset the password here.
    let by_sms = default()
        .presentable_only_by(Factor::Password, [Compromise::Password, Compromise::PhoneNumber]);
    let only = "the step-up asks for no second factor: mailbox or identity_provider alone meets it";
    let link = || within(Factor::MagicLinkEmail, TEN);
    check(
        |it| matches!(it, Finding::StepUpByFirstFactor { .. }),
        Severity::Remark,
        &[
            (link(), &[only]),
            (link().with_trust_model(&by_sms), &[only]),
            (within(Factor::Totp, TEN), &[]),
            (link().and(Factor::Totp), &[]),
            (Factor::MagicLinkEmail.into(), &[]),
        ],
    );
}

#[test]
fn a_step_up_that_a_recovery_code_alone_meets_is_found() {
    let enough = "a recovery code alone meets the step-up, but recovery codes are meant for a lost \
                  device";
    let second = |more| Policy::any_of([Factor::OtpSms, Factor::Totp, more]);
    let step_up = |policy| Policy::mfa().and(within(policy, TEN));
    let anyones = default().presentable_by_anyone(Factor::RecoveryCode);
    check(
        |it| *it == Finding::StepUpByRecoveryCode,
        Severity::Remark,
        &[
            (step_up(second(Factor::RecoveryCode)), &[enough]),
            (step_up(Factor::RecoveryCode.into()), &[enough]),
            (step_up(Policy::independent(1)), &[enough]),
            (step_up(second(Factor::WebAuthn)), &[]),
            (Policy::all_of([Factor::Password, Factor::RecoveryCode]), &[]),
            // The step-up demands another factor too.
            (step_up(Policy::all_of([Factor::Totp, Factor::RecoveryCode])), &[]),
            (Policy::mfa().within(TEN), &[]),
            // The step-up is then open to anyone, which is a worse finding.
            (step_up(Factor::RecoveryCode.into()).with_trust_model(&anyones), &[]),
        ],
    );
}

#[test]
fn a_policy_that_anyone_meets_is_found() {
    let anyone = "open to anyone: the trust model lets anyone present trusted_auth_token";
    check(
        |it| matches!(it, Finding::OpenToAnyone { .. }),
        Severity::Warning,
        &[
            (Factor::TrustedAuthToken.into(), &[anyone]),
            // The issuer's word beside it does not make it better.
            (Policy::acr("gold").or(Factor::TrustedAuthToken), &[anyone]),
            (Policy::acr("gold").and(Factor::TrustedAuthToken), &[]),
            (Policy::acr("gold"), &[]),
        ],
    );
}

#[test]
fn a_step_up_that_anyone_meets_is_found() {
    let anyone = "in a hijacked session it is open to anyone: the trust model lets anyone present \
                  trusted_auth_token";
    let step_up = |policy: Policy| Policy::mfa().and(within(policy, TEN));
    let own = default().presentable_only_by(Factor::TrustedAuthToken, [Compromise::Wallet]);
    check(
        |it| matches!(it, Finding::StepUpOpenToAnyone { .. }),
        Severity::Warning,
        &[
            (step_up(Factor::TrustedAuthToken.into()), &[anyone]),
            (step_up(Policy::any_of([Factor::Totp, Factor::TrustedAuthToken])), &[anyone]),
            // The issuer's word beside it does not make it better.
            (step_up(Policy::acr("gold").or(Factor::TrustedAuthToken)), &[anyone]),
            (step_up(Policy::acr("gold")), &[]),
            (step_up(Factor::TrustedAuthToken.into()).with_trust_model(&own), &[]),
            (step_up(Policy::all_of([Factor::Totp, Factor::TrustedAuthToken])), &[]),
            // The first policy has no step-up. The second is open to anyone without a session.
            (Policy::mfa().and(Factor::TrustedAuthToken), &[]),
            (within(Factor::TrustedAuthToken, TEN), &[]),
        ],
    );
}

#[test]
fn a_limit_on_any_factor_that_anyone_meets_is_found() {
    let by = |factor: &str| {
        format!(
            "a factor that anyone can present, such as {factor}, meets the `within` around \
             `session`"
        )
    };
    let (impersonated, unlisted) = (by("impersonated"), by("unlisted/factor_1"));
    let device = [Compromise::Device];
    let nobodys = Factor::LISTED.iter().cloned().fold(default(), |trust, factor| {
        match trust.presentable_by(&factor) {
            None => trust.presentable_only_by(factor, device),
            Some(_) => trust,
        }
    });
    let not_impersonated = default().presentable_only_by(Factor::Impersonated, device);
    let limited = || Policy::session().within(TEN);
    check(
        |it| matches!(it, Finding::SessionLimitMetByAnyone { .. }),
        Severity::Remark,
        &[
            (Policy::mfa().and(limited()), &[&impersonated]),
            (limited(), &[&impersonated]),
            (Policy::mfa().within(6 * TEN).and(limited()), &[&impersonated]),
            (Policy::mfa().and(limited()).with_trust_model(&nobodys), &[&unlisted]),
            (
                Policy::mfa().and(limited()).with_trust_model(&not_impersonated),
                &[&by("magic_link/embedded")],
            ),
            (Policy::mfa().and(Policy::independent(1).within(TEN)), &[]),
            (Policy::mfa().and(Policy::session()), &[]),
            (Policy::mfa().and(Policy::session_within(TEN)), &[]),
            // Another clause is as strict.
            (Policy::mfa().within(TEN).and(Policy::session().within(6 * TEN)), &[]),
        ],
    );
}

#[test]
fn an_alternative_that_any_session_meets_is_found() {
    let way = |clause: &str| {
        format!("any session can meet \"{clause}\", a way around the clauses beside it")
    };
    let (fresh, young) = (way("session within 10m"), way("session_within 10m"));
    let limited = || Policy::session().within(TEN);
    let begun = || Policy::session_within(TEN);
    check(
        |it| matches!(it, Finding::WayAround { .. }),
        Severity::Warning,
        &[
            (Policy::mfa().or(limited()), &[&fresh]),
            (Policy::mfa().or(begun()), &[&young]),
            (Policy::at_least(1, [limited(), Policy::phishing_resistant()]), &[&fresh]),
            (
                Policy::mfa().or(limited().and(begun())),
                &[&way("session within 10m and session_within 10m")],
            ),
            (
                Policy::from(Factor::Password).and(Policy::from(Factor::OtpSms).or(limited())),
                &[&fresh],
            ),
            (Policy::phishing_resistant().or(Policy::mfa()), &[]),
            (Policy::mfa().and(limited()), &[]),
            (limited().or(begun()), &[]),
            // A single factor does not meet the first. No alternative of the second is met by
            // every session.
            (Policy::mfa().and(within(Factor::Totp, TEN).or(begun())), &[]),
            (Policy::mfa().or(limited().and(Factor::Totp)), &[]),
        ],
    );
}

#[test]
fn an_alternative_that_nothing_can_meet_is_found() {
    let eight = "nothing can meet one of the alternatives: \"independent(8)\"";
    check(
        |it| matches!(it, Finding::UnmeetableClause { .. } | Finding::NeverSatisfiable),
        Severity::Warning,
        &[
            (Policy::mfa().or(Policy::independent(8)), &[eight]),
            (
                Policy::at_least(
                    2,
                    [Policy::mfa(), Factor::Totp.into(), Policy::independent(8).within(TEN)],
                ),
                &["nothing can meet one of the alternatives: \"independent(8) within 10m\""],
            ),
            (Policy::mfa().or(Policy::independent(4)), &[]),
            (Policy::mfa().and(Policy::independent(8)), &["nothing can meet it"]),
            (Policy::independent(8).or(Policy::independent(9)), &["nothing can meet it"]),
        ],
    );
}

#[test]
fn a_redundant_alternative_is_found() {
    let redundant = |clause: &str, other: &str| {
        format!(
            "an alternative is redundant: every session that meets \"{clause}\" also meets \
             \"{other}\""
        )
    };
    let totp = || Policy::from(Factor::Totp);
    let by_sms = default().presentable_also_by(Factor::Password, [Compromise::PhoneNumber]);
    let pair = || Policy::all_of([Factor::Password, Factor::OtpSms]);
    check(
        |it| matches!(it, Finding::RedundantClause { .. }),
        Severity::Remark,
        &[
            (Policy::mfa().or(Policy::mfa().and(totp())), &[&redundant("mfa and totp", "mfa")]),
            (totp().within(TEN).or(totp()), &[&redundant("totp within 10m", "totp")]),
            (totp().or(totp()), &[&redundant("totp", "totp")]),
            (
                Policy::phishing_resistant().or(Factor::WebAuthn),
                &[&redundant("webauthn", "phishing_resistant")],
            ),
            (
                Policy::at_least(1, [Policy::independent(3), Policy::mfa()]),
                &[&redundant("independent(3)", "mfa")],
            ),
            // Under the outer limit the two alternatives are the same.
            (
                totp().within(2 * TEN).or(totp().within(3 * TEN)).within(TEN),
                &[&redundant("totp within 30m", "totp within 20m")],
            ),
            (totp().and(Policy::session_within(TEN).or(Policy::session())).within(MINUTE), &[]),
            // The trust model decides whether the pair is independent.
            (pair().or(Policy::mfa()), &[&redundant("password and otp/sms", "mfa")]),
            (pair().or(Policy::mfa()).with_trust_model(&by_sms), &[]),
            (Policy::phishing_resistant().or(Policy::mfa()), &[]),
            (totp().or(Factor::OtpSms), &[]),
            (Policy::mfa().and(Policy::session()), &[]),
            (Policy::at_least(2, [totp(), totp().within(TEN), Policy::mfa()]), &[]),
        ],
    );
}

#[test]
fn a_limit_that_is_too_short_for_a_person_is_found() {
    let short = |limit: &str| {
        format!("a limit of {limit} is too short for a person to prove a factor and return")
    };
    let seconds = Duration::from_secs;
    check(
        |it| matches!(it, Finding::ShortLimit { .. }),
        Severity::Warning,
        &[
            (within(Factor::Totp, seconds(29)), &[&short("29s")]),
            (within(Factor::Totp, Duration::from_nanos(1)), &[&short("0.000000001s")]),
            (Policy::mfa().and(Policy::session_within(seconds(5))), &[&short("5s")]),
            (
                within(Factor::Totp, seconds(20)).or(within(Factor::OtpSms, seconds(10))),
                &[&short("10s")],
            ),
            (within(Factor::Totp, seconds(10)).within(TEN), &[&short("10s")]),
            (within(Factor::Totp, seconds(30)), &[]),
            // `ZeroLimit` is the finding for zero.
            (within(Factor::Totp, Duration::ZERO), &[]),
            (within(within(Factor::Totp, seconds(10)), Duration::ZERO), &[]),
        ],
    );
}

#[test]
fn a_policy_that_needs_a_code_sent_to_the_phone_number_is_found() {
    let only = |codes: &str| {
        format!("it cannot be met without {codes}, a code that arrives at the phone number")
    };
    let sms = "it cannot be met without otp/sms, which NIST SP 800-63B-4 restricts";
    let (whatsapp, either) = (only("otp/whatsapp"), only("otp/sms or otp/whatsapp"));
    let any = only("otp/sms or otp/whatsapp or otp/call");
    let codes = || Policy::any_of([Factor::OtpSms, Factor::OtpWhatsapp]);
    let with_password = |more: Policy| Policy::from(Factor::Password).and(more);
    let on_device = default().presentable_only_by(Factor::OtpWhatsapp, [Compromise::Device]);
    let anyones = default().presentable_by_anyone(Factor::OtpWhatsapp);
    check(
        |it| matches!(it, Finding::OnlySms | Finding::OnlyPhoneNumber { .. }),
        Severity::Remark,
        &[
            (with_password(codes()), &[&either]),
            (with_password(codes()).with_trust_model(&default().unlocked_handset()), &[&either]),
            (with_password(Factor::OtpWhatsapp.into()), &[&whatsapp]),
            (with_password(Factor::OtpSms.into()), &[sms]),
            (Policy::all_of([Factor::OtpSms, Factor::OtpWhatsapp]), &[sms]),
            (Policy::independent(4), &[&any]),
            (with_password(codes().or(Factor::Totp)), &[]),
            (with_password(codes()).with_trust_model(&on_device), &[]),
            (with_password(codes()).with_trust_model(&anyones), &[]),
            (Policy::mfa(), &[]),
            (Policy::independent(8), &[]),
        ],
    );
}

#[test]
fn clauses_that_one_factor_meets_are_found() {
    let overlap = |factor: &str, meets: usize, needed: usize| {
        format!("clauses overlap: {factor} alone meets {meets} of them, and {needed} have to hold")
    };
    let two_of_three = overlap("totp", 2, 3);
    let password = || Policy::from(Factor::Password);
    let (left, right) = (
        || Policy::any_of([Factor::OtpSms, Factor::Totp]),
        || Policy::any_of([Factor::Totp, Factor::WebAuthn]),
    );
    check(
        |it| matches!(it, Finding::OverlappingClauses { .. }),
        Severity::Warning,
        &[
            (password().and(left()).and(right()), &[&two_of_three]),
            (password().and(left()).and(right()).within(TEN), &[&two_of_three]),
            (password().and(left()).and(right().within(TEN)), &[&two_of_three]),
            (
                password().and(left()).and(right()).and(Policy::session_within(TEN)),
                &[&two_of_three],
            ),
            (Policy::mfa().and(left()).and(right()), &[&two_of_three]),
            (left().and(right()), &[&overlap("totp", 2, 2)]),
            (password().and(left()).and(Factor::WebAuthn), &[]),
            (password().and(left()).and(Policy::mfa()), &[]),
            // The limited clause asks for a fresher proof of a factor that is demanded anyway.
            (password().and(Factor::Totp).and(left().within(TEN)), &[]),
            (password().and(left()).and(within(Factor::Totp, TEN)), &[]),
            (Policy::mfa().and(left().within(6 * TEN)).and(left().within(TEN)), &[]),
        ],
    );
}
