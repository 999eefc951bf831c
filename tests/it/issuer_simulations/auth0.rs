//! Auth0, whose ID tokens lose `amr` and whose access tokens have what an Action copies.

use std::collections::BTreeMap;

use serde_json::json;
use tower_step_up::Factor;

use super::{Law, Script, Story, date, time};
use crate::issuer_profiles as profiles;

const PAPE: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";
const CLAIM: &str = "https://app.example/methods";

/// The names of the methods, and what each proves.
const FIRST: [(&str, &[&str]); 7] = [
    ("pwd", &["password"]),
    ("passkey", &["webauthn"]),
    ("webauthn-platform", &["webauthn"]),
    ("federated", &["federated"]),
    ("email", &["otp/email"]),
    ("email", &["magic_link/email"]),
    ("sms", &["otp/sms"]),
];
/// The second factors, with the type that the Action appends.
const SECOND: [(&str, &[&str]); 9] = [
    ("mfa/otp", &["totp"]),
    ("mfa/phone", &["otp/sms"]),
    ("mfa/phone", &["otp/call"]),
    ("mfa/push-notification", &["device_key"]),
    ("mfa/push-notification", &["totp"]),
    ("mfa/webauthn-platform", &["webauthn"]),
    ("mfa/webauthn-roaming", &["webauthn"]),
    ("mfa/email", &["otp/email"]),
    ("mfa/recovery-code", &["recovery_codes"]),
];

/// Returns the truth, the methods with the latest time of each, and the time of the last sign-in.
/// A browser that is remembered is not asked for MFA again.
fn sign_ins(script: &Script) -> (Story, BTreeMap<&'static str, i64>, i64) {
    let (mut story, mut methods, mut auth_time) = (Story::default(), BTreeMap::new(), 0);
    let mut used = |story: &mut Story, (name, kinds): (&'static str, &[&'static str]), at| {
        story.earned(kinds.iter().copied(), at);
        story.named([name], at);
        methods.insert(name, at);
    };
    for step in &script.steps {
        used(&mut story, *step.choice.get(&FIRST), step.at);
        auth_time = step.at;
        let is_remembered = story.last("amr:mfa").is_some() && step.other.index(2) == 0;
        if step.special && !is_remembered {
            used(&mut story, *step.other.get(&SECOND), step.at);
            used(&mut story, ("mfa", &[]), step.at);
            story.earned([&*format!("acr:{PAPE}")], step.at);
        }
    }
    (story, methods, auth_time)
}

/// A token has `amr`, and `acr` if the client has asked for it, unless it was refreshed.
fn id_token(script: &Script) -> Story {
    let (mut story, methods, auth_time) = sign_ins(script);
    let (iat, auth_time) = (time(script.minted), time(auth_time));
    story.claims = json!({"iat": iat, "auth_time": auth_time});
    let is_refreshed =
        script.minted > script.steps.last().unwrap().at && script.setting.index(2) == 0;
    if methods.contains_key("mfa") && !is_refreshed {
        story.claims["amr"] = json!(["mfa"]);
        story.claims["acr"] = if script.setting.index(3) > 0 { json!(PAPE) } else { json!(null) };
    }
    story
}

/// An Action copies each method with its time, or without.
fn access_token(script: &Script) -> Story {
    let (mut story, methods, _) = sign_ins(script);
    let entries = methods.iter().map(|(name, at)| match script.setting.index(4) {
        0 => json!({"name": name}),
        _ => json!({"name": name, "timestamp": date(*at)}),
    });
    let entries: Vec<_> = entries.collect();
    // The preset does not read these two.
    story.claims =
        json!({"iat": time(script.minted), CLAIM: entries, "auth_time": time(0), "acr": PAPE});
    story
}

const KINDS: &str = "password otp/sms otp/call otp/email totp webauthn device_key federated recovery_codes amr:mfa \
                     amr:pwd acr:http://schemas.openid.net/pape/policies/2007/06/multi-factor";

#[test]
fn an_auth0_id_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: id_token, kinds: KINDS };
    law.holds(profiles::auth0_id());
    law.fails(profiles::auth0_id().auth_time_covers_all());
    law.fails(profiles::auth0_id().amr("mfa", [Factor::Totp]));
}

#[test]
fn an_auth0_access_token_is_granted_no_more_than_was_earned() {
    let law = Law { story: access_token, kinds: KINDS };
    law.holds(profiles::auth0_with_methods(CLAIM));
    law.fails(profiles::auth0_with_methods(CLAIM).amr("mfa", [Factor::Totp]));
    law.fails(profiles::auth0_with_methods(CLAIM).narrow("mfa/phone", [Factor::OtpSms]));
    law.fails(profiles::auth0_with_methods(CLAIM).narrow("email", [Factor::OtpEmail]));
    law.fails(
        profiles::auth0_with_methods(CLAIM).narrow("mfa/push-notification", [Factor::DeviceKey]),
    );
}
