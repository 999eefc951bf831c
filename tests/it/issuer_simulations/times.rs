//! Issuers that state a time for each method.

use std::collections::BTreeMap;

use serde_json::json;
use tower_step_up::Factor;
use tower_step_up::issuers;

use super::{Law, Script, Story, date, time};
use crate::issuer_profiles as profiles;

/// Simulates a Supabase project. It keeps one row for each name, so the latest `otp` hides an earlier
/// one over another channel. A hook may write the names without their times.
fn supabase(script: &Script) -> Story {
    let methods: [(&str, &[&str], &str); 6] = [
        ("password", &["password"], "aal1"),
        ("otp", &["otp/sms", "otp/whatsapp", "otp/email"], "aal1"),
        ("passkey", &["webauthn"], "aal1"),
        ("totp", &["totp"], "aal2"),
        ("mfa/phone", &["otp/sms", "otp/whatsapp"], "aal2"),
        ("token_refresh", &[], "aal1"),
    ];
    let (mut story, mut rows, mut aal) = (Story::default(), BTreeMap::new(), "aal1");
    for (place, step) in script.steps.iter().enumerate() {
        // A session begins with a first factor.
        let (name, kinds, level) = methods[step.choice.index(if place == 0 { 3 } else { 6 })];
        rows.insert(name, step.at);
        if !kinds.is_empty() {
            let kind = kinds[step.other.index(kinds.len())];
            story.earned([kind, &*format!("amr:{name}"), &*format!("acr:{level}")], step.at);
            aal = aal.max(level);
        }
    }
    let entry = |(name, at): (&&str, &i64)| match script.setting.index(4) {
        0 => json!(name),
        _ => json!({"method": name, "timestamp": time(*at)}),
    };
    let amr: Vec<_> = rows.iter().map(entry).collect();
    story.claims = json!({"iat": time(script.minted), "amr": amr, "aal": aal});
    story
}

#[test]
fn a_supabase_token_is_granted_no_more_than_was_earned() {
    let kinds = "password otp/sms otp/email webauthn totp acr:aal1 acr:aal2 amr:otp";
    let law = Law { story: supabase, kinds };
    let project = issuers::supabase("https://ref.supabase.co");
    law.holds(project.clone());
    law.fails(project.narrow("otp", [Factor::OtpSms]));
}

/// Simulates a Clerk application. A slot keeps its latest verification, in minutes that are rounded
/// down, up or to the nearest. `iat` may be later than the time at which the claims were assembled.
fn clerk(script: &Script) -> Story {
    let slots: [(&str, &[&str]); 2] = [
        ("amr:first_factor", &["password", "otp/sms"]),
        ("amr:second_factor", &["otp/sms", "totp", "recovery_codes"]),
    ];
    let mut story = Story::default();
    for (place, step) in script.steps.iter().enumerate() {
        let (slot, kinds) = slots[if place == 0 { 0 } else { step.choice.index(2) }];
        story.earned([kinds[step.other.index(kinds.len())], slot], step.at);
    }
    let assembled = script.steps.last().filter(|it| it.special).map_or(script.minted, |it| it.at);
    let minutes = |age: i64| (age + script.setting.get(&[0, 30, 59])) / 60;
    let fva = slots.map(|(slot, _)| story.last(slot).map_or(-1, |at| minutes(assembled - at)));
    // The header says when the claims were assembled, if that was before `iat`.
    let oiat = (assembled < script.minted).then(|| time(assembled));
    story.claims = json!({"iat": time(script.minted), "fva": fva, "oiat": oiat});
    story
}

#[test]
fn a_clerk_token_is_granted_no_more_than_was_earned() {
    let kinds = "password otp/sms totp recovery_codes amr:first_factor amr:second_factor";
    let law = Law { story: clerk, kinds };
    let application = issuers::clerk("https://clerk.example", ["https://app.example"])
        .amr("first_factor", [Factor::Password, Factor::OtpSms]);
    law.holds(application.clone());
    law.fails(application.narrow("second_factor", [Factor::Totp]));
}

/// Simulates Ory Kratos. It appends each success with its time, rounded down, and states the second
/// level after a method that the user cannot sign in with.
fn kratos(script: &Script) -> Story {
    let methods: [(&str, &[&str], &str); 10] = [
        ("password", &["password"], "aal1"),
        ("oidc", &["federated"], "aal1"),
        ("saml", &["sso/sso_saml"], "aal1"),
        ("code", &["otp/email", "otp/sms"], "aal1"),
        ("passkey", &["webauthn"], "aal1"),
        ("code_recovery", &["otp/email", "otp/sms"], "aal1"),
        ("link_recovery", &["magic_link/email"], "aal1"),
        ("totp", &["totp"], "aal2"),
        ("lookup_secret", &["recovery_codes"], "aal2"),
        ("webauthn", &["webauthn"], "aal2"),
    ];
    let (mut story, mut entries, mut aal) = (Story::default(), Vec::new(), "aal1");
    for (place, step) in script.steps.iter().enumerate() {
        // A session begins with a first factor.
        let (name, kinds, level) = methods[step.choice.index(if place == 0 { 7 } else { 10 })];
        story.earned([kinds[step.other.index(kinds.len())], "acr:aal1"], step.at);
        story.named([name], step.at);
        aal = aal.max(level);
        if aal == "aal2" {
            story.earned(["acr:aal2"], step.at);
        }
        // Another mapper copies the names alone.
        entries.push(match script.setting.index(4) {
            1 => json!(name),
            _ => json!({"method": name, "aal": level, "completed_at": date(step.at)}),
        });
    }
    // The operator's mapper copies the start of the session or not.
    story.started = script.steps.first().filter(|_| script.setting.index(2) == 0).map(|it| it.at);
    story.claims = json!({
        "iat": time(script.minted), "aal": aal, "authentication_methods": entries,
        "issued_at": story.started.map(date),
    });
    story
}

#[test]
fn a_kratos_token_is_granted_no_more_than_was_earned() {
    let kinds = "password otp/sms otp/email magic_link/email webauthn totp recovery_codes federated \
                 sso/sso_saml acr:aal1 acr:aal2 amr:code amr:totp";
    let law = Law { story: kratos, kinds };
    law.holds(profiles::kratos());
    law.fails(profiles::kratos().narrow("code", [Factor::OtpSms]));
    law.fails(profiles::kratos().acr("aal2", [[Factor::Totp]]));
}
